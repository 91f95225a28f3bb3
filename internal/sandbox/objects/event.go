package objects

// The notifications of what happened to an object, in each shape in which S3 tells of it.

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// Event is what happened to one object.
type Event struct {
	Name      string // "ObjectCreated:Put", ...
	Bucket    string
	Key       string // as it is, not encoded
	Size      int64
	ETag      string // without quotes
	Version   string // "" where versioning is off
	Sequencer string // grows from event to event of a key
	Region    string // of the bucket; "": us-east-1
	Time      time.Time
	// Configuration is the id of the bucket's notification configuration, "" for none.
	Configuration string
}

// The documents below are those of "Event message structure" and "EventBridge event message structure".
type notification struct{ Records []record }

type record struct {
	Version           string            `json:"eventVersion"`
	Source            string            `json:"eventSource"`
	Region            string            `json:"awsRegion"`
	Time              string            `json:"eventTime"`
	Name              string            `json:"eventName"`
	UserIdentity      principal         `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                entity            `json:"s3"`
}

type principal struct {
	ID string `json:"principalId"`
}

type entity struct {
	SchemaVersion   string       `json:"s3SchemaVersion"`
	ConfigurationID string       `json:"configurationId"`
	Bucket          bucketEntity `json:"bucket"`
	Object          objectEntity `json:"object"`
}

type bucketEntity struct {
	Name  string    `json:"name"`
	Owner principal `json:"ownerIdentity"`
	ARN   string    `json:"arn"`
}

type objectEntity struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	Version   string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

const owner = "A3NL1KOZZKExample"

// Direct is the notification as a queue gets it from S3 itself; the key is form-encoded in it.
func (e Event) Direct() []byte { return wire.JSON(notification{[]record{e.record()}}) }

func (e Event) record() record {
	object := objectEntity{Key: FormEncode(e.Key), ETag: e.ETag, Version: e.Version, Sequencer: e.Sequencer}
	if strings.HasPrefix(e.Name, "ObjectCreated:") {
		object.Size = &e.Size
	}
	return record{
		Version: "2.1", Source: "aws:s3", Region: cmp.Or(e.Region, "us-east-1"), Time: stamp(e.Time), Name: e.Name,
		UserIdentity:      principal{"AWS:AIDAJDPLRKLG7UEXAMPLE"},
		RequestParameters: map[string]string{"sourceIPAddress": "127.0.0.1"},
		ResponseElements:  map[string]string{"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "sandbox"},
		S3: entity{
			SchemaVersion: "1.0", ConfigurationID: e.Configuration,
			Bucket: bucketEntity{e.Bucket, principal{owner}, "arn:aws:s3:::" + e.Bucket}, Object: object,
		},
	}
}

// EventBridge is the event as a rule of EventBridge sends it on ("Object Created" or "Object Deleted"); the key is as it
// is.
func (e Event) EventBridge() []byte {
	kind, reason := "Object Created", "PutObject"
	switch e.Name {
	case "ObjectCreated:Copy":
		reason = "CopyObject"
	case "ObjectCreated:CompleteMultipartUpload":
		reason = "CompleteMultipartUpload"
	}
	if strings.HasPrefix(e.Name, "ObjectRemoved:") {
		kind, reason = "Object Deleted", "DeleteObject"
	}
	if e.Name == "ObjectRestore:Completed" {
		kind, reason = "Object Restore Completed", "RestoreObject"
	}
	object := map[string]any{"key": e.Key, "size": e.Size, "etag": e.ETag, "sequencer": e.Sequencer}
	if e.Version != "" {
		object["version-id"] = e.Version
	}
	return wire.JSON(map[string]any{
		"version": "0", "id": "17793124-05d4-b198-2fde-" + fmt.Sprintf("%012x", e.Time.UnixMicro()&(1<<48-1)), "detail-type": kind, "source": "aws.s3",
		"account": "123456789012", "time": e.Time.UTC().Format(time.RFC3339), "region": cmp.Or(e.Region, "us-east-1"),
		"resources": []string{"arn:aws:s3:::" + e.Bucket},
		"detail": map[string]any{
			"version": "0", "bucket": map[string]string{"name": e.Bucket}, "object": object,
			"request-id": "C3D13FE58DE4C810", "requester": "123456789012", "source-ip-address": "127.0.0.1", "reason": reason,
		},
	})
}

// TestEvent is what S3 sends when a notification is configured.
func TestEvent(bucket string, at time.Time) []byte {
	return wire.JSON(struct{ Service, Event, Time, Bucket, RequestId, HostId string }{
		"Amazon S3", "s3:TestEvent", stamp(at), bucket, "5582815E1AEA5ADF", "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
	})
}

// FormEncode writes a key as the notifications do: as a form's value, with its slashes left.
func FormEncode(key string) string {
	return strings.NewReplacer("%2F", "/", "%2A", "*", "~", "%7E").Replace(url.QueryEscape(key))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
