package objects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/topics"
)

var feeds = aws.String("feeds")

func client(t *testing.T) (*sandbox.Sandbox, *s3.Client) {
	t.Helper()
	box := sandbox.New()
	if err := box.Objects.CreateBucket(*feeds); err != nil {
		t.Fatal(err)
	}
	return box, s3.NewFromConfig(box.Config("test"), func(o *s3.Options) { o.UsePathStyle = true })
}

func put(t *testing.T, c *s3.Client, key, body string) *s3.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(context.Background(), &s3.PutObjectInput{Bucket: feeds, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// An event of each shape, as people read it.
func TestEventsAreOfTheDocumentedShape(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 30, 15, 123_000_000, time.UTC)
	e := objects.Event{
		Name: "ObjectCreated:Put", Bucket: "inventory", Key: "Zürich/x=1/a b+c.csv", Size: 1024, ETag: "d41d8cd98f00b204e9800998ecf8427e",
		Version: "096fKKXTRTtl3on89fVO.nfljtsv6qko", Sequencer: "0055AED6DCD90281E5", Time: at, Configuration: "inventory",
	}
	var got bytes.Buffer
	for _, one := range []struct {
		name string
		body []byte
	}{
		{"direct", e.Direct()},
		{"wrapped by SNS", []byte(topics.Wrap("uploads", "Amazon S3 Notification", string(e.Direct()), at))},
		{"EventBridge", e.EventBridge()},
		{"test event", objects.TestEvent("inventory", at)},
	} {
		fmt.Fprintf(&got, "# %s\n", one.name)
		if err := json.Indent(&got, one.body, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteString("\n")
	}
	want, err := os.ReadFile("testdata/events.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		err = os.WriteFile("testdata/events.golden", got.Bytes(), 0o644)
		want = got.Bytes()
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestKeysAreFormEncodedInEvents(t *testing.T) {
	for key, want := range map[string]string{
		"plain.csv":     "plain.csv",
		"a b.csv":       "a+b.csv",
		"a+b.csv":       "a%2Bb.csv",
		"%2B%20.csv":    "%252B%2520.csv",
		"Zürich/ä.csv":  "Z%C3%BCrich/%C3%A4.csv",
		"x=1/y.csv":     "x%3D1/y.csv",
		"a_-.*b~c'.csv": "a_-.*b%7Ec%27.csv",
	} {
		if got := objects.FormEncode(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func TestSequencersGrowEvenAtOneInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, c := client(t)
		if _, err := box.Queues.Create("events", nil); err != nil {
			t.Fatal(err)
		}
		if err := box.Objects.NotifyQueue(*feeds, queues.ARN("events")); err != nil {
			t.Fatal(err)
		}
		box.Queues.Drain("events")
		for i := range 20 {
			put(t, c, "a.csv", fmt.Sprint(i))
		}
		var last string
		messages := box.Queues.Drain("events")
		for _, m := range messages {
			var n struct {
				Records []struct {
					S3 struct {
						Object struct{ Sequencer, ETag string }
					}
				}
			}
			if err := json.Unmarshal([]byte(m.Body), &n); err != nil {
				t.Fatal(err)
			}
			s := n.Records[0].S3.Object.Sequencer
			if s <= last || len(s) != 18 {
				t.Fatalf("%s after %s", s, last)
			}
			last = s
		}
		if len(messages) != 20 {
			t.Errorf("%d events", len(messages))
		}
	})
}

func TestRanges(t *testing.T) {
	_, c := client(t)
	put(t, c, "k", "0123456789")
	put(t, c, "empty", "")
	for _, tc := range []struct{ key, header, want, code string }{
		{"k", "bytes=0-3", "0123", ""},
		{"k", "bytes=4-", "456789", ""},
		{"k", "bytes=-3", "789", ""},
		{"k", "bytes=-30", "0123456789", ""},
		{"k", "bytes=8-100", "89", ""},
		{"k", "bytes=9-9", "9", ""},
		{"k", "bytes=10-", "", "InvalidRange"},
		{"k", "bytes=-0", "", "InvalidRange"},
		{"empty", "bytes=0-", "", "InvalidRange"},
		{"k", "bytes=5-2", "0123456789", ""},
		{"k", "bytes=0-1,4-5", "0123456789", ""},
		{"k", "lines=1-2", "0123456789", ""},
	} {
		out, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: feeds, Key: &tc.key, Range: &tc.header})
		if err != nil {
			if code(err) != tc.code {
				t.Errorf("%s: %v", tc.header, err)
			}
			continue
		}
		body, err := io.ReadAll(out.Body)
		if err != nil || string(body) != tc.want || tc.code != "" || *out.ContentLength != int64(len(tc.want)) {
			t.Errorf("%s: got %q, %v", tc.header, body, err)
		}
	}
}

// A reader that pins what it reads never sees another version's bytes, however often it is replaced.
func TestReadIsPinnedWhileTheObjectIsReplaced(t *testing.T) {
	_, c := client(t)
	first := put(t, c, "k", strings.Repeat("a", 1<<20))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20 {
			put(t, c, "k", strings.Repeat(string(rune('b'+i)), 1<<20))
		}
	}()
	for range 20 {
		out, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: feeds, Key: aws.String("k"), IfMatch: first.ETag})
		if err != nil {
			if code(err) != "PreconditionFailed" {
				t.Error(err)
			}
			continue
		}
		body, err := io.ReadAll(out.Body)
		if err != nil || string(body) != strings.Repeat("a", 1<<20) {
			t.Error("bytes of another version", err)
		}
	}
	<-done
}

// Every way to page through a listing gives the same entries as folding all keys by hand.
func TestListingsPageThroughEverythingOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab/]{1,5}`), 0, 15, rapid.ID).Draw(rt, "keys")
		prefix := rapid.SampledFrom([]string{"", "a", "a/", "/"}).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "b/"}).Draw(rt, "delimiter")
		size := rapid.Int32Range(1, 5).Draw(rt, "page")
		box := sandbox.New()
		if err := box.Objects.CreateBucket(*feeds); err != nil {
			rt.Fatal(err)
		}
		var want []string
		for _, key := range keys {
			if _, err := box.Objects.Put(*feeds, key, nil); err != nil {
				rt.Fatal(err)
			}
			rest, ok := strings.CutPrefix(key, prefix)
			if !ok {
				continue
			}
			if before, _, found := strings.Cut(rest, delimiter); found && delimiter != "" {
				key = prefix + before + delimiter
			}
			want = append(want, key)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		c := s3.NewFromConfig(box.Config("test"), func(o *s3.Options) { o.UsePathStyle = true })
		pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: feeds, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &size})
		var got []string
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				rt.Fatal(err)
			}
			for _, o := range page.Contents {
				got = append(got, *o.Key)
			}
			for _, p := range page.CommonPrefixes {
				got = append(got, *p.Prefix)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestChunkedBodyWithTrailerIsUnframed(t *testing.T) {
	box, c := client(t)
	frames := "4;chunk-signature=x\r\nstor\r\n2\r\ne,\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n"
	for sum, status := range map[string]int{"LkQwqQ==": 0, "AAAAAA==": 400} {
		body := fmt.Sprintf(frames, sum)
		r, _ := http.NewRequest(http.MethodPut, "http://sandbox/feeds/framed", strings.NewReader(body))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/s3/aws4_request")
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Decoded-Content-Length", "6")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("Content-Encoding", "aws-chunked,gzip")
		res, err := sandbox.Direct(box).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(res.Body)
		if status == 400 {
			if res.StatusCode != 400 || !strings.Contains(string(answer), "<Code>BadDigest</Code>") {
				t.Errorf("a wrong trailing checksum: %d %s", res.StatusCode, answer)
			}
			continue
		}
		if res.StatusCode != 200 {
			t.Errorf("%d %s", res.StatusCode, answer)
		}
	}
	if body, _, _ := box.Objects.Object("feeds", "framed"); string(body) != "store," {
		t.Errorf("stored %q", body)
	}
	head, err := c.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: feeds, Key: aws.String("framed")})
	if err != nil || *head.ContentEncoding != "gzip" {
		t.Errorf("aws-chunked is no encoding of the object: %v, %v", head, err)
	}
}

func TestUnsupportedOperationIsNamed(t *testing.T) {
	_, c := client(t)
	_, err := c.GetObjectTagging(context.Background(), &s3.GetObjectTaggingInput{Bucket: feeds, Key: aws.String("k")})
	if code(err) != "NotImplemented" || !strings.Contains(err.Error(), "GET object ?tagging") {
		t.Error(err)
	}
}

func TestBucketInTheHostNameIsRefusedWithTheRemedy(t *testing.T) {
	box, _ := client(t)
	_, err := s3.NewFromConfig(box.Config("test")).GetObject(context.Background(), &s3.GetObjectInput{Bucket: feeds, Key: aws.String("k")})
	if code(err) != "InvalidRequest" || !strings.Contains(err.Error(), "UsePathStyle") {
		t.Error(err)
	}
}

func TestTopicIsNotified(t *testing.T) {
	box, c := client(t)
	if err := box.Provision(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err := c.PutBucketNotificationConfiguration(context.Background(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: feeds,
		NotificationConfiguration: &types.NotificationConfiguration{TopicConfigurations: []types.TopicConfiguration{{
			TopicArn: aws.String(topics.ARN("NoStock")), Events: []types.Event{"s3:ObjectCreated:Put"},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "suffix", Value: aws.String(".csv")}}}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, "a.csv", "x")
	put(t, c, "a.txt", "x")
	got := box.Queues.Drain("nostock-inbox")
	if len(got) != 2 || !strings.Contains(got[0].Body, "s3:TestEvent") || !strings.Contains(got[1].Body, `"Subject":"Amazon S3 Notification"`) || !strings.Contains(got[1].Body, `a.csv`) {
		t.Errorf("got %+v", got)
	}
}
