package expr

// The grammar of conditions ("Condition and filter expressions, operators, and functions in DynamoDB"): OR binds
// weakest, then AND, NOT, then comparisons.

import (
	"inventoryd/internal/sandbox/dynamo/attr"
)

// Condition reads a ConditionExpression or FilterExpression; kind is that parameter's name.
func (p *Parser) Condition(kind, text string) (Condition, error) {
	c, err := p.condition(text)
	return c, invalid(kind, err)
}

func (p *Parser) condition(text string) (Condition, error) {
	q, err := p.start(text)
	if err != nil {
		return nil, err
	}
	node, err := q.or()
	if err != nil {
		return nil, err
	}
	if err := q.end(); err != nil {
		return nil, err
	}
	return q.boolean(node)
}

// boolean is the node as a condition; it may turn out to be an operand.
func (p *parse) boolean(node any) (Condition, error) {
	switch n := node.(type) {
	case Condition:
		return n, nil
	case sizeOf:
		return nil, attr.Refusef("The function is not allowed to be used this way in an expression; function: size")
	}
	return nil, p.syntax()
}

func (p *parse) or() (any, error) {
	return p.chain("OR", p.and, func(l, r Condition) Condition { return or{l, r} })
}

func (p *parse) and() (any, error) {
	return p.chain("AND", p.not, func(l, r Condition) Condition { return and{l, r} })
}

func (p *parse) chain(keyword string, part func() (any, error), join func(l, r Condition) Condition) (any, error) {
	node, err := part()
	for err == nil && p.peek().is(keyword) {
		node, err = p.link(node, part, join)
	}
	return node, err
}

func (p *parse) link(left any, part func() (any, error), join func(l, r Condition) Condition) (any, error) {
	l, err := p.boolean(left)
	if err != nil {
		return nil, err
	}
	p.at++
	if err := p.operator(); err != nil {
		return nil, err
	}
	right, err := part()
	if err != nil {
		return nil, err
	}
	r, err := p.boolean(right)
	return join(l, r), err
}

func (p *parse) not() (any, error) {
	if !p.take("NOT") {
		return p.comparison()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.operator(); err != nil {
		return nil, err
	}
	node, err := p.not()
	if err != nil {
		return nil, err
	}
	c, err := p.boolean(node)
	return not{c}, err
}

// enter bounds the depth of the tree.
func (p *parse) enter() error {
	if p.depth++; p.depth > maxOperators {
		return attr.Refusef("The expression contains too many operators; operator count: %d", p.depth)
	}
	return nil
}

func (p *parse) leave() { p.depth-- }

func (p *parse) comparison() (any, error) {
	node, err := p.primary()
	if err != nil {
		return nil, err
	}
	left, ok := node.(operand)
	if !ok {
		if p.compares() {
			return nil, p.misused(node)
		}
		return node, nil
	}
	switch {
	case p.compares():
		return p.compare(left)
	case p.take("BETWEEN"):
		return p.between(left)
	case p.take("IN"):
		return p.in(left)
	}
	return node, nil
}

var signs = []string{"=", "<>", "<", "<=", ">", ">="}

// compares tells whether a comparison follows.
func (p *parse) compares() bool {
	for _, s := range signs {
		if p.peek().is(s) {
			return true
		}
	}
	return false
}

func (p *parse) misused(node any) error {
	if t, ok := node.(test); ok {
		return attr.Refusef("The function is not allowed to be used this way in an expression; function: %s", t.name)
	}
	return p.syntax()
}

func (p *parse) compare(left operand) (any, error) {
	sign := p.peek().text
	p.at++
	if err := p.operator(); err != nil {
		return nil, err
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := distinct(sign, left, right); err != nil {
		return nil, err
	}
	if sign != "=" && sign != "<>" {
		if err := ordered(sign, left, right); err != nil {
			return nil, err
		}
	}
	return comparison{sign, left, right}, nil
}

// distinct refuses an operator between a path and itself.
func distinct(name string, first operand, others ...operand) error {
	l, ok := first.(path)
	if !ok {
		return nil
	}
	for _, o := range others {
		if r, ok := o.(path); ok && len(l) == len(r) && l.overlaps(r) {
			return attr.Refusef("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", name, l)
		}
	}
	return nil
}

// ordered refuses values that have no order.
func ordered(name string, operands ...operand) error {
	for _, o := range operands {
		l, ok := o.(literal)
		if ok && l.v.Kind != attr.S && l.v.Kind != attr.N && l.v.Kind != attr.B {
			return attr.Refusef("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", name, l.v.Kind)
		}
	}
	return nil
}

func (p *parse) between(of operand) (any, error) {
	if err := p.operator(); err != nil {
		return nil, err
	}
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AND"); err != nil {
		return nil, err
	}
	high, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := distinct("BETWEEN", of, low, high); err != nil {
		return nil, err
	}
	if err := ordered("BETWEEN", of, low, high); err != nil {
		return nil, err
	}
	return between{of, low, high}, bounds(low, high)
}

func bounds(low, high operand) error {
	l, ok := low.(literal)
	h, also := high.(literal)
	if !ok || !also {
		return nil
	}
	order, same := l.v.Compare(h.v)
	rule := ""
	switch {
	case !same:
		rule = "same data type for lower and upper bounds"
	case order > 0:
		rule = "upper bound to be greater than or equal to lower bound"
	default:
		return nil
	}
	return attr.Refusef("The BETWEEN operator requires %s; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
		rule, l.v.Kind, l.v.Text, h.v.Kind, h.v.Text)
}

func (p *parse) in(of operand) (any, error) {
	if err := p.operator(); err != nil {
		return nil, err
	}
	list, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, p.syntax()
	}
	if len(list) > maxIn {
		return nil, attr.Refusef("The IN operator is provided with too many operands; number of operands: %d", len(list))
	}
	return in{of, list}, distinct("IN", of, list...)
}
