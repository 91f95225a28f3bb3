package stream

// This file: conditional writes of single rows of the lease table, and consistent reads.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// conflictError is a write whose condition did not hold; item is the row as it is, nil where there is none.
type conflictError struct {
	item item
	err  error
}

func (e *conflictError) Error() string { return e.err.Error() }
func (e *conflictError) Unwrap() error { return e.err }

// update is a conditional write of some columns of a row; it returns the whole row as it is then.
func (s store) update(ctx context.Context, key, set item, remove []string, condition string, values item) (item, error) {
	u := newUpdate(set, remove)
	maps.Copy(u.values, values)
	for _, name := range conditionNames(condition) {
		u.names["#"+name] = name
	}
	out, err := s.rows.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.leases, Key: key,
		UpdateExpression: aws.String(u.expression), ConditionExpression: &condition,
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return nil, s.conflict(ctx, key, failed)
	}
	if err != nil {
		return nil, fmt.Errorf("write row %s in table %s: %w", attribute.String(key[colSK]), s.leases, err)
	}
	return out.Attributes, nil
}

// conflict makes the error of a refused write; where the service did not tell the row, it is read.
func (s store) conflict(ctx context.Context, key item, failed *types.ConditionalCheckFailedException) error {
	err := fmt.Errorf("write row %s in table %s: %w", attribute.String(key[colSK]), s.leases, failed)
	if len(failed.Item) > 0 {
		return &conflictError{failed.Item, err}
	}
	found, readErr := s.read(ctx, key)
	if readErr != nil {
		return readErr
	}
	return &conflictError{found, err}
}

// update's parts.
type updateParts struct {
	expression string
	names      map[string]string
	values     item
}

func newUpdate(set item, remove []string) updateParts {
	u := updateParts{names: map[string]string{}, values: item{}}
	var sets, removes []string
	for _, column := range slices.Sorted(maps.Keys(set)) {
		sets = append(sets, "#"+column+" = :"+column)
		u.names["#"+column] = column
		u.values[":"+column] = set[column]
	}
	for _, column := range remove {
		removes = append(removes, "#"+column)
		u.names["#"+column] = column
	}
	if len(sets) > 0 {
		u.expression = "SET " + strings.Join(sets, ", ")
	}
	if len(removes) > 0 {
		u.expression += " REMOVE " + strings.Join(removes, ", ")
	}
	return u
}

// conditionNames finds the `#names` in a condition; names there are the columns' own.
func conditionNames(condition string) []string {
	var names []string
	for i, part := range strings.Split(condition, "#") {
		if i > 0 {
			end := strings.IndexFunc(part, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
			if end < 0 {
				end = len(part)
			}
			names = append(names, part[:end])
		}
	}
	return names
}

// read reads one row, nil where there is none.
func (s store) read(ctx context.Context, key item) (item, error) {
	found, err := s.query(ctx, "pk = :pk AND sk = :sk", item{":pk": key[colPK], ":sk": key[colSK]})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// query reads all rows of a condition, consistently.
func (s store) query(ctx context.Context, condition string, values item) ([]item, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.leases, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: &condition, ExpressionAttributeValues: values,
	}
	var found []item
	for {
		out, err := s.rows.Query(ctx, in, once)
		if err != nil {
			return nil, fmt.Errorf("read rows of %s in table %s: %w", s.table, s.leases, err)
		}
		found = append(found, out.Items...)
		if len(out.LastEvaluatedKey) == 0 {
			return found, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
