package topics

// Delivery to SQS (mail.go has that to people): raw, or wrapped in SNS's JSON ("Amazon SNS message and JSON formats").

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/wire"
)

// envelope is a notification as an SQS queue gets it.
type envelope struct {
	Type              string
	MessageId         string
	SequenceNumber    string `json:",omitempty"`
	TopicArn          string
	Subject           string `json:",omitempty"`
	Message           string
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertURL    string
	UnsubscribeURL    string
	MessageAttributes map[string]attribute `json:",omitempty"`
}

// deliver sends to one subscriber. A message that the queue refuses, or a queue that has gone, loses it: SNS reports
// that to nobody but its delivery logs.
func (s *Service) deliver(t *topic, sub *subscription, m message, a accepted) {
	if sub.isMail() {
		s.mail(t, sub, m, a)
		return
	}
	out := queues.Message{Body: m.forProtocol("sqs")}
	if queues.IsFIFO(sub.endpoint) {
		out.Group, out.Deduplication = m.group, m.deduplication
	}
	if sub.raw {
		out.Attributes = forQueue(m.attributes)
	} else {
		out.Body = wrap(t.arn, sub.arn, m, a)
	}
	_ = s.queues.Deliver(sub.endpoint, out)
}

// forProtocol is the text that a protocol's subscribers get of a message of structure json.
func (m message) forProtocol(protocol string) string {
	if m.structure != "json" {
		return m.body
	}
	var parts map[string]any
	_ = json.Unmarshal([]byte(m.body), &parts) // checked when it was published
	if text, ok := parts[protocol].(string); ok {
		return text
	}
	text, _ := parts["default"].(string)
	return text
}

func forQueue(attributes map[string]attribute) map[string]queues.Attribute {
	out := map[string]queues.Attribute{}
	for name, a := range attributes {
		q := queues.Attribute{DataType: a.Type, StringValue: a.Value}
		if strings.HasPrefix(a.Type, "Binary") {
			raw, _ := base64.StdEncoding.DecodeString(a.Value) // checked when it was published
			q = queues.Attribute{DataType: a.Type, BinaryValue: raw}
		}
		out[name] = q
	}
	return out
}

func wrap(topic, subscription string, m message, a accepted) string {
	return wrapFor("sqs", topic, subscription, m, a)
}

func wrapFor(protocol, topic, subscription string, m message, a accepted) string {
	const host = "https://sns.us-east-1.amazonaws.com/"
	return string(wire.JSON(envelope{
		Type: "Notification", MessageId: a.id, SequenceNumber: a.sequence, TopicArn: topic,
		Subject: m.subject, Message: m.forProtocol(protocol),
		Timestamp: a.at.UTC().Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "1", Signature: "c2FuZGJveA==",
		SigningCertURL: host + "SimpleNotificationService-sandbox.pem",
		UnsubscribeURL: host + "?Action=Unsubscribe&SubscriptionArn=" + subscription, MessageAttributes: m.attributes,
	}))
}

// Wrap is an SNS notification of a message as a queue gets it that is subscribed to a topic without raw delivery: a
// shape in which S3's events reach the loader.
func Wrap(topic, subject, body string, at time.Time) string {
	return wrap(ARN(topic), ARN(topic)+":sandbox", message{body: body, subject: subject}, accepted{id: "00000000-7c1e-5f0a-9000-000000000000", at: at})
}

// Notify publishes as another service does, S3 for one.
func (s *Service) Notify(arn, subject, body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(arn)
	if err != nil {
		return err
	}
	_, err = s.accept(t, message{body: body, subject: subject})
	return err
}
