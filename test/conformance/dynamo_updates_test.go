package conformance

// DynamoDB: update expressions.

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// update updates the item at a/b and returns its attributes as asked.
func (d db) update(expression string, returns types.ReturnValue, names map[string]string, values attributes) (string, error) {
	out, err := d.UpdateItem(d.t.Context(), &dynamodb.UpdateItemInput{
		TableName: inventory, Key: key("a", "b"), UpdateExpression: &expression, ReturnValues: returns,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	if err != nil {
		return "", err
	}
	return plain(out.Attributes), nil
}

// updates applies each update to the given item and expects what comes of it.
func updates(t *T, e *Env, given attributes, want map[string]string) {
	d := open(t, e)
	for expression, result := range want {
		d.put(given)
		got, err := d.update(expression, types.ReturnValueAllNew, used(expression, updateNames), used(expression, updateValues))
		t.ok(err)
		got = strings.TrimSuffix(strings.Replace(got, `Item="b" Store="a"`, "", 1), " ")
		t.equal(expression, strings.TrimSpace(got), result)
	}
}

var updateNames = map[string]string{"#count": "Count"}

var updateValues = attributes{
	":one": num("1"), ":ten": num("10"), ":x": str("x"), ":list": list(str("z")), ":tags": set("a", "c"), ":map": mapped(attributes{"p": num("1")}), ":nums": &types.AttributeValueMemberNS{Value: []string{"1"}},
}

const updatePage = "Using update expressions in DynamoDB"

var _ = add("dynamodb",
	Case{Name: "SET assigns, adds and subtracts", Doc: updatePage, Run: func(t *T, e *Env) {
		updates(t, e, with(counted("a", "b", 5), "v", num("0.5")), map[string]string{
			"SET #count = :ten":                           "Count=10  v=0.5",
			"SET #count = #count + :one":                  "Count=6  v=0.5",
			"SET #count = :one - v":                       "Count=0.5  v=0.5",
			"set w = v, v = #count":                       "Count=5  v=5 w=0.5",
			"SET w = if_not_exists(w, :one)":              "Count=5  v=0.5 w=1",
			"SET v = if_not_exists(v, :one) + :ten":       "Count=5  v=10.5",
			"SET m = :map, l = list_append(:list, :list)": `Count=5  l=["z" "z"] m={p=1} v=0.5`,
		})
	}},
	Case{Name: "SET reaches into maps and lists", Doc: updatePage, Run: func(t *T, e *Env) {
		given := with(with(key("a", "b"), "m", mapped(attributes{"k": list(num("1"), num("2"))})), "l", list(str("p"), str("q")))
		updates(t, e, given, map[string]string{
			"SET m.k[1] = :x":               `l=["p" "q"] m={k=[1 "x"]}`,
			"SET m.n = :x":                  `l=["p" "q"] m={k=[1 2] n="x"}`,
			"SET l[9] = :x, l[7] = :one":    `l=["p" "q" 1 "x"] m={k=[1 2]}`,
			"SET l = list_append(l, :list)": `l=["p" "q" "z"] m={k=[1 2]}`,
			"SET l = list_append(:list, l)": `l=["z" "p" "q"] m={k=[1 2]}`,
			"REMOVE l[0], m.k[0]":           `l=["q"] m={k=[2]}`,
			"REMOVE l[0], l[1]":             `l=[] m={k=[1 2]}`,
			"REMOVE m.nope, l[9]":           `l=["p" "q"] m={k=[1 2]}`,
			"REMOVE l SET m.l = l":          `m={k=[1 2] l=["p" "q"]}`,
		})
	}},
	Case{Name: "ADD counts and unites, DELETE takes out of sets", Doc: updatePage, Run: func(t *T, e *Env) {
		updates(t, e, with(counted("a", "b", 5), "tags", set("a", "b")), map[string]string{
			"ADD #count :ten":                   "Count=15  tags=<a b>",
			"ADD n :ten":                        "Count=5  n=10 tags=<a b>",
			"ADD tags :tags":                    "Count=5  tags=<a b c>",
			"ADD fresh :tags":                   "Count=5  fresh=<a c> tags=<a b>",
			"DELETE tags :tags":                 "Count=5  tags=<b>",
			"DELETE nope :tags":                 "Count=5  tags=<a b>",
			"ADD #count :one DELETE tags :tags": "Count=6  tags=<b>",
		})
	}},
	Case{Name: "a set that loses its last element is gone", Doc: updatePage, Run: func(t *T, e *Env) {
		updates(t, e, with(key("a", "b"), "tags", set("a", "c")), map[string]string{"DELETE tags :tags": ""})
	}},
	Case{Name: "UpdateItem creates the item", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.update("ADD n :one", "", nil, attributes{":one": num("1")})
		t.ok(err)
		d.stored("a", "b", with(key("a", "b"), "n", num("1")))
	}},
	Case{Name: "UpdateItem returns old or new, all or what it updated", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		for returns, want := range map[types.ReturnValue]string{
			types.ReturnValueNone: "", types.ReturnValueAllOld: plain(counted("a", "b", 1)), types.ReturnValueUpdatedOld: "Count=1",
			types.ReturnValueAllNew: plain(with(counted("a", "b", 2), "x", str("y"))), types.ReturnValueUpdatedNew: `Count=2 x="y"`,
		} {
			d.put(counted("a", "b", 1))
			got, err := d.update("SET #c = :two, x = :y", returns, map[string]string{"#c": "Count"}, attributes{":two": num("2"), ":y": str("y")})
			t.ok(err)
			t.equal(string(returns), got, want)
		}
	}},
	Case{Name: "UPDATED_NEW of a nested path is the path", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(key("a", "b"), "m", mapped(attributes{"x": num("1"), "y": num("2")})))
		got, err := d.update("SET m.x = :v", types.ReturnValueUpdatedNew, nil, attributes{":v": num("3")})
		t.ok(err)
		t.equal("what is returned", got, "m={x=3}")
	}},
	Case{Name: "UpdateItem refuses to change a key", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		_, err := open(t, e).update("SET #s = :x", "", map[string]string{"#s": "Store"}, attributes{":x": str("x")})
		t.refused(err, "ValidationException", "One or more parameter values were invalid: Cannot update attribute Store. This attribute is part of the key")
	}},
	Case{Name: "SET from an attribute that is not there", Doc: updatePage, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(key("a", "b"))
		_, err := d.update("SET n = nope + :one", "", nil, attributes{":one": num("1")})
		t.refused(err, "ValidationException", "The provided expression refers to an attribute that does not exist in the item")
	}},
	Case{Name: "SET below a path that is not there", Doc: updatePage, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(key("a", "b"))
		_, err := d.update("SET m.x = :one", "", nil, attributes{":one": num("1")})
		t.refused(err, "ValidationException", "The document path provided in the update expression is invalid for update")
	}},
	Case{Name: "if_not_exists needs both of its operands to exist", Doc: updatePage, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		_, err := d.update("SET n = if_not_exists(#c, nope)", "", map[string]string{"#c": "Count"}, nil)
		t.refused(err, "ValidationException", "The provided expression refers to an attribute that does not exist in the item")
	}},
	Case{Name: "DELETE below a path that is not there", Doc: updatePage, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(key("a", "b"))
		_, err := d.update("DELETE m.tags :x", "", nil, attributes{":x": set("x")})
		t.refused(err, "ValidationException", "The document path provided in the update expression is invalid for update")
	}},
	Case{Name: "arithmetic with a text", Doc: updatePage, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(key("a", "b"), "n", str("x")))
		for _, expression := range []string{"SET n = n + :one", "ADD n :one"} {
			_, err := d.update(expression, "", nil, attributes{":one": num("1")})
			t.refused(err, "ValidationException", "An operand in the update expression has an incorrect data type")
		}
	}},
	Case{Name: "malformed updates are refused", Doc: updatePage, Run: func(t *T, e *Env) {
		d := open(t, e)
		for expression, words := range map[string]string{
			"":                            "The expression can not be empty;",
			"SET a = :one SET b = :one":   `The "SET" section can only be used once in an update expression;`,
			"SET a = :one, a = :ten":      "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
			"SET a.b = :one, a[0] = :ten": "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]",
			"ADD a :x":                    "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
			"DELETE a :one":               "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
			"SET a = :x + :one":           "Incorrect operand type for operator or function; operator or function: +, operand type: S",
			"SET a = nonsense(:one)":      "Invalid function name; function: nonsense",
			"SET a = if_not_exists(a)":    "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
			"SET a :one":                  `Syntax error; token: ":one", near: "a :one"`,
			"GRAB a":                      `Syntax error; token: "GRAB", near: "GRAB a"`,
			"SET count = :one":            "Attribute name is a reserved keyword; reserved keyword: count",
		} {
			_, err := d.update(expression, "", used(expression, updateNames), used(expression, updateValues))
			t.refused(err, "ValidationException", "Invalid UpdateExpression: "+words)
		}
	}},
	Case{Name: "an update with a condition changes nothing when it fails", Doc: "UpdateItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: inventory, Key: key("a", "b"), UpdateExpression: aws.String("SET #c = :n"), ConditionExpression: aws.String("#c < :n"),
			ExpressionAttributeNames: map[string]string{"#c": "Count"}, ExpressionAttributeValues: attributes{":n": num("1")},
		})
		t.refused(err, "ConditionalCheckFailedException", "The conditional request failed")
		d.stored("a", "b", counted("a", "b", 1))
	}},
	Case{Name: "an update that makes the item too large is refused", Doc: "Quotas in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(with(key("a", "b"), "Note", str(strings.Repeat("x", 300<<10))))
		_, err := d.update("SET b = :v", "", nil, attributes{":v": str(strings.Repeat("x", 200<<10))})
		t.refused(err, "ValidationException", "Item size to update has exceeded the maximum allowed size")
	}},
)
