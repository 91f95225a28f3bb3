package notifier

// What the rows say, for commands and the page: what is out of stock, due, failed, and what was told.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

// Book reads an app's rows in the state table. Its lists are as the index has them, which lags by some seconds; the rows
// themselves are read consistently.
type Book struct {
	Rows  Rows
	Table string // the state table
	App   string
}

// Out lists the items that are out of stock, by store and item.
func (b Book) Out(ctx context.Context) ([]state.Item, error) {
	return b.listed(ctx, func(i state.Item) bool { return i.Stock == state.Out })
}

// Due lists the items of which something is to be told: now, or when a cooldown is over.
func (b Book) Due(ctx context.Context) ([]state.Item, error) {
	return b.listed(ctx, func(i state.Item) bool { return i.Due.Kind != "" && i.Failed == "" })
}

// Failed lists the items of which SNS refuses what is to be told.
func (b Book) Failed(ctx context.Context) ([]state.Item, error) {
	return b.listed(ctx, func(i state.Item) bool { return i.Failed != "" })
}

// listed reads the rows that the index names and that are wanted.
func (b Book) listed(ctx context.Context, wanted func(state.Item) bool) ([]state.Item, error) {
	var all []state.Item
	err := b.look(ctx, func(rows []attributeMap) {
		for _, row := range rows {
			if _, isTell := state.KeyOf(row).KindOfTell(b.App); isTell {
				continue
			}
			if i, err := state.ItemOf(row); err == nil && wanted(i) { // a broken row is mended by the teller
				all = append(all, i)
			}
		}
	})
	slices.SortFunc(all, func(a, b state.Item) int {
		return cmp.Or(strings.Compare(a.Store, b.Store), strings.Compare(a.Item, b.Item))
	})
	return all, err
}

// Feeds lists what is to be told of feeds, or failed.
func (b Book) Feeds(ctx context.Context) ([]state.Tell, error) {
	var all []state.Tell
	err := b.look(ctx, func(rows []attributeMap) {
		for _, row := range rows {
			if _, isTell := state.KeyOf(row).KindOfTell(b.App); !isTell {
				continue
			}
			if t, err := state.TellOf(row); err == nil {
				all = append(all, t)
			}
		}
	})
	return all, err
}

// look reads the rows of the whole index.
func (b Book) look(ctx context.Context, take func([]attributeMap)) error {
	for _, bucket := range state.BucketNames() {
		in := lookQuery(b.Table, b.App, bucket, "#next >= :next", "0")
		for {
			page, err := b.Rows.Query(ctx, in)
			if err != nil {
				return fmt.Errorf("read index %s of table %s: %w", state.LookIndex, b.Table, err)
			}
			for keys := range slices.Chunk(page.Items, maxKeys) {
				for i, e := range keys {
					keys[i] = state.KeyOf(e).Attributes()
				}
				rows, err := b.get(ctx, keys, true)
				if err != nil {
					return err
				}
				take(rows)
			}
			if in.ExclusiveStartKey = page.LastEvaluatedKey; len(page.LastEvaluatedKey) == 0 {
				break
			}
		}
	}
	return nil
}

// get reads the rows of at most a hundred keys.
func (b Book) get(ctx context.Context, keys []attributeMap, consistent bool) ([]attributeMap, error) {
	var rows []attributeMap
	for len(keys) > 0 {
		out, err := b.Rows.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			b.Table: {Keys: keys, ConsistentRead: &consistent},
		}})
		if err != nil {
			return nil, fmt.Errorf("read rows of table %s: %w", b.Table, err)
		}
		rows = append(rows, out.Responses[b.Table]...)
		if keys = out.UnprocessedKeys[b.Table].Keys; len(keys) > 0 && sleep.For(ctx, 100*time.Millisecond) != nil {
			return nil, ctx.Err()
		}
	}
	return rows, nil
}

// Item reads the row of one item; false where there is none.
func (b Book) Item(ctx context.Context, k inventory.Key) (i state.Item, there bool, err error) {
	out, err := b.Rows.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &b.Table, Key: state.ItemKey(b.App, k.Store, k.Item).Attributes(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return i, false, fmt.Errorf("read the row of %s in table %s: %w", k, b.Table, err)
	}
	if len(out.Item) == 0 {
		return i, false, nil
	}
	i, err = state.ItemOf(out.Item)
	return i, true, err
}

// History lists what was told since then, up to until (zero: up to the end of the last day that the service can be at),
// of one store or ("") all, oldest first. Its error may be of single rows that are none; the others are there all the same.
func (b Book) History(ctx context.Context, since, until time.Time, store string) (all []state.History, err error) {
	if until.IsZero() {
		until = time.Now().Add(48 * time.Hour) // whatever this machine takes the time for
	}
	var broken error
	for day := since.UTC().Truncate(24 * time.Hour); !day.After(until); day = day.Add(24 * time.Hour) {
		told, err := b.history(ctx, day, func(err error) { broken = errors.Join(broken, err) })
		if err != nil {
			return nil, err
		}
		for _, h := range told {
			if !h.At.Before(since) && !h.At.After(until) && (store == "" || h.Store == store) {
				all = append(all, h)
			}
		}
	}
	slices.SortFunc(all, func(a, b state.History) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return all, broken
}

// history reads the messages of a day, in no order.
func (b Book) history(ctx context.Context, day time.Time, broken func(error)) (all []state.History, err error) {
	for _, bucket := range state.BucketNames() {
		rows, err := b.partition(ctx, state.HistoryPK(b.App, day, bucket))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			h, err := state.HistoryIn(row)
			if err != nil {
				broken(fmt.Errorf("row %s of %s: %w", state.KeyOf(row).SK, state.KeyOf(row).PK, err))
				continue
			}
			all = append(all, h)
		}
	}
	return all, nil
}

// Outgoing lists the messages that are being published.
func (b Book) Outgoing(ctx context.Context) ([]state.Outgoing, error) {
	rows, err := b.partition(ctx, state.TellerKey(b.App).PK)
	var all []state.Outgoing
	for _, row := range rows {
		if state.KeyOf(row) == state.TellerKey(b.App) {
			continue
		}
		o, broken := state.OutgoingOf(row)
		err = errors.Join(err, broken)
		all = append(all, o)
	}
	return all, err
}

// Resync reads the requests to compare the table with the rows, and how far that is.
func (b Book) Resync(ctx context.Context) (state.Resync, error) {
	r, _, err := readResync(ctx, b.Rows, b.Table, b.App)
	return r, err
}

// RequestResync asks the teller to compare; the threshold is the one of the running instances, as the row has it.
func (b Book) RequestResync(ctx context.Context) (number int64, err error) {
	r, err := b.Resync(ctx)
	if err != nil {
		return 0, err
	}
	return r.Requested + 1, requestResync(ctx, b.Rows, b.Table, b.App, r.Threshold, "")
}

// partition reads all rows of a partition, consistently.
func (b Book) partition(ctx context.Context, pk string) ([]attributeMap, error) {
	var all []attributeMap
	pages := dynamodb.NewQueryPaginator(b.Rows, &dynamodb.QueryInput{
		TableName: &b.Table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: attributeMap{":pk": attribute.S(pk)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s of table %s: %w", pk, b.Table, err)
		}
		all = append(all, page.Items...)
	}
	return all, nil
}

// Retry makes what SNS refused to tell of an item due again; it reports whether the row was one that failed.
func (b Book) Retry(ctx context.Context, i state.Item) (bool, error) {
	look := state.Look{At: i.At, For: string(i.Due.Kind)}
	if i.Due.Kind == "" {
		look.For = string(state.Reminder)
	}
	return b.retry(ctx, i.Key(b.App), look)
}

// RetryFeed is Retry for what is to be told of a feed.
func (b Book) RetryFeed(ctx context.Context, t state.Tell) (bool, error) {
	return b.retry(ctx, t.Key(b.App), state.Look{At: t.At, For: t.Kind})
}

func (b Book) retry(ctx context.Context, k state.Key, look state.Look) (bool, error) {
	u := newUpdate()
	u.setAll(look.Attributes(b.App, k))
	u.remove(state.AttrFailed)
	in := u.input(b.Table, k)
	in.ConditionExpression = aws.String("attribute_exists(#failed)")
	_, err := b.Rows.UpdateItem(ctx, in)
	if isRefusedCondition(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("make %s due again in table %s: %w", k.SK, b.Table, err)
	}
	return true, nil
}
