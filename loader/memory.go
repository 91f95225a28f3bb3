package loader

// Messages that failed for good, remembered so that their redeliveries do not read the objects again.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/state"
)

// remembered returns why the message failed for good, or nothing.
func (l *Loader) remembered(ctx context.Context, id string) (reason string, err error) {
	cfg := l.cfg()
	err = l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		out, err := l.clients.State.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &cfg.StateTable, Key: state.MessageKey(cfg.App, id).Attributes(), ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return fmt.Errorf("read table %s: %w", cfg.StateTable, err)
		}
		if len(out.Item) == 0 {
			return nil
		}
		row, err := state.MessageOf(out.Item)
		if reason = row.Reason; reason == "" { // a row that says nothing still says that the message failed
			reason = fmt.Sprint("unknown: ", err)
		}
		return nil
	})
	return reason, err
}

// remember stores that a message failed for good.
func (l *Loader) remember(ctx context.Context, m message, cause error) error {
	cfg := l.cfg()
	row := state.Message{ID: m.id, Objects: objectNames(m.body), Reason: clip(cause.Error(), 2000), Failed: time.Now()}
	return l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		_, err := l.clients.State.PutItem(ctx, &dynamodb.PutItemInput{TableName: &cfg.StateTable, Item: row.Attributes(cfg.App)})
		if err != nil {
			return fmt.Errorf("write to table %s: %w", cfg.StateTable, err)
		}
		return nil
	})
}

// clip cuts s to limit bytes of valid text.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
