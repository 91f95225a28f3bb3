package notifier

// Writes of rows: an update of some attributes, the difference between two rows, and a row in the place of a broken one.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/state"
)

type attributeMap = map[string]types.AttributeValue

// update gathers an UpdateExpression. Attributes are named #name and their new values :name.
type update struct {
	sets, removes []string
	names         map[string]string
	values        attributeMap
}

func newUpdate() *update { return &update{names: map[string]string{}, values: attributeMap{}} }

// name makes #name known, and returns it.
func (u *update) name(name string) string {
	u.names["#"+name] = name
	return "#" + name
}

// value makes the second of a time known as :name, and returns that.
func (u *update) value(name string, at time.Time) string {
	u.values[":"+name] = state.Instant(at.Truncate(time.Second))
	return ":" + name
}

func (u *update) set(name string, value types.AttributeValue) {
	u.sets = append(u.sets, u.name(name)+" = :"+name)
	u.values[":"+name] = value
}

func (u *update) setAll(row attributeMap) {
	for _, name := range slices.Sorted(maps.Keys(row)) {
		u.set(name, row[name])
	}
}

func (u *update) remove(name string) { u.removes = append(u.removes, u.name(name)) }

func (u *update) input(table string, k state.Key) *dynamodb.UpdateItemInput {
	var expression []string
	if len(u.sets) > 0 {
		expression = append(expression, "SET "+strings.Join(u.sets, ", "))
	}
	if len(u.removes) > 0 {
		expression = append(expression, "REMOVE "+strings.Join(u.removes, ", "))
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &table, Key: k.Attributes(), UpdateExpression: aws.String(strings.Join(expression, " ")),
		ExpressionAttributeNames: u.names,
	}
	if len(u.values) > 0 {
		in.ExpressionAttributeValues = u.values
	}
	return in
}

// edit writes the difference between a row as it was read and as it is to be, unless a change or somebody else was
// faster. It reports whether it was written.
func (n *Notifier) edit(ctx context.Context, was, is state.Item) (bool, error) {
	before, after := was.Attributes(n.config.App), is.Attributes(n.config.App)
	u := newUpdate()
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if !reflect.DeepEqual(before[name], after[name]) {
			u.set(name, after[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] == nil {
			u.remove(name)
		}
	}
	if len(u.sets)+len(u.removes) == 0 {
		return true, nil
	}
	condition := unchanged(u, before, state.AttrPosition, state.AttrStock, state.AttrDueID, state.AttrTold, state.AttrToldV, state.AttrBack)
	in := u.input(n.config.StateTable, was.Key(n.config.App))
	in.ConditionExpression = &condition
	err := n.persist(ctx, func() error {
		_, err := n.clients.State.UpdateItem(ctx, in)
		return err
	})
	if isRefusedCondition(err) {
		return false, nil
	}
	return err == nil, err
}

// unchanged is the condition that these attributes are as they were in the row.
func unchanged(u *update, row attributeMap, names ...string) string {
	conditions := make([]string, len(names))
	for i, name := range names {
		if row[name] == nil {
			conditions[i] = "attribute_not_exists(" + u.name(name) + ")"
			continue
		}
		value := ":was_" + name
		u.values[value] = row[name]
		conditions[i] = u.name(name) + " = " + value
	}
	return strings.Join(conditions, " AND ")
}

// overwrite puts a row in the place of one that is broken, as long as that is as it was read.
func (n *Notifier) overwrite(ctx context.Context, broken attributeMap, row state.Item) error {
	var conditions []string
	names, values := map[string]string{}, attributeMap{}
	for i, name := range slices.Sorted(maps.Keys(broken)) {
		a, v := fmt.Sprintf("#a%d", i), fmt.Sprintf(":a%d", i)
		names[a], values[v] = name, broken[name]
		conditions = append(conditions, a+" = "+v)
	}
	_, err := n.clients.State.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &n.config.StateTable, Item: row.Attributes(n.config.App),
		ConditionExpression:      aws.String(strings.Join(conditions, " AND ")),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	return err
}

func isRefusedCondition(err error) bool {
	var failed *types.ConditionalCheckFailedException
	return errors.As(err, &failed)
}
