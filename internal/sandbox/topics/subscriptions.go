package topics

// Subscriptions: who gets what, in which form.

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/wire"
)

type subscription struct {
	arn, protocol, endpoint string
	attributes              map[string]string
	filter                  *filter
	raw                     bool

	state  state
	token  string      // by which a pending one is confirmed
	asked  time.Time   // when it was
	recent []time.Time // deliveries of the last second, of mail
}

// state is where a subscription is in its life.
type state int

const (
	confirmed state = iota
	pending         // nobody has confirmed it yet: it gets nothing
	deleted         // deactivated by SNS: it gets nothing any more
)

// shownARN is the ARN as lists have it.
func (sub *subscription) shownARN() string {
	return [...]string{confirmed: sub.arn, pending: "PendingConfirmation", deleted: "Deleted"}[sub.state]
}

type subscribeResult struct {
	XMLName         xml.Name `xml:"SubscribeResult"`
	SubscriptionArn string
}

// subscribe takes the protocols sqs, email and email-json; a subscription that exists is answered again.
func (s *Service) subscribe(f url.Values) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	sub := &subscription{protocol: f.Get("Protocol"), endpoint: f.Get("Endpoint"), attributes: map[string]string{}}
	if err := s.checkEndpoint(t, sub); err != nil {
		return nil, err
	}
	for name, value := range entries(f, "Attributes.entry.") {
		if err := sub.set(name, value); err != nil {
			return nil, err
		}
	}
	if err := sub.checkScope(); err != nil {
		return nil, err
	}
	for _, old := range t.subscriptions {
		if old.endpoint == sub.endpoint && old.protocol == sub.protocol && old.state != deleted {
			return old.answer(f), nil
		}
	}
	sub.arn = t.arn + ":" + s.id()
	if sub.isMail() {
		sub.state, sub.token, sub.asked = pending, fmt.Sprintf("%064x", s.messages), s.clock.Now()
	}
	t.subscriptions = append(t.subscriptions, sub)
	return sub.answer(f), nil
}

// answer tells the ARN; of one that is to be confirmed only where it was asked for.
func (sub *subscription) answer(f url.Values) subscribeResult {
	if sub.state == pending && f.Get("ReturnSubscriptionArn") != "true" {
		return subscribeResult{SubscriptionArn: "pending confirmation"}
	}
	return subscribeResult{SubscriptionArn: sub.arn}
}

// checkEndpoint refuses endpoints that there cannot be.
func (s *Service) checkEndpoint(t *topic, sub *subscription) error {
	switch {
	case sub.isMail() && t.fifo():
		return invalid("Invalid parameter: Invalid protocol type: " + sub.protocol)
	case sub.isMail() && !strings.Contains(strings.Trim(sub.endpoint, "@"), "@"):
		return invalid("Email address")
	case sub.isMail():
		return nil
	case sub.protocol != "sqs":
		return invalid("Protocol Reason: the sandbox delivers to sqs, email and email-json only, not to " + sub.protocol)
	case !s.queues.Exists(sub.endpoint):
		return invalid("Endpoint Reason: the sandbox has no queue " + sub.endpoint)
	case queues.IsFIFO(sub.endpoint) && !t.fifo():
		return invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	return nil
}

func (sub *subscription) set(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		if value != "true" && value != "false" {
			return invalid("Attributes Reason: RawMessageDelivery: Invalid value [" + value + "]. Must be true or false.")
		}
		sub.raw = value == "true"
	case "FilterPolicy":
		policy, err := parseFilter(value)
		if err != nil {
			return err
		}
		sub.filter = policy
	case "FilterPolicyScope":
		if value != "MessageAttributes" && value != "MessageBody" {
			return invalid("Attributes Reason: FilterPolicyScope: Invalid value [" + value + "]. Please use either MessageBody or MessageAttributes")
		}
	case "RedrivePolicy", "DeliveryPolicy":
		if value != "" && !json.Valid([]byte(value)) {
			return invalid("Attributes Reason: " + name + ": failed to parse JSON")
		}
	default:
		return invalid("AttributeName")
	}
	sub.attributes[name] = value
	return nil
}

// checkScope refuses a policy that looks into objects where there are none.
func (sub *subscription) checkScope() error {
	if sub.attributes["FilterPolicyScope"] != "MessageBody" && sub.filter.isNested() {
		return invalid("Attributes Reason: FilterPolicy: Filter policy scope MessageAttributes does not support nested filter policy")
	}
	return nil
}

// findSubscription is by ARN; the caller holds mu.
func (s *Service) findSubscription(arn string) (*topic, *subscription, error) {
	i := strings.LastIndexByte(arn, ':')
	if i < 0 {
		return nil, nil, invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")
	}
	if t, ok := s.topics[arn[:i]]; ok {
		for _, sub := range t.subscriptions {
			if sub.arn == arn {
				return t, sub, nil
			}
		}
	}
	return nil, nil, &wire.Error{Status: 404, Code: "NotFound", Message: "Subscription does not exist"}
}

func (s *Service) unsubscribe(f url.Values) (any, error) {
	t, sub, err := s.findSubscription(f.Get("SubscriptionArn"))
	if err != nil {
		return nil, err
	}
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(o *subscription) bool { return o == sub })
	return nil, nil
}

type subscriptionAttributesResult struct {
	XMLName    xml.Name `xml:"GetSubscriptionAttributesResult"`
	Attributes []entry  `xml:"Attributes>entry"`
}

func (s *Service) subscriptionAttributes(f url.Values) (any, error) {
	t, sub, err := s.findSubscription(f.Get("SubscriptionArn"))
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": t.arn, "Protocol": sub.protocol, "Endpoint": sub.endpoint,
		"Owner": "123456789012", "PendingConfirmation": strconv.FormatBool(sub.state == pending), "ConfirmationWasAuthenticated": "true", "RawMessageDelivery": "false",
	}
	for k, v := range sub.attributes {
		all[k] = v
	}
	return subscriptionAttributesResult{Attributes: encoded(all)}, nil
}

func (s *Service) setSubscriptionAttributes(f url.Values) (any, error) {
	_, sub, err := s.findSubscription(f.Get("SubscriptionArn"))
	if err != nil {
		return nil, err
	}
	changed := *sub
	changed.attributes = maps.Clone(sub.attributes)
	if err := changed.set(f.Get("AttributeName"), f.Get("AttributeValue")); err != nil {
		return nil, err
	}
	if err := changed.checkScope(); err != nil {
		return nil, err
	}
	*sub = changed
	return nil, nil
}
