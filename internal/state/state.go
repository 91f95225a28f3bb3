// Package state is the daemon's memory between runs: the state table and the lease table, how they are created, the
// keys of their rows, and a struct for each kind of row of the state table.
package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sleep"
)

// Names of the attributes that both tables' rows share.
const (
	PK      = "pk"
	SK      = "sk"
	Expires = "expires" // time to live, epoch seconds
)

// Creator is what Ensure needs of DynamoDB's client.
type Creator interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// Ensure makes sure that the named lease table exists, is active and has the keys `pk` and `sk`; it creates
// the table with on-demand billing where it is absent, and then turns time to live on. It is idempotent, also when
// several instances start at once. It reports whether it created the table. The error of a table that cannot be
// created or does not fit names the remedy.
func Ensure(ctx context.Context, c Creator, name string) (created bool, err error) {
	created, _, err = ensure(ctx, c, leaseTable(name))
	return created, err
}

// EnsureState is Ensure for the state table, which has the index of what is to be looked at too.
func EnsureState(ctx context.Context, c Creator, name string) (created bool, err error) {
	created, table, err := ensure(ctx, c, stateTable(name))
	if err == nil {
		err = checkIndex(table)
	}
	return created, err
}

// ensure makes sure of the table that want describes.
func ensure(ctx context.Context, c Creator, want *dynamodb.CreateTableInput) (created bool, table *types.TableDescription, err error) {
	name := *want.TableName
	table, err = describe(ctx, c, name)
	if isAbsent(err) {
		if created, err = create(ctx, c, want); err != nil {
			return false, nil, fmt.Errorf("table %s does not exist and cannot be created (create it with `inventoryd setup`): %w", name, err)
		}
		table, err = appeared(ctx, c, name)
	}
	if err != nil {
		return created, nil, err
	}
	if err := check(table); err != nil {
		return created, nil, fmt.Errorf("table %s: %w: %w; name another one in the configuration (state_table, stream.lease_table)", name, ErrUnfit, err)
	}
	for table.TableStatus == types.TableStatusCreating {
		if err := sleep.For(ctx, 500*time.Millisecond); err != nil {
			return created, nil, fmt.Errorf("wait for table %s: %w", name, err)
		}
		if table, err = describe(ctx, c, name); err != nil {
			return created, nil, err
		}
	}
	// Also for a table that exists: its maker may have died before this. Where time to live is on already, or is being
	// turned on by another instance, the call is invalid; where it may not be made, whoever created the table sees to it.
	_, err = c.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(Expires), Enabled: aws.Bool(true)},
	})
	var invalid smithy.APIError
	if created && err != nil && !(errors.As(err, &invalid) && invalid.ErrorCode() == "ValidationException") {
		return created, nil, fmt.Errorf("turn time to live on for table %s (attribute %s): %w", name, Expires, err)
	}
	return created, table, nil
}

func describe(ctx context.Context, c Creator, name string) (*types.TableDescription, error) {
	out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, fmt.Errorf("describe table %s: %w", name, err)
	}
	return out.Table, nil
}

func isAbsent(err error) bool {
	var absent *types.ResourceNotFoundException
	return errors.As(err, &absent)
}

// appeared describes a table that was just created: for some seconds DynamoDB may not know it yet ("DescribeTable").
func appeared(ctx context.Context, c Creator, name string) (*types.TableDescription, error) {
	for patience := 30 * time.Second; ; patience -= time.Second {
		table, err := describe(ctx, c, name)
		if !isAbsent(err) || patience == 0 {
			return table, err
		}
		if err := sleep.For(ctx, time.Second); err != nil {
			return nil, fmt.Errorf("wait for table %s: %w", name, err)
		}
	}
}

func leaseTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(PK), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(SK), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(PK), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(SK), KeyType: types.KeyTypeRange},
		},
	}
}

// stateTable is a lease table's twin with the index.
func stateTable(name string) *dynamodb.CreateTableInput {
	t := leaseTable(name)
	t.AttributeDefinitions = append(t.AttributeDefinitions, lookAttributes()...)
	t.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
		IndexName: aws.String(LookIndex), KeySchema: lookSchema(), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}}
	return t
}

// create reports whether it was this call that created the table.
func create(ctx context.Context, c Creator, want *dynamodb.CreateTableInput) (bool, error) {
	_, err := c.CreateTable(ctx, want)
	var exists *types.ResourceInUseException // another instance was faster
	if errors.As(err, &exists) {
		return false, nil
	}
	return err == nil, err
}

func check(t *types.TableDescription) error {
	if len(t.KeySchema) != 2 || aws.ToString(t.KeySchema[0].AttributeName) != PK || aws.ToString(t.KeySchema[1].AttributeName) != SK {
		return fmt.Errorf("its primary key is not (%s, %s)", PK, SK)
	}
	return nil
}
