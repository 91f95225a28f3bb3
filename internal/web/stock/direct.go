package stock

// What a looker has read for itself, within the same budget: single items, and a store beyond what its view lists.

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
)

// MaxAsked is how many items Items reads at most: as many as one call takes.
const MaxAsked = 100

// Found is one item as it is now.
type Found struct {
	Row
	Threshold int64
	Unusable  string // why its count is none; "": it is one
}

// enter waits until the caller may make a call of its own.
func (r *Reader) enter(ctx context.Context, paid purse) (leave func(), err error) {
	select {
	case r.direct <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := r.budget.wait(ctx, paid); err != nil {
		<-r.direct
		return nil, err
	}
	return func() { <-r.direct }, nil
}

// After reads a page of a store's rows that follow the item after ("": from the first one), whatever its view lists. more
// says whether others follow. The error is a reason for people.
func (r *Reader) After(ctx context.Context, store, after string) (rows []Row, more bool, err error) {
	leave, err := r.enter(ctx, forAll)
	if err != nil {
		return nil, false, Trouble("too much is being read at once")
	}
	defer leave()
	var from attributes
	if after != "" {
		from = r.cfg.Table.KeyAttributes(inventory.Key{Store: store, Item: after})
	}
	page, next, err := r.page(ctx, store, from, forAll)
	if err != nil {
		return nil, false, Trouble(reason(err))
	}
	for _, row := range page {
		if i, threshold, err := r.itemOf(row); err == nil {
			rows = append(rows, Row{Store: i.Store, Item: i.Item, Count: i.Count, Level: levelOf(i.Count, threshold)})
		}
	}
	return rows, next != nil, nil
}

// Trouble is an error in words for people.
type Trouble string

func (t Trouble) Error() string { return string(t) }

// Items reads one item in each of the given stores, at most MaxAsked, and returns those that there are, in no order.
func (r *Reader) Items(ctx context.Context, item string, stores []string) ([]Found, error) {
	if len(stores) == 0 {
		return nil, nil
	}
	leave, err := r.enter(ctx, forWaiters) // who sees nothing until it is done
	if err != nil {
		return nil, Trouble("too much is being read at once")
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	names, projection := r.projection()
	want := types.KeysAndAttributes{ProjectionExpression: &projection, ExpressionAttributeNames: names}
	for _, store := range stores[:min(len(stores), MaxAsked)] {
		want.Keys = append(want.Keys, r.cfg.Table.KeyAttributes(inventory.Key{Store: store, Item: item}))
	}
	out, err := r.table.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{r.cfg.Table.Name: want},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	r.spend(float64(len(want.Keys))/2, forWaiters)
	if err != nil {
		return nil, Trouble(reason(fmt.Errorf("get items of %s: %w", r.cfg.Table.Name, err)))
	}
	if len(out.UnprocessedKeys) > 0 {
		return nil, Trouble("DynamoDB has not read every item: it is throttled")
	}
	var found []Found
	for _, row := range out.Responses[r.cfg.Table.Name] {
		i, threshold, err := r.itemOf(row)
		f := Found{Row: Row{Store: i.Store, Item: i.Item, Count: i.Count, Level: levelOf(i.Count, threshold)}, Threshold: threshold}
		if err != nil {
			f.Unusable, f.Level = err.Error(), Fine
		}
		found = append(found, f)
	}
	return found, nil
}
