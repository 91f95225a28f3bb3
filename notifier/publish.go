package notifier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"inventoryd/internal/state"
)

// fate is what an error of SNS means for the message: one table (fateOf) for all.
type fate uint8

const (
	unsure  fate = iota // SNS may have taken it: the same message is sent again
	undone              // SNS has not taken it, for a reason that may pass: its items are looked at anew
	content             // SNS refuses what it holds: sending it again cannot help
)

// unpublished is why a message did not get out, or not for sure.
type unpublished struct {
	error
	fate    fate
	perhaps bool // SNS may have it all the same
}

// publish sends a message.
func (n *Notifier) publish(ctx context.Context, t *topic, o *state.Outgoing) (id string, failed *unpublished) {
	in := &sns.PublishInput{TopicArn: &t.arn, Message: &o.Body, MessageAttributes: attributeValues(o.Attributes)}
	if o.Subject != "" {
		in.Subject = &o.Subject
	}
	if t.fifo {
		in.MessageGroupId = aws.String(fifoID(groupID(o)))
		in.MessageDeduplicationId = &o.Dedup
	}
	failed = &unpublished{}
	out, err := n.clients.SNS.Publish(ctx, in, t.options, failed.watch)
	if err != nil {
		failed.error, failed.fate = fmt.Errorf("publish to %s: %w%s", t.arn, err, remedy(err)), fateOf(err)
		return "", failed
	}
	return aws.ToString(out.MessageId), nil
}

// groupID is in what order is kept: a store's, or a feed's.
func groupID(o *state.Outgoing) string {
	if o.Kind == "" {
		return o.Attributes[attrFeed]
	}
	return o.Store
}

// fifoID is s where it can be a group id (SNS API reference, Publish: at most 128 letters, digits and punctuation of
// ASCII), else its SHA-256.
func fifoID(s string) string {
	odd := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0
	if s != "" && len(s) <= 128 && !odd {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// fateOf says what an error of Publish means. Only an answer of SNS that says what was wrong with the call makes it
// sure that the message was not taken.
func fateOf(err error) fate {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return unsure
	}
	switch api.ErrorCode() {
	case "InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException", "ValidationError":
		if strings.Contains(api.ErrorMessage(), "TopicArn") {
			return undone
		}
		return content
	case "InternalError", "InternalFailure", "ServiceUnavailable", "RequestTimeout", "InternalServerError":
		return unsure
	}
	if api.ErrorFault() == smithy.FaultServer {
		return unsure
	}
	return undone
}

// mayHaveTaken reports whether SNS may have the message of an attempt that came to this error: not where it says that it
// has not, nor where there was no connection to send it on.
func mayHaveTaken(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fateOf(err) == unsure && api.ErrorCode() != "ServiceUnavailable"
	}
	var connection *net.OpError
	return !errors.As(err, &connection) || connection.Op != "dial"
}

// watch has each attempt of a call looked at, those too that the SDK repeats: an answer that was lost stays lost though a
// later attempt is refused.
func (u *unpublished) watch(o *sns.Options) {
	look := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		u.perhaps = u.perhaps || err != nil && mayHaveTaken(err)
		return out, metadata, err
	}
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("LookAtAttempt", look), "Retry", middleware.After)
	})
}

// remedy names the permission that is missing, and what else an error's words leave open.
func remedy(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	switch api.ErrorCode() {
	case "AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException":
		return " (the role needs sns:Publish on the topic)"
	case "KMSAccessDenied", "KMSAccessDeniedException":
		return " (the role needs kms:GenerateDataKey and kms:Decrypt on the topic's key)"
	case "KMSDisabled", "KMSDisabledException", "KMSInvalidState", "KMSInvalidStateException":
		return " (enable the topic's KMS key)"
	case "KMSNotFound", "KMSNotFoundException":
		return " (the topic's KMS key is gone: give the topic another)"
	case "NotFound", "NotFoundException":
		return " (create the topic, or name another in notifier.topic)"
	}
	return ""
}
