//go:build long

package long

// Random items, updates and conditions, made on DynamoDB Local and on the sandbox alike: the answers are the same, or
// the same error.

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox"
	"inventoryd/test/standins"
	"inventoryd/test/terse"
)

var (
	seed  = flag.Uint64("seed", 1, "of the random operations")
	calls = flag.Int("calls", 3000, "how many random operations")
)

type attributes = map[string]types.AttributeValue

// dice makes random requests. Numbers are whole and in their normal form: DynamoDB Local leaves a sum like 3.0 as it is,
// and numbers within lists and maps as they were given.
type dice struct {
	*rand.Rand
	values attributes // those that the expression under way names
}

func (d *dice) pick(from ...string) string { return from[d.IntN(len(from))] }

// value is a random attribute value; the nested ones end.
func (d *dice) value(depth int) types.AttributeValue {
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch d.IntN(kinds) {
	case 0, 1:
		return &types.AttributeValueMemberN{Value: d.pick("0", "1", "2", "-15", "1000000", "10")}
	case 2:
		return &types.AttributeValueMemberS{Value: d.pick("", "a", "ab", "abc", "b", "é")}
	case 3:
		return &types.AttributeValueMemberSS{Value: d.sample("a", "ab", "b", "c")}
	case 4:
		return &types.AttributeValueMemberNS{Value: d.sample("0", "1", "2", "10")}
	case 5:
		return &types.AttributeValueMemberBOOL{Value: d.IntN(2) == 0}
	case 6:
		return &types.AttributeValueMemberB{Value: []byte(d.pick("a", "ab", "\xff"))}
	case 7:
		l := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
		for range d.IntN(4) {
			l.Value = append(l.Value, d.value(depth-1))
		}
		return l
	}
	m := &types.AttributeValueMemberM{Value: attributes{}}
	for range d.IntN(3) {
		m.Value[d.pick("x", "y")] = d.value(depth - 1)
	}
	return m
}

// sample is some of the texts, at least one.
func (d *dice) sample(from ...string) []string {
	d.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
	return from[:1+d.IntN(len(from))]
}

// shape is a value that fits the attribute's name, most of the time.
func (d *dice) shape(name string) types.AttributeValue {
	switch {
	case d.IntN(10) == 0:
		return d.value(2)
	case name == "n" || name == "o":
		return &types.AttributeValueMemberN{Value: d.pick("0", "1", "2", "-15", "1000000", "10")}
	case name == "t":
		return &types.AttributeValueMemberS{Value: d.pick("a", "ab", "abc", "b")}
	case name == "set":
		return &types.AttributeValueMemberSS{Value: d.sample("a", "ab", "b", "c")}
	case name == "l":
		return &types.AttributeValueMemberL{Value: []types.AttributeValue{d.value(1), d.value(1)}}
	}
	return &types.AttributeValueMemberM{Value: attributes{"x": d.value(1), "y": d.shape("n")}}
}

func (d *dice) item() attributes {
	item := attributes{"pk": &types.AttributeValueMemberS{Value: d.pick("one", "two")}}
	for _, name := range d.sample("n", "o", "t", "set", "l", "m") {
		item[name] = d.shape(name)
	}
	return item
}

func (d *dice) path() string {
	if d.IntN(4) > 0 {
		return d.pick("n", "o", "t", "set", "l", "m", "m.x", "m.y", "l[0]", "l[1]")
	}
	return d.pick("l[2]", "l[5]", "m.z", "m.x[0]", "m.x.y", "l[0].x", "nope")
}

// literal is a placeholder for a new random value.
func (d *dice) literal() string { return d.named(d.value(1)) }

func (d *dice) named(v types.AttributeValue) string {
	name := fmt.Sprintf(":v%d", len(d.values))
	d.values[name] = v
	return name
}

func (d *dice) operand() string {
	if d.IntN(3) == 0 {
		return d.path()
	}
	return d.literal()
}

// number is an operand that most of the time is one.
func (d *dice) number() string {
	if d.IntN(2) == 0 {
		return d.pick("n", "o", "m.y", "n", "o")
	}
	return d.named(d.shape("n"))
}

// array is an operand that most of the time is a list.
func (d *dice) array() string {
	if d.IntN(2) == 0 {
		return d.pick("l", "l", "m.x")
	}
	return d.named(d.shape("l"))
}

// sum is what SET assigns.
func (d *dice) sum() string {
	switch d.IntN(6) {
	case 0:
		return d.number() + d.pick(" + ", " - ") + d.number()
	case 1:
		return "if_not_exists(" + d.path() + ", " + d.operand() + ")"
	case 2:
		return "list_append(" + d.array() + ", " + d.array() + ")"
	case 3:
		return "if_not_exists(" + d.pick("n", "nope", "m.y", "m.z") + ", " + d.named(d.shape("n")) + ")" + d.pick(" + ", " - ") + d.number()
	}
	return d.operand()
}

func (d *dice) action(section string) string {
	switch section {
	case "SET":
		return d.path() + " = " + d.sum()
	case "REMOVE":
		return d.path()
	case "ADD":
		if d.IntN(2) == 0 {
			return d.pick("n", "o", "m.y", "l[0]", "nope") + " " + d.named(d.shape("n"))
		}
	}
	return d.pick("set", "set", "set", "m.x", "nope") + " " + d.named(d.shape("set"))
}

func (d *dice) update() string {
	var sections []string
	for _, s := range d.sample("SET", "SET", "REMOVE", "ADD", "DELETE")[:1] {
		actions := []string{d.action(s)}
		if d.IntN(3) == 0 {
			actions = append(actions, d.action(s))
		}
		sections = append(sections, s+" "+strings.Join(actions, ", "))
	}
	if d.IntN(3) == 0 {
		sections = append(sections, d.pick("REMOVE nope", "REMOVE t", "ADD o "+d.named(d.shape("n"))))
	}
	return strings.Join(sections, " ")
}

func (d *dice) condition(depth int) string {
	if depth > 0 && d.IntN(2) == 0 {
		switch d.IntN(3) {
		case 0:
			return "NOT (" + d.condition(depth-1) + ")"
		case 1:
			return "(" + d.condition(depth-1) + ") AND " + d.condition(0)
		}
		return d.condition(0) + " OR (" + d.condition(depth-1) + ")"
	}
	switch d.IntN(8) {
	case 0:
		return "attribute_exists(" + d.path() + ")"
	case 1:
		return "attribute_not_exists(" + d.path() + ")"
	case 2:
		return "contains(" + d.path() + ", " + d.operand() + ")"
	case 3:
		return "begins_with(" + d.path() + ", " + d.named(d.shape("t")) + ")"
	case 4:
		return "size(" + d.path() + ") " + d.pick("=", "<", ">=") + " " + d.number()
	case 5:
		return d.operand() + " IN (" + d.operand() + ", " + d.operand() + ")"
	case 6:
		return d.path() + " BETWEEN " + d.number() + " AND " + d.number()
	}
	return d.operand() + " " + d.pick("=", "<>", "<", "<=", ">", ">=") + " " + d.operand()
}

// call makes one random request of each client and returns what it was and what came of it: a code, and attributes.
func (d *dice) call(t *testing.T, clients []*dynamodb.Client) (what string, outcomes []string) {
	d.values = attributes{}
	item := d.item()
	key := attributes{"pk": item["pk"]}
	var condition *string
	if d.IntN(2) == 0 {
		condition = aws.String(d.condition(2))
	}
	what = aws.ToString(condition)
	update := ""
	if d.IntN(3) > 0 {
		update = d.update()
		what = update + " IF " + what
	}
	values := d.values
	if len(values) == 0 {
		values = nil
	}
	for _, c := range clients {
		var got attributes
		var err error
		if update == "" {
			var out *dynamodb.PutItemOutput
			out, err = c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item, ConditionExpression: condition, ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllOld})
			if err == nil {
				got = out.Attributes
			}
		} else {
			var out *dynamodb.UpdateItemOutput
			out, err = c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: table, Key: key, UpdateExpression: &update, ConditionExpression: condition, ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew})
			if err == nil {
				got = out.Attributes
			}
		}
		outcomes = append(outcomes, code(err)+" "+terse.Item(got))
	}
	return what, outcomes
}

// begin empties the tables.
func begin(t *testing.T, clients []*dynamodb.Client) {
	for _, c := range clients {
		for _, pk := range []string{"one", "two"} {
			_, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: attributes{"pk": &types.AttributeValueMemberS{Value: pk}}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRandomCallsAreAnsweredAlike(t *testing.T) {
	endpoint := standins.DynamoDBLocal(t)
	local := aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("random", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	var clients []*dynamodb.Client
	for _, cfg := range []aws.Config{local, sandbox.New().Config("random")} {
		clients = append(clients, newWorld(t, cfg, nil, nil).db)
	}
	d := &dice{Rand: rand.New(rand.NewPCG(*seed, 0))}
	codes := map[string]int{}
	for n := range *calls {
		what, outcomes := d.call(t, clients)
		result, _, _ := strings.Cut(outcomes[0], " ")
		codes[result]++
		if outcomes[0] != outcomes[1] {
			t.Errorf("call %d: %s\nwith           %s\nDynamoDB Local %s\nsandbox        %s", n, what, terse.Item(d.values), outcomes[0], outcomes[1])
			begin(t, clients)
		}
	}
	t.Logf("seed %d: %v", *seed, codes)
}
