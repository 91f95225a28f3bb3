package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// ErrUnfit marks an error of a table that exists and is the wrong one: trying again does not help.
var ErrUnfit = errors.New("the table does not fit")

// Putter is what Claim needs of DynamoDB's client.
type Putter interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Claim writes into the state table whose it is: the app's, working on the inventory table of this ARN. The first
// instance's word stands; it is ErrUnfit where the row names another table, so that two daemons that were given one name
// by mistake do not share a memory.
func Claim(ctx context.Context, c Putter, table, app, inventoryARN string) error {
	row := AppKey(app).Attributes()
	row["app"], row["table"] = attribute.S(app), attribute.S(inventoryARN)
	_, err := c.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &table,
		Item:                                row,
		ConditionExpression:                 aws.String("attribute_not_exists(pk) OR #table = :table"),
		ExpressionAttributeNames:            map[string]string{"#table": "table"},
		ExpressionAttributeValues:           map[string]types.AttributeValue{":table": attribute.S(inventoryARN)},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var other *types.ConditionalCheckFailedException
	if errors.As(err, &other) {
		theirs := reader{row: other.Item}
		return fmt.Errorf("%w: state table %s remembers app %q for table %s, not %s; set `app` or `state_table` to a name of its own",
			ErrUnfit, table, app, theirs.text("table"), inventoryARN)
	}
	if err != nil {
		return fmt.Errorf("claim state table %s: %w", table, err)
	}
	return nil
}
