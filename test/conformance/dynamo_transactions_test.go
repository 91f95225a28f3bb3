package conformance

// DynamoDB: transactions.

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const transactionPage = "Managing complex workflows with DynamoDB transactions"

func putting(item attributes, condition ...string) types.TransactWriteItem {
	p := &types.Put{TableName: inventory, Item: item}
	if condition != nil {
		p.ConditionExpression, p.ExpressionAttributeNames = &condition[0], map[string]string{"#s": "Store"}
	}
	return types.TransactWriteItem{Put: p}
}

// adding1 is an update that counts.
func adding1(store, item string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: inventory, Key: key(store, item), UpdateExpression: aws.String("ADD #c :one"),
		ExpressionAttributeNames: map[string]string{"#c": "Count"}, ExpressionAttributeValues: attributes{":one": num("1")},
	}}
}

func deleting(store, item string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: inventory, Key: key(store, item)}}
}

func checking(store, item, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: inventory, Key: key(store, item), ConditionExpression: &condition, ExpressionAttributeNames: map[string]string{"#s": "Store"},
	}}
}

const (
	isThere  = "attribute_exists(#s)"
	notThere = "attribute_not_exists(#s)"
)

func (d db) transact(items ...types.TransactWriteItem) error {
	_, err := d.TransactWriteItems(d.t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: items})
	return err
}

// cancelled expects a transaction to be cancelled for these reasons, one for each of its writes.
func (t *T) cancelled(err error, codes ...string) []types.CancellationReason {
	t.refused(err, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons ["+strings.Join(codes, ", ")+"]")
	var e *types.TransactionCanceledException
	if !errors.As(err, &e) {
		t.Fatalf("want TransactionCanceledException, got %s", shortly(err))
	}
	var got []string
	for _, r := range e.CancellationReasons {
		got = append(got, aws.ToString(r.Code))
	}
	t.equal("the reasons", strings.Join(got, ", "), strings.Join(codes, ", "))
	return e.CancellationReasons
}

var _ = add("dynamodb",
	Case{Name: "a transaction makes all of its writes", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "deleted", 1), counted("a", "updated", 1), counted("a", "checked", 1))
		t.ok(d.transact(putting(counted("a", "new", 5), notThere), adding1("a", "updated"), adding1("a", "made"), deleting("a", "deleted"), deleting("a", "never"), checking("a", "checked", isThere)))
		d.stored("a", "new", counted("a", "new", 5))
		d.stored("a", "updated", counted("a", "updated", 2))
		d.stored("a", "made", counted("a", "made", 1))
		d.stored("a", "deleted", nil)
		d.stored("a", "checked", counted("a", "checked", 1))
	}},
	Case{Name: "a failed condition cancels the whole transaction and says which", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "there", 1))
		reasons := t.cancelled(d.transact(adding1("a", "x"), putting(counted("a", "there", 2), notThere), checking("a", "nothing", isThere)), "None", "ConditionalCheckFailed", "ConditionalCheckFailed")
		t.equal("the message", aws.ToString(reasons[1].Message), "The conditional request failed")
		d.stored("a", "x", nil)
		d.stored("a", "there", counted("a", "there", 1))
	}},
	Case{Name: "a cancelled transaction shows the item of a failed condition on demand", Doc: "CancellationReason", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		for returns, want := range map[types.ReturnValuesOnConditionCheckFailure]attributes{"ALL_OLD": counted("a", "b", 1), "NONE": nil} {
			check, nothing := checking("a", "b", notThere), checking("a", "nothing", isThere)
			check.ConditionCheck.ReturnValuesOnConditionCheckFailure, nothing.ConditionCheck.ReturnValuesOnConditionCheckFailure = returns, returns
			reasons := t.cancelled(d.transact(check, nothing), "ConditionalCheckFailed", "ConditionalCheckFailed")
			t.equal("the item", plain(reasons[0].Item), plain(want))
			t.equal("no item", plain(reasons[1].Item), plain(nil))
		}
	}},
	Case{Name: "an update that cannot be made cancels its transaction as ValidationError", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(instead(counted("a", "b", 1), "Count", str("text")))
		t.cancelled(d.transact(putting(counted("a", "c", 1)), adding1("a", "b")), "None", "ValidationError")
		d.stored("a", "c", nil)
	}},
	Case{Name: "two writes of one item in a transaction are refused", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		t.refused(d.transact(putting(counted("a", "b", 1)), deleting("a", "b")), "ValidationException", "Transaction request cannot include multiple operations on one item")
	}},
	Case{Name: "a transaction takes 100 writes and refuses 101", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		var items []types.TransactWriteItem
		for i := range 101 {
			items = append(items, putting(counted("a", fmt.Sprint(i), i)))
		}
		t.refused(d.transact(items...), "ValidationException", "Member must have length less than or equal to 100")
		t.ok(d.transact(items[:100]...))
		d.stored("a", "99", counted("a", "99", 99))
	}},
	Case{Name: "a transaction of more than 4 MB is refused", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		var items []types.TransactWriteItem
		for i := range 15 {
			items = append(items, putting(with(key("a", fmt.Sprint(i)), "x", str(strings.Repeat("x", 300000)))))
		}
		t.refused(d.transact(items...), "ValidationException", "Transaction payload size cannot exceed 4MB")
		t.ok(d.transact(items[:13]...))
	}},
	Case{Name: "a transaction names one write in each of its items, of a table that exists", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		both := putting(counted("a", "b", 1))
		both.Delete = deleting("a", "c").Delete
		t.refused(d.transact(both), "ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete")
		t.refused(d.transact(types.TransactWriteItem{}), "ValidationException")
		elsewhere := deleting("a", "b")
		elsewhere.Delete.TableName = aws.String("Nowhere")
		t.refused(d.transact(elsewhere), "ResourceNotFoundException")
		wrong := deleting("a", "b")
		delete(wrong.Delete.Key, "Item")
		t.refused(d.transact(wrong), "ValidationException")
	}},
	Case{Name: "a transaction that comes again with its token has its effect once", Doc: "TransactWriteItems", Run: func(t *T, e *Env) {
		d := open(t, e)
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{adding1("a", "b")}, ClientRequestToken: aws.String("token"), ReturnConsumedCapacity: "TOTAL"}
		for i := range 2 {
			out, err := d.TransactWriteItems(t.Context(), in)
			t.ok(err)
			read, write := out.ConsumedCapacity[0].ReadCapacityUnits, out.ConsumedCapacity[0].WriteCapacityUnits
			t.equal("a read's units", read != nil, i == 1)
			t.equal("a write's units", write != nil, i == 0)
		}
		d.stored("a", "b", counted("a", "b", 1))
		in.TransactItems = []types.TransactWriteItem{adding1("a", "c")}
		_, err := d.TransactWriteItems(t.Context(), in)
		t.refused(err, "IdempotentParameterMismatchException")
	}},
	Case{Name: "a transaction's token is forgotten after ten minutes", Doc: "TransactWriteItems", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{adding1("a", "b")}, ClientRequestToken: aws.String("token")}
		for range 2 {
			_, err := d.TransactWriteItems(t.Context(), in)
			t.ok(err)
			d.advance(10 * time.Minute)
		}
		d.stored("a", "b", counted("a", "b", 2))
	}},
	Case{Name: "a transaction consumes two units for each KB, of its indexes too", Doc: transactionPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		out, err := d.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems:          []types.TransactWriteItem{putting(due("a", "x", "1")), putting(with(key("a", "b"), "x", str(strings.Repeat("x", 1500)))), checking("a", "nothing", notThere)},
			ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		t.ok(err)
		d.consumed(10, 2.0, &out.ConsumedCapacity[0])
		t.equal("write units", aws.ToFloat64(out.ConsumedCapacity[0].WriteCapacityUnits), 10.0)
	}},
	Case{Name: "another transaction under way is a conflict", Doc: transactionPage, Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		e.Sandbox.Tables.ConflictTransactions(*inventory, 1)
		t.cancelled(d.transact(adding1("a", "b"), adding1("a", "c")), "TransactionConflict", "None")
		t.ok(d.transact(adding1("a", "b"), adding1("a", "c")))
		d.stored("a", "b", counted("a", "b", 1))
	}},
	Case{Name: "a transaction beyond the table's capacity is cancelled", Doc: transactionPage, Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		t.ok(e.Sandbox.Tables.SetWriteCapacity(*inventory, 4))
		t.ok(d.transact(adding1("a", "b"), adding1("a", "c")))
		t.cancelled(d.transact(adding1("a", "b")), "ProvisionedThroughputExceeded")
		d.advance(time.Second)
		t.ok(d.transact(adding1("a", "b")))
	}},
)

var _ = add("streams",
	Case{Name: "a transaction makes a record of each item that it changes", Doc: transactionPage, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "deleted", 1), counted("a", "same", 1))
		t.ok(d.transact(putting(counted("a", "new", 1)), putting(counted("a", "same", 1)), deleting("a", "deleted"), checking("a", "nothing", notThere)))
		t.cancelled(d.transact(putting(counted("a", "never", 1)), checking("a", "nothing", isThere)), "None", "ConditionalCheckFailed")
		kinds := map[string]int{}
		for _, r := range d.all(4) {
			kinds[string(r.EventName)]++
		}
		t.equal("the records", fmt.Sprint(kinds), "map[INSERT:3 REMOVE:1]")
	}},
)
