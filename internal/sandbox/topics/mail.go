package topics

// Subscriptions of people: they confirm, and are deactivated where they get more mail than SNS sends to one address.

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"time"
)

const (
	// maxMailRate is how many messages SNS delivers to a mail subscription in a second ("Amazon SNS endpoints and quotas":
	// email delivery rate). One more, and it is deactivated: what follows is lost to that reader.
	maxMailRate = 10
	// confirmWithin is how long a subscription may wait for its confirmation ("Subscribe": it expires after two days).
	confirmWithin = 48 * time.Hour
)

// Mail is a message as a reader got it.
type Mail struct {
	To, Subject, Body string
	At                time.Time
}

func (sub *subscription) isMail() bool {
	return sub.protocol == "email" || sub.protocol == "email-json"
}

// mail delivers to a reader, or deactivates the subscription.
func (s *Service) mail(t *topic, sub *subscription, m message, a accepted) {
	sub.recent = slices.DeleteFunc(sub.recent, func(at time.Time) bool { return a.at.Sub(at) >= time.Second })
	if len(sub.recent) == maxMailRate {
		sub.state = deleted
		return
	}
	sub.recent = append(sub.recent, a.at)
	body := m.forProtocol(sub.protocol)
	if sub.protocol == "email-json" {
		body = wrapFor(sub.protocol, t.arn, sub.arn, m, a)
	}
	s.mails[sub.endpoint] = append(s.mails[sub.endpoint], Mail{sub.endpoint, cmp.Or(m.subject, "AWS Notification Message"), body, a.at})
}

// Mails are the messages that came to an address.
func (s *Service) Mails(address string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails[address])
}

// SubscribeMail subscribes an address to a topic of that name and confirms it.
func (s *Service) SubscribeMail(topic, address string) error {
	f := url.Values{"TopicArn": {ARN(topic)}, "Protocol": {"email"}, "Endpoint": {address}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.subscribe(f); err != nil {
		return err
	}
	return s.confirmed(topic, address)
}

// ConfirmMail is the reader's click on the link that SNS sent to confirm the subscription.
func (s *Service) ConfirmMail(topic, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirmed(topic, address)
}

func (s *Service) confirmed(topic, address string) error {
	t, err := s.find(ARN(topic))
	if err != nil {
		return err
	}
	t.forget(s.clock.Now())
	for _, sub := range t.subscriptions {
		if sub.endpoint == address && sub.state == pending {
			sub.state = confirmed
			return nil
		}
	}
	return fmt.Errorf("topic %s has no subscription of %s that waits to be confirmed", topic, address)
}

// Subscribed tells whether the address is a confirmed subscriber of the topic: one that was deactivated is none.
func (s *Service) Subscribed(topic, address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(ARN(topic))
	return err == nil && slices.ContainsFunc(t.subscriptions, func(sub *subscription) bool {
		return sub.endpoint == address && sub.state == confirmed
	})
}

type confirmSubscriptionResult struct {
	XMLName         xml.Name `xml:"ConfirmSubscriptionResult"`
	SubscriptionArn string
}

func (s *Service) confirmSubscription(f url.Values) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	t.forget(s.clock.Now())
	for _, sub := range t.subscriptions {
		if sub.token != "" && sub.token == f.Get("Token") {
			if sub.state == pending {
				sub.state = confirmed
			}
			return confirmSubscriptionResult{SubscriptionArn: sub.arn}, nil
		}
	}
	return nil, invalid("Token")
}

// forget drops the subscriptions that nobody confirmed in time.
func (t *topic) forget(now time.Time) {
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(sub *subscription) bool {
		return sub.state == pending && now.Sub(sub.asked) >= confirmWithin
	})
}

// count is the number of the topic's subscriptions in a state.
func (t *topic) count(in state) (n int) {
	for _, sub := range t.subscriptions {
		if sub.state == in {
			n++
		}
	}
	return n
}
