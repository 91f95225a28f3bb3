package state

// Reading the ledger of feeds.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/attribute"
)

// Feeds returns the rows of all feeds, by name. It costs consistent reads of about half a kilobyte each.
func Feeds(ctx context.Context, c Ledger, table, app string) ([]Feed, error) {
	var shards [loadShards][]Feed
	group, ctx := errgroup.WithContext(ctx)
	for n := range shards {
		group.Go(func() error {
			return each(ctx, c, partition(table, feedPartition(app, n)), func(row map[string]types.AttributeValue) error {
				f, err := FeedOf(row)
				shards[n] = append(shards[n], f)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(shards[:]...)
	slices.SortFunc(all, func(a, b Feed) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// FeedNamed returns a feed's row as it is now, empty where there is none, and the service's time.
func FeedNamed(ctx context.Context, c Ledger, table, app, feed string) (f Feed, now time.Time, err error) {
	out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: FeedKey(app, feed).Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return f, now, fmt.Errorf("read the row of feed %s in table %s: %w", feed, table, err)
	}
	now, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok || now.IsZero() {
		now = time.Now()
	}
	if len(out.Item) == 0 {
		return Feed{Name: feed}, now, nil
	}
	f, err = FeedOf(out.Item)
	return f, now, err
}

// FeedsOfStore returns which feeds have loaded a store within StoreKept, the latest first.
func FeedsOfStore(ctx context.Context, c Ledger, table, app, store string) (feeds []StoreFeed, err error) {
	err = each(ctx, c, partition(table, StoreKey(app, store, "").PK), func(row map[string]types.AttributeValue) error {
		f, err := StoreFeedOf(row)
		feeds = append(feeds, f)
		return err
	})
	slices.SortFunc(feeds, func(a, b StoreFeed) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Feed, b.Feed)) })
	return feeds, err
}

// partition asks for all rows of a partition of the ledger as they are now.
func partition(table, pk string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("#pk = :pk"), ExpressionAttributeNames: map[string]string{"#pk": PK},
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": attribute.S(pk)},
	}
}

// each takes all rows that in asks for.
func each(ctx context.Context, c Ledger, in *dynamodb.QueryInput, take func(map[string]types.AttributeValue) error) error {
	pages := dynamodb.NewQueryPaginator(c, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the ledger in table %s: %w", *in.TableName, err)
		}
		for _, row := range page.Items {
			if err := take(row); err != nil {
				return err
			}
		}
	}
	return nil
}
