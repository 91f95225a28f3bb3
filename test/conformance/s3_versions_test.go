package conformance

// Cases of S3: versions and multipart uploads.

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const fiveMiB = 5 << 20

// upload is a multipart upload of the key "k".
type upload struct {
	bucket
	id    *string
	parts []s3types.CompletedPart
}

func (b bucket) upload() *upload {
	out, err := b.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: b.name, Key: aws.String("k")})
	b.t.ok(err)
	return &upload{b, out.UploadId, nil}
}

func (u *upload) part(number int32, body string) {
	out, err := u.UploadPart(context.Background(), &s3.UploadPartInput{Bucket: u.name, Key: aws.String("k"), UploadId: u.id, PartNumber: &number, Body: strings.NewReader(body)})
	u.t.ok(err)
	u.parts = append(u.parts, s3types.CompletedPart{ETag: out.ETag, PartNumber: &number})
}

func (u *upload) complete() (*s3.CompleteMultipartUploadOutput, error) {
	return u.CompleteMultipartUpload(context.Background(), &s3.CompleteMultipartUploadInput{
		Bucket: u.name, Key: aws.String("k"), UploadId: u.id, MultipartUpload: &s3types.CompletedMultipartUpload{Parts: u.parts},
	})
}

func (b bucket) removeVersion(key string, version *string) *s3.DeleteObjectOutput {
	out, err := b.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: b.name, Key: &key, VersionId: version})
	b.t.ok(err)
	return out
}

var _ = add("s3",
	Case{Name: "without versioning there is no version id", Doc: "Using versioning in S3 buckets", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		t.equal("the version", b.stored("k", "x").VersionId, (*string)(nil))
		t.equal("the version read", b.reads("k", "x").VersionId, (*string)(nil))
	}},
	Case{Name: "a bucket tells whether it keeps versions", Doc: "GetBucketVersioning", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		out, err := b.GetBucketVersioning(context.Background(), &s3.GetBucketVersioningInput{Bucket: b.name})
		t.ok(err)
		t.equal("the status", out.Status, s3types.BucketVersioningStatusEnabled)
	}},
	Case{Name: "suspended versioning replaces the version null alone", Doc: "Adding objects to versioning-suspended buckets", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		first := b.stored("k", "first")
		_, err := b.PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
			Bucket: b.name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
		})
		t.ok(err)
		b.stored("k", "second")
		b.stored("k", "third")
		b.reads("k", "third", func(in *s3.GetObjectInput) { in.VersionId = aws.String("null") })
		b.reads("k", "first", func(in *s3.GetObjectInput) { in.VersionId = first.VersionId })
		out, err := b.ListObjectVersions(context.Background(), &s3.ListObjectVersionsInput{Bucket: b.name})
		t.ok(err)
		t.equal("how many versions", len(out.Versions), 2)
	}},
	Case{Name: "each version is read by its id", Doc: "Retrieving object versions from a versioning-enabled bucket", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		first, second := b.stored("k", "first"), b.stored("k", "second")
		b.reads("k", "second")
		got := b.reads("k", "first", func(in *s3.GetObjectInput) { in.VersionId = first.VersionId })
		t.equal("the version", *got.VersionId, *first.VersionId)
		b.reads("k", "second", func(in *s3.GetObjectInput) { in.VersionId = second.VersionId })
	}},
	Case{Name: "a delete puts a marker on top, and the versions stay", Doc: "Deleting object versions from a versioning-enabled bucket", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		put := b.stored("k", "x")
		marker := b.removeVersion("k", nil)
		t.equal("a marker", aws.ToBool(marker.DeleteMarker), true)
		_, err := b.get("k")
		t.refused(err, "NoSuchKey")
		b.reads("k", "x", func(in *s3.GetObjectInput) { in.VersionId = put.VersionId })
		_, err = b.get("k", func(in *s3.GetObjectInput) { in.VersionId = marker.VersionId })
		t.refused(err, "MethodNotAllowed")
	}},
	Case{Name: "a marker that is deleted brings the object back", Doc: "Managing delete markers", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		b.stored("k", "x")
		b.removeVersion("k", b.removeVersion("k", nil).VersionId)
		b.reads("k", "x")
	}},
	Case{Name: "a version that is deleted is gone for good", Doc: "Deleting object versions from a versioning-enabled bucket", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		first, second := b.stored("k", "first"), b.stored("k", "second")
		b.removeVersion("k", second.VersionId)
		b.reads("k", "first")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.VersionId = second.VersionId })
		t.refused(err, "NoSuchVersion")
		b.removeVersion("k", first.VersionId)
		_, err = b.get("k")
		t.refused(err, "NoSuchKey")
	}},
	Case{Name: "what was there before versioning has the version null", Doc: "Working with objects in a versioning-enabled bucket", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "before")
		_, err := b.PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
			Bucket: b.name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
		})
		t.ok(err)
		b.stored("k", "after")
		b.reads("k", "before", func(in *s3.GetObjectInput) { in.VersionId = aws.String("null") })
	}},
	Case{Name: "a version id that cannot be is refused", Doc: "Error responses", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		b.stored("k", "x")
		_, err := b.get("k", func(in *s3.GetObjectInput) { in.VersionId = aws.String("not a version") })
		t.refused(err, "InvalidArgument", "Invalid version id specified")
	}},
	Case{Name: "all versions and markers are listed, newest first", Doc: "ListObjectVersions", Run: func(t *T, e *Env) {
		b := versioned(t, e)
		first, second := b.stored("k", "1"), b.stored("k", "22")
		marker := b.removeVersion("k", nil)
		out, err := b.ListObjectVersions(context.Background(), &s3.ListObjectVersionsInput{Bucket: b.name})
		t.ok(err)
		var got []string
		for _, v := range out.Versions {
			got = append(got, fmt.Sprint(*v.VersionId, aws.ToBool(v.IsLatest), *v.Size))
		}
		t.equal("the versions", got, []string{fmt.Sprint(*second.VersionId, false, 2), fmt.Sprint(*first.VersionId, false, 1)})
		t.equal("markers", len(out.DeleteMarkers), 1)
		t.equal("the marker", *out.DeleteMarkers[0].VersionId, *marker.VersionId)
	}},

	Case{Name: "the parts of an upload become one object", Doc: "Uploading and copying objects using multipart upload in Amazon S3", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		u := b.upload()
		u.part(1, strings.Repeat("a", fiveMiB))
		u.part(7, "the end")
		_, err := b.get("k")
		t.refused(err, "NoSuchKey")
		out, err := u.complete()
		t.ok(err)
		t.equal("the ETag ends in the number of parts", strings.HasSuffix(strings.Trim(*out.ETag, `"`), "-2"), true)
		b.reads("k", "the end", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=-7") })
	}},
	Case{Name: "the ETag of an upload is the MD5 of its parts' MD5s", Doc: "Checking object integrity for data uploads in Amazon S3", Run: func(t *T, e *Env) {
		u := newBucket(t, e).upload()
		u.part(1, "hello")
		out, err := u.complete()
		t.ok(err)
		t.equal("the ETag", strings.Trim(*out.ETag, `"`), "62109206880d38a4010a98e11243924a-1")
	}},
	Case{Name: "a part sent again takes the first one's place", Doc: "UploadPart", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		u := b.upload()
		u.part(1, "first")
		u.parts = nil
		u.part(1, "second")
		_, err := u.complete()
		t.ok(err)
		b.reads("k", "second")
	}},
	Case{Name: "a part that is too small is refused", Doc: "CompleteMultipartUpload", Run: func(t *T, e *Env) {
		u := newBucket(t, e).upload()
		u.part(1, "small")
		u.part(2, "end")
		_, err := u.complete()
		t.refused(err, "EntityTooSmall")
	}},
	Case{Name: "a part that is not there is refused", Doc: "CompleteMultipartUpload", Run: func(t *T, e *Env) {
		u := newBucket(t, e).upload()
		u.part(1, "x")
		u.parts[0].ETag = aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`)
		_, err := u.complete()
		t.refused(err, "InvalidPart")
	}},
	Case{Name: "parts out of order are refused", Doc: "CompleteMultipartUpload", Run: func(t *T, e *Env) {
		u := newBucket(t, e).upload()
		u.part(2, strings.Repeat("a", fiveMiB))
		u.part(1, "x")
		_, err := u.complete()
		t.refused(err, "InvalidPartOrder")
	}},
	Case{Name: "an upload that was aborted is gone", Doc: "AbortMultipartUpload", Run: func(t *T, e *Env) {
		u := newBucket(t, e).upload()
		u.part(1, "x")
		_, err := u.AbortMultipartUpload(context.Background(), &s3.AbortMultipartUploadInput{Bucket: u.name, Key: aws.String("k"), UploadId: u.id})
		t.ok(err)
		_, err = u.complete()
		t.refused(err, "NoSuchUpload")
	}},
	Case{Name: "the parts of an upload are listed", Doc: "ListParts", Run: func(t *T, e *Env) {
		u := newBucket(t, e).upload()
		u.part(1, "12345")
		u.part(3, "x")
		out, err := u.ListParts(context.Background(), &s3.ListPartsInput{Bucket: u.name, Key: aws.String("k"), UploadId: u.id})
		t.ok(err)
		var got []string
		for _, p := range out.Parts {
			got = append(got, fmt.Sprint(*p.PartNumber, *p.Size))
		}
		t.equal("the parts", got, []string{"1 5", "3 1"})
	}},
)
