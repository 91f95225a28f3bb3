package notifier

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// failingTopics fails single entries of a batch for SNS's own fault, which no call to the sandbox can ask for.
type failingTopics struct {
	Topics
	fail  map[string]int // by item: how often
	asked []int          // entries of each call
}

func (f *failingTopics) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, o ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	f.asked = append(f.asked, len(in.PublishBatchRequestEntries))
	var failed []types.BatchResultErrorEntry
	var rest []types.PublishBatchRequestEntry
	for _, e := range in.PublishBatchRequestEntries {
		item := *e.MessageAttributes["item"].StringValue
		if f.fail[item] == 0 {
			rest = append(rest, e)
			continue
		}
		f.fail[item]--
		failed = append(failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError"), Message: aws.String("try again")})
	}
	out := &sns.PublishBatchOutput{}
	if len(rest) > 0 {
		only := *in
		only.PublishBatchRequestEntries = rest
		var err error
		if out, err = f.Topics.PublishBatch(ctx, &only, o...); err != nil {
			return nil, err
		}
	}
	out.Failed = append(out.Failed, failed...)
	return out, nil
}

// watchedTopics tells of publishes that begin and end.
type watchedTopics struct {
	Topics
	flight func(by int)
}

func (w *watchedTopics) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, o ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	w.flight(1)
	defer w.flight(-1)
	return w.Topics.PublishBatch(ctx, in, o...)
}
