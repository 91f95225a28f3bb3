package event

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// awkward are keys that go wrong where a shape's encoding is misread.
var awkward = []string{"a b.csv", "a+b.csv", "%2B%20.csv", "Zürich/ä.csv", "x=1/y.csv", "plain.csv", "a&b;c.csv", "\"q\"\n.csv"}

// s3Key encodes a key as S3 does in its notifications.
func s3Key(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

func direct(key string) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-11-22T10:00:00.123Z",
		"eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","configurationId":"c","bucket":{"name":"inventory","arn":"arn:aws:s3:::inventory"},
		"object":{"key":%s,"size":151,"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"v1","sequencer":"0055AED6DCD90281E5"}}}]}`, quote(key))
}

func bySNS(message string) string {
	return fmt.Sprintf(`{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:123456789012:t","Subject":"Amazon S3 Notification",
		"Message":%s,"Timestamp":"2026-11-22T10:00:01.000Z","SignatureVersion":"1"}`, quote(message))
}

func byEventBridge(detailType, key string) string {
	return fmt.Sprintf(`{"version":"0","id":"i","detail-type":%s,"source":"aws.s3","account":"123456789012","time":"2026-11-22T10:00:00Z",
		"region":"us-east-1","resources":["arn:aws:s3:::inventory"],"detail":{"version":"0","bucket":{"name":"inventory"},
		"object":{"key":%s,"size":151,"etag":"d41d8cd98f00b204e9800998ecf8427e","version-id":"v1","sequencer":"0055AED6DCD90281E5"},
		"request-id":"r","requester":"123456789012","source-ip-address":"1.2.3.4","reason":"PutObject"}}`, quote(detailType), quote(key))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestEveryShapeTellsTheKeyAsS3StoresIt(t *testing.T) {
	for _, key := range awkward {
		for shape, body := range map[string]string{
			"direct":          direct(s3Key(key)),
			"wrapped by SNS":  bySNS(direct(s3Key(key))),
			"EventBridge":     byEventBridge("Object Created", key),
			"EventBridge SNS": bySNS(byEventBridge("Object Created", key)),
		} {
			t.Run(shape+" "+key, func(t *testing.T) {
				m, err := Decode(body)
				if err != nil {
					t.Fatal(err)
				}
				want := Object{
					Bucket: "inventory", Key: key, Region: "us-east-1", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 151, Time: time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC),
				}
				if strings.HasPrefix(shape, "EventBridge") {
					want.Time = want.Time.Truncate(time.Second)
				}
				if diff := cmp.Diff(Message{Objects: []Object{want}}, m); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestOtherMessages(t *testing.T) {
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(direct("a.csv")) }
	object := []Object{{
		Bucket: "inventory", Key: "a.csv", Region: "us-east-1", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 151, Time: time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC),
	}}
	timeless := slices.Clone(object)
	timeless[0].Time = time.Time{}
	test := `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T10:00:00.000Z","Bucket":"inventory","RequestId":"r","HostId":"h"}`
	for _, c := range []struct {
		name, body string
		want       Message
		problem    string // part of the error
	}{
		{name: "test event", body: test, want: Message{Tests: 1}},
		{name: "test event by SNS", body: bySNS(test), want: Message{Tests: 1}},
		{name: "a later minor version", body: change(`"2.1"`, `"2.9"`), want: Message{Objects: object}},
		{name: "a later major version", body: change(`"2.1"`, `"3.0"`), problem: "eventVersion"},
		{name: "another store", body: change(`aws:s3`, `minio:s3`, `"ObjectCreated`, `"s3:ObjectCreated`, `,"versionId":"v1","sequencer":"0055AED6DCD90281E5"`, ``, `"d41d8cd98f00b204e9800998ecf8427e"`, `"\"d41d8cd98f00b204e9800998ecf8427e\""`), want: Message{Objects: object}},
		{name: "a time of another form", body: change("2026-11-22T10:00:00.123Z", "2026-11-22 10:00:00"), want: Message{Objects: timeless}},
		{name: "a removal", body: change("ObjectCreated:Put", "ObjectRemoved:Delete"), want: Message{Ignored: 1}},
		{name: "a removal by EventBridge", body: byEventBridge("Object Deleted", "a.csv"), want: Message{Ignored: 1}},
		{name: "an event of another service", body: change("aws:s3", "aws:sqs"), problem: "eventSource"},
		{name: "no event name", body: change("ObjectCreated:Put", ""), problem: "eventName"},
		{name: "no bucket", body: change(`"name":"inventory"`, `"name":""`), problem: "bucket"},
		{name: "no key", body: change(`"key":"a.csv"`, `"key":""`), problem: "key"},
		{name: "a key that is not form-encoded", body: change(`"a.csv"`, `"100%.csv"`), problem: "form-encoded"},
		{name: "no records", body: `{"Records":[]}`, problem: "neither Records nor"},
		{name: "unknown JSON", body: `{"hello":"world"}`, problem: "neither Records nor"},
		{name: "no JSON", body: `hello`, problem: "no event of S3"},
		{name: "empty", body: ``, problem: "no event of S3"},
		{name: "SNS around something else", body: bySNS("hello"), problem: "SNS message"},
		{name: "SNS twice", body: bySNS(bySNS(direct("a.csv"))), problem: "neither Records nor"},
		{name: "EventBridge of another service", body: strings.Replace(byEventBridge("Object Created", "a"), "aws.s3", "aws.ec2", 1), problem: "neither Records nor"},
		{name: "EventBridge without detail", body: `{"source":"aws.s3","detail-type":"Object Created"}`, problem: "detail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Decode(c.body)
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("error %v, want one about %q", err, c.problem)
			}
			if diff := cmp.Diff(c.want, m); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOneBadRecordDoesNotHideTheOthers(t *testing.T) {
	one := strings.TrimSuffix(strings.TrimPrefix(direct("good.csv"), `{"Records":[`), `]}`)
	bad := strings.Replace(one, `"2.1"`, `"9.0"`, 1)
	removal := strings.Replace(one, "ObjectCreated:Put", "ObjectRemoved:Delete", 1)
	m, err := Decode(`{"Records":[` + bad + `,` + one + `,` + removal + `]}`)
	if err == nil || !strings.Contains(err.Error(), "record 1 of 3") {
		t.Errorf("error %v does not name the bad record", err)
	}
	if len(m.Objects) != 1 || m.Objects[0].Key != "good.csv" || m.Ignored != 1 {
		t.Errorf("got %+v", m)
	}
}

func TestVeryManyBadRecordsAreNotAllTold(t *testing.T) {
	_, err := Decode(`{"Records":[{}` + strings.Repeat(",{}", 9999) + `]}`)
	if err == nil || !strings.Contains(err.Error(), "and 9990 more") || len(err.Error()) > 2000 {
		t.Errorf("%.2000v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, key := range awkward {
		f.Add(direct(s3Key(key)))
		f.Add(bySNS(direct(s3Key(key))))
		f.Add(byEventBridge("Object Created", key))
	}
	f.Add(`{"Service":"Amazon S3","Event":"s3:TestEvent"}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := Decode(body)
		if err == nil && len(m.Objects)+m.Tests+m.Ignored == 0 {
			t.Fatal("a message that says nothing was taken in silence")
		}
		for _, o := range m.Objects {
			if o.Bucket == "" || o.Key == "" {
				t.Fatalf("an object without a name: %+v", o)
			}
			again, err := Decode(byEventBridge("Object Created", strings.ToValidUTF8(o.Key, "?")))
			if err != nil || again.Objects[0].Key != strings.ToValidUTF8(o.Key, "?") {
				t.Fatalf("the key %q does not survive EventBridge: %+v, %v", o.Key, again, err)
			}
		}
	})
}
