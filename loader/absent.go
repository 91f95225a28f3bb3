package loader

// Absent items: those that the table has of a feed's stores, and the feed does not name. They are found before a row is written,
// and become 0 once all rows are.

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
	"inventoryd/loader/lanes"
)

// defaultAbsentMax is what holds where absent_max says nothing.
const defaultAbsentMax = 10

// lookForAbsent finds what the upload does not name. Its error is a *heldBack where that is too much to be true, and nobody has released
// the upload.
func (p *pass) lookForAbsent(ctx context.Context) error {
	s := p.sender
	if s == nil || !s.feed.zeroes() {
		return nil
	}
	if why := p.survey.presence.spoiled; why != "" {
		p.note = "absent items were not looked for: " + why
		p.l.log.Warn("absent items not looked for", zap.String("bucket", p.load.Bucket), zap.String("key", p.load.Key), zap.String("feed", s.feed.Name), zap.String("reason", why))
		return nil
	}
	most := s.feed.AbsentMax
	if most == 0 {
		most = defaultAbsentMax
	}
	r := &roll{named: p.survey.presence, most: most}
	for _, store := range slices.Sorted(maps.Keys(p.survey.stores)) {
		held, err := s.shares(ctx, store)
		if err != nil {
			return err
		}
		if held == nil || s.released {
			if err := s.l.callRoll(ctx, store, r); err != nil {
				return err
			}
			held = r.close(store)
		}
		if held != nil && !s.released {
			return held
		}
		p.pulse.Tick()
	}
	p.absent = r.absent
	return nil
}

// shares holds back what would empty a store that another feed has loaded within a month.
func (s *sender) shares(ctx context.Context, store string) (*heldBack, error) {
	var feeds []state.StoreFeed
	cfg := s.l.cfg()
	err := s.l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) (err error) {
		feeds, err = state.FeedsOfStore(ctx, s.l.clients.State, cfg.StateTable, cfg.App, store)
		return err
	})
	for _, other := range feeds {
		if other.Feed != s.feed.Name && time.Since(other.At) < state.StoreKept {
			return &heldBack{
				fmt.Sprintf("the feed %s has loaded one of its stores too, on %s: that feed's items would become 0", other.Feed, other.At.UTC().Format(time.DateOnly)),
				"The store is " + clip(store, 60) + ".",
			}, nil
		}
	}
	return nil, err
}

// callRoll reads the items of a store, as they are now.
func (l *Loader) callRoll(ctx context.Context, store string, r *roll) error {
	t := l.cfg().Table
	in := &dynamodb.QueryInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#s = :s"), ProjectionExpression: aws.String("#s, #i, #c"),
		ExpressionAttributeNames:  map[string]string{"#s": t.Store, "#i": t.Item, "#c": t.Count},
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": attribute.S(store)},
	}
	for {
		var page *dynamodb.QueryOutput
		err := l.insist(ctx, theTable, toRoll, callTimeout, func(ctx context.Context) (err error) {
			if page, err = l.clients.Tables.Query(ctx, in); err != nil {
				return fmt.Errorf("read the items of a store in table %s: %w", t.Name, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, row := range page.Items {
			if i, err := t.ItemOf(row); err == nil { // a count that is none is not the feed's
				r.call(i)
			}
		}
		if in.ExclusiveStartKey = page.LastEvaluatedKey; len(page.LastEvaluatedKey) == 0 {
			return nil
		}
	}
}

// zero writes the absent items, once the rows of the upload are in the table.
func (p *pass) zero(w work) error {
	if len(p.absent) == 0 {
		return nil
	}
	out := p.writer(w, &sink{}) // a frontier is that of the rows
	for _, k := range p.absent {
		if err := out.Add(w.read, lanes.Row{Store: []byte(k.Store), Item: []byte(k.Item)}); err != nil {
			out.Abort()
			return err
		}
	}
	tally, err := out.Finish(w.write)
	p.load.zeroed.Add(tally.Written)
	if err != nil {
		return err
	}
	p.l.log.Warn("absent items are out of stock now", zap.String("bucket", p.load.Bucket), zap.String("key", p.load.Key), zap.String("feed", p.load.Feed),
		zap.Int64("items", tally.Written), zap.String("row", few(names(p.absent))))
	return nil
}

func names(keys []inventory.Key) []string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.String()
	}
	return list
}
