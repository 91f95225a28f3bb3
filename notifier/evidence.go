package notifier

// Reading what an audit compares: the table, the rows that the index names, the history of what they say.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

// Auditor compares an app's table with its rows. It only reads, and in memory holds what is out of stock, not the table.
type Auditor struct {
	Book     Book
	Items    Counts // the inventory's table
	Table    inventory.Table
	Rules    Rules
	Reorder  string        // the attribute of an item's own threshold; "": there is none
	Patience time.Duration // how long what does not fit has to come to fit: changes are on their way for a moment
	Progress func(items int64)
}

// recent is how far back a row must be there for what was told, whatever has become of the item since: a day less than
// the least that rows are kept.
const recent = state.InKept - 24*time.Hour

// Audit reads, judges, and looks again at what did not fit, until it fits or the patience is over.
func (a Auditor) Audit(ctx context.Context) (Verdict, error) {
	r := reading{by: a, shape: tableShape{a.Table, a.Reorder}, days: map[string]time.Time{}}
	read, err := r.outOfStock(ctx)
	if err != nil {
		return Verdict{}, err
	}
	if err := r.rows(ctx); err != nil {
		return Verdict{}, err
	}
	verdict, err := r.judged(ctx, true)
	if err != nil {
		return Verdict{}, err
	}
	deadline := time.Now().Add(a.Patience)
	for wait := time.Second; len(verdict.Findings) > 0 && time.Now().Before(deadline); wait = min(2*wait, 10*time.Second) {
		if sleep.For(ctx, min(wait, time.Until(deadline))) != nil {
			return verdict, ctx.Err()
		}
		again := reading{by: a, shape: r.shape, days: r.days, Evidence: Evidence{Items: map[inventory.Key]*Sighting{}}}
		for _, f := range verdict.Findings {
			if f.Item != "" {
				again.Items[inventory.Key{Store: f.Store, Item: f.Item}] = &Sighting{}
			}
		}
		if err := again.sight(ctx, again.keys()); err != nil {
			return verdict, err
		}
		now, err := again.judged(ctx, false)
		if err != nil {
			return verdict, err
		}
		verdict.Findings = now.Findings
	}
	verdict.Read = read
	return verdict, nil
}

// reading gathers evidence.
type reading struct {
	by Auditor
	Evidence
	shape tableShape
	clock clock
	days  map[string]time.Time // of the history that are to be read
}

// outOfStock reads the whole table and keeps the keys of what is out of stock.
func (r *reading) outOfStock(ctx context.Context) (read int64, err error) {
	r.Items = map[inventory.Key]*Sighting{}
	in := &dynamodb.ScanInput{TableName: &r.by.Table.Name}
	in.ProjectionExpression, in.ExpressionAttributeNames = r.shape.projection()
	for {
		out, err := r.by.Items.Scan(ctx, in)
		if err != nil {
			return read, fmt.Errorf("scan %s: %w", r.by.Table.Name, err)
		}
		read += int64(len(out.Items))
		if r.by.Progress != nil {
			r.by.Progress(read)
		}
		for k, i := range r.shape.stockOf(out.Items, false).items {
			if r.by.Rules.side(i) == state.Out {
				r.Items[k] = &Sighting{}
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			return read, nil
		}
		if sleep.For(ctx, time.Second/pagesASecond) != nil {
			return read, ctx.Err()
		}
	}
}

// rows reads what the index names besides, and then the rows and counts of all, in this order.
func (r *reading) rows(ctx context.Context) error {
	err := r.by.Book.look(ctx, func(rows []attributeMap) {
		for _, row := range rows {
			if _, isTell := state.KeyOf(row).KindOfTell(r.by.Book.App); isTell {
				continue
			}
			i, _ := state.ItemOf(row) // sight reads it again, and says whether it is broken
			if i.Store == "" {        // then it is: its store is as its key says
				i.Store, _ = state.KeyOf(row).StoreOfItem(r.by.Book.App)
			}
			r.Items[inventory.Key{Store: i.Store, Item: i.Item}] = &Sighting{}
		}
	})
	if err != nil {
		return err
	}
	return r.sight(ctx, r.keys())
}

func (r *reading) keys() []inventory.Key {
	keys := make([]inventory.Key, 0, len(r.Items))
	for k := range r.Items {
		keys = append(keys, k)
	}
	return keys
}

// sight reads the rows, then the counts of items.
func (r *reading) sight(ctx context.Context, keys []inventory.Key) error {
	for some := range slices.Chunk(keys, maxKeys) {
		names := make(map[state.Key]inventory.Key, len(some))
		rowKeys, countKeys := make([]attributeMap, len(some)), make([]attributeMap, len(some))
		for i, k := range some {
			key := state.ItemKey(r.by.Book.App, k.Store, k.Item)
			names[key], rowKeys[i], countKeys[i] = k, key.Attributes(), r.by.Table.KeyAttributes(k)
			r.Items[k] = &Sighting{}
		}
		rows, err := r.get(ctx, r.by.Book.Rows, r.by.Book.Table, types.KeysAndAttributes{Keys: rowKeys})
		if err != nil {
			return err
		}
		for _, row := range rows {
			k := names[state.KeyOf(row)]
			i, err := state.ItemOf(row)
			if err == nil && i.Store != k.Store {
				err = fmt.Errorf("row of item %s: attribute %s is %q", k, state.AttrStore, i.Store)
			}
			if r.Items[k].Broken = err; err == nil {
				r.Items[k].Row = &i
			}
		}
		shape := types.KeysAndAttributes{Keys: countKeys}
		shape.ProjectionExpression, shape.ExpressionAttributeNames = r.shape.projection()
		present, err := r.get(ctx, r.by.Items, r.by.Table.Name, shape)
		if err != nil {
			return err
		}
		stock := r.shape.stockOf(present, false)
		for k, i := range stock.items {
			r.Items[k].Present = i
		}
		for k := range stock.unreadable {
			r.Items[k].Unreadable = true
		}
	}
	return nil
}

// get reads at most a hundred rows, consistently.
func (r *reading) get(ctx context.Context, c Counts, table string, shape types.KeysAndAttributes) (rows []attributeMap, err error) {
	shape.ConsistentRead = aws.Bool(true)
	for len(shape.Keys) > 0 {
		out, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: shape}})
		if err != nil {
			return nil, fmt.Errorf("read rows of table %s: %w", table, err)
		}
		r.clock.hear(out.ResultMetadata)
		rows = append(rows, out.Responses[table]...)
		if shape.Keys = out.UnprocessedKeys[table].Keys; len(shape.Keys) > 0 && sleep.For(ctx, 100*time.Millisecond) != nil {
			return nil, ctx.Err()
		}
	}
	return rows, nil
}

// judged reads the history of what the rows say, and judges. all: also of what else was told recently, whose rows are
// read then.
func (r *reading) judged(ctx context.Context, all bool) (Verdict, error) {
	r.Evidence.Rules = r.by.Rules
	if _, err := r.get(ctx, r.by.Book.Rows, r.by.Book.Table, types.KeysAndAttributes{Keys: []attributeMap{state.TellerKey(r.by.Book.App).Attributes()}}); err != nil {
		return Verdict{}, err // for the service's time
	}
	r.Now = r.clock.now()
	r.Recent = r.Now.Add(-recent)
	r.want(r.Recent, r.Now)
	for _, s := range r.Items {
		if s.Row != nil && !s.Row.Told.V.IsZero() && r.Now.Sub(s.Row.Told.V) < state.HistoryKept {
			r.want(s.Row.Told.V, s.Row.Told.V)
		}
	}
	if err := r.told(ctx); err != nil {
		return Verdict{}, err
	}
	if all {
		if err := r.toldRecently(ctx); err != nil {
			return Verdict{}, err
		}
	}
	if err := r.feeds(ctx); err != nil {
		return Verdict{}, err
	}
	return r.Judge(), nil
}

// want notes the days from one instant to another.
func (r *reading) want(from, to time.Time) {
	for day := from.UTC().Truncate(24 * time.Hour); !day.After(to); day = day.Add(24 * time.Hour) {
		r.days[day.Format(time.DateOnly)] = day
	}
}

// told reads the messages of the days that are wanted: first those that are not history yet, which may become it
// meanwhile.
func (r *reading) told(ctx context.Context) error {
	outgoing, err := r.by.Book.Outgoing(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, day := range r.days {
		told, err := r.by.Book.history(ctx, day, func(broken error) { r.Broken = append(r.Broken, broken) })
		if err != nil {
			return err
		}
		for _, h := range told {
			known[h.ID] = true
		}
		r.Told = append(r.Told, told...)
	}
	for _, o := range outgoing {
		if o.Sent != "" && !known[o.ID] {
			r.Told = append(r.Told, state.HistoryOf(o))
		}
	}
	return nil
}

// toldRecently reads the rows of all items that were told of recently.
func (r *reading) toldRecently(ctx context.Context) error {
	var more []inventory.Key
	seen := map[inventory.Key]bool{}
	for _, h := range r.Told {
		if h.Kind == "" || h.At.Before(r.Recent) {
			continue
		}
		for _, s := range h.Subjects {
			if k := (inventory.Key{Store: h.Store, Item: s.Item}); r.Items[k] == nil && !seen[k] {
				seen[k], more = true, append(more, k)
			}
		}
	}
	return r.sight(ctx, more)
}

// feeds reads the rows of the feeds that were told of recently.
func (r *reading) feeds(ctx context.Context) error {
	r.Feeds = map[[2]string]*state.Tell{}
	var keys []attributeMap
	for _, h := range r.Told {
		for _, s := range h.Subjects {
			if name := [2]string{h.Event, s.Item}; h.Kind == "" && !h.At.Before(r.Recent) {
				if _, known := r.Feeds[name]; !known {
					r.Feeds[name], keys = nil, append(keys, state.TellKey(r.by.Book.App, h.Event, s.Item).Attributes())
				}
			}
		}
	}
	for some := range slices.Chunk(keys, maxKeys) {
		rows, err := r.get(ctx, r.by.Book.Rows, r.by.Book.Table, types.KeysAndAttributes{Keys: some})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if t, err := state.TellOf(row); err == nil {
				r.Feeds[[2]string{t.Kind, t.Feed}] = &t
			}
		}
	}
	return nil
}
