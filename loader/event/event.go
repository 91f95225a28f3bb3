// Package event reads what an SQS message says about S3 objects, in every shape in which S3 and its like tell of
// one: S3's own notification (direct or raw from SNS), the same wrapped by SNS, EventBridge's event, and the test
// message S3 sends when a notification is set up. The shape is recognised by content. The package is pure.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Object is an object of which S3 says that it is there to be read: created, or restored from an archive. Which
// upload the event is of does not matter, since an object is loaded as it is when it is read.
type Object struct {
	Bucket, Key string    // the key as S3 stores it, decoded
	Region      string    // of the bucket; empty where the sender does not tell
	ETag        string    // of that upload, without quotes; empty where the sender does not tell
	Size        int64     // of that upload; -1 where the sender does not tell
	Time        time.Time // of the event; zero where the sender does not tell
}

// Message is what one SQS message says.
type Message struct {
	Objects []Object
	Tests   int // test messages of S3
	Ignored int // events that bring no object to load
}

// Decode reads the body of an SQS message. What it cannot understand is an error, never passed over: Message holds
// the parts that were understood all the same.
func Decode(body string) (Message, error) {
	var e envelope
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return Message{}, fmt.Errorf("the message is no event of S3: %w", err)
	}
	if e.Type == "Notification" && e.Message != nil { // wrapped by SNS, once
		inner := *e.Message
		e = envelope{}
		if err := json.Unmarshal([]byte(inner), &e); err != nil {
			return Message{}, fmt.Errorf("the SNS message holds no event of S3: %w", err)
		}
	}
	switch {
	case e.Event == "s3:TestEvent":
		return Message{Tests: 1}, nil
	case e.Type == "SubscriptionConfirmation", e.Type == "UnsubscribeConfirmation":
		return Message{}, fmt.Errorf("the message is SNS's %s, no event of S3: let the owner of the topic %.200q confirm the queue's subscription (open the message's SubscribeURL); then S3's events come through it", e.Type, e.TopicArn)
	case e.Source == "aws.s3" && e.DetailType != "":
		return eventBridge(e)
	case len(e.Records) > 0:
		return notification(e.Records)
	}
	return Message{}, errors.New("the message is no event of S3: it has neither Records nor the source aws.s3 of EventBridge, and is no s3:TestEvent")
}

// envelope has the members by which the shapes differ.
type envelope struct {
	Type     string  // SNS
	TopicArn string  // SNS
	Message  *string // SNS: the event as text
	Event    string  // the test message
	Records  []record

	Source     string          // EventBridge
	DetailType string          `json:"detail-type"`
	Region     string          // EventBridge
	Time       instant         // EventBridge; in the test message too
	Detail     json.RawMessage // EventBridge
}

// instant is a time that only measures: one that is written in another way is none, and no reason to refuse the event.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(b []byte) error {
	var err error
	if i.Time, err = time.Parse(`"`+time.RFC3339+`"`, string(b)); err != nil {
		i.Time = time.Time{}
	}
	return nil
}

// record is one event in S3's own message ("Event message structure", version 2.x).
type record struct {
	EventVersion string
	EventSource  string // "aws:s3"; "minio:s3", "ceph:s3" and the like
	EventTime    instant
	EventName    string // "ObjectCreated:Put"; with the prefix "s3:" from some stores
	AWSRegion    string
	S3           struct {
		Bucket struct{ Name string }
		Object struct {
			Key  string
			Size *int64
			ETag string
		}
	}
}

func notification(records []record) (Message, error) {
	var m Message
	var problems []error
	for i, r := range records {
		switch o, loads, err := r.object(); {
		case err != nil:
			problems = append(problems, fmt.Errorf("record %d of %d: %w", i+1, len(records), err))
		case loads:
			m.Objects = append(m.Objects, o)
		default:
			m.Ignored++
		}
	}
	return m, Few(problems)
}

// Few joins the problems of a message into one error, not all of very many.
func Few(problems []error) error {
	const most = 10
	if more := len(problems) - most; more > 0 {
		problems = append(problems[:most:most], fmt.Errorf("and %d more", more))
	}
	return errors.Join(problems...)
}

// object returns what r tells; loads is false for an event that is known to bring no object.
func (r record) object() (o Object, loads bool, err error) {
	if !strings.HasSuffix(r.EventSource, ":s3") {
		return o, false, fmt.Errorf("eventSource is %.64q, not that of S3", r.EventSource)
	}
	if major, _, _ := strings.Cut(r.EventVersion, "."); major != "2" {
		return o, false, fmt.Errorf("eventVersion is %.64q; this version of inventoryd knows 2.x", r.EventVersion)
	}
	if loads, err = loadsNamed(strings.TrimPrefix(r.EventName, "s3:")); !loads {
		return o, false, err
	}
	key, err := url.QueryUnescape(r.S3.Object.Key) // form-encoded: "+" is a space
	if err != nil {
		return o, false, fmt.Errorf("the key %.200q is not form-encoded: %w", r.S3.Object.Key, err)
	}
	o = Object{
		Bucket: r.S3.Bucket.Name, Key: key, Region: r.AWSRegion, ETag: unquote(r.S3.Object.ETag),
		Size: sizeOf(r.S3.Object.Size), Time: r.EventTime.Time,
	}
	return o, true, o.complete()
}

// detail is the part of EventBridge's event that tells of the object ("EventBridge event message structure"). Its key
// is not encoded.
type detail struct {
	Bucket struct{ Name string }
	Object struct {
		Key  string
		Size *int64
		ETag string
	}
}

func eventBridge(e envelope) (Message, error) {
	switch loads, err := loadsDetail(e.DetailType); {
	case err != nil:
		return Message{}, err
	case !loads:
		return Message{Ignored: 1}, nil
	}
	var d detail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return Message{}, fmt.Errorf("the event of EventBridge has no usable detail: %w", err)
	}
	o := Object{
		Bucket: d.Bucket.Name, Key: d.Object.Key, Region: e.Region, ETag: unquote(d.Object.ETag),
		Size: sizeOf(d.Object.Size), Time: e.Time.Time,
	}
	if err := o.complete(); err != nil {
		return Message{}, err
	}
	return Message{Objects: []Object{o}}, nil
}

func (o Object) complete() error {
	switch {
	case o.Bucket == "":
		return errors.New("the event names no bucket")
	case o.Key == "":
		return errors.New("the event names no key")
	}
	return nil
}

func sizeOf(told *int64) int64 {
	if told == nil {
		return -1
	}
	return *told
}

func unquote(etag string) string { return strings.Trim(etag, `"`) }
