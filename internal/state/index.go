package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sleep"
)

// ErrNoIndex is the error of a state table that lacks the index of what is to be looked at.
var ErrNoIndex = errors.New("lacks the index " + LookIndex)

func lookAttributes() []types.AttributeDefinition {
	return []types.AttributeDefinition{
		{AttributeName: aws.String(LookPKCol), AttributeType: types.ScalarAttributeTypeS},
		{AttributeName: aws.String(Next), AttributeType: types.ScalarAttributeTypeS},
	}
}

func lookSchema() []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(LookPKCol), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(Next), KeyType: types.KeyTypeRange},
	}
}

// checkIndex says what is wrong with the index of the state table. An index that is being made will pass.
func checkIndex(t *types.TableDescription) error {
	index := indexOf(t)
	name := aws.ToString(t.TableName)
	switch {
	case index == nil:
		return fmt.Errorf("table %s %w; add it with `inventoryd setup`", name, ErrNoIndex)
	case index.IndexStatus == types.IndexStatusCreating:
		return fmt.Errorf("the index %s of table %s is being made; wait until it is there", LookIndex, name)
	case len(index.KeySchema) != 2 || aws.ToString(index.KeySchema[0].AttributeName) != LookPKCol || aws.ToString(index.KeySchema[1].AttributeName) != Next:
		return fmt.Errorf("table %s: %w: the key of its index %s is not (%s, %s); name another table in the configuration (state_table)",
			name, ErrUnfit, LookIndex, LookPKCol, Next)
	}
	return nil
}

func indexOf(t *types.TableDescription) *types.GlobalSecondaryIndexDescription {
	for i := range t.GlobalSecondaryIndexes {
		if aws.ToString(t.GlobalSecondaryIndexes[i].IndexName) == LookIndex {
			return &t.GlobalSecondaryIndexes[i]
		}
	}
	return nil
}

// Indexer is what AddIndex needs of DynamoDB's client.
type Indexer interface {
	Creator
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
}

// AddIndex gives a state table that was made without it the index, and waits until it can be read.
func AddIndex(ctx context.Context, c Indexer, name string) error {
	_, err := c.UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: &name, AttributeDefinitions: lookAttributes(),
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: aws.String(LookIndex), KeySchema: lookSchema(), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}}},
	})
	if err != nil {
		return fmt.Errorf("add index %s to table %s: %w", LookIndex, name, err)
	}
	for {
		table, err := describe(ctx, c, name)
		if err != nil {
			return err
		}
		if index := indexOf(table); index != nil && index.IndexStatus == types.IndexStatusActive {
			return nil
		}
		if err := sleep.For(ctx, 2*time.Second); err != nil {
			return fmt.Errorf("wait for index %s of table %s: %w", LookIndex, name, err)
		}
	}
}
