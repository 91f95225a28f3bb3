package notifier

// Who asks for a comparison of the table with the rows of the items: an instance with another threshold, the stream after
// a gap, people.

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"

	"inventoryd/internal/attribute"
	"inventoryd/internal/state"
)

// RequestResync asks for a comparison; it returns once the request is durable.
func (n *Notifier) RequestResync(ctx context.Context) error {
	err := requestResync(ctx, n.clients.State, n.config.StateTable, n.config.App, n.settings.Load().Threshold, "")
	if err == nil {
		signal(n.resynced)
	}
	return err
}

// requestResync raises the number of the last request; the threshold is the one that shall hold.
func requestResync(ctx context.Context, c Rows, table, app string, threshold int64, condition string) error {
	u := newUpdate()
	u.set(state.AttrThreshold, attribute.N(threshold))
	in := u.input(table, state.ResyncKey(app))
	in.UpdateExpression = aws.String(*in.UpdateExpression + " ADD #requested :one")
	u.name(state.AttrRequested)
	u.values[":one"] = attribute.N(1)
	if condition != "" {
		in.ConditionExpression = &condition
	}
	if _, err := c.UpdateItem(ctx, in); err != nil && !isRefusedCondition(err) {
		return fmt.Errorf("ask for a resync in %s: %w", table, err)
	}
	return nil
}

// readResync reads the row of the requests, and whether there is one.
func readResync(ctx context.Context, c Rows, table, app string) (r state.Resync, there bool, err error) {
	out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: state.ResyncKey(app).Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return r, false, fmt.Errorf("read the resyncs of %s: %w", table, err)
	}
	r, err = state.ResyncOf(out.Item)
	return r, len(out.Item) > 0, err
}

// askedAtStart asks for a comparison where this instance's settings want one: the first with scan_at_start, and one for
// another threshold than the last request names.
func (n *Notifier) askedAtStart(ctx context.Context, r state.Resync, there bool) error {
	threshold := n.settings.Load().Threshold
	switch {
	case there && r.Threshold == threshold:
		return nil
	case there:
		n.log.Info("the threshold has changed: the table is compared with what was told", zap.Int64("was", r.Threshold), zap.Int64("is", threshold))
		return requestResync(ctx, n.clients.State, n.config.StateTable, n.config.App, threshold, "#threshold <> :threshold")
	case n.config.ScanAtStart:
		return requestResync(ctx, n.clients.State, n.config.StateTable, n.config.App, threshold, "attribute_not_exists(pk)")
	}
	_, err := n.clients.State.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &n.config.StateTable, Item: state.Resync{Threshold: threshold}.Attributes(n.config.App),
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	if isRefusedCondition(err) {
		return nil
	}
	return err
}

// watchThreshold asks for a comparison at the start and whenever this instance's threshold changes. When an instance
// stops whose threshold is not the one of the last request, it asks again: until now it judged changes by its own.
func (n *Notifier) watchThreshold(ctx context.Context) error {
	for {
		err := n.persist(ctx, func() error {
			r, there, err := n.readResync(ctx)
			if err != nil {
				return err
			}
			return n.askedAtStart(ctx, r, there)
		})
		if err != nil {
			return err
		}
		signal(n.resynced)
		select {
		case <-n.judged:
		case <-ctx.Done():
			return n.askAgain(ctx)
		}
	}
}

func (n *Notifier) readResync(ctx context.Context) (r state.Resync, there bool, err error) {
	return readResync(ctx, n.clients.State, n.config.StateTable, n.config.App)
}

// askAgain is the last word of an instance with another threshold.
func (n *Notifier) askAgain(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	r, there, err := n.readResync(ctx)
	if err != nil || !there || r.Threshold == n.settings.Load().Threshold {
		return nil // an instance that dies cannot say it either
	}
	_ = requestResync(ctx, n.clients.State, n.config.StateTable, n.config.App, r.Threshold, "#threshold = :threshold")
	return nil
}
