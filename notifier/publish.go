package notifier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// refusal is an alert that SNS refuses for its content: sending it again cannot help.
type refusal struct{ err error }

func (r *refusal) Error() string { return "refused by SNS: " + r.err.Error() }

func (r *refusal) Unwrap() error { return r.err }

func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

// publish sends the alerts of the steps by one call and notes in each step the message id or the error. Where SNS
// refuses the whole call for its content, each alert is sent alone to find the one to blame.
func (n *Notifier) publish(ctx context.Context, topic *topic, steps []*step) {
	entries := make([]types.PublishBatchRequestEntry, len(steps))
	for i, s := range steps {
		entries[i] = s.message.entry
		entries[i].Id = entryID(i)
	}
	out, err := n.clients.SNS.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &topic.arn, PublishBatchRequestEntries: entries})
	if err == nil {
		n.noteAnswers(steps, out)
		return
	}
	if content := aboutContent(err); content && len(steps) > 1 {
		for i := range steps {
			n.publish(ctx, topic, steps[i:i+1])
		}
		return
	} else if content {
		err = &refusal{err}
	}
	for _, s := range steps {
		s.err = fmt.Errorf("publish to %s: %w", topic.arn, err)
	}
}

// noteAnswers gives each step what SNS answered for its entry.
func (n *Notifier) noteAnswers(steps []*step, out *sns.PublishBatchOutput) {
	for _, s := range steps {
		s.err = errNoAnswer
	}
	at := func(id *string) *step {
		if i, err := strconv.Atoi(aws.ToString(id)); err == nil && i >= 0 && i < len(steps) {
			return steps[i]
		}
		return &step{} // an answer to nothing that was asked
	}
	for _, e := range out.Successful {
		s := at(e.Id)
		s.messageID, s.err = aws.ToString(e.MessageId), nil
	}
	for _, e := range out.Failed {
		at(e.Id).err = entryError(e)
	}
}

var errNoAnswer = errors.New("SNS gave no answer for this message")

func entryError(e types.BatchResultErrorEntry) error {
	err := &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message), Fault: smithy.FaultServer}
	if e.SenderFault && aboutContent(err) {
		return &refusal{err}
	}
	return err
}

// aboutContent reports whether SNS refuses what a message contains. All other errors (throttling, outages, denied
// access, trouble with the topic or its key) have nothing to do with the message and may pass.
func aboutContent(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException", "ValidationError":
		return !strings.Contains(api.ErrorMessage(), "TopicArn")
	case "BatchRequestTooLong", "AWS.SimpleNotificationService.BatchRequestTooLong":
		return true
	}
	return false
}
