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
	PublishBatch(context.Context, *sns.PublishBatchInput, ...func(*sns.Options)) (*sns.PublishBatchOutput, error)
}

// topic is where alerts go.
type topic struct {
	arn  string
	fifo bool // keeps order and drops repetitions; such topics' names end so
}

// topicError is a configuration that fits no topic, or several: waiting does not help.
type topicError struct{ err error }

func (e *topicError) Error() string { return e.err.Error() }

func (e *topicError) Unwrap() error { return e.err }

func wrongTopic(format string, args ...any) error {
	return &topicError{config.Problemf("notifier.topic", format, args...)}
}

// resolvedTopic returns the topic, and looks for it first where that has not succeeded yet.
func (n *Notifier) resolvedTopic(ctx context.Context) (*topic, error) {
	n.memory.mu.Lock()
	known := n.memory.topic
	n.memory.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := resolve(ctx, n.clients.SNS, n.config.Topic)
	n.memory.mu.Lock()
	defer n.memory.mu.Unlock()
	if err == nil {
		n.memory.topic, n.memory.problem = found, nil // until now there could be no other problem
	}
	return found, err
}

// resolve finds the topic that is configured by ARN or by name. Its error is a *topicError where that is wrong.
func resolve(ctx context.Context, c Topics, configured string) (*topic, error) {
	if !strings.Contains(configured, ":") {
		return resolveName(ctx, c, configured)
	}
	if a, err := arn.Parse(configured); err != nil || a.Service != "sns" || a.Resource == "" {
		return nil, wrongTopic("%q is no ARN of a topic (arn:aws:sns:<region>:<account>:<name>)", configured)
	}
	_, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &configured})
	var absent *types.NotFoundException
	var denied *types.AuthorizationErrorException
	var refused *types.InvalidParameterException
	switch {
	case errors.As(err, &absent):
		return nil, wrongTopic("there is no topic %s; create it, or name another", configured)
	case errors.As(err, &refused):
		return nil, wrongTopic("SNS refuses %s (%s); give the ARN of a topic in the daemon's region (aws.region)", configured, refused.ErrorMessage())
	case err == nil, errors.As(err, &denied): // who may publish need not be allowed to look
		return newTopic(configured), nil
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
	return nil, wrongTopic("%d topics are named %q: %s; give the ARN of one", len(matches), name, listed(matches))
}

func newTopic(arn string) *topic { return &topic{arn, strings.HasSuffix(arn, ".fifo")} }

func topicName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

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
