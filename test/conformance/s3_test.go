package conformance

// Cases of S3: objects, conditions, ranges. s3_buckets_test.go has listings and buckets, s3_versions_test.go versions and
// multipart uploads, events_test.go notifications.

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// status is the HTTP status of an error.
func status(err error) int {
	var r interface{ HTTPStatusCode() int }
	if errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

var _ = add("s3",
	Case{Name: "PutObject stores an object that GetObject returns", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		out := b.stored("berlin.csv", "store,item,count\n")
		t.equal("the ETag", *out.ETag, `"03964a693afac21369b9685b83b859c3"`)
		got := b.reads("berlin.csv", "store,item,count\n")
		t.equal("the ETag read", *got.ETag, *out.ETag)
		t.equal("the length", *got.ContentLength, int64(17))
	}},
	Case{Name: "PutObject replaces an object whole", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "a longer first body")
		b.stored("k", "second")
		b.reads("k", "second")
	}},
	Case{Name: "an object may be empty", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		out := b.stored("k", "")
		t.equal("the ETag", *out.ETag, `"d41d8cd98f00b204e9800998ecf8427e"`)
		b.reads("k", "")
	}},
	Case{Name: "content type and metadata are kept", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "x", func(in *s3.PutObjectInput) {
			in.ContentType, in.ContentEncoding, in.Metadata = aws.String("text/csv"), aws.String("gzip"), map[string]string{"origin": "till-7"}
		})
		got := b.reads("k", "x")
		t.equal("Content-Type", aws.ToString(got.ContentType), "text/csv")
		t.equal("Content-Encoding", aws.ToString(got.ContentEncoding), "gzip")
		t.equal("the metadata", got.Metadata, map[string]string{"origin": "till-7"})
	}},
	Case{Name: "the default content type is binary/octet-stream", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		// Not by the SDK, which names a type for each body.
		r, err := http.NewRequest(http.MethodPut, *e.Config.BaseEndpoint+"/"+*b.name+"/bare", strings.NewReader("x"))
		t.ok(err)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=case/20261122/us-east-1/s3/aws4_request")
		res, err := http.DefaultClient.Do(r)
		t.ok(err)
		_ = res.Body.Close()
		t.equal("Content-Type", aws.ToString(b.reads("bare", "x").ContentType), "binary/octet-stream")
	}},
	Case{Name: "keys of every kind lead back to their object", Doc: "Naming Amazon S3 objects", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		keys := []string{"a b.csv", "a+b.csv", "%2B%20.csv", "Zürich/ä.csv", "x=1/y.csv", "a//b", "a&b?c#d", "it's (1)!*~.csv", "日本/店.csv"}
		for _, key := range keys {
			b.stored(key, "body of "+key)
		}
		for _, key := range keys {
			b.reads(key, "body of "+key)
		}
		t.equal("the keys listed", b.listed(s3.ListObjectsV2Input{}), sorted(keys))
	}},
	Case{Name: "a key of 1024 bytes is taken, of 1025 refused", Doc: "Naming Amazon S3 objects", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored(strings.Repeat("k", 1024), "x")
		_, err := b.put(strings.Repeat("k", 1025), "x")
		t.refused(err, "KeyTooLongError")
	}},
	Case{Name: "a wrong Content-MD5 is refused", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		_, err := b.put("k", "x", func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("1B2M2Y8AsgTpgAmY7PhCfg==") })
		t.refused(err, "BadDigest")
		_, err = b.get("k")
		t.refused(err, "NoSuchKey")
	}},
	Case{Name: "a wrong checksum is refused", Doc: "Checking object integrity for data uploads in Amazon S3", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		_, err := b.put("k", "x", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") })
		t.refused(err, "BadDigest", "CRC32")
	}},
	Case{Name: "the checksum of an upload is returned on demand", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "hello", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("NhCmhg==") })
		got := b.reads("k", "hello", func(in *s3.GetObjectInput) { in.ChecksumMode = s3types.ChecksumModeEnabled })
		t.equal("the checksum", aws.ToString(got.ChecksumCRC32), "NhCmhg==")
	}},
	Case{Name: "GetObject of a key that is not there", Doc: "Error responses", Run: func(t *T, e *Env) {
		_, err := newBucket(t, e).get("nothing")
		t.refused(err, "NoSuchKey", "The specified key does not exist.")
		t.equal("the status", status(err), 404)
	}},
	Case{Name: "GetObject from a bucket that is not there", Doc: "Error responses", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.name = aws.String("no-such-bucket")
		_, err := b.get("k")
		t.refused(err, "NoSuchBucket", "The specified bucket does not exist")
		t.equal("the status", status(err), 404)
	}},
	Case{Name: "PutObject into a bucket that is not there", Doc: "Error responses", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.name = aws.String("no-such-bucket")
		_, err := b.put("k", "x")
		t.refused(err, "NoSuchBucket")
	}},
	Case{Name: "HeadObject tells size and ETag, and 404 without a body", Doc: "HeadObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("k", "12345")
		out, err := b.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: b.name, Key: aws.String("k")})
		t.ok(err)
		t.equal("the size", *out.ContentLength, int64(5))
		t.equal("the ETag", *out.ETag, *put.ETag)
		_, err = b.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: b.name, Key: aws.String("nothing")})
		t.refused(err, "NotFound")
	}},
	Case{Name: "HeadBucket tells whether there is a bucket", Doc: "HeadBucket", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		_, err := b.HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: b.name})
		t.ok(err)
		_, err = b.HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: aws.String("no-such-bucket")})
		t.equal("the status", status(err), 404)
	}},
	Case{Name: "If-Match reads the version that is meant", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("k", "first")
		match := func(in *s3.GetObjectInput) { in.IfMatch = put.ETag }
		b.reads("k", "first", match)
		b.stored("k", "second")
		_, err := b.get("k", match)
		t.refused(err, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		t.equal("the status", status(err), 412)
	}},
	Case{Name: "If-Match on a key that is gone is 404, not 412", Doc: "GetObject", Run: func(t *T, e *Env) {
		_, err := newBucket(t, e).get("k", func(in *s3.GetObjectInput) { in.IfMatch = aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`) })
		t.refused(err, "NoSuchKey")
	}},
	Case{Name: "If-None-Match answers 304 for the version that is had", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("k", "first")
		none := func(in *s3.GetObjectInput) { in.IfNoneMatch = put.ETag }
		_, err := b.get("k", none)
		t.equal("the status", status(err), 304)
		b.stored("k", "second")
		b.reads("k", "second", none)
	}},
	Case{Name: "If-Modified-Since answers 304 for what is older", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		for ms := time.Now().Nanosecond() / 1e6; ms < 10 || ms > 900; ms = time.Now().Nanosecond() / 1e6 {
			time.Sleep(10 * time.Millisecond) // the header has whole seconds: the object's fraction of one is what this is about
		}
		b.stored("k", "x")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.IfModifiedSince = aws.Time(time.Now().Add(-time.Second)) })
		t.ok(err)
		got := b.reads("k", "x")
		_, err = b.get("k", func(in *s3.GetObjectInput) { in.IfModifiedSince = got.LastModified })
		t.equal("the status", status(err), 304)
	}},
	Case{Name: "If-Unmodified-Since answers 412 for what is newer", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "x")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.IfUnmodifiedSince = aws.Time(time.Now().Add(-time.Hour)) })
		t.refused(err, "PreconditionFailed")
	}},
	Case{Name: "If-Match that holds outweighs If-Unmodified-Since", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("k", "x")
		b.reads("k", "x", func(in *s3.GetObjectInput) {
			in.IfMatch, in.IfUnmodifiedSince = put.ETag, aws.Time(time.Now().Add(-time.Hour))
		})
	}},
	Case{Name: "PutObject with If-None-Match: * does not replace", Doc: "How to prevent object overwrites with conditional writes", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		none := func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
		b.stored("k", "first", none)
		_, err := b.put("k", "second", none)
		t.refused(err, "PreconditionFailed")
		b.reads("k", "first")
	}},
	Case{Name: "PutObject with If-Match replaces only what is meant", Doc: "How to prevent object overwrites with conditional writes", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("k", "first")
		match := func(in *s3.PutObjectInput) { in.IfMatch = put.ETag }
		b.stored("k", "second", match)
		_, err := b.put("k", "third", match)
		t.refused(err, "PreconditionFailed")
		_, err = b.put("other", "x", match)
		t.refused(err, "NoSuchKey")
	}},
	Case{Name: "a range from the middle", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "0123456789")
		got := b.reads("k", "234", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=2-4") })
		t.equal("Content-Range", aws.ToString(got.ContentRange), "bytes 2-4/10")
		t.equal("the length", *got.ContentLength, int64(3))
	}},
	Case{Name: "a range to the end resumes a read", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("k", "0123456789")
		b.reads("k", "6789", func(in *s3.GetObjectInput) { in.Range, in.IfMatch = aws.String("bytes=6-"), put.ETag })
		b.stored("k", "abcdefghij")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.Range, in.IfMatch = aws.String("bytes=6-"), put.ETag })
		t.refused(err, "PreconditionFailed")
	}},
	Case{Name: "a range of the last bytes", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "0123456789")
		b.reads("k", "789", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=-3") })
	}},
	Case{Name: "a range that ends behind the object ends with it", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "0123456789")
		got := b.reads("k", "89", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=8-99") })
		t.equal("Content-Range", aws.ToString(got.ContentRange), "bytes 8-9/10")
	}},
	Case{Name: "a range that begins behind the object is refused", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "0123456789")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=10-") })
		t.refused(err, "InvalidRange", "The requested range is not satisfiable")
		t.equal("the status", status(err), 416)
	}},
	Case{Name: "DeleteObject removes, and removes again", Doc: "DeleteObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "x")
		for range 2 {
			_, err := b.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: b.name, Key: aws.String("k")})
			t.ok(err)
		}
		_, err := b.get("k")
		t.refused(err, "NoSuchKey")
	}},
	Case{Name: "DeleteObjects removes many", Doc: "DeleteObjects", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("a", "x")
		b.stored("b&c", "x")
		out, err := b.DeleteObjects(context.Background(), &s3.DeleteObjectsInput{Bucket: b.name, Delete: &s3types.Delete{
			Objects: []s3types.ObjectIdentifier{{Key: aws.String("a")}, {Key: aws.String("b&c")}, {Key: aws.String("never was")}},
		}})
		t.ok(err)
		t.equal("how many were deleted", len(out.Deleted), 3)
		t.equal("how many are left", len(b.listed(s3.ListObjectsV2Input{})), 0)
	}},
	Case{Name: "CopyObject copies body and metadata", Doc: "CopyObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		put := b.stored("a b", "x", func(in *s3.PutObjectInput) { in.Metadata = map[string]string{"origin": "till-7"} })
		out, err := b.CopyObject(context.Background(), &s3.CopyObjectInput{Bucket: b.name, Key: aws.String("copy"), CopySource: aws.String(*b.name + "/a%20b")})
		t.ok(err)
		t.equal("the ETag", *out.CopyObjectResult.ETag, *put.ETag)
		t.equal("the metadata", b.reads("copy", "x").Metadata, map[string]string{"origin": "till-7"})
	}},
	Case{Name: "a range of an empty object is refused", Doc: "GetObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=0-") })
		t.refused(err, "InvalidRange")
	}},
	Case{Name: "a header or a parameter that the sandbox lacks is refused by name", Doc: "PutObject", Sandbox: true, Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		_, err := b.put("k", "x", func(in *s3.PutObjectInput) { in.StorageClass = s3types.StorageClassGlacier })
		t.refused(err, "NotImplemented", "the header X-Amz-Storage-Class of PutObject")
		_, err = b.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: b.name, FetchOwner: aws.Bool(true)})
		t.refused(err, "NotImplemented", "the parameter fetch-owner of ListObjectsV2")
	}},
	Case{Name: "a large object comes back byte for byte", Doc: "PutObject", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		body := strings.Repeat("store,item,1\n", 700_000) // 9 MB
		b.stored("k", body)
		out, err := b.get("k")
		t.ok(err)
		defer func() { _ = out.Body.Close() }()
		got, err := io.ReadAll(out.Body)
		t.ok(err)
		t.equal("the same", string(got) == body, true)
	}},
)
