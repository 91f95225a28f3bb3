package expr

// Key conditions: the part of the condition grammar that a Query can answer from the index.

import (
	"inventoryd/internal/sandbox/dynamo/attr"
)

// KeyCondition is one condition on a key attribute: `=`, `<`, `<=`, `>`, `>=`, `BETWEEN` or `begins_with`.
type KeyCondition struct {
	Attribute string
	Sign      string
	Values    []attr.Value // two of BETWEEN, else one
}

// KeyConditions reads a KeyConditionExpression: one or two conditions on different attributes.
func (p *Parser) KeyConditions(text string) ([]KeyCondition, error) {
	c, err := p.condition(text)
	if err != nil {
		return nil, invalid("KeyConditionExpression", err)
	}
	list, err := keyConditions(c)
	if err != nil {
		return nil, err
	}
	if len(list) > 2 {
		return nil, attr.Refusef("Conditions can be of length 1 or 2 only")
	}
	if len(list) == 2 && list[0].Attribute == list[1].Attribute {
		return nil, attr.Refusef("KeyConditionExpressions must only contain one condition per key")
	}
	return list, nil
}

func keyConditions(c Condition) ([]KeyCondition, error) {
	switch c := c.(type) {
	case and:
		left, err := keyConditions(c.left)
		if err != nil {
			return nil, err
		}
		right, err := keyConditions(c.right)
		return append(left, right...), err
	case comparison:
		return keyComparison(c)
	case between:
		return keyTest("BETWEEN", c.of, c.low, c.high)
	case test:
		if c.name == "begins_with" {
			return keyTest(c.name, c.args[0], c.args[1])
		}
		return nil, wrongOperator(c.name)
	case or:
		return nil, wrongOperator("OR")
	case not:
		return nil, wrongOperator("NOT")
	}
	return nil, wrongOperator("IN")
}

func wrongOperator(name string) error {
	return attr.Refusef("Invalid operator used in KeyConditionExpression: %s", name)
}

var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func keyComparison(c comparison) ([]KeyCondition, error) {
	if c.sign == "<>" {
		return nil, wrongOperator(c.sign)
	}
	if _, ok := c.left.(literal); ok {
		return keyTest(mirrored[c.sign], c.right, c.left)
	}
	return keyTest(c.sign, c.left, c.right)
}

func keyTest(sign string, of operand, values ...operand) ([]KeyCondition, error) {
	p, ok := of.(path)
	if !ok {
		if _, nested := of.(sizeOf); nested {
			return nil, attr.Refusef("KeyConditionExpressions cannot contain nested operations")
		}
		return nil, attr.Refusef("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	if len(p) > 1 {
		return nil, attr.Refusef("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	k := KeyCondition{Attribute: p[0].name, Sign: sign}
	for _, v := range values {
		l, ok := v.(literal)
		if !ok {
			return nil, attr.Refusef("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
		k.Values = append(k.Values, l.v)
	}
	return []KeyCondition{k}, nil
}
