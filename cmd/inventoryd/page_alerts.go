package main

// What the page shows of alerts, as the state table has it.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
	"inventoryd/internal/web/page"
	"inventoryd/notifier"
)

// shownAlerts is how many messages of a part of a day the page reads, at most.
const shownAlerts = 20

// alertsOf tells the page of what is to be told, as far as this instance knows, and of what any has told since yesterday.
func alertsOf(cfg Config, table *dynamodb.Client, status func() notifier.Status) func(context.Context) (page.Alerts, error) {
	return func(ctx context.Context) (page.Alerts, error) {
		s := status()
		shown := page.Alerts{Due: int(s.Due), Failed: int(s.Refused)}
		if s.Due > 0 {
			shown.OldestDue = time.Now().Add(-time.Duration(s.OldestDue * float64(time.Second)))
		}
		for _, day := range []time.Time{time.Now(), time.Now().AddDate(0, 0, -1)} {
			for _, bucket := range state.BucketNames() {
				told, err := toldOn(ctx, cfg, table, state.HistoryPK(cfg.App, day, bucket))
				if err != nil {
					return page.Alerts{}, err
				}
				shown.Recent = append(shown.Recent, told...)
			}
		}
		slices.SortFunc(shown.Recent, func(a, b page.Alert) int { return b.At.Compare(a.At) })
		shown.Recent = shown.Recent[:min(shownAlerts, len(shown.Recent))]
		return shown, nil
	}
}

// toldOn reads the latest messages of a partition of the history.
func toldOn(ctx context.Context, cfg Config, table *dynamodb.Client, partition string) (told []page.Alert, err error) {
	out, err := table.Query(ctx, &dynamodb.QueryInput{
		TableName: &cfg.StateTable, KeyConditionExpression: aws.String("#pk = :pk"), ExpressionAttributeNames: map[string]string{"#pk": state.PK},
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: partition}},
		ScanIndexForward:          aws.Bool(false), Limit: aws.Int32(shownAlerts),
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of alerts: %w", err)
	}
	for _, row := range out.Items {
		h, err := state.HistoryIn(row)
		if err != nil {
			return nil, err
		}
		told = append(told, page.Alert{At: h.At, Event: h.Event, Store: h.Store, Text: firstLine(h.Body)})
	}
	return told, nil
}

// firstLine is what fits a line of the page.
func firstLine(s string) string {
	const most = 200
	for i, r := range s {
		if r == '\n' || r == '\r' || i > most {
			return s[:i] + " …"
		}
	}
	return s
}

// storyOf tells the page what is known of one item.
func storyOf(cfg Config, table *dynamodb.Client) func(context.Context, inventory.Key) (page.Story, error) {
	return func(ctx context.Context, k inventory.Key) (page.Story, error) {
		out, err := table.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &cfg.StateTable, Key: state.ItemKey(cfg.App, k.Store, k.Item).Attributes(),
		})
		if err != nil {
			return page.Story{}, fmt.Errorf("read the row of %s: %w", k, err)
		}
		if len(out.Item) == 0 {
			return page.Story{}, nil
		}
		row, err := state.ItemOf(out.Item)
		if err != nil {
			return page.Story{}, err
		}
		var story page.Story
		if row.Stock == state.Out {
			story.Since = row.Began.At
		}
		switch {
		case row.Failed != "":
			story.Due = "refused by SNS: " + row.Failed
		case row.Due.Kind != "":
			story.Due = string(row.Due.Kind)
		}
		if !row.Told.V.IsZero() {
			story.Told = []page.Alert{{At: row.Told.V, Event: "out_of_stock", Store: k.Store, Text: "the last shortage was told"}}
		}
		return story, nil
	}
}
