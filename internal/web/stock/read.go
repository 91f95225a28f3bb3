package stock

// The calls.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
)

type attributes = map[string]types.AttributeValue

// step reads the next page of s.
func (r *Reader) step(ctx context.Context, s *subject, paid purse) {
	now := time.Now()
	r.mu.Lock()
	r.turns++
	s.served = r.turns
	if s.reading == nil {
		s.began, s.from = now, nil
		room := share(len(r.subjects))
		if s.store == "" {
			s.reading = newSumBuilder(room)
		} else {
			s.reading = newStoreBuilder(s.store, room)
		}
	}
	r.mu.Unlock()

	rows, next, err := r.page(ctx, s.store, s.from, paid)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.fail(s, err)
		return
	}
	for _, row := range rows {
		switch item, threshold, err := r.itemOf(row); {
		case err == nil:
			s.reading.add(item, threshold)
		case item.Item != "":
			s.reading.unusable(item.Key)
		}
	}
	s.from = next
	r.mu.Lock()
	defer r.mu.Unlock()
	s.rest, s.retry = 0, time.Time{}
	whole := next == nil
	// The first reading of a large subject shows how far it has come.
	first := s.state.View == nil || !s.state.View.Whole
	if !whole && (!first || s.state.View != nil && now.Sub(s.state.View.AsOf.Add(s.state.View.Took)) < Interval) {
		if s.state.Trouble != "" { // the view has not changed, but it is being read again
			s.publish(State{View: s.state.View})
		}
		return
	}
	view := s.reading.view(s.began, whole)
	if old := s.state.View; old != nil && old.Version == view.Version && old.Len() == view.Len() {
		view.list = old.list // with its orders
	}
	s.publish(State{View: view})
	if whole {
		s.reading, s.from = nil, nil
	}
}

// publish shows the state to all who wait for it. With mu held.
func (s *subject) publish(state State) {
	s.state = state
	close(s.turn)
	s.turn = make(chan struct{})
}

// fail keeps the view and says why there is no newer one. The reading goes on where it stopped.
func (r *Reader) fail(s *subject, err error) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	s.rest = min(max(2*s.rest, Interval), longestRest)
	s.retry = now.Add(s.rest)
	if now.Sub(s.began) > time.Minute { // what it has would be too old by then
		s.reading = nil
	}
	since := s.state.Since
	if s.state.Trouble == "" {
		since = now
		r.cfg.Logger.Warn("inventory cannot be shown as it is", zap.String("store", s.store), zap.Error(err))
	}
	s.publish(State{View: s.state.View, Trouble: reason(err), Since: since})
}

// reason says in a reader's words why a call failed; it goes to whoever may open the page.
func reason(err error) string {
	var api smithy.APIError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "DynamoDB does not answer"
	case errors.As(err, &api) && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "UnrecognizedClientException"):
		return "the daemon is not permitted to read the table (" + api.ErrorCode() + ")"
	case errors.As(err, &api):
		return "DynamoDB answers " + api.ErrorCode()
	}
	return "DynamoDB cannot be reached"
}

// page reads one page of a store ("": of the table).
func (r *Reader) page(ctx context.Context, store string, from attributes, paid purse) (rows []attributes, next attributes, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	names, projection := r.projection()
	if store == "" {
		out, err := r.table.Scan(ctx, &dynamodb.ScanInput{
			TableName: &r.cfg.Table.Name, Limit: aws.Int32(pageRows), ExclusiveStartKey: from,
			ProjectionExpression: &projection, ExpressionAttributeNames: names,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			r.spend(0.5, paid)
			return nil, nil, fmt.Errorf("scan %s: %w", r.cfg.Table.Name, err)
		}
		r.spend(unitsOf(out.ConsumedCapacity, out.ScannedCount), paid)
		return out.Items, out.LastEvaluatedKey, nil
	}
	out, err := r.table.Query(ctx, &dynamodb.QueryInput{
		TableName: &r.cfg.Table.Name, Limit: aws.Int32(pageRows), ExclusiveStartKey: from,
		KeyConditionExpression: aws.String("#s = :s"), ExpressionAttributeValues: attributes{":s": attribute.S(store)},
		ProjectionExpression: &projection, ExpressionAttributeNames: names,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		r.spend(0.5, paid)
		return nil, nil, fmt.Errorf("query %s: %w", r.cfg.Table.Name, err)
	}
	r.spend(unitsOf(out.ConsumedCapacity, out.ScannedCount), paid)
	return out.Items, out.LastEvaluatedKey, nil
}

func (r *Reader) projection() (names map[string]string, expression string) {
	names = map[string]string{"#s": r.cfg.Table.Store, "#i": r.cfg.Table.Item, "#c": r.cfg.Table.Count}
	if r.cfg.ThresholdAttribute == "" {
		return names, "#s, #i, #c"
	}
	names["#t"] = r.cfg.ThresholdAttribute
	return names, "#s, #i, #c, #t"
}

// unitsOf is what a call consumed; where the answer does not say, as rows of 100 bytes would have.
func unitsOf(c *types.ConsumedCapacity, rows int32) float64 {
	if c != nil && c.CapacityUnits != nil {
		return *c.CapacityUnits
	}
	return max(0.5, float64(rows)*100/8192)
}

func (r *Reader) spend(units float64, paid purse) {
	r.budget.spend(units, paid)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent += units
}

// itemOf reads a row and its threshold.
func (r *Reader) itemOf(row attributes) (inventory.Item, int64, error) {
	i, err := r.cfg.Table.ItemOf(row)
	threshold := r.cfg.Threshold()
	if own := inventory.ThresholdOf(row, r.cfg.ThresholdAttribute); own != nil {
		threshold = *own
	}
	return i, threshold, err
}
