package topics

// Attributes and tags of topics, and the form's way of writing maps and lists.

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// entries reads a map: prefix1.key, prefix1.value, ...
func entries(f url.Values, prefix string) map[string]string {
	m := map[string]string{}
	for i := 1; f.Has(prefix + strconv.Itoa(i) + ".key"); i++ {
		p := prefix + strconv.Itoa(i)
		m[f.Get(p+".key")] = f.Get(p + ".value")
	}
	return m
}

func tags(f url.Values) map[string]string {
	m := map[string]string{}
	for i := 1; f.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
		m[f.Get(fmt.Sprintf("Tags.member.%d.Key", i))] = f.Get(fmt.Sprintf("Tags.member.%d.Value", i))
	}
	return m
}

// entry is one pair of a map in an answer.
type entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func encoded(m map[string]string) []entry {
	var list []entry
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, entry{k, m[k]})
	}
	return list
}

type topicAttributesResult struct {
	XMLName    xml.Name `xml:"GetTopicAttributesResult"`
	Attributes []entry  `xml:"Attributes>entry"`
}

func (s *Service) topicAttributes(f url.Values) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	t.forget(s.clock.Now())
	all := map[string]string{
		"TopicArn": t.arn, "Owner": "123456789012", "DisplayName": "",
		"SubscriptionsConfirmed": strconv.Itoa(t.count(confirmed)), "SubscriptionsPending": strconv.Itoa(t.count(pending)), "SubscriptionsDeleted": strconv.Itoa(t.count(deleted)),
		"EffectiveDeliveryPolicy": `{"defaultHealthyRetryPolicy":{"numRetries":3,"numNoDelayRetries":0,"minDelayTarget":20,"maxDelayTarget":20,"numMinDelayRetries":0,"numMaxDelayRetries":0,"backoffFunction":"linear"},"disableOverrides":false}`,
	}
	maps.Copy(all, t.attributes)
	return topicAttributesResult{Attributes: encoded(all)}, nil
}

// settable are the topic attributes that may be changed ("SetTopicAttributes"); FifoTopic only at creation.
var settable = []string{
	"DeliveryPolicy", "DisplayName", "Policy", "TracingConfig", "KmsMasterKeyId", "SignatureVersion",
	"ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy", "MaximumMessageSize",
}

func (s *Service) setTopicAttributes(f url.Values) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	name, value := f.Get("AttributeName"), f.Get("AttributeValue")
	if !slices.Contains(settable, name) {
		return nil, invalid("AttributeName")
	}
	if name == "MaximumMessageSize" {
		if n, err := strconv.Atoi(value); err != nil || n < 1024 || n > 1<<20 {
			return nil, invalid("MaximumMessageSize")
		}
	}
	t.attributes[name] = value
	return nil, nil
}

type tagResourceResult struct {
	XMLName xml.Name `xml:"TagResourceResult"`
}

func (s *Service) tagResource(f url.Values) (any, error) {
	t, err := s.find(f.Get("ResourceArn"))
	if err != nil {
		return nil, err
	}
	maps.Copy(t.tags, tags(f))
	return tagResourceResult{}, nil
}

type untagResourceResult struct {
	XMLName xml.Name `xml:"UntagResourceResult"`
}

func (s *Service) untagResource(f url.Values) (any, error) {
	t, err := s.find(f.Get("ResourceArn"))
	if err != nil {
		return nil, err
	}
	for i := 1; f.Has(fmt.Sprintf("TagKeys.member.%d", i)); i++ {
		delete(t.tags, f.Get(fmt.Sprintf("TagKeys.member.%d", i)))
	}
	return untagResourceResult{}, nil
}

type listTagsResult struct {
	XMLName xml.Name  `xml:"ListTagsForResourceResult"`
	Tags    []tagItem `xml:"Tags>member"`
}

type tagItem struct{ Key, Value string }

func (s *Service) listTags(f url.Values) (any, error) {
	t, err := s.find(f.Get("ResourceArn"))
	if err != nil {
		return nil, err
	}
	var out listTagsResult
	for _, e := range encoded(t.tags) {
		out.Tags = append(out.Tags, tagItem(e))
	}
	return out, nil
}
