package lease

// This file: the rows of a group in their table. Each method is one attempt; its caller repeats it.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"inventoryd/internal/attribute"
)

// Rows is what a group needs of DynamoDB's client.
type Rows interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Key names a row.
type Key struct{ PK, SK string }

// Group is all instances of one program: the rows of one partition of one table.
type Group struct {
	Rows  Rows
	Table string
	PK    string
	// Counter is the row that has the group's counter of joined instances, which must exist. Zero: a row of the group's
	// own partition, with the sort key "-", that the first to join makes.
	Counter Key
}

// ownCounter is the sort key of the counter in a group's own partition.
const ownCounter = "-"

// once keeps the SDK from repeating a call: this package does that itself.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func (g Group) key(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{colPK: attribute.S(g.PK), colSK: attribute.S(id)}
}

// List reads all rows, consistently.
func (g Group) List(ctx context.Context) ([]Instance, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &g.Table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": attribute.S(g.PK)},
	}
	var all []Instance
	for {
		out, err := g.Rows.Query(ctx, in, once)
		if err != nil {
			return nil, fmt.Errorf("list instances of %s in table %s: %w", g.PK, g.Table, err)
		}
		for _, item := range out.Items {
			if i := decode(item); i.ID != ownCounter {
				all = append(all, i)
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return all, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// number takes the next number from the group's counter.
func (g Group) number(ctx context.Context) (int64, time.Time, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &g.Table, Key: g.key(ownCounter),
		UpdateExpression:          aws.String("ADD #joined :one"),
		ExpressionAttributeNames:  map[string]string{"#joined": colJoined},
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": attribute.N(1)},
		ReturnValues:              types.ReturnValueUpdatedNew,
	}
	if g.Counter != (Key{}) {
		in.Key = map[string]types.AttributeValue{colPK: attribute.S(g.Counter.PK), colSK: attribute.S(g.Counter.SK)}
		in.ConditionExpression = aws.String("attribute_exists(pk)")
	}
	out, err := g.Rows.UpdateItem(ctx, in, once)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("join the instances of %s in table %s: %w", g.PK, g.Table, err)
	}
	return attribute.Int(out.Attributes[colJoined]), served(out.ResultMetadata), nil
}

// Bury marks an instance dead if its counter is still the one that was seen. It reports whether the instance is dead
// now; false means that it has moved and lives.
func (g Group) Bury(ctx context.Context, seen Instance) (bool, error) {
	return g.mark(ctx, seen.ID, "#counter = :seen", map[string]types.AttributeValue{":seen": attribute.N(seen.Counter)})
}

// BuryGone marks an instance dead whose process is known to have ended.
func (g Group) BuryGone(ctx context.Context, id string) error {
	_, err := g.mark(ctx, id, "", nil)
	return err
}

// mark sets the dead mark of an existing row under one more condition; a row that is marked or gone already is dead.
func (g Group) mark(ctx context.Context, id, condition string, values map[string]types.AttributeValue) (bool, error) {
	names := map[string]string{"#dead": colDead}
	if condition == "" {
		condition = "attribute_exists(pk)"
	} else {
		names["#counter"] = colCounter
	}
	if values == nil {
		values = map[string]types.AttributeValue{}
	}
	values[":dead"] = yes
	_, err := g.Rows.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &g.Table, Key: g.key(id),
		UpdateExpression:                    aws.String("SET #dead = :dead"),
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return len(failed.Item) == 0 || decode(failed.Item).Dead, nil
	}
	if err != nil {
		return false, fmt.Errorf("mark instance %s dead in table %s: %w", id, g.Table, err)
	}
	return true, nil
}

// Raise raises an instance's look. It reports whether the instance stays: false means that it is leaving, dead or gone,
// and may have looked for the last time before.
func (g Group) Raise(ctx context.Context, id string) (stays bool, err error) {
	out, err := g.Rows.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &g.Table, Key: g.key(id),
		UpdateExpression:          aws.String("ADD #look :one"),
		ConditionExpression:       aws.String("attribute_exists(pk) AND attribute_not_exists(#dead)"),
		ExpressionAttributeNames:  map[string]string{"#look": colLook, "#dead": colDead},
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": attribute.N(1)},
		ReturnValues:              types.ReturnValueAllNew,
	}, once)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("tell instance %s to look, in table %s: %w", id, g.Table, err)
	}
	return !decode(out.Attributes).Leaving, nil
}

// write renews an instance's row, which is self's but for what others change in it; create makes the row. It returns the
// row as it is then and the service's time. False means that the row carries the dead mark or is gone.
func (g Group) write(ctx context.Context, self Instance, now time.Time, create bool) (Instance, time.Time, bool, error) {
	condition := "attribute_exists(pk) AND attribute_not_exists(#dead)"
	if create {
		condition = "attribute_not_exists(#dead)" // also true for our own row after a lost answer
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &g.Table, Key: g.key(self.ID),
		ConditionExpression:      &condition,
		ExpressionAttributeNames: map[string]string{"#dead": colDead, "#counter": colCounter},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":one": attribute.N(1),
		},
		ReturnValues: types.ReturnValueAllNew,
	}
	set := "SET "
	column := func(name string, v types.AttributeValue) {
		if set != "SET " {
			set += ", "
		}
		set += "#" + name + " = :" + name
		in.ExpressionAttributeNames["#"+name], in.ExpressionAttributeValues[":"+name] = name, v
	}
	column(colHost, attribute.S(self.Host))
	column(colJoined, attribute.N(self.Joined))
	column(colDuration, attribute.N(self.Duration.Milliseconds()))
	column(colExpires, attribute.N(now.Add(keep).Unix()))
	if len(self.Parts) > 0 {
		column(colParts, &types.AttributeValueMemberSS{Value: self.Parts})
	}
	if !self.ReadAt.IsZero() {
		column(colReadAt, attribute.S(self.ReadAt.UTC().Format(time.RFC3339)))
	}
	if self.Leaving {
		column(colLeaving, yes)
	}
	in.UpdateExpression = aws.String(set + " ADD #counter :one")
	out, err := g.Rows.UpdateItem(ctx, in, once)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return Instance{}, time.Time{}, false, nil
	}
	if err != nil {
		return Instance{}, time.Time{}, false, fmt.Errorf("renew instance %s in table %s: %w", self.ID, g.Table, err)
	}
	return decode(out.Attributes), served(out.ResultMetadata), true, nil
}

// served is the Date header of an answer, zero where it has none.
func served(m middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(m)
	return at
}
