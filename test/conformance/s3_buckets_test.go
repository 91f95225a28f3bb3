package conformance

// Cases of S3: listings and buckets.

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// listed are the keys and common prefixes of all pages of a listing, sorted.
func (b bucket) listed(in s3.ListObjectsV2Input) []string {
	in.Bucket = b.name
	var all []string
	for pages := s3.NewListObjectsV2Paginator(b, &in); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		b.t.ok(err)
		for _, o := range page.Contents {
			all = append(all, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			all = append(all, *p.Prefix)
		}
	}
	return sorted(all)
}

var _ = add("s3",
	Case{Name: "listings are in the order of the keys' bytes", Doc: "ListObjectsV2", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		for _, key := range []string{"b", "a", "ä", "B", "a/b", "aa"} {
			b.stored(key, "x")
		}
		out, err := b.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: b.name})
		t.ok(err)
		var keys []string
		for _, o := range out.Contents {
			keys = append(keys, *o.Key)
		}
		t.equal("the keys", keys, []string{"B", "a", "a/b", "aa", "b", "ä"})
	}},
	Case{Name: "listings take a prefix and a place to start after", Doc: "ListObjectsV2", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		for i := range 5 {
			b.stored(fmt.Sprintf("in/%d", i), "x")
		}
		b.stored("out", "x")
		t.equal("the keys", b.listed(s3.ListObjectsV2Input{Prefix: aws.String("in/"), StartAfter: aws.String("in/2")}), []string{"in/3", "in/4"})
	}},
	Case{Name: "listings fold what is below a delimiter", Doc: "ListObjectsV2", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		for _, key := range []string{"a/1", "a/2", "b", "c/d/e"} {
			b.stored(key, "x")
		}
		t.equal("the entries", b.listed(s3.ListObjectsV2Input{Delimiter: aws.String("/")}), []string{"a/", "b", "c/"})
	}},
	Case{Name: "listings are paged by a token", Doc: "ListObjectsV2", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		for i := range 7 {
			b.stored(fmt.Sprint(i), "x")
		}
		out, err := b.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: b.name, MaxKeys: aws.Int32(3)})
		t.ok(err)
		t.equal("how many", len(out.Contents), 3)
		t.equal("truncated", aws.ToBool(out.IsTruncated), true)
		t.equal("the keys of all pages", b.listed(s3.ListObjectsV2Input{MaxKeys: aws.Int32(3)}), []string{"0", "1", "2", "3", "4", "5", "6"})
	}},
	Case{Name: "a page holds 1000 keys at most", Doc: "ListObjectsV2", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		for i := range 1001 {
			b.stored(fmt.Sprint(i), "")
		}
		out, err := b.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: b.name, MaxKeys: aws.Int32(5000)})
		t.ok(err)
		t.equal("how many", len(out.Contents), 1000)
	}},
	Case{Name: "a listing of a bucket that is not there", Doc: "Error responses", Run: func(t *T, e *Env) {
		_, err := newBucket(t, e).ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String("no-such-bucket")})
		t.refused(err, "NoSuchBucket", "The specified bucket does not exist")
		t.equal("the status", status(err), 404)
	}},
	Case{Name: "buckets are listed, and gone when deleted", Doc: "ListBuckets", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		listed := func() bool {
			out, err := b.ListBuckets(context.Background(), &s3.ListBucketsInput{})
			t.ok(err)
			return slices.ContainsFunc(out.Buckets, func(one s3types.Bucket) bool { return *one.Name == *b.name })
		}
		t.equal("listed", listed(), true)
		_, err := b.DeleteBucket(context.Background(), &s3.DeleteBucketInput{Bucket: b.name})
		t.ok(err)
		t.equal("listed once deleted", listed(), false)
	}},
	Case{Name: "the location of a bucket in us-east-1 is empty", Doc: "GetBucketLocation", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		out, err := b.GetBucketLocation(context.Background(), &s3.GetBucketLocationInput{Bucket: b.name})
		t.ok(err)
		t.equal("the location", string(out.LocationConstraint), "")
	}},
	Case{Name: "a bucket that is not empty is not deleted", Doc: "DeleteBucket", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		b.stored("k", "x")
		_, err := b.DeleteBucket(context.Background(), &s3.DeleteBucketInput{Bucket: b.name})
		t.refused(err, "BucketNotEmpty")
		t.equal("the status", status(err), 409)
	}},
	Case{Name: "a bad bucket name is refused", Doc: "Bucket naming rules", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		_, err := b.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("No_Capitals")})
		t.refused(err, "InvalidBucketName")
	}},
)
