package loader_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/internal/transport"
	"inventoryd/loader"
)

// reading is a rule for the reads of keys that hold a text.
func reading(key string, e fault.Effect, times int) fault.Rule {
	return fault.Rule{
		Service: "s3", Operation: "GetObject", Times: times, Effect: e,
		Match: func(c fault.Call) bool { return strings.Contains(c.Request.URL.Path, key) },
	}
}

// TestDenialsWhileAPolicyChangesAreNoKeysFault lets answers cross each other as they do while a whole bucket is denied
// and mended again: no feed may be given up for that.
func TestDenialsWhileAPolicyChangesAreNoKeysFault(t *testing.T) {
	slowly := func(e fault.Effect, d time.Duration) fault.Effect { e.Delay = d; return e }
	const (
		before = "early.csv" // is there when the bucket is denied
		after  = "late.csv"  // arrives later
	)
	for name, c := range map[string]struct {
		rules []fault.Rule
		put   time.Duration // when the second feed arrives
	}{
		"a denial that was on its way when the bucket was mended": {
			[]fault.Rule{
				reading(before, fault.AccessDenied, 1), reading(before, slowly(fault.AccessDenied, 5*time.Second), 1),
				reading(before, fault.AccessDenied, 1), // by a part of S3 that does not know yet
			}, 32 * time.Second,
		},
		"a success that was on its way when the bucket was closed": {
			[]fault.Rule{reading(before, slowly(fault.AccessDenied, time.Second), 1), reading(after, fault.Effect{Delay: 5 * time.Second}, 1), reading(before, fault.AccessDenied, 20)}, 0,
		},
		"a denial by a part of S3 that does not know yet": {
			[]fault.Rule{reading(before, fault.AccessDenied, 2)}, 10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				for _, r := range c.rules {
					w.Fault(r)
				}
				i := w.start("a")
				early, rowsEarly := feedOf(10, "Berlin")
				late, rowsLate := feedOf(10, "Osaka")
				w.put(before, early)
				time.Sleep(c.put)
				w.put(after, late)
				w.quiet(time.Hour)
				w.exact(both(rowsEarly, rowsLate))
				if total := i.balanced(); total.Loaded != 2 || len(w.Queues.Contents(sandbox.DeadLetterQueue).Visible) > 0 {
					t.Errorf("total %+v; log: %v", total, w.messages())
				}
			})
		})
	}
}

// twisted is S3 whose reads are changed on their way.
type twisted struct {
	loader.Bucket
	ask    func(*s3.GetObjectInput)
	answer func(*s3.GetObjectOutput)
}

func (b twisted) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if b.ask != nil {
		b.ask(in)
	}
	out, err := b.Bucket.GetObject(ctx, in, o...)
	if err == nil && b.answer != nil {
		b.answer(out)
	}
	return out, err
}

// TestAResumedReadIsNeverASplice holds the reader against stores that S3's rules do not bind: what goes on after a
// broken connection must be the rest of the same object, else nothing is written that no feed says.
func TestAResumedReadIsNeverASplice(t *testing.T) {
	old, oldRows := feedOf(2000, "Berlin", "Osaka")
	for name, c := range map[string]struct {
		ask     func(w *world, in *s3.GetObjectInput)
		outcome string
	}{
		"a store without ranges": {
			func(_ *world, in *s3.GetObjectInput) { in.Range = nil }, "interrupted",
		},
		"a store without conditions": {
			func(w *world, in *s3.GetObjectInput) {
				if in.Range != nil {
					w.put("feed.csv", strings.ReplaceAll(old, "Berlin", "Munich"))
				}
				in.IfMatch = nil
			}, "changed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Times: 1, Effect: fault.Effect{Half: true}})
				w.twist = func(clients *loader.Clients) {
					clients.S3 = twisted{Bucket: clients.S3, ask: func(in *s3.GetObjectInput) { c.ask(w, in) }}
				}
				i := w.start("a")
				w.put("feed.csv", old)
				w.quiet(time.Hour)
				recent := i.Status().Recent
				if first := recent[len(recent)-1]; first.Outcome != c.outcome {
					t.Errorf("%+v", first)
				}
				want := oldRows
				if c.outcome == "changed" {
					_, newRows := feedOf(2000, "Munich", "Osaka")
					want = newRows
					for key := range w.rows() { // what was written of the old object before it broke off
						if key.Store == "Berlin" {
							want[key] = w.rows()[key]
						}
					}
				}
				w.exact(want)
				i.balanced()
			})
		})
	}
}

// TestAnAnswerWithoutItsLengthIsHeldToTheEvents cuts a body whose end nobody can tell from a cut.
func TestAnAnswerWithoutItsLengthIsHeldToTheEvents(t *testing.T) {
	inWorld(t, func(w *world) {
		cuts := 1
		w.twist = func(clients *loader.Clients) {
			clients.S3 = twisted{Bucket: clients.S3, answer: func(out *s3.GetObjectOutput) {
				out.ContentLength = nil
				if cuts--; cuts >= 0 {
					out.Body = struct {
						io.Reader
						io.Closer
					}{io.LimitReader(out.Body, 5000), out.Body}
				}
			}}
		}
		i := w.start("a")
		feed, want := feedOf(1000, "Berlin", "Osaka")
		w.put("feed.csv", feed)
		w.quiet(time.Hour)
		w.exact(want)
		if total := i.balanced(); total.Loaded != 1 || total.Books.Read != 1000 {
			t.Errorf("total %+v", total)
		}
	})
}

// TestErrorsOfReadsHaveTheirFates lists what S3 may answer, and what then becomes of the message.
func TestErrorsOfReadsHaveTheirFates(t *testing.T) {
	for _, c := range []struct {
		status  int
		code    string
		outcome string // empty: the dependency's, which is waited for
	}{
		{404, "NoSuchKey", "gone"},
		{404, "NoSuchVersion", "gone"},
		{403, "InvalidObjectState", "failed"},
		{400, "KMS.DisabledException", "failed"},
		{400, "InvalidRequest", "failed"},
		{405, "MethodNotAllowed", "failed"},
		{404, "NoSuchBucket", ""},
		{404, "NotFound", ""},
		{403, "AccessDenied", ""},
		{403, "InvalidAccessKeyId", ""},
		{403, "RequestTimeTooSkewed", ""},
		{400, "ExpiredToken", ""},
		{400, "AuthorizationHeaderMalformed", ""},
		{301, "PermanentRedirect", ""},
		{400, "KMS.ThrottlingException", ""},
		{400, "RequestTimeout", ""},
		{429, "TooManyRequests", ""},
		{503, "SlowDown", ""},
		{500, "InternalError", ""},
	} {
		t.Run(c.code, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.OnBadObject = "drop"
				mend := w.Fault(reading("feed", fault.Effect{Error: &fault.Error{Status: c.status, Code: c.code, Message: "no"}}, 0))
				i := w.start("a")
				feed, want := feedOf(10, "Berlin")
				w.put("feed.csv", feed)
				time.Sleep(10 * time.Minute)
				recent := i.Status().Recent
				if c.outcome != "" {
					if len(recent) == 0 || recent[0].Outcome != c.outcome {
						t.Errorf("%+v", recent)
					}
					return
				}
				if err := i.Ready(); len(recent) > 0 || err == nil || !strings.Contains(err.Error(), c.code) {
					t.Errorf("ended: %+v; ready says %v", recent, err)
				}
				mend()
				w.quiet(5 * time.Minute) // a denial is doubted in long steps
				w.exact(want)
			})
		})
	}
}

// TestEveryWayToNameAnObjectIsRead reads by each kind of entity tag and version that events carry, or do not.
func TestEveryWayToNameAnObjectIsRead(t *testing.T) {
	for name, change := range map[string]func(*objects.Event){
		"as told":            func(*objects.Event) {},
		"no entity tag":      func(e *objects.Event) { e.ETag = "" },
		"no size":            func(e *objects.Event) { e.Size = 0 },
		"nothing but a name": func(e *objects.Event) { *e = objects.Event{Name: e.Name, Bucket: e.Bucket, Key: e.Key} },
		"the version null":   func(e *objects.Event) { e.Version = "null" },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Times: 2, Effect: fault.Effect{Half: true}})
				feed, want := feedOf(500, "Berlin", "Osaka")
				e, err := w.Objects.Put(sandbox.Bucket, "feed.csv", []byte(feed))
				if err != nil {
					t.Fatal(err)
				}
				w.Queues.Drain(sandbox.EventQueue)
				change(&e)
				w.send(string(e.Direct()))
				i := w.start("a")
				w.quiet(time.Hour)
				w.exact(want)
				if total := i.balanced(); total.Loaded != 1 {
					t.Errorf("total %+v", total)
				}
			})
		})
	}
}

// TestAnEventOfAnOlderUploadLoadsTheCurrentOne sends only the event of the first of two uploads.
func TestAnEventOfAnOlderUploadLoadsTheCurrentOne(t *testing.T) {
	inWorld(t, func(w *world) {
		e, err := w.Objects.Put(sandbox.Bucket, "feed.csv", []byte("store,item,count\nA,B,1\n"))
		if err != nil {
			t.Fatal(err)
		}
		w.put("feed.csv", "store,item,count\nA,B,2\n")
		w.Queues.Drain(sandbox.EventQueue)
		w.send(string(e.Direct()))
		i := w.start("a")
		w.quiet(time.Minute)
		w.exact(map[inventory.Key]int64{{Store: "A", Item: "B"}: 2})
		i.balanced()
	})
}

// TestAnObjectUploadedInPartsIsReadByItsTag loads an object whose entity tag is that of a multipart upload, and whose
// second read must be of the same tag.
func TestAnObjectUploadedInPartsIsReadByItsTag(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Times: 1, Effect: fault.Effect{Half: true}})
		i := w.start("a")
		feed, want := feedOf(1000, "Berlin", "Osaka")
		client := w.clients("b").S3.(*s3.Client)
		at := &s3.CreateMultipartUploadInput{Bucket: aws.String(sandbox.Bucket), Key: aws.String("feed.csv")}
		begun, err := client.CreateMultipartUpload(w.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		part, err := client.UploadPart(w.Context(), &s3.UploadPartInput{
			Bucket: at.Bucket, Key: at.Key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(feed),
		})
		if err != nil {
			t.Fatal(err)
		}
		done, err := client.CompleteMultipartUpload(w.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: at.Bucket, Key: at.Key, UploadId: begun.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}},
		})
		if err != nil || !strings.HasSuffix(aws.ToString(done.ETag), `-1"`) {
			t.Fatalf("%v, the tag is %q", err, aws.ToString(done.ETag))
		}
		w.quiet(time.Minute)
		w.exact(want)
		if total := i.balanced(); total.Loaded != 1 {
			t.Errorf("total %+v", total)
		}
	})
}

// TestAnObjectLabelledAsCompressedIsReadAsItIsStored reads over a real connection, whose transport must not undo the
// compression that an uploader has named in Content-Encoding: length, checksum and resuming are those of what is stored.
func TestAnObjectLabelledAsCompressedIsReadAsItIsStored(t *testing.T) {
	s := sandbox.New()
	if err := s.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	cfg := aws.Config{
		Region: sandbox.Region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "secret", ""),
		HTTPClient: &http.Client{Transport: transport.PlainBody(http.DefaultTransport)},
	}
	bucket := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	feed, _ := feedOf(1000, "Berlin")
	if _, err := io.WriteString(z, feed); err != nil || z.Close() != nil {
		t.Fatal("gzip: ", err)
	}
	size := int64(body.Len())
	_, err := bucket.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(sandbox.Bucket), Key: aws.String("feed.csv"), ContentEncoding: aws.String("gzip"), Body: bytes.NewReader(body.Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Times: 1, Effect: fault.Effect{Half: true}})
	l, err := loader.New(loader.Clients{S3: bucket, Tables: dynamodb.NewFromConfig(cfg)}, loader.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	var load *loader.Load
	p, err := l.Load(t.Context(), loader.Object(sandbox.Bucket, "feed.csv", size), loader.Hand{Began: func(l *loader.Load) { load = l }})
	if b := p.Books; err != nil || b.Read != 1000 || b.Read != b.Written+b.Merged || load.Bytes() != size {
		t.Errorf("%v, %+v; %d bytes read of %d", err, p, load.Bytes(), size)
	}
}
