package state

// Reading the ledger, for people.

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// Ledger is what reading the ledger needs of DynamoDB's client.
type Ledger interface {
	dynamodb.QueryAPIClient
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// NewestLoads returns up to limit rows of the ledger, those that changed last first; those being loaded come before all. It reads
// the whole ledger, a row for each object of the last 30 days, at the price of an eventually consistent read.
func NewestLoads(ctx context.Context, c Ledger, table, app string, limit int) ([]Load, error) {
	var shards [loadShards][]Load
	group, ctx := errgroup.WithContext(ctx)
	for n := range shards {
		group.Go(func() (err error) {
			shards[n], err = loadsOf(ctx, c, table, loadPartition(app, n))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(shards[:]...)
	slices.SortFunc(all, func(a, b Load) int {
		return cmp.Or(cmp.Compare(min(1, len(b.Marks)), min(1, len(a.Marks))), b.Last.At.Compare(a.Last.At), cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	return all[:min(limit, len(all))], nil
}

// loadsOf reads one partition of the ledger.
func loadsOf(ctx context.Context, c Ledger, table, pk string) (loads []Load, err error) {
	in := partition(table, pk)
	in.ConsistentRead = nil // at half the price
	err = each(ctx, c, in, func(row map[string]types.AttributeValue) error {
		l, err := LoadOf(row)
		loads = append(loads, l)
		return err
	})
	return loads, err
}

// LoadNamed returns an object's row, as it is now; ok is false where there is none.
func LoadNamed(ctx context.Context, c Ledger, table, app, bucket, key string) (l Load, ok bool, err error) {
	out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: LoadKey(app, bucket, key).Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Load{}, false, fmt.Errorf("read the ledger in table %s: %w", table, err)
	}
	if len(out.Item) == 0 {
		return Load{}, false, nil
	}
	l, err = LoadOf(out.Item)
	return l, err == nil, err
}
