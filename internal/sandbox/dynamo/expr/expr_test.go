package expr

import (
	"errors"
	"strings"
	"testing"

	"inventoryd/internal/sandbox/dynamo/attr"
)

func item(t testing.TB, text string) attr.Item {
	t.Helper()
	i, err := attr.NewReader(text).Item()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// values are what the expressions of the tests name.
func values(t testing.TB) map[string]attr.Value {
	out := map[string]attr.Value{}
	for _, a := range item(t, `{":0":{"N":"0"},":1":{"N":"1"},":2":{"N":"2"},":a":{"S":"a"},":l":{"L":[{"N":"1"}]},":s":{"SS":["a","b"]},":t":{"BOOL":true}}`) {
		out[a.Name] = a.Value
	}
	return out
}

var names = map[string]string{"#n": "n", "#dotted": "a.b", "#count": "Count"}

const subject = `{"n":{"N":"1"},"a":{"S":"abc"},"a.b":{"N":"2"},"m":{"M":{"x":{"L":[{"N":"0"},{"M":{"y":{"S":"a"}}}]}}},"s":{"SS":["a","b","c"]},"Count":{"N":"7"}}`

func TestConditionsHold(t *testing.T) {
	for text, want := range map[string]bool{
		"#n = :1": true, "n = :1": true, ":1 = n": true, "#dotted = :2": true, "m.x[1].y = :a": true, "m.x[1].y <> :a": false, "m.x[0] < :1": true, "m.x[2] = :1": false,
		"n = :1 AND a = :a OR n = :1": true, "n = :1 and (a = :a or n = :2)": false, "NOT n = :2 AND NOT a = :a": true,
		"n BETWEEN :0 AND :2 AND a > :a": true, "n in (:0, :1)": true, "(n) = (:1)": true, "(n = :1) AND (a = :a OR (n = :1))": true,
		"size(m) = :1": true, "size(s) > size(m)": true, "size(a) BETWEEN :1 AND :2": false, "contains(s, :a)": true, "contains(a, :a)": true, "contains(n, :1)": false,
		"begins_with(a, :a)": true, "attribute_type(s, :a) OR n = :1": false,
	} {
		c, err := NewParser(names, values(t)).Condition("ConditionExpression", text)
		if strings.Contains(text, "attribute_type") {
			if err == nil {
				t.Errorf("%s: type a was taken", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.Holds(item(t, subject)); got != want {
			t.Errorf("%s is %t", text, got)
		}
	}
}

func TestConditionsOfNoItem(t *testing.T) {
	for text, want := range map[string]bool{
		"attribute_not_exists(n)": true, "attribute_exists(n)": false, "n = :1": false, "n <> :1": true, "NOT n = :1": true, "size(n) = :0": false, "contains(n, :a)": false,
	} {
		c, err := NewParser(nil, values(t)).Condition("ConditionExpression", text)
		if err != nil || c.Holds(nil) != want {
			t.Errorf("%s is not %t (%v)", text, want, err)
		}
	}
}

func TestUpdatesAreOfTheItemBefore(t *testing.T) {
	for text, want := range map[string]string{
		"SET n = #dotted, #dotted = n":                  `"a.b":{"N":"1"},"n":{"N":"2"}`,
		"SET n = n + :1 REMOVE #dotted":                 `"n":{"N":"2"}`,
		"SET n = :2 - (n + :0)":                         `"a.b":{"N":"2"},"n":{"N":"1"}`,
		"SET x = if_not_exists(y, n)":                   `"a.b":{"N":"2"},"n":{"N":"1"},"x":{"N":"1"}`,
		"SET x = if_not_exists(n, :l)":                  `"a.b":{"N":"2"},"n":{"N":"1"},"x":{"N":"1"}`,
		"SET x = list_append(if_not_exists(x, :l), :l)": `"a.b":{"N":"2"},"n":{"N":"1"},"x":{"L":[{"N":"1"},{"N":"1"}]}`,
		"ADD n :1, x :s DELETE #dotted :s":              "!incorrect data type",
		"ADD x :s SET y = n":                            `"a.b":{"N":"2"},"n":{"N":"1"},"x":{"SS":["a","b"]},"y":{"N":"1"}`,
		"SET x = y":                                     "!does not exist in the item",
		"SET n.x = :1":                                  "!document path provided in the update expression is invalid",
		"SET n[0] = :1":                                 "!document path provided in the update expression is invalid",
		"REMOVE n.x":                                    "!document path provided in the update expression is invalid",
		"SET x = n + :a":                                "!Incorrect operand type for operator or function; operator or function: +, operand type: S",
	} {
		u, err := NewParser(names, values(t)).Update(text)
		var after attr.Item
		if err == nil {
			after, err = u.Apply(item(t, `{"n":{"N":"1"},"a.b":{"N":"2"}}`))
		}
		if refusal, refused := strings.CutPrefix(want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: %v, want %q", text, err, refusal)
			}
			continue
		}
		if err != nil || string(after.Document()) != "{"+want+"}" {
			t.Errorf("%s makes %s, %v\nwant {%s}", text, after.Document(), err, want)
		}
	}
}

func TestProjectionsKeepTheirPaths(t *testing.T) {
	for text, want := range map[string]string{
		"n, #dotted": `{"a.b":{"N":"2"},"n":{"N":"1"}}`, "m.x[1].y": `{"m":{"M":{"x":{"L":[{"M":{"y":{"S":"a"}}}]}}}}`, "m.x[1], m.x[0]": `{"m":{"M":{"x":{"L":[{"N":"0"},{"M":{"y":{"S":"a"}}}]}}}}`,
		"nope, m.nope, s[0]": `{}`,
	} {
		p, err := NewParser(names, nil).Projection(text)
		if err != nil || string(p.Of(item(t, subject)).Document()) != want {
			t.Errorf("%s keeps %s, %v, want %s", text, p.Of(item(t, subject)).Document(), err, want)
		}
	}
}

func TestKeyConditionsAreTakenApart(t *testing.T) {
	list, err := NewParser(names, values(t)).KeyConditions(":a = #n AND (a BETWEEN :1 AND :2)")
	if err != nil || len(list) != 2 || list[0].Attribute != "n" || list[0].Sign != "=" || list[1].Sign != "BETWEEN" || len(list[1].Values) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for text, want := range map[string]string{
		"size(n) = :1": "nested operations", "m.x = :1": "nested attributes", ":1 = :2": "No key attribute specified", "n = a": "Multiple attribute names", "n = :1 AND n = :2": "one condition per key",
	} {
		if _, err := NewParser(names, values(t)).KeyConditions(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAFilterNamesItsAttributes(t *testing.T) {
	c, err := NewParser(names, values(t)).Condition("FilterExpression", "n = :1 OR NOT (size(a) > :1 AND m.x IN (:1, s)) AND #dotted BETWEEN b AND :2 AND contains(c, :a)")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(Attributes(c), " "); got != "n a m s a.b b c" {
		t.Errorf("%s", got)
	}
}

func TestExpressionsAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		"n = :1" + strings.Repeat(" AND n = :1", 160):                  "too many operators",
		strings.Repeat("(", 400) + "n = :1" + strings.Repeat(")", 400): "too many operators",
		strings.Repeat("NOT ", 400) + "n = :1":                         "too many operators",
		"n IN (:1" + strings.Repeat(", :1", 100) + ")":                 "too many operands",
		"m" + strings.Repeat(".x", 40) + " = :1":                       "too many nesting elements",
		"m[99999999999999999999] = :1":                                 "not within the allowable range",
		"size(size(size(n))) = :1" + strings.Repeat(" ", 4096):         "Expression size has exceeded",
	} {
		_, err := NewParser(names, values(t)).Condition("FilterExpression", text)
		var refusal *attr.Refusal
		if !errors.As(err, &refusal) || !strings.HasPrefix(err.Error(), "Invalid FilterExpression: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// No text makes the parsers panic, and what they take can be evaluated.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"n = :1 AND (a <> :a OR NOT contains(s, :a)) AND size(m.x[1]) BETWEEN :0 AND :2", "n IN (:0, :1)", "((n = :1))", "attribute_type(#n, :a)",
		"SET n = n + :1, m.x[0] = list_append(:l, :l) REMOVE m.x[1] ADD c :1 DELETE s :s", "SET x = if_not_exists(y, (:1 - n))", "n, m.x[1].y, #dotted", "é = \"",
	} {
		f.Add(seed)
	}
	it, vals := item(f, subject), values(f)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := NewParser(names, vals).Condition("ConditionExpression", text); err == nil {
			c.Holds(it)
			c.Holds(nil)
			Attributes(c)
		}
		_, _ = NewParser(names, vals).KeyConditions(text)
		if p, err := NewParser(names, nil).Projection(text); err == nil {
			p.Of(it)
		}
		u, err := NewParser(names, vals).Update(text)
		if err != nil {
			return
		}
		if after, err := u.Apply(it); err == nil && !after.Document().Item().Equal(after) {
			t.Fatalf("%q leaves an item that does not survive: %s", text, after.Document())
		}
	})
}
