package expr

// The leaves of the grammar: parentheses, paths, values and functions.

import (
	"slices"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// primary reads what comparisons and logic join: an operand or a condition.
func (p *parse) primary() (any, error) {
	t := p.peek()
	switch {
	case t.is("("):
		return p.parenthesis()
	case t.kind == tokenValue:
		return p.literal()
	case t.kind == tokenWord && !p.isKeyword(t) && p.tokens[p.at+1].is("("):
		return p.function()
	}
	return p.path()
}

func (p *parse) parenthesis() (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	open := p.at
	p.at++
	node, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	p.closed[open] = p.at - 1
	if inner, ok := p.closed[open+1]; ok && inner == p.at-2 {
		return nil, attr.Refusef("The expression has redundant parentheses;")
	}
	return node, nil
}

// operand reads a primary that must yield a value.
func (p *parse) operand() (operand, error) {
	node, err := p.primary()
	if err != nil {
		return nil, err
	}
	o, ok := node.(operand)
	if !ok {
		return nil, p.misused(node)
	}
	return o, nil
}

// arguments reads a parenthesised list of operands.
func (p *parse) arguments() ([]operand, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var list []operand
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
		if p.take(")") {
			return list, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

var functions = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

func (p *parse) function() (any, error) {
	name := p.peek().text
	p.at++
	if err := p.operator(); err != nil {
		return nil, err
	}
	n, ok := functions[name]
	if !ok {
		return nil, attr.Refusef("Invalid function name; function: %s", name)
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if len(args) != n {
		return nil, operandCount(name, len(args))
	}
	if err := checkArguments(name, args); err != nil {
		return nil, err
	}
	if name == "size" {
		return sizeOf{args[0]}, nil
	}
	return test{name, args}, nil
}

func operandCount(name string, n int) error {
	return attr.Refusef("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, n)
}

func operandType(name string, k attr.Kind) error {
	return attr.Refusef("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", name, k)
}

func checkArguments(name string, args []operand) error {
	if len(args) == 2 {
		if err := distinct(name, args[0], args[1]); err != nil {
			return err
		}
	}
	switch name {
	case "attribute_exists", "attribute_not_exists":
		if _, ok := args[0].(path); !ok {
			return attr.Refusef("Operator or function requires a document path; operator or function: %s", name)
		}
	case "attribute_type":
		return checkTypeName(args[1])
	case "begins_with":
		return kinds(name, args, attr.S, attr.B)
	case "size":
		return kinds(name, args, attr.S, attr.B, attr.L, attr.M, attr.SS, attr.NS, attr.BS)
	}
	return nil
}

// kinds refuses values of a kind that the function does not take.
func kinds(name string, args []operand, allowed ...attr.Kind) error {
	for _, a := range args {
		if l, ok := a.(literal); ok && !slices.Contains(allowed, l.v.Kind) {
			return operandType(name, l.v.Kind)
		}
		if _, ok := a.(sizeOf); ok && !slices.Contains(allowed, attr.N) {
			return operandType(name, attr.N)
		}
	}
	return nil
}

func checkTypeName(o operand) error {
	l, ok := o.(literal)
	if !ok {
		return attr.Refusef("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	}
	if l.v.Kind != attr.S {
		return operandType("attribute_type", l.v.Kind)
	}
	if attr.KindOf(l.v.Text) == 0 {
		return attr.Refusef("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", l.v.Text)
	}
	return nil
}
