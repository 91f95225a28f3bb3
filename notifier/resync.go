package notifier

// The comparison of the table with the rows of the items, after a gap or another threshold, or when somebody asks.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

// How often the teller looks for requests of other instances and of people, and pages of the table a second that a
// comparison reads: 1 MB each, 128 read units.
const (
	resyncEvery  = 30 * time.Second
	pagesASecond = 2
)

// resync answers requests until the term ends.
func (t *term) resync(ctx context.Context) error {
	n := t.n
	for {
		var r state.Resync
		err := n.persist(ctx, func() (err error) {
			r, _, err = n.readResync(ctx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			n.log.Error("the row of the resyncs cannot be read", zap.Error(err))
		} else if err == nil && r.Requested > r.Answered && r.Threshold == n.settings.Load().Threshold {
			if err := t.compare(ctx, r); err != nil {
				return err
			}
			continue
		}
		select {
		case <-time.After(resyncEvery):
		case <-n.resynced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// compare makes the rows true, and answers the requests that were raised before it began.
func (t *term) compare(ctx context.Context, r state.Resync) error {
	n := t.n
	scan := r.Scan
	if scan == nil || scan.Answers <= r.Answered {
		scan = &state.Scan{Answers: r.Requested, Began: n.clock.now()}
	}
	n.log.Info("the table is compared with what was told", zap.Int64("request", scan.Answers), zap.Int64("rows", scan.Rows))
	defer n.memory.noteResync(nil)
	for scan.From != closing {
		if err := t.comparePage(ctx, scan); err != nil {
			return err
		}
		if err := t.storeScan(ctx, scan, false); err != nil {
			return err
		}
		if sleep.For(ctx, time.Second/pagesASecond) != nil {
			return ctx.Err()
		}
	}
	if err := t.closeFalse(ctx, scan); err != nil {
		return err
	}
	n.log.Info("the table was compared with what was told", zap.Int64("request", scan.Answers), zap.Int64("rows", scan.Rows),
		zap.Int64("found", scan.Told), zap.Int64("closed", scan.Closed))
	return t.storeScan(ctx, scan, true)
}

// closing is where a scan goes on that has read the whole table.
const closing = "rows"

// storeScan stores how far a scan is, as only the teller may.
func (t *term) storeScan(ctx context.Context, scan *state.Scan, done bool) error {
	n := t.n
	n.memory.noteResync(&Progress{scan.Rows, scan.Told, scan.Closed})
	u := newUpdate()
	if done {
		u.set(state.AttrAnswered, attribute.N(scan.Answers))
		u.remove(state.AttrScan)
	} else {
		u.set(state.AttrScan, scan.Attribute())
	}
	in := u.input(n.config.StateTable, state.ResyncKey(n.config.App))
	return t.transact(ctx, types.TransactWriteItem{Update: &types.Update{
		TableName: in.TableName, Key: in.Key, UpdateExpression: in.UpdateExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}})
}

// comparePage reads a page of the table and makes due what is out and has no row that says so.
func (t *term) comparePage(ctx context.Context, scan *state.Scan) error {
	n := t.n
	in := &dynamodb.ScanInput{TableName: &n.config.Table.Name}
	in.ProjectionExpression, in.ExpressionAttributeNames = n.shape().projection()
	if scan.From != "" {
		k, err := placeOf(n.config.Table, scan.From)
		if err != nil {
			return err
		}
		in.ExclusiveStartKey = k
	}
	var out *dynamodb.ScanOutput
	err := n.persist(ctx, func() (err error) {
		out, err = n.clients.Table.Scan(ctx, in)
		return err
	})
	if err != nil {
		return fmt.Errorf("scan %s: %w", n.config.Table.Name, err)
	}
	scan.Rows += int64(len(out.Items))
	rules := &n.settings.Load().Rules
	var keys []inventory.Key
	for k, i := range n.shape().stockOf(out.Items, false).items {
		if rules.side(i) == state.Out {
			keys = append(keys, k)
		}
	}
	if scan.From = closing; len(out.LastEvaluatedKey) > 0 {
		scan.From = place(n.config.Table, out.LastEvaluatedKey)
	}
	found, err := t.correct(ctx, keys, state.Out)
	scan.Told += int64(found)
	n.meters.scanTold.add(ctx, found)
	return err
}

// place writes where a scan goes on, and placeOf reads it.
func place(t inventory.Table, k attributeMap) string {
	b, _ := json.Marshal([]string{attribute.String(k[t.Store]), attribute.String(k[t.Item])}) // strings can be encoded
	return string(b)
}

func placeOf(t inventory.Table, s string) (attributeMap, error) {
	var two []string
	if err := json.Unmarshal([]byte(s), &two); err != nil || len(two) != 2 {
		return nil, fmt.Errorf("a resync goes on at %q, which is no place: %w", s, errors.Join(err, errors.ErrUnsupported))
	}
	return t.KeyAttributes(inventory.Key{Store: two[0], Item: two[1]}), nil
}

// closeFalse closes the rows that say out of what is in stock or gone.
func (t *term) closeFalse(ctx context.Context, scan *state.Scan) error {
	n := t.n
	for _, b := range state.BucketNames() {
		in := lookQuery(n.config.StateTable, n.config.App, b, "#next >= :next", "0")
		for {
			out, err := n.query(ctx, in)
			if err != nil {
				return err
			}
			var keys []inventory.Key
			for _, row := range out.Items {
				k := state.KeyOf(row)
				store, ok, err := n.storeOf(ctx, k)
				if err != nil {
					return err
				}
				if ok {
					keys = append(keys, inventory.Key{Store: store, Item: k.SK})
				}
			}
			closed, err := t.correct(ctx, keys, state.In)
			scan.Closed += int64(closed)
			n.meters.scanClosed.add(ctx, closed)
			if err != nil {
				return err
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
				break
			}
		}
	}
	return nil
}

// correct makes the rows of items true that are not, to that side: rows are read before counts.
func (t *term) correct(ctx context.Context, keys []inventory.Key, to state.Stock) (made int, err error) {
	n := t.n
	if len(keys) == 0 {
		return 0, nil
	}
	rows, err := n.knownRows(ctx, keys)
	if err != nil {
		return 0, err
	}
	var wrong []inventory.Key
	for _, k := range keys {
		if row, there := rows.rows[k]; row.Stock != to && (there || to == state.Out) {
			wrong = append(wrong, k)
		}
	}
	present, err := n.presentStock(ctx, wrong, false)
	if err != nil {
		return 0, err
	}
	s := n.settings.Load()
	done := make([]bool, len(wrong))
	edits, inner := errgroup.WithContext(ctx)
	edits.SetLimit(editsAbout)
	for i, k := range wrong {
		if present.unreadable[k] || s.side(present.items[k]) != to {
			continue
		}
		row, there := rows.rows[k]
		if !there {
			row = state.Item{Store: k.Store, Item: k.Item}
		}
		edits.Go(func() (err error) {
			done[i], err = t.makeTrue(inner, s, row, there, present.items[k], rows.v)
			return err
		})
	}
	err = edits.Wait()
	for _, d := range done {
		if d {
			made++
		}
	}
	return made, err
}

// makeTrue writes a row by what the table holds, unless something else has changed it meanwhile.
func (t *term) makeTrue(ctx context.Context, s *settings, was state.Item, there bool, present *inventory.Item, v time.Time) (bool, error) {
	n := t.n
	is := s.madeTrue(was, present, v)
	var written bool
	var err error
	if there {
		written, err = n.edit(ctx, was, is)
	} else {
		err = n.persist(ctx, func() error {
			_, err := n.clients.State.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: &n.config.StateTable, Item: is.Attributes(n.config.App), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			})
			return err
		})
		written = err == nil
		if isRefusedCondition(err) {
			err = nil
		}
	}
	if written && is.Due.Kind != "" {
		n.queue.add(shelfKey{store: is.Store}, is.Item, rankOf(string(is.Due.Kind)), v)
	}
	return written, err
}

// madeTrue is a row as the table wants it, seen at v. Its position is past the one that it had and before that of every
// later change.
func (s *settings) madeTrue(i state.Item, present *inventory.Item, v time.Time) state.Item {
	v = v.Truncate(time.Second)
	side := s.side(present)
	i.Known = state.Known{
		Stock: side, Position: i.Position + "+" + v.UTC().Format(time.RFC3339), EventID: sighted(i.Store, i.Item, side, v), At: v,
	}
	i.Scan, i.Failed, i.Due, i.Look, i.Expires = v, "", state.Due{}, nil, time.Time{}
	if present != nil {
		i.Count = present.Count
	}
	if side == state.In && s.revokes(i, present) { // whether people take it for out is asked when no message of it is on its way
		return s.revoked(i, present, v)
	}
	if side == state.In {
		i.Expires = s.expiry(v)
		return i
	}
	i.Began = state.Began{Position: i.Position, At: v, Count: i.Count}
	i.Due = state.Due{Kind: state.Shortage, EventID: i.EventID}
	i.Look = &state.Look{At: v, For: string(state.Shortage)}
	return i
}
