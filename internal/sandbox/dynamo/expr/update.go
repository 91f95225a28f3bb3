package expr

// Update expressions: their grammar ("Update expressions").

import (
	"strings"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Update is an update expression.
type Update struct {
	sets    []assignment
	removes []path
	adds    []assignment
	deletes []assignment
	paths   []path // of all actions
}

// assignment is a path and what is set there, added to it or deleted from it.
type assignment struct {
	at path
	to operation
}

// operation yields a value or why it cannot.
type operation interface {
	result(item attr.Item) (attr.Value, error)
}

// Names are the top-level attributes that the update touches.
func (u Update) Names() []string {
	names := make([]string, len(u.paths))
	for i, p := range u.paths {
		names[i] = p[0].name
	}
	return names
}

// Touched is the part of the item that the update names.
func (u Update) Touched(item attr.Item) attr.Item { return project(u.paths).Of(item) }

// Update reads an UpdateExpression.
func (p *Parser) Update(text string) (Update, error) {
	u, err := p.update(text)
	return u, invalid("UpdateExpression", err)
}

func (p *Parser) update(text string) (u Update, err error) {
	q, err := p.start(text)
	if err != nil {
		return u, err
	}
	seen := map[string]bool{}
	for q.peek().kind != tokenEnd {
		section := strings.ToUpper(q.peek().text)
		action, ok := map[string]func(*Update) error{"SET": q.set, "REMOVE": q.remove, "ADD": q.add, "DELETE": q.delete}[section]
		if !ok {
			return u, q.syntax()
		}
		if seen[section] {
			return u, attr.Refusef("The %q section can only be used once in an update expression;", section)
		}
		seen[section] = true
		q.at++
		if err := q.actions(&u, action); err != nil {
			return u, err
		}
	}
	return u, disjoint(u.paths)
}

// actions reads a section's list.
func (p *parse) actions(u *Update, action func(*Update) error) error {
	for {
		if err := action(u); err != nil {
			return err
		}
		if !p.take(",") {
			return nil
		}
	}
}

// target reads the path that an action changes.
func (p *parse) target(u *Update) (path, error) {
	at, err := p.path()
	u.paths = append(u.paths, at)
	return at, err
}

func (p *parse) set(u *Update) error {
	at, err := p.target(u)
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	if err := p.operator(); err != nil {
		return err
	}
	to, err := p.sum()
	u.sets = append(u.sets, assignment{at, to})
	return err
}

func (p *parse) remove(u *Update) error {
	at, err := p.target(u)
	u.removes = append(u.removes, at)
	return err
}

func (p *parse) add(u *Update) error {
	a, err := p.change(u, "ADD", attr.N, attr.SS, attr.NS, attr.BS)
	u.adds = append(u.adds, a)
	return err
}

func (p *parse) delete(u *Update) error {
	a, err := p.change(u, "DELETE", attr.SS, attr.NS, attr.BS)
	u.deletes = append(u.deletes, a)
	return err
}

var longNames = map[attr.Kind]string{
	attr.S: "STRING", attr.N: "NUMBER", attr.B: "BINARY", attr.BOOL: "BOOLEAN", attr.NULL: "NULL",
	attr.SS: "STRING_SET", attr.NS: "NUMBER_SET", attr.BS: "BINARY_SET", attr.L: "LIST", attr.M: "MAP",
}

// change reads `path :value` of ADD and DELETE.
func (p *parse) change(u *Update, section string, allowed ...attr.Kind) (assignment, error) {
	at, err := p.target(u)
	if err != nil {
		return assignment{}, err
	}
	if p.peek().kind != tokenValue {
		return assignment{}, p.syntax()
	}
	l, err := p.literal()
	if err != nil {
		return assignment{}, err
	}
	for _, k := range allowed {
		if l.v.Kind == k {
			return assignment{at, plain{l}}, nil
		}
	}
	return assignment{}, attr.Refusef("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
		section, longNames[l.v.Kind], section)
}

// sum reads what SET assigns: an operand, or the sum or difference of two.
func (p *parse) sum() (operation, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	sign := p.peek().text
	if !p.take("+") && !p.take("-") {
		return left, nil
	}
	if err := p.operator(); err != nil {
		return nil, err
	}
	right, err := p.term()
	if err != nil {
		return nil, err
	}
	return arithmetic{sign == "-", left, right}, constant(sign, attr.N, left, right)
}

// constant refuses values of another kind than the operator takes.
func constant(name string, k attr.Kind, terms ...operation) error {
	for _, t := range terms {
		if pl, ok := t.(plain); ok {
			if l, ok := pl.of.(literal); ok && l.v.Kind != k {
				return operandType(name, l.v.Kind)
			}
		}
	}
	return nil
}

func (p *parse) term() (operation, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	t := p.peek()
	switch {
	case p.take("("):
		inner, err := p.sum()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case t.kind == tokenValue:
		l, err := p.literal()
		return plain{l}, err
	case t.kind == tokenWord && p.tokens[p.at+1].is("("):
		return p.updateFunction()
	}
	at, err := p.path()
	return plain{at}, err
}

func (p *parse) updateFunction() (operation, error) {
	name := p.peek().text
	p.at++
	if err := p.operator(); err != nil {
		return nil, err
	}
	if name != "if_not_exists" && name != "list_append" {
		return nil, attr.Refusef("Invalid function name; function: %s", name)
	}
	args, err := p.terms()
	if err != nil {
		return nil, err
	}
	if len(args) != 2 {
		return nil, operandCount(name, len(args))
	}
	if name == "list_append" {
		return listAppend{args[0], args[1]}, constant(name, attr.L, args...)
	}
	if pl, ok := args[0].(plain); ok {
		if at, ok := pl.of.(path); ok {
			return ifNotExists{at, args[1]}, distinctFrom(at, args[1])
		}
	}
	return nil, attr.Refusef("Operator or function requires a document path; operator or function: if_not_exists")
}

// distinctFrom refuses if_not_exists of a path and itself.
func distinctFrom(at path, or operation) error {
	if pl, ok := or.(plain); ok {
		return distinct("if_not_exists", at, pl.of)
	}
	return nil
}

func (p *parse) terms() ([]operation, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []operation
	for {
		t, err := p.sum()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
		if p.take(")") {
			return list, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}
