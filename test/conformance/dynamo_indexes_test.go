package conformance

// DynamoDB: global secondary indexes.

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	indexPage       = "Using Global Secondary Indexes in DynamoDB"
	indexManagement = "Managing Global Secondary Indexes in DynamoDB"
)

// look is an index of string keys.
func look(name, projection string, keys ...string) types.GlobalSecondaryIndex {
	in := definition("none", keys...)
	x := types.GlobalSecondaryIndex{IndexName: &name, KeySchema: in.KeySchema, Projection: &types.Projection{ProjectionType: types.ProjectionType(projection)}}
	if kind, include, ok := strings.Cut(projection, ":"); ok {
		x.Projection.ProjectionType, x.Projection.NonKeyAttributes = types.ProjectionType(kind), strings.Split(include, ",")
	}
	return x
}

// indexed asks for the inventory's table with indexes of attributes that are strings.
func indexed(indexes ...types.GlobalSecondaryIndex) *dynamodb.CreateTableInput {
	in := definition("Inventory", "Store", "Item")
	in.GlobalSecondaryIndexes = indexes
	for _, x := range indexes {
		for _, k := range x.KeySchema {
			if !slices.ContainsFunc(in.AttributeDefinitions, func(d types.AttributeDefinition) bool { return *d.AttributeName == *k.AttributeName }) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: k.AttributeName, AttributeType: types.ScalarAttributeTypeS})
			}
		}
	}
	return in
}

// openIndexed makes the inventory's table with indexes.
func openIndexed(t *T, e *Env, indexes ...types.GlobalSecondaryIndex) db {
	d := bare(t, e)
	d.create(indexed(indexes...))
	return d
}

// due is an item that the index "look" of due and next shows.
func due(item, due, next string) attributes {
	return attributes{"Store": str("berlin"), "Item": str(item), "due": str(due), "next": str(next), "Count": num("1")}
}

// instead is an item with another value of an attribute.
func instead(item attributes, name string, v types.AttributeValue) attributes {
	out := maps.Clone(item)
	out[name] = v
	return out
}

// lookup asks the index "look" for all of a partition.
func lookup(partition string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: inventory, IndexName: aws.String("look"), KeyConditionExpression: aws.String("due = :d"), ExpressionAttributeValues: attributes{":d": str(partition)},
	}
}

// found are the items of an answer by name, in its order.
func found(items []attributes) string {
	var names []string
	for _, i := range items {
		names = append(names, i["Item"].(*types.AttributeValueMemberS).Value)
	}
	return strings.Join(names, " ")
}

// shows expects the index to have these items of a partition, in this order.
func (d db) shows(partition, want string) {
	out, err := d.Query(d.t.Context(), lookup(partition))
	d.t.ok(err)
	d.t.equal("what the index has", found(out.Items), want)
}

func (d db) consumed(want float64, index any, c *types.ConsumedCapacity) {
	d.t.equal("the units", aws.ToFloat64(c.CapacityUnits), want)
	got := any(nil)
	if u, ok := c.GlobalSecondaryIndexes["look"]; ok {
		got = *u.CapacityUnits
	}
	d.t.equal("the index's units", got, index)
}

var _ = add("dynamodb",
	Case{Name: "an index shows the items that have its keys, by its sort key", Doc: indexPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		d.put(due("b", "x", "2"), due("a", "x", "3"), due("c", "x", "1"), due("d", "y", "1"), counted("berlin", "none", 1), with(key("berlin", "half"), "due", str("x")))
		d.shows("x", "c b a")
		d.shows("y", "d")
		d.shows("z", "")
		q := lookup("x")
		q.KeyConditionExpression, q.ExpressionAttributeValues[":n"] = aws.String("due = :d AND #n <= :n"), str("2")
		q.ExpressionAttributeNames, q.ScanIndexForward = map[string]string{"#n": "next"}, aws.Bool(false)
		out, err := d.Query(t.Context(), q)
		t.ok(err)
		t.equal("what is due", found(out.Items), "b c")
	}},
	Case{Name: "an index follows each write of the table", Doc: indexPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		d.put(due("a", "x", "1"), due("b", "x", "2"))
		d.put(due("a", "x", "3")) // another place
		d.shows("x", "b a")
		_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: inventory, Key: key("berlin", "b"), UpdateExpression: aws.String("REMOVE due")})
		t.ok(err)
		d.shows("x", "a")
		_, err = d.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*inventory: {
			{PutRequest: &types.PutRequest{Item: due("c", "x", "0")}}, {DeleteRequest: &types.DeleteRequest{Key: key("berlin", "a")}},
		}}})
		t.ok(err)
		d.shows("x", "c")
		d.put(counted("berlin", "c", 1))
		d.shows("x", "")
	}},
	Case{Name: "several items may have the same keys of an index; each page goes on where the last ended", Doc: indexPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		for _, i := range []string{"a", "b", "c", "d", "e"} {
			d.put(due(i, "x", "1"))
		}
		d.put(due("f", "x", "11"), due("g", "x", "1\x00"), due("h", "x", "0\xc3\xbf"))
		seen, last := map[string]bool{}, ""
		q := lookup("x")
		q.Limit = aws.Int32(3)
		for {
			out, err := d.Query(t.Context(), q)
			t.ok(err)
			for _, i := range out.Items {
				name := i["Item"].(*types.AttributeValueMemberS).Value
				t.equal("seen before: "+name, seen[name], false)
				seen[name], last = true, name
			}
			if q.ExclusiveStartKey = out.LastEvaluatedKey; q.ExclusiveStartKey == nil {
				break
			}
			t.equal("the cursor's attributes", len(q.ExclusiveStartKey), 4)
		}
		t.equal("all", len(seen), 8)
		t.equal("the last", last, "f")
		q = lookup("x")
		q.KeyConditionExpression, q.ExpressionAttributeValues[":n"] = aws.String("due = :d AND #n = :n"), str("1")
		q.ExpressionAttributeNames = map[string]string{"#n": "next"}
		out, err := d.Query(t.Context(), q)
		t.ok(err)
		t.equal("those of one sort key", out.Count, int32(5))
	}},
	Case{Name: "an index without a sort key", Doc: indexPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "ALL", "due"))
		d.put(due("a", "x", "1"), due("b", "x", "2"))
		out, err := d.Query(t.Context(), lookup("x"))
		t.ok(err)
		t.equal("items", out.Count, int32(2))
		t.equal("an item", plain(out.Items[0]), plain(d.item("berlin", found(out.Items[:1]))))
	}},
	Case{Name: "a projection is the keys of both, some attributes more, or all", Doc: "Attribute projections", Run: func(t *T, e *Env) {
		for projection, want := range map[string][]string{
			"KEYS_ONLY": {"Item", "Store", "due", "next"}, "INCLUDE:Count,nope": {"Count", "Item", "Store", "due", "next"}, "ALL": {"Count", "Item", "Store", "due", "next", "other"},
		} {
			d := bare(t, e)
			d.create(indexed(look("look", projection, "due", "next")))
			d.put(with(due("a", "x", "1"), "other", str("o")))
			out, err := d.Query(t.Context(), lookup("x"))
			t.ok(err)
			t.equal(projection, slices.Sorted(maps.Keys(out.Items[0])), want)
			_, err = d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
			t.ok(err)
		}
	}},
	Case{Name: "what an index does not project cannot be asked of it", Doc: "Query", Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		d.put(due("a", "x", "1"))
		q := lookup("x")
		q.Select = types.SelectAllAttributes
		_, err := d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "Select type ALL_ATTRIBUTES is not supported for global secondary index look because its projection type is not ALL")
		q = lookup("x")
		q.ProjectionExpression = aws.String("more")
		_, err = d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "Global secondary index look does not project [more]")
		q = lookup("x")
		q.FilterExpression = aws.String("more = :d")
		_, err = d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "Secondary index look does not project one or more filter attributes: [more]")
		q.FilterExpression, q.ExpressionAttributeNames, q.ExpressionAttributeValues[":a"] = aws.String("#i = :a"), map[string]string{"#i": "Item"}, str("a")
		out, err := d.Query(t.Context(), q)
		t.ok(err) // the table's keys are no keys of the index
		t.equal("items", out.Count, int32(1))
	}},
	Case{Name: "a query of an index has conditions on its keys, and no filter", Doc: "Query", Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		q := lookup("x")
		q.KeyConditionExpression, q.ExpressionAttributeNames = aws.String("#s = :d"), map[string]string{"#s": "Store"}
		_, err := d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "Query condition missed key schema element")
		q = lookup("x")
		q.FilterExpression, q.ExpressionAttributeNames = aws.String("#n = :d"), map[string]string{"#n": "next"}
		_, err = d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "Filter Expression can only contain non-primary key attributes: Primary key attribute: next")
		q = lookup("x")
		q.ExclusiveStartKey = key("berlin", "a")
		_, err = d.Query(t.Context(), q)
		t.refused(err, "ValidationException")
		q.ExclusiveStartKey = due("a", "y", "1")
		delete(q.ExclusiveStartKey, "Count")
		_, err = d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "The provided starting key")
	}},
	Case{Name: "reads of an index are not consistent", Doc: indexPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		q := lookup("x")
		q.ConsistentRead = aws.Bool(true)
		_, err := d.Query(t.Context(), q)
		t.refused(err, "ValidationException", "Consistent reads are not supported on global secondary indexes")
		_, err = d.Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory, IndexName: q.IndexName, ConsistentRead: aws.Bool(true)})
		t.refused(err, "ValidationException", "Consistent reads are not supported on global secondary indexes")
	}},
	Case{Name: "an index that does not exist is refused by its name", Doc: "Query", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.Query(t.Context(), lookup("x"))
		t.refused(err, "ValidationException", "The table does not have the specified index: look")
	}},
	Case{Name: "a scan of an index sees its items, by segments too", Doc: "Scan", Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		d.put(due("a", "x", "1"), due("b", "y", "1"), due("c", "z", "1"), counted("berlin", "none", 1))
		total := int32(0)
		for i := range int32(3) {
			out, err := d.Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory, IndexName: aws.String("look"), Segment: aws.Int32(i), TotalSegments: aws.Int32(3)})
			t.ok(err)
			total += out.Count
		}
		t.equal("items", total, int32(3))
	}},
	Case{Name: "keys of an index have its types, and are not empty", Doc: indexPage, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		for words, v := range map[string]types.AttributeValue{
			"Type mismatch for Index Key next Expected: S Actual: N IndexName: look":                                       num("1"),
			"The AttributeValue for a key attribute cannot contain an empty string value. IndexName: look, IndexKey: next": str(""),
			"Aggregated size of all range keys has exceeded the size limit of 1024 bytes":                                  str(strings.Repeat("x", 1025)),
		} {
			item := instead(due("a", "x", "1"), "next", v)
			_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: item})
			t.refused(err, "ValidationException", words)
			delete(item, "due") // also where it would not be in the index
			_, err = d.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*inventory: {{PutRequest: &types.PutRequest{Item: item}}}}})
			t.refused(err, "ValidationException", words)
		}
		d.stored("berlin", "a", nil)
	}},
	Case{Name: "an index costs a unit where its entry comes, goes or changes, two where its key does", Doc: "Provisioned throughput considerations for Global Secondary Indexes", Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "INCLUDE:Count", "due", "next"))
		for _, c := range []struct {
			item  attributes
			total float64
			index any
		}{
			{counted("berlin", "a", 1), 1, nil},
			{due("a", "x", "1"), 2, 1.0},
			{due("a", "x", "1"), 1, nil},
			{due("a", "x", "2"), 3, 2.0},
			{with(due("a", "x", "2"), "other", str("o")), 1, nil},
			{instead(due("a", "x", "2"), "Count", num("2")), 2, 1.0},
			{counted("berlin", "a", 1), 2, 1.0},
		} {
			out, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: c.item, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
			t.ok(err)
			d.consumed(c.total, c.index, out.ConsumedCapacity)
		}
	}},
	Case{Name: "a query of an index consumes half a unit for 4 KB of its entries", Doc: "Provisioned throughput considerations for Global Secondary Indexes", Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		d.put(with(due("a", "x", "1"), "other", str(strings.Repeat("x", 20000))))
		q := lookup("x")
		q.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
		out, err := d.Query(t.Context(), q)
		t.ok(err)
		d.consumed(0.5, 0.5, out.ConsumedCapacity)
		t.equal("the table's units", *out.ConsumedCapacity.Table.CapacityUnits, 0.0)
		q.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
		out, err = d.Query(t.Context(), q)
		t.ok(err)
		d.consumed(0.5, nil, out.ConsumedCapacity)
	}},
	Case{Name: "an index lags behind its table", Doc: indexPage, Sandbox: true, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		d.put(due("a", "x", "1"))
		t.ok(e.Sandbox.Tables.SetIndexLag(*inventory, "look", time.Minute))
		d.put(due("b", "x", "2"), counted("berlin", "a", 1))
		d.shows("x", "a")
		d.advance(59 * time.Second)
		d.shows("x", "a")
		d.advance(time.Second)
		d.shows("x", "b")
		d.put(due("c", "x", "3"))
		d.shows("x", "b")
		t.ok(e.Sandbox.Tables.SetIndexLag(*inventory, "look", 0))
		d.shows("x", "b c")
	}},
	Case{Name: "time to live takes items out of the index", Doc: "Using time to live (TTL) in DynamoDB", Sandbox: true, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		_, err := d.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: inventory, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("gone"), Enabled: aws.Bool(true)}})
		t.ok(err)
		d.put(with(due("a", "x", "1"), "gone", num("1700000000")), due("b", "x", "1"))
		d.advance(time.Hour)
		n, err := e.Sandbox.Tables.Expire(*inventory)
		t.ok(err)
		t.equal("expired", n, 1)
		d.shows("x", "b")
	}},
)
