// Package topics stands in for SNS: topics, their subscriptions, and delivery to SQS queues. A thin layer speaks SNS's
// query protocol: a form in, a struct out whose XML is the answer's result. The rules and the words of its errors are
// those of the Amazon SNS Developer Guide and API Reference; comments name the pages.
package topics

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/wire"
)

// Queues takes what is delivered to SQS subscribers (queues.Service).
type Queues interface {
	Deliver(arn string, m queues.Message) error
	Exists(arn string) bool
}

// Service is the topics of one account. It is safe for concurrent use.
type Service struct {
	clock  *clock.Clock
	queues Queues

	mu       sync.Mutex // guards what follows; never held over a wait
	topics   map[string]*topic
	mails    map[string][]Mail // by address
	messages uint64            // numbers messages and subscriptions, for their ids
}

type topic struct {
	arn           string
	attributes    map[string]string // as set
	tags          map[string]string
	subscriptions []*subscription
	recent        map[string]accepted // by deduplication id, in a FIFO topic
	oldest        []string            // keys of recent, by age
}

// accepted is what a repeated message is answered.
type accepted struct {
	id, sequence string
	at           time.Time
}

const prefix = "arn:aws:sns:us-east-1:123456789012:"

// New returns a service without topics that delivers to q.
func New(c *clock.Clock, q Queues) *Service {
	return &Service{clock: c, queues: q, topics: map[string]*topic{}, mails: map[string][]Mail{}}
}

// Request is one call in the query protocol.
type Request struct {
	Operation   string
	Form        url.Values
	Unprocessed float64 // share of a batch that is to fail by no fault of the sender (fault.Effect)
}

type operation func(*Service, url.Values) (any, error)

var operations = map[string]operation{
	"CreateTopic":               (*Service).createTopic,
	"DeleteTopic":               (*Service).deleteTopic,
	"ListTopics":                (*Service).listTopics,
	"GetTopicAttributes":        (*Service).topicAttributes,
	"SetTopicAttributes":        (*Service).setTopicAttributes,
	"TagResource":               (*Service).tagResource,
	"ListTagsForResource":       (*Service).listTags,
	"Subscribe":                 (*Service).subscribe,
	"ConfirmSubscription":       (*Service).confirmSubscription,
	"ListSubscriptions":         (*Service).listAllSubscriptions,
	"UntagResource":             (*Service).untagResource,
	"Unsubscribe":               (*Service).unsubscribe,
	"GetSubscriptionAttributes": (*Service).subscriptionAttributes,
	"SetSubscriptionAttributes": (*Service).setSubscriptionAttributes,
	"ListSubscriptionsByTopic":  (*Service).listSubscriptions,
	"Publish":                   (*Service).publish,
}

// parameters are those of each operation; lists and maps by their beginnings.
var parameters = map[string]string{
	"CreateTopic": "Name Attributes Tags", "DeleteTopic": "TopicArn", "ListTopics": "NextToken",
	"GetTopicAttributes": "TopicArn", "SetTopicAttributes": "TopicArn AttributeName AttributeValue",
	"TagResource": "ResourceArn Tags", "ListTagsForResource": "ResourceArn",
	"Subscribe": "TopicArn Protocol Endpoint Attributes ReturnSubscriptionArn", "Unsubscribe": "SubscriptionArn",
	"GetSubscriptionAttributes": "SubscriptionArn", "SetSubscriptionAttributes": "SubscriptionArn AttributeName AttributeValue",
	"ListSubscriptionsByTopic": "TopicArn NextToken", "ListSubscriptions": "NextToken",
	"ConfirmSubscription": "TopicArn Token AuthenticateOnUnsubscribe", "UntagResource": "ResourceArn TagKeys",
	"Publish":      "TopicArn TargetArn Message Subject MessageStructure MessageAttributes MessageGroupId MessageDeduplicationId",
	"PublishBatch": "TopicArn PublishBatchRequestEntries",
}

// checkParameters refuses what the sandbox would leave unread.
func (r Request) checkParameters() error {
	known := strings.Fields("Action Version " + parameters[r.Operation])
	for name := range r.Form {
		if first, _, _ := strings.Cut(name, "."); !slices.Contains(known, first) {
			return invalid("the sandbox's SNS does not have the parameter " + name + " of " + r.Operation)
		}
	}
	return nil
}

// Call answers one request; the answer is a struct to be encoded as XML, nil where the operation has no result.
func (s *Service) Call(_ context.Context, r Request) (any, error) {
	if _, ok := parameters[r.Operation]; !ok {
		return nil, wire.Errorf("InvalidAction", "the sandbox's SNS has no operation %s", r.Operation)
	}
	if err := r.checkParameters(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Operation == "PublishBatch" {
		return s.publishBatch(r.Form, wire.Spread{Share: r.Unprocessed})
	}
	return operations[r.Operation](s, r.Form)
}

// IsTopic says whether an ARN is one of SNS.
func IsTopic(arn string) bool { return strings.HasPrefix(arn, "arn:aws:sns:") }

// ARN is the ARN of the topic of that name.
func ARN(name string) string { return prefix + name }

// find looks a topic up; the caller holds mu.
func (s *Service) find(arn string) (*topic, error) {
	if arn == "" || strings.Count(arn, ":") != 5 || !IsTopic(arn) {
		return nil, invalid("TopicArn Reason: An ARN must have at least 6 elements, not 1")
	}
	if t, ok := s.topics[arn]; ok {
		return t, nil
	}
	return nil, &wire.Error{Status: 404, Code: "NotFound", Message: "Topic does not exist"}
}

func (t *topic) fifo() bool { return strings.HasSuffix(t.arn, ".fifo") }

func invalid(reason string) error {
	return wire.Errorf("InvalidParameter", "Invalid parameter: %s", reason)
}

// id makes a new id; the caller holds mu.
func (s *Service) id() string {
	s.messages++
	return fmt.Sprintf("%08x-7c1e-5f0a-9000-%012x", s.messages>>32, s.messages)
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

type createTopicResult struct {
	XMLName  xml.Name `xml:"CreateTopicResult"`
	TopicArn string
}

func (s *Service) createTopic(f url.Values) (any, error) {
	name, attributes := f.Get("Name"), entries(f, "Attributes.entry.")
	base, fifo := strings.CutSuffix(name, ".fifo")
	if !topicName.MatchString(base) || len(name) > 256 {
		return nil, invalid("Topic Name")
	}
	if fifo != (attributes["FifoTopic"] == "true") {
		return nil, invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	}
	arn := ARN(name)
	if t, ok := s.topics[arn]; ok {
		for k, v := range attributes {
			if t.attributes[k] != v {
				return nil, invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		return createTopicResult{TopicArn: arn}, nil
	}
	s.topics[arn] = &topic{arn: arn, attributes: attributes, tags: tags(f), recent: map[string]accepted{}}
	return createTopicResult{TopicArn: arn}, nil
}

func (s *Service) deleteTopic(f url.Values) (any, error) {
	delete(s.topics, f.Get("TopicArn")) // idempotent ("DeleteTopic")
	return nil, nil
}

// pageSize of ListTopics and ListSubscriptionsByTopic.
const pageSize = 100

type listTopicsResult struct {
	XMLName   xml.Name    `xml:"ListTopicsResult"`
	Topics    []topicItem `xml:"Topics>member"`
	NextToken string      `xml:",omitempty"`
}

type topicItem struct{ TopicArn string }

// listTopics pages by 100; the token is the last ARN.
func (s *Service) listTopics(f url.Values) (any, error) {
	var arns []string
	for arn := range s.topics {
		if arn > f.Get("NextToken") {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	var out listTopicsResult
	if len(arns) > pageSize {
		arns, out.NextToken = arns[:pageSize], arns[pageSize-1]
	}
	for _, arn := range arns {
		out.Topics = append(out.Topics, topicItem{arn})
	}
	return out, nil
}
