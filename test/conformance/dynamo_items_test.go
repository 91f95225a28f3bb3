package conformance

// PutItem, GetItem, DeleteItem.

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var _ = add("dynamodb",
	Case{Name: "PutItem stores an item and replaces it whole", Doc: "PutItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(counted("berlin", "pen", 1), "Note", str("x")))
		d.put(counted("berlin", "pen", 2))
		d.stored("berlin", "pen", counted("berlin", "pen", 2))
	}},
	Case{Name: "PutItem returns the old item on demand", Doc: "PutItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		in := &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", "b", 1), ReturnValues: types.ReturnValueAllOld}
		out, err := d.PutItem(t.Context(), in)
		t.ok(err)
		t.equal("what was there", len(out.Attributes), 0)
		out, err = d.PutItem(t.Context(), in)
		t.ok(err)
		t.equal("what was there", plain(out.Attributes), plain(in.Item))
	}},
	Case{Name: "PutItem refuses to return what only UpdateItem can", Doc: "PutItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", "b", 1), ReturnValues: types.ReturnValueAllNew})
		t.refused(err, "ValidationException", "Return values set to invalid value")
	}},
	Case{Name: "PutItem into a table that does not exist", Doc: "PutItem", Run: func(t *T, e *Env) {
		_, err := bare(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", "b", 1)})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "PutItem without the sort key", Doc: "PutItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: attributes{"Store": str("a")}})
		t.refused(err, "ValidationException", "One or more parameter values were invalid: Missing the key Item in the item")
	}},
	Case{Name: "PutItem with a key of the wrong type", Doc: "PutItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: attributes{"Store": str("a"), "Item": num("1")}})
		t.refused(err, "ValidationException", "Type mismatch for key Item expected: S actual: N")
	}},
	Case{Name: "PutItem with an empty key", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", "", 1)})
		t.refused(err, "ValidationException", "cannot contain an empty string value. Key: Item")
	}},
	Case{Name: "a partition key of 2048 bytes is taken, of 2049 refused", Doc: "Quotas in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted(strings.Repeat("x", 2048), "b", 1))
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: counted(strings.Repeat("x", 2049), "b", 1)})
		t.refused(err, "ValidationException", "Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}},
	Case{Name: "a sort key of 1024 bytes is taken, of 1025 refused", Doc: "Quotas in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", strings.Repeat("é", 512), 1)) // two bytes each
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", strings.Repeat("é", 512)+"x", 1)})
		t.refused(err, "ValidationException", "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}},
	Case{Name: "keys are held to their sizes wherever they are named", Doc: "Quotas in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		for words, long := range map[string]attributes{
			"Size of hashkey has exceeded the maximum size limit of2048 bytes":            key(strings.Repeat("x", 2049), "b"),
			"Aggregated size of all range keys has exceeded the size limit of 1024 bytes": key("a", strings.Repeat("x", 1025)),
		} {
			_, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: long})
			t.refused(err, "ValidationException", words)
			_, err = d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: inventory, Key: long})
			t.refused(err, "ValidationException", words)
			_, err = d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: inventory, Key: long})
			t.refused(err, "ValidationException", words)
			_, err = d.batch(putRequest(with(long, "Count", num("1"))))
			t.refused(err, "ValidationException", words)
			_, err = d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*inventory: {Keys: []attributes{long}}}})
			t.refused(err, "ValidationException", words)
		}
	}},
	Case{Name: "an item of 400 KB is taken, one of a byte more refused", Doc: "Quotas in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		item := with(key("a", "b"), "Note", str(strings.Repeat("x", 400<<10-len("Store")-1-len("Item")-1-len("Note"))))
		d.put(item)
		item["Note"] = str(item["Note"].(*types.AttributeValueMemberS).Value + "x")
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: item})
		t.refused(err, "ValidationException", "Item size has exceeded the maximum allowed size")
	}},
	Case{Name: "all types are kept", Doc: "AttributeValue", Run: func(t *T, e *Env) {
		d := open(t, e)
		item := key("a", "b")
		item["s"], item["empty"], item["n"] = str("ä\"\\\n\u2028\x7f"), str(""), num("-1.5")
		item["b"] = &types.AttributeValueMemberB{Value: []byte{0, 1, 255}}
		item["t"], item["null"] = &types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberNULL{Value: true}
		item["ss"], item["ns"] = set("b", "a"), &types.AttributeValueMemberNS{Value: []string{"10", "9"}}
		item["l"], item["m"] = list(num("1"), str("x"), list()), mapped(attributes{"": num("1"), "k": mapped(attributes{})})
		delete(item["m"].(*types.AttributeValueMemberM).Value, "")
		d.put(item)
		d.stored("a", "b", item)
	}},
	Case{Name: "numbers come back in their normal form", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		for given, want := range map[string]string{
			"1.0": "1", "1E3": "1000", "007": "7", "-0": "0", "+5": "5", ".5": "0.5", "1e-3": "0.001", "100": "100", "-1.50": "-1.5",
			"12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
		} {
			d.put(with(key("a", "b"), "n", num(given)))
			d.stored("a", "b", with(key("a", "b"), "n", num(want)))
		}
	}},
	Case{Name: "a number of 39 digits is refused", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "n", num(strings.Repeat("1", 39)))})
		t.refused(err, "ValidationException", "Attempting to store more than 38 significant digits in a Number")
	}},
	Case{Name: "a number beyond 9.99E125 is refused", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(key("a", "b"), "n", num("9.9E125")))
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "n", num("1E126"))})
		t.refused(err, "ValidationException", "Number overflow. Attempting to store a number with magnitude larger than supported range")
	}},
	Case{Name: "a number smaller than 1E-130 is refused", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(key("a", "b"), "n", num("1E-130")))
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "n", num("1E-131"))})
		t.refused(err, "ValidationException", "Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}},
	Case{Name: "a text that is no number is refused", Doc: "AttributeValue", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "n", num("abc"))})
		t.refused(err, "ValidationException", "The parameter cannot be converted to a numeric value: abc")
	}},
	Case{Name: "an empty set is refused", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "s", &types.AttributeValueMemberSS{Value: []string{}})})
		t.refused(err, "ValidationException", "An string set  may not be empty")
	}},
	Case{Name: "a set with an element twice is refused", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		_, err := open(t, e).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "s", set("x", "x"))})
		t.refused(err, "ValidationException", "Input collection [x, x] contains duplicates.")
	}},
	Case{Name: "GetItem finds nothing without an error", Doc: "GetItem", Run: func(t *T, e *Env) {
		open(t, e).stored("a", "b", nil)
	}},
	Case{Name: "GetItem with an incomplete key", Doc: "GetItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: attributes{"Store": str("a")}})
		t.refused(err, "ValidationException", "The provided key element does not match the schema")
	}},
	Case{Name: "GetItem with more than the key", Doc: "GetItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: counted("a", "b", 1)})
		t.refused(err, "ValidationException", "The provided key element does not match the schema")
	}},
	Case{Name: "GetItem from a table that does not exist", Doc: "GetItem", Run: func(t *T, e *Env) {
		_, err := bare(t, e).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: key("a", "b")})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "GetItem returns the projected paths only", Doc: "Using projection expressions in DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(with(counted("a", "b", 3), "m", mapped(attributes{"x": num("1"), "y": num("2")})), "l", list(str("p"), str("q"), str("r"))))
		out, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: inventory, Key: key("a", "b"),
			ProjectionExpression: aws.String("#c, m.x, l[2], l[0], absent"), ExpressionAttributeNames: map[string]string{"#c": "Count"},
		})
		t.ok(err)
		t.equal("the projection", plain(out.Item), `Count=3 l=["p" "r"] m={x=1}`)
	}},
	Case{Name: "a projection of overlapping paths is refused", Doc: "Using projection expressions in DynamoDB", Run: func(t *T, e *Env) {
		_, err := open(t, e).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: key("a", "b"), ProjectionExpression: aws.String("m, m.x")})
		t.refused(err, "ValidationException", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, x]")
	}},
	Case{Name: "GetItem consumes a unit for each 4 KB, half of it unless consistent", Doc: "DynamoDB provisioned capacity mode", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(key("a", "b"), "Note", str(strings.Repeat("x", 4096))))
		for consistent, want := range map[bool]float64{true: 2, false: 1} {
			out, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: key("a", "b"), ConsistentRead: &consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
			t.ok(err)
			t.equal("the units", aws.ToFloat64(out.ConsumedCapacity.CapacityUnits), want)
		}
	}},
	Case{Name: "PutItem consumes a unit for each KB of the larger item", Doc: "DynamoDB provisioned capacity mode", Run: func(t *T, e *Env) {
		d := open(t, e)
		for _, n := range []int{3000, 10} {
			out, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: with(key("a", "b"), "Note", str(strings.Repeat("x", n))), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
			t.ok(err)
			t.equal("the units", aws.ToFloat64(out.ConsumedCapacity.CapacityUnits), 3.0)
		}
	}},
	Case{Name: "UpdateItem and DeleteItem in a table that does not exist", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		d := bare(t, e)
		_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: inventory, Key: key("a", "b")})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
		_, err = d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: inventory, Key: key("a", "b")})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "DeleteItem removes an item, and again without an error", Doc: "DeleteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		in := &dynamodb.DeleteItemInput{TableName: inventory, Key: key("a", "b"), ReturnValues: types.ReturnValueAllOld}
		out, err := d.DeleteItem(t.Context(), in)
		t.ok(err)
		t.equal("what was there", plain(out.Attributes), plain(counted("a", "b", 1)))
		out, err = d.DeleteItem(t.Context(), in)
		t.ok(err)
		t.equal("what was there", len(out.Attributes), 0)
		d.stored("a", "b", nil)
	}},
)
