package conformance

// Query and Scan.

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// queried runs a query over all its pages and returns the sort keys, and how many pages there were.
func (d db) queried(in *dynamodb.QueryInput) (items []string, pages int) {
	in.TableName = inventory
	for {
		out, err := d.Query(d.t.Context(), in)
		d.t.ok(err)
		pages++
		for _, i := range out.Items {
			items = append(items, i["Item"].(*types.AttributeValueMemberS).Value)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, pages
		}
	}
}

var storeName = map[string]string{"#s": "Store", "#i": "Item"}

// shelf puts items a to f into store x, and others around it.
func shelf(t *T, e *Env) db {
	d := open(t, e)
	for i, name := range []string{"a", "b", "ba", "c", "d", "e"} {
		d.put(counted("x", name, i))
	}
	d.put(counted("w", "b", 1), counted("y", "b", 1), counted("xa", "b", 1))
	return d
}

// conditionsOnKeys queries store x by each condition on the sort key.
func conditionsOnKeys(t *T, e *Env, want map[string]string) {
	d := shelf(t, e)
	for condition, items := range want {
		in := &dynamodb.QueryInput{
			KeyConditionExpression: aws.String("#s = :x AND " + condition), ExpressionAttributeNames: storeName,
			ExpressionAttributeValues: used(condition, attributes{":b": str("b"), ":d": str("d"), ":none": str("none")}),
		}
		if in.ExpressionAttributeValues == nil {
			in.ExpressionAttributeValues = attributes{}
		}
		in.ExpressionAttributeValues[":x"] = str("x")
		got, _ := d.queried(in)
		t.equal(condition, strings.Join(got, " "), items)
	}
}

const queryPage = "Key condition expressions for the Query operation in DynamoDB"

var _ = add("dynamodb",
	Case{Name: "Query returns one partition in the order of its sort keys", Doc: "Query", Run: func(t *T, e *Env) {
		got, _ := shelf(t, e).queried(&dynamodb.QueryInput{
			KeyConditionExpression: aws.String("#s = :x"), ExpressionAttributeNames: map[string]string{"#s": "Store"}, ExpressionAttributeValues: attributes{":x": str("x")},
		})
		t.equal("the items", strings.Join(got, " "), "a b ba c d e")
	}},
	Case{Name: "Query reverses", Doc: "Query", Run: func(t *T, e *Env) {
		got, _ := shelf(t, e).queried(&dynamodb.QueryInput{
			KeyConditionExpression: aws.String("#s = :x AND #i < :d"), ExpressionAttributeNames: storeName, ScanIndexForward: aws.Bool(false),
			ExpressionAttributeValues: attributes{":x": str("x"), ":d": str("d")},
		})
		t.equal("the items", strings.Join(got, " "), "c ba b a")
	}},
	Case{Name: "Query by each condition on the sort key", Doc: queryPage, Run: func(t *T, e *Env) {
		conditionsOnKeys(t, e, map[string]string{
			"#i = :b": "b", "#i < :b": "a", "#i <= :b": "a b", "#i > :b": "ba c d e", "#i >= :b": "b ba c d e", ":d <= #i": "d e",
			"#i BETWEEN :b AND :d": "b ba c d", "begins_with(#i, :b)": "b ba", "#i = :none": "",
		})
	}},
	Case{Name: "Query orders numbers by value", Doc: "Query", Run: func(t *T, e *Env) {
		d := bare(t, e)
		in := definition("Inventory", "Store", "Item")
		in.AttributeDefinitions[1].AttributeType = types.ScalarAttributeTypeN
		d.create(in)
		for _, n := range []string{"10", "9", "-1", "0", "2.5", "-10", "1E20", "-0.001", "1e-20"} {
			d.put(attributes{"Store": str("x"), "Item": num(n)})
		}
		for condition, want := range map[string]string{"#s = :x": "-10 -1 -0.001 0 0.00000000000000000001 2.5 9 10 100000000000000000000", "#s = :x AND #i BETWEEN :low AND :high": "-1 -0.001 0 0.00000000000000000001 2.5 9"} {
			out, err := d.Query(t.Context(), &dynamodb.QueryInput{
				TableName: inventory, KeyConditionExpression: &condition, ExpressionAttributeNames: used(condition, storeName),
				ExpressionAttributeValues: used(condition, attributes{":x": str("x"), ":low": num("-1.0"), ":high": num("9")}),
			})
			t.ok(err)
			var got []string
			for _, i := range out.Items {
				got = append(got, i["Item"].(*types.AttributeValueMemberN).Value)
			}
			t.equal(condition, strings.Join(got, " "), want)
		}
	}},
	Case{Name: "Query pages by Limit, which counts before the filter", Doc: "Paginating table query results in DynamoDB", Run: func(t *T, e *Env) {
		d := shelf(t, e)
		in := &dynamodb.QueryInput{
			KeyConditionExpression: aws.String("#s = :x"), FilterExpression: aws.String("#c >= :two"), Limit: aws.Int32(2),
			ExpressionAttributeNames: map[string]string{"#s": "Store", "#c": "Count"}, ExpressionAttributeValues: attributes{":x": str("x"), ":two": num("2")},
		}
		in.TableName = inventory
		out, err := d.Query(t.Context(), in)
		t.ok(err)
		t.equal("count, scanned, last key", fmt.Sprint(out.Count, " ", out.ScannedCount, " ", plain(out.LastEvaluatedKey)), `0 2 Item="b" Store="x"`)
		got, pages := d.queried(in)
		t.equal("the items", strings.Join(got, " "), "ba c d e")
		t.equal("the pages", pages, 4) // the last is empty: after 6 items it is not known that there are no more
	}},
	Case{Name: "Query pages backwards", Doc: "Paginating table query results in DynamoDB", Run: func(t *T, e *Env) {
		got, _ := shelf(t, e).queried(&dynamodb.QueryInput{
			KeyConditionExpression: aws.String("#s = :x"), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(4),
			ExpressionAttributeNames: map[string]string{"#s": "Store"}, ExpressionAttributeValues: attributes{":x": str("x")},
		})
		t.equal("the items", strings.Join(got, " "), "e d c ba b a")
	}},
	Case{Name: "Query pages at 1 MB", Doc: "Query", Run: func(t *T, e *Env) {
		d := open(t, e)
		for i := range 12 {
			d.put(with(key("x", strconv.Itoa(100+i)), "Note", str(strings.Repeat("x", 200<<10))))
		}
		got, pages := d.queried(&dynamodb.QueryInput{
			KeyConditionExpression: aws.String("#s = :x"), ProjectionExpression: aws.String("#i"), ExpressionAttributeNames: storeName, ExpressionAttributeValues: attributes{":x": str("x")},
		})
		t.equal("the items", len(got), 12)
		t.equal("the pages", pages, 2) // the item that reaches 1 MB is the page's last
	}},
	Case{Name: "Query only counts on demand", Doc: "Query", Run: func(t *T, e *Env) {
		out, err := shelf(t, e).Query(t.Context(), &dynamodb.QueryInput{
			TableName: inventory, Select: types.SelectCount, KeyConditionExpression: aws.String("#s = :x"), FilterExpression: aws.String("#c > :one"),
			ExpressionAttributeNames: map[string]string{"#s": "Store", "#c": "Count"}, ExpressionAttributeValues: attributes{":x": str("x"), ":one": num("1")},
		})
		t.ok(err)
		t.equal("count, scanned, items", fmt.Sprint(out.Count, out.ScannedCount, len(out.Items)), "4 6 0")
	}},
	Case{Name: "Query refuses what the key cannot answer", Doc: queryPage, Run: func(t *T, e *Env) {
		d := open(t, e)
		for condition, words := range map[string]string{
			"#i = :b":                            "Query condition missed key schema element: Store",
			"#s > :b":                            "Query key condition not supported",
			"#s = :b AND #i <> :b":               "Invalid operator used in KeyConditionExpression: <>",
			"#s = :b OR #i = :b":                 "Invalid operator used in KeyConditionExpression: OR",
			"#s = :b AND NOT #i = :b":            "Invalid operator used in KeyConditionExpression: NOT",
			"#s = :b AND #i IN (:b)":             "Invalid operator used in KeyConditionExpression: IN",
			"#s = :b AND contains(#i, :b)":       "Invalid operator used in KeyConditionExpression: contains",
			"#s = :b AND extra = :b":             "Query condition missed key schema element: Item",
			"#s = :b AND #s = :b":                "KeyConditionExpressions must only contain one condition per key",
			"#s = :b AND #i = :b AND extra = :b": "Conditions can be of length 1 or 2 only",
			"#s = :n":                            "One or more parameter values were invalid: Condition parameter type does not match schema type",
			"#s = :empty":                        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Store",
			"#s = ":                              `Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "="`,
		} {
			_, err := d.Query(t.Context(), &dynamodb.QueryInput{
				TableName: inventory, KeyConditionExpression: &condition, ExpressionAttributeNames: used(condition, storeName),
				ExpressionAttributeValues: used(condition, attributes{":b": str("b"), ":n": num("1"), ":empty": str("")}),
			})
			t.refused(err, "ValidationException", words)
		}
	}},
	Case{Name: "Query refuses a filter on the key", Doc: "Filter expressions for the Query operation in DynamoDB", Run: func(t *T, e *Env) {
		_, err := open(t, e).Query(t.Context(), &dynamodb.QueryInput{
			TableName: inventory, KeyConditionExpression: aws.String("#s = :b"), FilterExpression: aws.String("#i = :b"),
			ExpressionAttributeNames: storeName, ExpressionAttributeValues: attributes{":b": str("b")},
		})
		t.refused(err, "ValidationException", "Filter Expression can only contain non-primary key attributes: Primary key attribute: Item")
	}},
	Case{Name: "Query from a table that does not exist", Doc: "Query", Run: func(t *T, e *Env) {
		_, err := bare(t, e).Query(t.Context(), &dynamodb.QueryInput{
			TableName: inventory, KeyConditionExpression: aws.String("a = :b"), ExpressionAttributeValues: attributes{":b": str("b")},
		})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "Query refuses to start in another partition", Doc: "Query", Run: func(t *T, e *Env) {
		_, err := open(t, e).Query(t.Context(), &dynamodb.QueryInput{
			TableName: inventory, KeyConditionExpression: aws.String("#s = :b"), ExclusiveStartKey: key("other", "x"),
			ExpressionAttributeNames: map[string]string{"#s": "Store"}, ExpressionAttributeValues: attributes{":b": str("b")},
		})
		t.refused(err, "ValidationException", "The provided starting key is outside query boundaries based on provided conditions")
	}},
)

// scanned scans all pages of a segment and returns the items and the pages.
func (d db) scanned(in *dynamodb.ScanInput) (items []string, pages int) {
	in.TableName = inventory
	for {
		out, err := d.Scan(d.t.Context(), in)
		d.t.ok(err)
		pages++
		for _, i := range out.Items {
			items = append(items, plain(attributes{"Store": i["Store"], "Item": i["Item"]}))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, pages
		}
	}
}

// stocked puts n items into as many stores.
func stocked(t *T, e *Env, n int) db {
	d := open(t, e)
	for i := 0; i < n; i += 25 {
		var b []types.WriteRequest
		for j := i; j < min(n, i+25); j++ {
			b = append(b, putRequest(counted("store-"+strconv.Itoa(j), "pen", j)))
		}
		_, err := d.batch(b...)
		t.ok(err)
	}
	return d
}

var _ = add("dynamodb",
	Case{Name: "Scan returns every item once, page by page", Doc: "Scan", Run: func(t *T, e *Env) {
		got, pages := stocked(t, e, 60).scanned(&dynamodb.ScanInput{Limit: aws.Int32(7)})
		t.equal("the items", len(got), 60)
		t.equal("different items", len(distinct(got)), 60)
		t.equal("the pages", pages, 9)
	}},
	Case{Name: "Scan pages at 1 MB", Doc: "Scan", Run: func(t *T, e *Env) {
		d := open(t, e)
		for i := range 8 {
			d.put(with(key(strconv.Itoa(i), "x"), "Note", str(strings.Repeat("x", 300<<10))))
		}
		got, pages := d.scanned(&dynamodb.ScanInput{})
		t.equal("different items", len(distinct(got)), 8)
		t.equal("the pages", pages, 2) // the item that reaches 1 MB is the page's last
	}},
	Case{Name: "segments of a parallel scan are disjoint and complete", Doc: "Scan", Run: func(t *T, e *Env) {
		d := stocked(t, e, 60)
		var all []string
		for s := range int32(3) {
			got, _ := d.scanned(&dynamodb.ScanInput{Segment: aws.Int32(s), TotalSegments: aws.Int32(3), Limit: aws.Int32(10)})
			all = append(all, got...)
		}
		t.equal("the items", len(all), 60)
		t.equal("different items", len(distinct(all)), 60)
	}},
	Case{Name: "Scan filters after reading", Doc: "Scan", Run: func(t *T, e *Env) {
		out, err := stocked(t, e, 30).Scan(t.Context(), &dynamodb.ScanInput{
			TableName: inventory, FilterExpression: aws.String("#c < :ten"), ExpressionAttributeNames: map[string]string{"#c": "Count"}, ExpressionAttributeValues: attributes{":ten": num("10")},
		})
		t.ok(err)
		t.equal("count, scanned", fmt.Sprint(out.Count, out.ScannedCount), "10 30")
	}},
	Case{Name: "Scan refuses segments that make no sense", Doc: "Scan", Run: func(t *T, e *Env) {
		d := open(t, e)
		for _, c := range []struct {
			segment, total *int32
			words          string
		}{
			{aws.Int32(0), nil, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
			{nil, aws.Int32(2), "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
			{aws.Int32(2), aws.Int32(2), "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"},
		} {
			_, err := d.Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory, Segment: c.segment, TotalSegments: c.total})
			t.refused(err, "ValidationException", c.words)
		}
	}},
	Case{Name: "Scan refuses a Limit of 0", Doc: "Scan", Run: func(t *T, e *Env) {
		_, err := open(t, e).Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory, Limit: aws.Int32(0)})
		t.refused(err, "ValidationException", "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}},
	Case{Name: "Scan of a table that does not exist", Doc: "Scan", Run: func(t *T, e *Env) {
		_, err := bare(t, e).Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "Scan consumes half a unit for each 4 KB that it reads", Doc: "DynamoDB provisioned capacity mode", Run: func(t *T, e *Env) {
		d := open(t, e)
		for i := range 10 {
			d.put(with(key(strconv.Itoa(i), "x"), "Note", str(strings.Repeat("x", 1000))))
		}
		out, err := d.Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
		t.ok(err)
		t.equal("the units", aws.ToFloat64(out.ConsumedCapacity.CapacityUnits), 1.5) // 10 × 1018 bytes are 3 times 4 KB, begun
	}},
)
