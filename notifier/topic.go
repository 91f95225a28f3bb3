package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"inventoryd/internal/config"
)

// Topics is what a Notifier needs of SNS.
type Topics interface {
	ListTopics(context.Context, *sns.ListTopicsInput, ...func(*sns.Options)) (*sns.ListTopicsOutput, error)
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// topic is where alerts go.
type topic struct {
	arn  string
	fifo bool // keeps order and drops repetitions; such topics' names end so
	// region is the topic's own, which the calls go to.
	region string
}

func (t *topic) options(o *sns.Options) {
	if t.region != "" {
		o.Region = t.region
	}
}

// ambiguousTopic is a name that fits several topics: waiting does not help.
type ambiguousTopic struct{ err error }

func (e *ambiguousTopic) Error() string { return e.err.Error() }

func (e *ambiguousTopic) Unwrap() error { return e.err }

func wrongTopic(format string, args ...any) error {
	return config.Problemf("notifier.topic", format, args...)
}

// resolvedTopic returns the topic, and looks for it first where that has not succeeded yet.
func (n *Notifier) resolvedTopic(ctx context.Context) (*topic, error) {
	if known := n.memory.topicIfKnown(); known != nil {
		return known, nil
	}
	found, err := resolve(ctx, n.clients.SNS, n.config.Topic)
	if err == nil {
		n.memory.noteTopic(found)
	}
	return found, err
}

// resolve finds the topic that is configured by ARN or by name. Its error is an *ambiguousTopic where waiting does not
// help.
func resolve(ctx context.Context, c Topics, configured string) (*topic, error) {
	if !strings.Contains(configured, ":") {
		return resolveName(ctx, c, configured)
	}
	t := newTopic(configured)
	_, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &configured}, t.options)
	var absent *types.NotFoundException
	var denied *types.AuthorizationErrorException
	switch {
	case errors.As(err, &absent):
		return nil, wrongTopic("there is no topic %s; create it, or name another", configured)
	case err == nil, errors.As(err, &denied): // who may publish need not be allowed to look
		return t, nil
	}
	return nil, fmt.Errorf("look for topic %s: %w", configured, err)
}

// resolveName looks through all pages: the name must be a topic's whole name, whatever the case.
func resolveName(ctx context.Context, c Topics, name string) (*topic, error) {
	var all, matches []string
	pages := sns.NewListTopicsPaginator(c, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics to find %q: %w", name, err)
		}
		for _, t := range page.Topics {
			all = append(all, aws.ToString(t.TopicArn))
			if strings.EqualFold(topicName(aws.ToString(t.TopicArn)), name) {
				matches = append(matches, aws.ToString(t.TopicArn))
			}
		}
	}
	switch len(matches) {
	case 1:
		return newTopic(matches[0]), nil
	case 0:
		return nil, wrongTopic("there is no topic named %q; there is %s; create it, or name one of these", name, listed(all))
	}
	return nil, &ambiguousTopic{wrongTopic("%d topics are named %q: %s; give the ARN of one", len(matches), name, listed(matches))}
}

func newTopic(named string) *topic {
	t := &topic{arn: named, fifo: strings.HasSuffix(named, ".fifo")}
	if a, err := arn.Parse(named); err == nil {
		t.region = a.Region
	}
	return t
}

func topicName(named string) string { return named[strings.LastIndexByte(named, ':')+1:] }

// listed names topics for a message: the first twenty.
func listed(arns []string) string {
	const most = 20
	if len(arns) == 0 {
		return "none in this account and region"
	}
	slices.SortFunc(arns, func(a, b string) int { return cmp.Compare(topicName(a), topicName(b)) })
	if more := len(arns) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(arns[:most], ", "), more)
	}
	return strings.Join(arns, ", ")
}
