package topics

// Subscriptions: who gets what, in which form.

import (
	"encoding/json"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"

	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/wire"
)

type subscription struct {
	arn, protocol, endpoint string
	attributes              map[string]string
	filter                  filter
	raw                     bool
}

type subscribeResult struct {
	XMLName         xml.Name `xml:"SubscribeResult"`
	SubscriptionArn string
}

// subscribe takes protocol sqs, which the sandbox delivers to; a subscription that exists is answered again.
func (s *Service) subscribe(f url.Values) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	protocol, endpoint := f.Get("Protocol"), f.Get("Endpoint")
	if protocol != "sqs" {
		return nil, invalid("Protocol Reason: the sandbox delivers to sqs only, not to " + protocol)
	}
	if !s.queues.Exists(endpoint) {
		return nil, invalid("Endpoint Reason: the sandbox has no queue " + endpoint)
	}
	if queues.IsFIFO(endpoint) && !t.fifo() {
		return nil, invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	for _, sub := range t.subscriptions {
		if sub.endpoint == endpoint {
			return subscribeResult{SubscriptionArn: sub.arn}, nil
		}
	}
	sub := &subscription{arn: t.arn + ":" + s.id(), protocol: protocol, endpoint: endpoint, attributes: map[string]string{}}
	for name, value := range entries(f, "Attributes.entry.") {
		if err := sub.set(name, value); err != nil {
			return nil, err
		}
	}
	t.subscriptions = append(t.subscriptions, sub)
	return subscribeResult{SubscriptionArn: sub.arn}, nil
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
		if value != "MessageAttributes" {
			return invalid("Attributes Reason: FilterPolicyScope: the sandbox filters by MessageAttributes only, not by " + value)
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
		"Owner": "123456789012", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true", "RawMessageDelivery": "false",
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
	return nil, sub.set(f.Get("AttributeName"), f.Get("AttributeValue"))
}

type listSubscriptionsResult struct {
	XMLName       xml.Name           `xml:"ListSubscriptionsByTopicResult"`
	Subscriptions []subscriptionItem `xml:"Subscriptions>member"`
	NextToken     string             `xml:",omitempty"`
}

type subscriptionItem struct{ TopicArn, Protocol, SubscriptionArn, Owner, Endpoint string }

// listSubscriptions pages by 100; the token is the last ARN.
func (s *Service) listSubscriptions(f url.Values) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	list := slices.Clone(t.subscriptions)
	slices.SortFunc(list, func(a, b *subscription) int { return strings.Compare(a.arn, b.arn) })
	var out listSubscriptionsResult
	for _, sub := range list {
		if sub.arn <= f.Get("NextToken") {
			continue
		}
		if len(out.Subscriptions) == pageSize {
			out.NextToken = out.Subscriptions[pageSize-1].SubscriptionArn
			break
		}
		out.Subscriptions = append(out.Subscriptions, subscriptionItem{t.arn, sub.protocol, sub.arn, "123456789012", sub.endpoint})
	}
	return out, nil
}
