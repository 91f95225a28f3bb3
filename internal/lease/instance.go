// Package lease says which instances of a program are alive. Each instance keeps one row of a DynamoDB table, its
// heartbeat, and renews it; everybody else watches the row's counter with an Observer and calls the instance dead
// when the counter has stood still for the lease's duration on the observer's own monotonic clock. What an instance
// holds (shards, claims, locks) names the instance and lives and dies with its heartbeat. No wall clock is ever
// compared between machines.
//
// This file: the rows.
package lease

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Rows is what a heartbeat and its observers need of DynamoDB's client.
type Rows interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Instance is one row: an instance of the program, alive or not.
type Instance struct {
	ID      string
	Host    string
	Counter int64 // grows with each renewal
	Dead    bool  // it left, or an observer called it dead; it never comes back under this id
}

// Columns of an instance's row. Expires is the table's time to live, in epoch seconds.
const (
	colPK      = "pk"
	colSK      = "sk"
	colHost    = "host"
	colCounter = "counter"
	colDead    = "dead"
	colExpires = "expires"
)

// keep is how long a row outlives its last renewal before DynamoDB deletes it.
const keep = 24 * time.Hour

// NewID makes the id of a new instance: the host's name and a random part, so that no start ever repeats one.
func NewID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var b [6]byte
	rand.Read(b[:]) // never fails
	return host + "-" + hex.EncodeToString(b[:])
}

// Group is all instances of one program: the rows of one partition of one table.
type Group struct {
	Rows  Rows
	Table string
	PK    string
}

func (g Group) key(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		colPK: &types.AttributeValueMemberS{Value: g.PK},
		colSK: &types.AttributeValueMemberS{Value: id},
	}
}

// List reads all rows, consistently.
func (g Group) List(ctx context.Context) ([]Instance, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &g.Table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: g.PK}},
	}
	var all []Instance
	for {
		out, err := g.Rows.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list instances of %s in table %s: %w", g.PK, g.Table, err)
		}
		for _, item := range out.Items {
			all = append(all, instanceOf(item))
		}
		if len(out.LastEvaluatedKey) == 0 {
			return all, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Bury marks an instance dead if its counter is still the one that was seen. It reports whether the instance is dead
// now; false means that it has moved and lives.
func (g Group) Bury(ctx context.Context, seen Instance) (bool, error) {
	return g.mark(ctx, seen.ID, "#counter = :seen", map[string]types.AttributeValue{":seen": number(seen.Counter)})
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
	values[":dead"] = &types.AttributeValueMemberBOOL{Value: true}
	_, err := g.Rows.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &g.Table, Key: g.key(id),
		UpdateExpression:                    aws.String("SET #dead = :dead"),
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return len(failed.Item) == 0 || instanceOf(failed.Item).Dead, nil
	}
	if err != nil {
		return false, fmt.Errorf("mark instance %s dead in table %s: %w", id, g.Table, err)
	}
	return true, nil
}

// renew counts the instance's row up; it creates the row when create is set. False means that the row carries the
// dead mark or is gone.
func (g Group) renew(ctx context.Context, id, host string, create bool) (bool, error) {
	condition := "attribute_exists(pk) AND attribute_not_exists(#dead)"
	if create {
		condition = "attribute_not_exists(#dead)" // also true for our own row after a lost answer
	}
	_, err := g.Rows.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &g.Table, Key: g.key(id),
		UpdateExpression:         aws.String("SET #host = :host, #expires = :expires ADD #counter :one"),
		ConditionExpression:      &condition,
		ExpressionAttributeNames: map[string]string{"#dead": colDead, "#host": colHost, "#expires": colExpires, "#counter": colCounter},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":host":    &types.AttributeValueMemberS{Value: host},
			":expires": number(time.Now().Add(keep).Unix()),
			":one":     number(1),
		},
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("renew instance %s in table %s: %w", id, g.Table, err)
	}
	return true, nil
}

func instanceOf(item map[string]types.AttributeValue) Instance {
	var i Instance
	if v, ok := item[colSK].(*types.AttributeValueMemberS); ok {
		i.ID = v.Value
	}
	if v, ok := item[colHost].(*types.AttributeValueMemberS); ok {
		i.Host = v.Value
	}
	if v, ok := item[colCounter].(*types.AttributeValueMemberN); ok {
		i.Counter, _ = strconv.ParseInt(v.Value, 10, 64) // only we write it; anything else stands still like a dead one
	}
	if v, ok := item[colDead].(*types.AttributeValueMemberBOOL); ok {
		i.Dead = v.Value
	}
	return i
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
