package conformance

// BatchWriteItem and BatchGetItem.

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox/fault"
)

func putRequest(item attributes) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}
}

func deleteRequest(key attributes) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
}

func (d db) batch(requests ...types.WriteRequest) (*dynamodb.BatchWriteItemOutput, error) {
	return d.BatchWriteItem(d.t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{*inventory: requests}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
}

// puts are n puts of different items.
func puts(n int) []types.WriteRequest {
	list := make([]types.WriteRequest, n)
	for i := range list {
		list[i] = putRequest(counted("berlin", fmt.Sprintf("item-%02d", i), i))
	}
	return list
}

func keys(n int) []attributes {
	list := make([]attributes, n)
	for i := range list {
		list[i] = key("berlin", fmt.Sprintf("item-%02d", i))
	}
	return list
}

var _ = add("dynamodb",
	Case{Name: "BatchWriteItem puts and deletes", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "old", 1))
		out, err := d.batch(putRequest(counted("a", "new", 2)), deleteRequest(key("a", "old")), deleteRequest(key("a", "never")))
		t.ok(err)
		t.equal("what is unprocessed", len(out.UnprocessedItems), 0)
		t.equal("the units", aws.ToFloat64(out.ConsumedCapacity[0].CapacityUnits), 3.0)
		d.stored("a", "new", counted("a", "new", 2))
		d.stored("a", "old", nil)
	}},
	Case{Name: "BatchWriteItem takes 25 requests and refuses 26", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.batch(puts(25)...)
		t.ok(err)
		_, err = d.batch(puts(26)...)
		t.refused(err, "ValidationException", "Member must have length less than or equal to 25")
	}},
	Case{Name: "BatchWriteItem refuses one item twice", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		for _, twin := range []types.WriteRequest{putRequest(counted("a", "b", 2)), deleteRequest(key("a", "b"))} {
			_, err := d.batch(putRequest(counted("a", "b", 1)), twin)
			t.refused(err, "ValidationException", "Provided list of item keys contains duplicates")
		}
		d.stored("a", "b", nil)
	}},
	Case{Name: "BatchWriteItem refuses an empty batch", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.batch()
		t.refused(err, "ValidationException", "Member must have length greater than or equal to 1")
		_, err = d.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}})
		t.refused(err, "ValidationException", "Member must have length greater than or equal to 1")
	}},
	Case{Name: "BatchWriteItem writes nothing if one request is invalid", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.batch(putRequest(counted("a", "b", 1)), putRequest(counted("a", "", 2)))
		t.refused(err, "ValidationException", "cannot contain an empty string value. Key: Item")
		_, err = d.batch(putRequest(counted("a", "b", 1)), putRequest(with(key("a", "c"), "n", num("x"))))
		t.refused(err, "ValidationException", "The parameter cannot be converted to a numeric value: x")
		_, err = d.batch(putRequest(counted("a", "b", 1)), putRequest(with(key("a", "c"), "n", str(strings.Repeat("x", 400<<10)))))
		t.refused(err, "ValidationException", "Item size has exceeded the maximum allowed size")
		d.stored("a", "b", nil)
	}},
	Case{Name: "BatchWriteItem into a table that does not exist", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		_, err := bare(t, e).batch(puts(1)...)
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "BatchWriteItem leaves what exceeds the capacity unprocessed", Doc: "BatchWriteItem", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		remove := e.Sandbox.Fault(fault.Rule{Operation: "BatchWriteItem", Effect: fault.Effect{Unprocessed: 0.4}})
		out, err := d.batch(puts(25)...)
		t.ok(err)
		left := out.UnprocessedItems[*inventory]
		t.equal("the number of unprocessed items", len(left), 10)
		remove()
		out, err = d.batch(left...)
		t.ok(err)
		t.equal("what is unprocessed", len(out.UnprocessedItems), 0)
		for i := range 25 {
			name := fmt.Sprintf("item-%02d", i)
			d.stored("berlin", name, counted("berlin", name, i))
		}
	}},
	Case{Name: "BatchWriteItem fails if nothing can be processed", Doc: "BatchWriteItem", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		e.Sandbox.Fault(fault.Rule{Operation: "BatchWriteItem", Effect: fault.Effect{Unprocessed: 1}})
		_, err := d.batch(puts(25)...)
		t.refused(err, "ProvisionedThroughputExceededException", "provisioned throughput for the table was exceeded")
	}},
	Case{Name: "writes beyond a table's capacity are throttled until the next second", Doc: "DynamoDB provisioned capacity mode", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		t.ok(e.Sandbox.Tables.SetWriteCapacity(*inventory, 10))
		out, err := d.batch(puts(25)...)
		t.ok(err)
		left := out.UnprocessedItems[*inventory]
		if len(left) < 5 || len(left) > 15 { // a second of real time may end in between
			t.Fatalf("%d unprocessed, want 15", len(left))
		}
		d.advance(1e9)
		d.put(counted("a", "b", 1))
	}},
	Case{Name: "BatchGetItem returns what there is, in no order", Doc: "BatchGetItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.batch(puts(3)...)
		t.ok(err)
		out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			*inventory: {Keys: keys(5), ProjectionExpression: aws.String("#c"), ExpressionAttributeNames: map[string]string{"#c": "Count"}},
		}})
		t.ok(err)
		var got []string
		for _, i := range out.Responses[*inventory] {
			got = append(got, plain(i))
		}
		t.equal("the items", strings.Join(sorted(got), ","), "Count=0,Count=1,Count=2")
		t.equal("what is unprocessed", len(out.UnprocessedKeys), 0)
		if e.Sandbox != nil { // so that nobody relies on the order asked for
			t.equal("in another order", slices.IsSorted(got), false)
		}
	}},
	Case{Name: "BatchGetItem takes 100 keys and refuses 101", Doc: "BatchGetItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: keys(100)}}})
		t.ok(err)
		_, err = d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: keys(101)}}})
		t.refused(err, "ValidationException", "Member must have length less than or equal to 100")
	}},
	Case{Name: "BatchGetItem from a table that does not exist", Doc: "BatchGetItem", Run: func(t *T, e *Env) {
		_, err := bare(t, e).BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: keys(1)}}})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "BatchGetItem leaves what exceeds the capacity unprocessed, as it was asked for", Doc: "BatchGetItem", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.batch(puts(10)...)
		t.ok(err)
		asked := map[string]types.KeysAndAttributes{
			*inventory: {Keys: keys(10), ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("#c"), ExpressionAttributeNames: map[string]string{"#c": "Count"}},
		}
		remove := e.Sandbox.Fault(fault.Rule{Operation: "BatchGetItem", Effect: fault.Effect{Unprocessed: 0.4}})
		out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: asked})
		t.ok(err)
		left := out.UnprocessedKeys[*inventory]
		t.equal("answered, unprocessed", fmt.Sprint(len(out.Responses[*inventory]), len(left.Keys)), "6 4")
		t.equal("consistent, the projection", fmt.Sprint(aws.ToBool(left.ConsistentRead), aws.ToString(left.ProjectionExpression), left.ExpressionAttributeNames), "true#cmap[#c:Count]")
		remove()
		out, err = d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: out.UnprocessedKeys})
		t.ok(err)
		t.equal("the rest", len(out.Responses[*inventory]), 4)
	}},
	Case{Name: "BatchGetItem fails if nothing can be processed", Doc: "BatchGetItem", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		e.Sandbox.Fault(fault.Rule{Operation: "BatchGetItem", Effect: fault.Effect{Unprocessed: 1}})
		_, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: keys(2)}}})
		t.refused(err, "ProvisionedThroughputExceededException", "provisioned throughput for the table was exceeded")
	}},
	Case{Name: "BatchGetItem refuses one key twice", Doc: "BatchGetItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: append(keys(2), keys(1)...)}}})
		t.refused(err, "ValidationException", "Provided list of item keys contains duplicates")
	}},
	Case{Name: "BatchGetItem answers at most 1 MB of a partition", Doc: "BatchGetItem", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		request := types.KeysAndAttributes{}
		for i := range 8 {
			item := with(key("one", strconv.Itoa(i)), "Note", str(strings.Repeat("x", 300<<10)))
			d.put(item)
			request.Keys = append(request.Keys, key("one", strconv.Itoa(i)))
		}
		for _, want := range []int{3, 3, 2} {
			out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: request}})
			t.ok(err)
			t.equal("answered", len(out.Responses[*inventory]), want)
			request = out.UnprocessedKeys[*inventory]
		}
		t.equal("left", len(request.Keys), 0)
	}},
	Case{Name: "BatchGetItem answers at most 16 MB and names the rest", Doc: "BatchGetItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		const n = 50
		var keys []attributes
		for i := range n {
			keys = append(keys, key(strconv.Itoa(i), "pen"))
			d.put(with(keys[i], "Note", str(strings.Repeat("x", 390<<10))))
		}
		out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: keys}}})
		t.ok(err)
		got, left := len(out.Responses[*inventory]), len(out.UnprocessedKeys[*inventory].Keys)
		t.equal("answered and unprocessed", got+left, n)
		if left == 0 || got < 4 || got > 43 { // 1 MB of each partition, however many there are
			t.Fatalf("%d answered, %d unprocessed", got, left)
		}
	}},
)
