package notifier

// What the rows say at a glance, for a page that is asked again and again: each question costs a bounded number of
// eventually consistent reads, whatever the table holds.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// Backlog is what is to be told by now, and what never will be.
type Backlog struct {
	Due    int       // rows that the teller is to look at by now
	Failed int       // rows of which SNS refuses what is to be told
	More   bool      // there are more of either
	Oldest time.Time // since when the oldest waits; zero: none does
}

// backlogMost is how many rows of a partition of the index are counted.
const backlogMost = 1000

// Backlog counts what the index names.
func (b Book) Backlog(ctx context.Context, now time.Time) (sum Backlog, err error) {
	for _, bucket := range state.BucketNames() {
		due, err := b.count(ctx, lookQuery(b.Table, b.App, bucket, "#next <= :next", state.LookBefore(now)))
		if err != nil {
			return sum, err
		}
		failed, err := b.count(ctx, lookQuery(b.Table, b.App, bucket, "#next = :next", state.Look{For: state.AttrFailed}.String()))
		if err != nil {
			return sum, err
		}
		sum.Due += len(due.Items)
		sum.Failed += len(failed.Items)
		sum.More = sum.More || len(due.LastEvaluatedKey) > 0 || len(failed.LastEvaluatedKey) > 0
		if len(due.Items) == 0 {
			continue
		}
		if next, ok := due.Items[0][state.Next].(*types.AttributeValueMemberS); ok {
			if at := state.LookOf(next.Value).At; sum.Oldest.IsZero() || at.Before(sum.Oldest) {
				sum.Oldest = at
			}
		}
	}
	return sum, nil
}

func (b Book) count(ctx context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	in.Limit = aws.Int32(backlogMost)
	out, err := b.Rows.Query(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("read index %s of table %s: %w", state.LookIndex, b.Table, err)
	}
	return out, nil
}

// Items reads the rows of items, in no order; of those that have none, or a broken one, there is nothing.
func (b Book) Items(ctx context.Context, keys []inventory.Key) (found []state.Item, err error) {
	for some := range slices.Chunk(keys, maxKeys) {
		wanted := make([]attributeMap, len(some))
		for i, k := range some {
			wanted[i] = state.ItemKey(b.App, k.Store, k.Item).Attributes()
		}
		rows, err := b.get(ctx, wanted, false)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if i, err := state.ItemOf(row); err == nil {
				found = append(found, i)
			}
		}
	}
	return found, nil
}

// Recent lists up to n messages that were told today or yesterday, the latest first.
func (b Book) Recent(ctx context.Context, now time.Time, n int) ([]state.History, error) {
	return b.newest(ctx, []time.Time{now, now.AddDate(0, 0, -1)}, n, func(state.History) bool { return true })
}

// toldMost is how many messages of a partition of a day are searched for those about an item.
const toldMost = 500

// Told lists the messages that told of an item on the given days, the latest first; of days with very many messages it
// searches the last ones.
func (b Book) Told(ctx context.Context, k inventory.Key, days []time.Time) ([]state.History, error) {
	return b.newest(ctx, days, toldMost, func(h state.History) bool {
		return h.Store == k.Store && slices.ContainsFunc(h.Subjects, func(s state.Subject) bool { return s.Item == k.Item })
	})
}

// newest reads the last n messages of each partition of some days, and returns the last n of those that are wanted.
func (b Book) newest(ctx context.Context, days []time.Time, n int, wanted func(state.History) bool) (told []state.History, err error) {
	for _, day := range days {
		for _, bucket := range state.BucketNames() {
			out, err := b.Rows.Query(ctx, &dynamodb.QueryInput{
				TableName: &b.Table, KeyConditionExpression: aws.String("pk = :pk"), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(n)),
				ExpressionAttributeValues: attributeMap{":pk": attribute.S(state.HistoryPK(b.App, day, bucket))},
			})
			if err != nil {
				return nil, fmt.Errorf("read the history in table %s: %w", b.Table, err)
			}
			for _, row := range out.Items {
				h, err := state.HistoryIn(row)
				if err != nil {
					return nil, err
				}
				if wanted(h) {
					told = append(told, h)
				}
			}
		}
	}
	slices.SortFunc(told, func(a, b state.History) int { return b.At.Compare(a.At) })
	return told[:min(n, len(told))], nil
}
