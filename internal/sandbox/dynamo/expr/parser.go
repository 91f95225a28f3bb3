package expr

// The parser: what all kinds of expressions share. A Parser belongs to one request: it knows the request's names and
// values and which of them were used.

import (
	"slices"
	"strconv"
	"strings"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Limits of an expression ("Quotas in Amazon DynamoDB": expression parameters).
const (
	maxLength    = 4096
	maxOperators = 300
	maxIn        = 100
)

// Parser reads the expressions of one request.
type Parser struct {
	names  map[string]string
	values map[string]attr.Value
	used   map[string]bool
	any    bool // an expression was read
}

// NewParser takes the request's ExpressionAttributeNames and ExpressionAttributeValues; nil where it has none.
func NewParser(names map[string]string, values map[string]attr.Value) *Parser {
	return &Parser{names: names, values: values, used: map[string]bool{}}
}

// Unused refuses names and values that no expression used.
func (p *Parser) Unused() error {
	switch {
	case p.names != nil && !p.any:
		return attr.Refusef("ExpressionAttributeNames can only be specified when using expressions")
	case p.values != nil && !p.any:
		return attr.Refusef("ExpressionAttributeValues can only be specified when using expressions")
	}
	if keys := unused(p.names, p.used); keys != "" {
		return attr.Refusef("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", keys)
	}
	if keys := unused(p.values, p.used); keys != "" {
		return attr.Refusef("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", keys)
	}
	return nil
}

func unused[V any](given map[string]V, used map[string]bool) string {
	var keys []string
	for k := range given {
		if !used[k] {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, ", ")
}

// parse is one expression under way.
type parse struct {
	*Parser
	text      string
	tokens    []token
	at        int
	depth     int
	operators int
	closed    map[int]int // the token that opens a parenthesis → the one that closes it
}

// start begins an expression.
func (p *Parser) start(text string) (*parse, error) {
	p.any = true
	if text == "" {
		return nil, attr.Refusef("The expression can not be empty;")
	}
	if len(text) > maxLength {
		return nil, attr.Refusef("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	return &parse{Parser: p, text: text, tokens: tokens, closed: map[int]int{}}, nil
}

// invalid words the error of an expression; kind is its parameter's name.
func invalid(kind string, err error) error {
	if err == nil {
		return nil
	}
	return attr.Refusef("Invalid %s: %s", kind, err)
}

func (p *parse) peek() token { return p.tokens[p.at] }

func (p *parse) syntax() error { return syntaxError(p.text, p.tokens, p.at) }

// take consumes the given sign or keyword if it is next.
func (p *parse) take(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.at++
	return true
}

func (p *parse) expect(text string) error {
	if !p.take(text) {
		return p.syntax()
	}
	return nil
}

func (p *parse) end() error {
	if p.peek().kind != tokenEnd {
		return p.syntax()
	}
	return nil
}

// operator counts an operator or function against the limit.
func (p *parse) operator() error {
	if p.operators++; p.operators > maxOperators {
		return attr.Refusef("The expression contains too many operators; operator count: %d", p.operators)
	}
	return nil
}

// path reads a document path.
func (p *parse) path() (path, error) {
	first, err := p.name()
	if err != nil {
		return nil, err
	}
	out := path{first}
	for {
		switch {
		case p.take("."):
			s, err := p.name()
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		case p.take("["):
			s, err := p.index()
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		default:
			return out, nil
		}
		if len(out) > 32 {
			return nil, attr.Refusef("The document path has too many nesting elements; nesting levels: 33")
		}
	}
}

func (p *parse) name() (step, error) {
	t := p.peek()
	switch t.kind {
	case tokenWord:
		if p.isKeyword(t) {
			return step{}, p.syntax()
		}
		p.at++
		if reservedWord(t.text) {
			return step{}, attr.Refusef("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return step{name: t.text}, nil
	case tokenName:
		p.at++
		name, ok := p.names[t.text]
		if !ok {
			return step{}, attr.Refusef("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.used[t.text] = true
		return step{name: name}, nil
	}
	return step{}, p.syntax()
}

// isKeyword tells whether a word is part of the grammar, so that its place as a name is a syntax error.
func (p *parse) isKeyword(t token) bool {
	return slices.ContainsFunc([]string{"AND", "OR", "NOT", "BETWEEN", "IN"}, t.is)
}

func (p *parse) index() (step, error) {
	t := p.peek()
	if t.kind != tokenNumber {
		return step{}, p.syntax()
	}
	n, err := strconv.Atoi(t.text)
	if err != nil || n > 1<<31-1 {
		return step{}, attr.Refusef("List index is not within the allowable range; index: [%s]", t.text)
	}
	p.at++
	return step{index: n}, p.expect("]")
}

// literal reads a :value.
func (p *parse) literal() (literal, error) {
	t := p.peek()
	p.at++
	v, ok := p.values[t.text]
	if !ok {
		return literal{}, attr.Refusef("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.used[t.text] = true
	return literal{t.text, v}, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
