package conformance

// DynamoDB: conditions.

import (
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// holds asks whether the item at a/b meets a condition, by a put that would change nothing.
func (d db) holds(item attributes, condition string, names map[string]string, values attributes) (bool, error) {
	_, err := d.PutItem(d.t.Context(), &dynamodb.PutItemInput{
		TableName: inventory, Item: item, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	return err == nil, err
}

var placeholder = regexp.MustCompile(`[#:]\w+`)

// used are those of the names or values that the expression names: others would be refused.
func used[V any](expression string, all map[string]V) map[string]V {
	var out map[string]V
	for _, name := range placeholder.FindAllString(expression, -1) {
		v, ok := all[name]
		if !ok {
			continue
		}
		if out == nil {
			out = map[string]V{}
		}
		out[name] = v
	}
	return out
}

// subject is what conditions are tried on.
var subject = attributes{
	"Store": str("berlin"), "Item": str("pen"), "n": num("5"), "s": str("hello"), "tags": set("x", "y"),
	"l": list(num("1"), str("two")), "m": mapped(attributes{"k": str("v")}), "flag": &types.AttributeValueMemberBOOL{Value: true},
	"b": &types.AttributeValueMemberB{Value: []byte("bytes")}, "Count": num("5"),
}

var conditionValues = attributes{
	":one": num("1"), ":four": num("4"), ":five": num("5.0"), ":six": num("6"), ":hello": str("hello"), ":he": str("he"), ":x": str("x"),
	":list": list(num("1"), str("two")), ":true": &types.AttributeValueMemberBOOL{Value: true}, ":N": str("N"), ":tags": set("y", "x"), ":pen": str("pen"),
}

var conditionNames = map[string]string{"#count": "Count", "#item": "Item"}

// conditions tries each condition on the subject.
func conditions(t *T, e *Env, want map[string]bool) {
	d := open(t, e)
	d.put(subject)
	for condition, holds := range want {
		got, err := d.holds(subject, condition, used(condition, conditionNames), used(condition, conditionValues))
		t.ok(err)
		t.equal(condition, got, holds)
	}
}

// malformed expects each condition to be refused with words.
func malformed(t *T, e *Env, want map[string]string) {
	d := open(t, e)
	for condition, words := range want {
		_, err := d.holds(subject, condition, used(condition, conditionNames), used(condition, conditionValues))
		t.refused(err, "ValidationException", "Invalid ConditionExpression: "+words)
	}
}

const conditionPage = "Condition and filter expressions, operators, and functions in DynamoDB"

var _ = add("dynamodb",
	Case{Name: "comparisons compare by type and value", Doc: conditionPage, Run: func(t *T, e *Env) {
		conditions(t, e, map[string]bool{
			"n = :five": true, "n <> :five": false, "n < :six": true, "n <= :five": true, "n > :four": true, "n >= :six": false,
			"s = :hello": true, "s < :he": false, "n = :hello": false, "n < :hello": false, "n <> :hello": true,
			"l = :list": true, "tags = :tags": true, "flag = :true": true, "#count = n": true, "m.k = :x": false, "l[0] = :one": true,
		})
	}},
	Case{Name: "comparisons with an attribute that is not there", Doc: conditionPage, Run: func(t *T, e *Env) {
		conditions(t, e, map[string]bool{"nope = :one": false, "nope < :one": false, "nope <> :one": true, "nope <> m.nope": true, "NOT nope = :one": true, "l[7] = :one": false})
	}},
	Case{Name: "BETWEEN includes its bounds, IN takes a list", Doc: conditionPage, Run: func(t *T, e *Env) {
		conditions(t, e, map[string]bool{
			"n BETWEEN :five AND :six": true, "n BETWEEN :one AND :four": false, "n between :one and :six AND s = :hello": true,
			"n IN (:one, :five)": true, "s in (:he, :x)": false,
		})
	}},
	Case{Name: "NOT binds before AND, AND before OR", Doc: conditionPage, Run: func(t *T, e *Env) {
		conditions(t, e, map[string]bool{
			"n = :five OR n = :one AND s = :he": true, "(n = :five OR n = :one) AND s = :he": false,
			"NOT n = :one AND n = :five": true, "NOT (n = :five AND s = :hello)": false, "not not n = :five": true,
		})
	}},
	Case{Name: "functions test existence, type, beginning, content and size", Doc: conditionPage, Run: func(t *T, e *Env) {
		conditions(t, e, map[string]bool{
			"attribute_exists(n)": true, "attribute_exists(m.nope)": false, "attribute_not_exists(nope)": true, "attribute_not_exists(#item)": false,
			"attribute_type(n, :N)": true, "attribute_type(s, :N)": false, "begins_with(s, :he)": true, "begins_with(#item, :hello)": false, "begins_with(n, :he)": false,
			"contains(s, :he)": true, "contains(tags, :x)": true, "contains(l, :one)": true, "contains(l, :x)": false,
			"size(s) = :five": true, "size(tags) < :six": true, "size(l) > :one": true, "size(m) = :one": true, "size(b) = :five": true, "size(nope) = :one": false,
		})
	}},
	Case{Name: "size counts a text's characters", Doc: conditionPage, Run: func(t *T, e *Env) {
		d := open(t, e)
		for s, n := range map[string]string{"": "0", "abc": "3", "éä": "2", "😀": "2"} {
			item := with(key("a", "b"), "s", str(s))
			d.put(item)
			got, err := d.holds(item, "size(s) = :n", nil, attributes{":n": num(n)})
			t.ok(err)
			t.equal("size("+s+") = "+n, got, true)
		}
	}},
	Case{Name: "a condition on an item that is not there", Doc: "PutItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		fresh := counted("a", "b", 1)
		for range 2 {
			_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: fresh, ConditionExpression: aws.String("attribute_not_exists(#s)"), ExpressionAttributeNames: map[string]string{"#s": "Store"}})
			if d.item("c", "d") == nil && err != nil {
				t.refused(err, "ConditionalCheckFailedException", "The conditional request failed")
				return
			}
			t.ok(err)
		}
		t.Fatalf("the second put was not refused")
	}},
	Case{Name: "a failed condition returns the item on demand", Doc: "PutItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		in := &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", "b", 2), ConditionExpression: aws.String("attribute_not_exists(#s)"), ExpressionAttributeNames: map[string]string{"#s": "Store"}}
		for want, returns := range map[string]types.ReturnValuesOnConditionCheckFailure{plain(counted("a", "b", 1)): "ALL_OLD", "": "NONE"} {
			in.ReturnValuesOnConditionCheckFailure = returns
			_, err := d.PutItem(t.Context(), in)
			var failed *types.ConditionalCheckFailedException
			if !errors.As(err, &failed) {
				t.Fatalf("want ConditionalCheckFailedException, got %s", shortly(err))
			}
			t.equal("the item", plain(failed.Item), want)
		}
		d.stored("a", "b", counted("a", "b", 1))
	}},
	Case{Name: "a failed condition of UpdateItem returns the item, or none where there is none", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		for item, want := range map[string]attributes{"b": counted("a", "b", 1), "nothing": nil} {
			_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: inventory, Key: key("a", item), UpdateExpression: aws.String("SET #c = :two"), ConditionExpression: aws.String("#c = :two"),
				ExpressionAttributeNames: map[string]string{"#c": "Count"}, ExpressionAttributeValues: attributes{":two": num("2")},
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			})
			var failed *types.ConditionalCheckFailedException
			if !errors.As(err, &failed) {
				t.Fatalf("want ConditionalCheckFailedException, got %s", shortly(err))
			}
			t.equal("the item", plain(failed.Item), plain(want))
		}
		d.stored("a", "nothing", nil)
	}},
	Case{Name: "texts are compared by their bytes: padded numbers as numbers", Doc: conditionPage, Run: func(t *T, e *Env) {
		d := open(t, e)
		position := func(n string) attributes {
			return with(key("a", "b"), "position", str("2026-11-22T08:30:15.123#"+strings.Repeat("0", 40-len(n))+n))
		}
		d.put(position("999"))
		for n, later := range map[string]bool{"999": false, "998": false, "1000": true} {
			got, err := d.holds(position("999"), "#p < :p", map[string]string{"#p": "position"}, attributes{":p": position(n)["position"]})
			t.ok(err)
			t.equal("999 before "+n, got, later)
		}
	}},
	Case{Name: "a failed condition of DeleteItem leaves the item", Doc: "DeleteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		in := &dynamodb.DeleteItemInput{
			TableName: inventory, Key: key("a", "b"), ConditionExpression: aws.String("#c = :two"), ExpressionAttributeNames: map[string]string{"#c": "Count"},
			ExpressionAttributeValues: attributes{":two": num("2")}, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}
		_, err := d.DeleteItem(t.Context(), in)
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) {
			t.Fatalf("want ConditionalCheckFailedException, got %s", shortly(err))
		}
		t.equal("the item", plain(failed.Item), plain(counted("a", "b", 1)))
		d.stored("a", "b", counted("a", "b", 1))
		in.ExpressionAttributeValues[":two"] = num("1")
		_, err = d.DeleteItem(t.Context(), in)
		t.ok(err)
		d.stored("a", "b", nil)
	}},
	Case{Name: "a reserved word is no name", Doc: "Reserved words in DynamoDB", Run: func(t *T, e *Env) {
		malformed(t, e, map[string]string{
			"Count = :one": "Attribute name is a reserved keyword; reserved keyword: Count",
			"m.item = :x":  "Attribute name is a reserved keyword; reserved keyword: item",
		})
	}},
	Case{Name: "a syntax error is located", Doc: conditionPage, Run: func(t *T, e *Env) {
		malformed(t, e, map[string]string{
			"n = = :one":       `Syntax error; token: "=", near: "= = :one"`,
			"n = :one AND":     `Syntax error; token: "<EOF>", near: "AND"`,
			"n :one":           `Syntax error; token: ":one", near: "n :one"`,
			"(n = :one":        `Syntax error; token: "<EOF>", near: ":one"`,
			"n = :one)":        `Syntax error; token: ")", near: ":one)"`,
			"n ! :one":         `Syntax error; token: "!", near: "n ! :one"`,
			"n IN ()":          `Syntax error; token: ")", near: "()"`,
			"AND = :one":       `Syntax error; token: "AND", near: "AND ="`,
			"n = :one AND AND": `Syntax error; token: "AND", near: "AND AND"`,
		})
	}},
	Case{Name: "names and values must be defined", Doc: "Expression attribute names (aliases) in DynamoDB", Run: func(t *T, e *Env) {
		malformed(t, e, map[string]string{
			"n = :undefined":    "An expression attribute value used in expression is not defined; attribute value: :undefined",
			"#undefined = :one": "An expression attribute name used in the document path is not defined; attribute name: #undefined",
		})
	}},
	Case{Name: "names and values must be used", Doc: "Expression attribute names (aliases) in DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.holds(subject, "n = :one", nil, attributes{":one": num("1"), ":two": num("2")})
		t.refused(err, "ValidationException", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:two}")
		_, err = d.holds(subject, "attribute_exists(n)", map[string]string{"#two": "two"}, nil)
		t.refused(err, "ValidationException", "Value provided in ExpressionAttributeNames unused in expressions: keys: {#two}")
	}},
	Case{Name: "functions and operators check their operands", Doc: conditionPage, Run: func(t *T, e *Env) {
		malformed(t, e, map[string]string{
			"nonsense(n)":               "Invalid function name; function: nonsense",
			"attribute_exists(n, s)":    "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
			"attribute_exists(:one)":    "Operator or function requires a document path; operator or function: attribute_exists",
			"begins_with(s, :one)":      "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
			"attribute_type(n, :hello)": "Invalid attribute type name found; type: hello, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
			"size(n)":                   "The function is not allowed to be used this way in an expression; function: size",
			"n = attribute_exists(s)":   "The function is not allowed to be used this way in an expression; function: attribute_exists",
			"n < :list":                 "Incorrect operand type for operator or function; operator or function: <, operand type: L",
			"n BETWEEN n AND :six":      "The first operand must be distinct from the remaining operands for this operator or function; operator: BETWEEN, first operand: [n]",
			"n IN (:one, n)":            "The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [n]",
			"n = n":                     "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]",
			"n BETWEEN :six AND :one":   "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:1}",
			"n BETWEEN :one AND :hello": "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:hello}",
			"((n = :one))":              "The expression has redundant parentheses;",
		})
	}},
	Case{Name: "an empty expression is refused", Doc: conditionPage, Run: func(t *T, e *Env) {
		malformed(t, e, map[string]string{"": "The expression can not be empty;"})
	}},
	Case{Name: "an expression of more than 4 KB is refused", Doc: "Quotas in Amazon DynamoDB", Run: func(t *T, e *Env) {
		malformed(t, e, map[string]string{"n = :one" + strings.Repeat(" ", 4096): "Expression size has exceeded the maximum allowed size; expression size: 4104"})
	}},
)
