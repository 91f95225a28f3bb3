package topics

// Lists of subscriptions.

import (
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

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
	items, next := pageOf([]*topic{t}, f.Get("NextToken"), s.clock.Now())
	return listSubscriptionsResult{Subscriptions: items, NextToken: next}, nil
}

type listAllResult struct {
	XMLName       xml.Name           `xml:"ListSubscriptionsResult"`
	Subscriptions []subscriptionItem `xml:"Subscriptions>member"`
	NextToken     string             `xml:",omitempty"`
}

func (s *Service) listAllSubscriptions(f url.Values) (any, error) {
	items, next := pageOf(slices.Collect(maps.Values(s.topics)), f.Get("NextToken"), s.clock.Now())
	return listAllResult{Subscriptions: items, NextToken: next}, nil
}

// pageOf is a page of the topics' subscriptions behind the ARN that a token is.
func pageOf(topics []*topic, token string, now time.Time) (items []subscriptionItem, next string) {
	var list []*subscription
	for _, t := range topics {
		t.forget(now)
		list = append(list, t.subscriptions...)
	}
	slices.SortFunc(list, func(a, b *subscription) int { return strings.Compare(a.arn, b.arn) })
	last := ""
	for _, sub := range list {
		if sub.arn <= token {
			continue
		}
		if len(items) == pageSize {
			return items, last
		}
		items = append(items, subscriptionItem{sub.topic(), sub.protocol, sub.shownARN(), "123456789012", sub.endpoint})
		last = sub.arn
	}
	return items, ""
}

// topic is the ARN of the subscription's topic.
func (sub *subscription) topic() string { return sub.arn[:strings.LastIndexByte(sub.arn, ':')] }
