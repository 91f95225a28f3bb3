package notifier

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"inventoryd/internal/state"
)

// failingTopics fails chosen entries of a batch: the sandbox's faults do not choose.
type failingTopics struct {
	Topics
	fail   map[string]int // by item: how often, for SNS's own fault
	refuse string         // the item whose message is refused each time
	asked  []int          // entries of each call
}

func (f *failingTopics) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, o ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	f.asked = append(f.asked, len(in.PublishBatchRequestEntries))
	var failed []types.BatchResultErrorEntry
	var rest []types.PublishBatchRequestEntry
	for _, e := range in.PublishBatchRequestEntries {
		item := *e.MessageAttributes["item"].StringValue
		if item == f.refuse {
			failed = append(failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InvalidParameter"), Message: aws.String("Invalid parameter: Message"), SenderFault: true})
			continue
		}
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

// mapRows is a state table in a map, for volumes at which a conditional write of each row through the SDK takes minutes.
type mapRows struct {
	mu   sync.Mutex // guards rows
	rows map[state.Key]attributeMap
}

func (m *mapRows) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []attributeMap
	for _, key := range in.RequestItems[stateTable].Keys {
		if row, ok := m.rows[state.KeyOf(key)]; ok {
			found = append(found, row)
		}
	}
	return &dynamodb.BatchGetItemOutput{Responses: map[string][]attributeMap{stateTable: found}}, nil
}

// BatchWriteItem takes the history, which nobody reads.
func (m *mapRows) BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return &dynamodb.BatchWriteItemOutput{}, nil
}

func (m *mapRows) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := state.KeyOf(in.Item)
	if old, ok := m.rows[k]; ok {
		there, err := state.AlertOf(old)
		if ours, _ := state.AlertOf(in.Item); err != nil || there.Position >= ours.Position {
			return nil, &dynamotypes.ConditionalCheckFailedException{Item: old}
		}
	}
	m.rows[k] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}
