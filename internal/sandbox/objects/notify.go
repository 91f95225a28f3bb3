package objects

// A bucket's notification configuration, and the events that it sends.

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"inventoryd/internal/sandbox/wire"
)

// notifications is the document of PutBucketNotificationConfiguration. EventBridge is stored; nothing is sent there.
type notifications struct {
	XMLName     xml.Name  `xml:"NotificationConfiguration"`
	Xmlns       string    `xml:"xmlns,attr,omitempty"`
	Topics      []target  `xml:"TopicConfiguration"`
	Queues      []target  `xml:"QueueConfiguration"`
	Functions   []target  `xml:"CloudFunctionConfiguration"`
	EventBridge *struct{} `xml:"EventBridgeConfiguration"`
}

type target struct {
	ID     string       `xml:"Id,omitempty"`
	Queue  string       `xml:"Queue,omitempty"`
	Topic  string       `xml:"Topic,omitempty"`
	Events []string     `xml:"Event"`
	Rules  []filterRule `xml:"Filter>S3Key>FilterRule"`
}

type filterRule struct{ Name, Value string }

func (t target) arn() string { return t.Queue + t.Topic }

// wants says whether the target is to be told of this event of this key.
func (t target) wants(event, key string) bool {
	for _, r := range t.Rules {
		if strings.EqualFold(r.Name, "prefix") && !strings.HasPrefix(key, r.Value) || strings.EqualFold(r.Name, "suffix") && !strings.HasSuffix(key, r.Value) {
			return false
		}
	}
	for _, pattern := range t.Events {
		stem, all := strings.CutSuffix(strings.TrimPrefix(pattern, "s3:"), "*")
		if all && strings.HasPrefix(event, stem) || event == stem {
			return true
		}
	}
	return false
}

func (n notifications) targets() []target {
	return append(append([]target{}, n.Queues...), n.Topics...)
}

// tell makes the event of a change and sends it to whom it concerns; the caller holds mu, so events are sent in the order
// of their sequencers.
func (s *Store) tell(b *bucket, o *object, name string) Event {
	s.sequence = max(s.sequence+1, uint64(s.clock.Now().UnixNano()))
	e := Event{Name: name, Bucket: b.name, Key: o.key, Size: int64(len(o.body)), ETag: o.etag, Sequencer: fmt.Sprintf("%018X", s.sequence), Region: b.region, Time: o.modified}
	if o.version != nullVersion {
		e.Version = o.version
	}
	if name == "ObjectRemoved:Delete" {
		e.ETag, e.Time = "", s.clock.Now()
	}
	for _, t := range b.notifications.targets() {
		if t.wants(name, o.key) {
			e.Configuration = t.ID
			_ = s.deliver(t.arn(), e.Direct()) // a target that has gone gets nothing
		}
	}
	return e
}

// NotifyQueue has a bucket tell a queue of each object created, in place of what it told before.
func (s *Store) NotifyQueue(bucket, queue string) error {
	return s.configure(bucket, notifications{Queues: []target{{ID: "inventory", Queue: queue, Events: []string{"s3:ObjectCreated:*"}}}})
}

// configure stores a configuration once its targets could be sent the test event.
func (s *Store) configure(name string, n notifications) error {
	if len(n.Functions) > 0 {
		return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the sandbox's S3 cannot notify Lambda functions"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(name)
	if err != nil {
		return err
	}
	for i, t := range n.targets() {
		if len(t.Events) == 0 {
			return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		if err := s.deliver(t.arn(), TestEvent(name, s.clock.Now())); err != nil {
			return wire.Errorf("InvalidArgument", "Unable to validate the following destination configurations")
		}
		if id := fmt.Sprintf("sandbox-%d", i); i < len(n.Queues) && t.ID == "" {
			n.Queues[i].ID = id
		} else if t.ID == "" {
			n.Topics[i-len(n.Queues)].ID = id
		}
	}
	b.notifications = n
	return nil
}

func (s *Store) setBucketNotification(r request) error {
	var n notifications
	if err := readXML(r, &n); err != nil {
		return err
	}
	if err := s.configure(r.bucket, n); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) bucketNotification(r request) error {
	s.mu.Lock()
	b, err := s.locate(r.bucket)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	n := b.notifications
	s.mu.Unlock()
	n.Xmlns = namespace
	writeXML(r.w, http.StatusOK, n)
	return nil
}
