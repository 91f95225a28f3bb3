// Package expr reads and evaluates DynamoDB's expressions: conditions, key conditions, updates and projections
// ("Using expressions in DynamoDB"). Its errors are worded as DynamoDB words them.
package expr

// The lexer: an expression's text to tokens.

import (
	"strings"
	"unicode/utf8"

	"inventoryd/internal/sandbox/dynamo/attr"
)

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a name, a keyword or a function
	tokenName             // #name
	tokenValue            // :value
	tokenNumber           // digits
	tokenSign             // = <> < <= > >= ( ) [ ] , . + -
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // in the expression
}

// is tells whether the token is the given sign or keyword (in capitals).
func (t token) is(text string) bool {
	switch t.kind {
	case tokenSign:
		return t.text == text
	case tokenWord:
		return strings.EqualFold(t.text, text)
	}
	return false
}

// syntaxError is DynamoDB's wording: the token and its neighbours.
func syntaxError(text string, tokens []token, at int) error {
	t := tokens[at]
	from, to := t.start, t.end
	if at > 0 {
		from = tokens[at-1].start
	}
	if at+1 < len(tokens) && t.kind != tokenEnd {
		to = tokens[at+1].end
	}
	name := t.text
	if t.kind == tokenEnd {
		name = "<EOF>"
	}
	return attr.Refusef("Syntax error; token: %q, near: %q", name, strings.TrimSpace(text[from:to]))
}

// lex cuts the text; the last token is the end.
func lex(text string) ([]token, error) {
	var tokens []token
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
			continue
		}
		kind, n := next(text[at:])
		if n == 0 {
			return nil, badToken(text, tokens, at)
		}
		tokens = append(tokens, token{kind, text[at : at+n], at, at + n})
		at += n
	}
	return append(tokens, token{tokenEnd, "", len(text), len(text)}), nil
}

// next is the kind and the length of the token that s begins with; 0 for none.
func next(s string) (tokenKind, int) {
	switch c := s[0]; {
	case c == '#', c == ':':
		n := 1 + span(s[1:], wordByte)
		if n == 1 {
			return 0, 0
		}
		if c == '#' {
			return tokenName, n
		}
		return tokenValue, n
	case c >= '0' && c <= '9':
		return tokenNumber, span(s, func(c byte) bool { return c >= '0' && c <= '9' })
	case wordByte(c):
		return tokenWord, span(s, wordByte)
	case strings.HasPrefix(s, "<>"), strings.HasPrefix(s, "<="), strings.HasPrefix(s, ">="):
		return tokenSign, 2
	case strings.IndexByte("=<>()[],.+-", c) >= 0:
		return tokenSign, 1
	}
	return 0, 0
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// badToken is the error of a character that begins no token.
func badToken(text string, before []token, at int) error {
	_, size := utf8.DecodeRuneInString(text[at:])
	tokens := append(before, token{tokenSign, text[at : at+size], at, at + size})
	if rest := strings.TrimLeft(text[at+size:], " \t\r\n"); rest != "" {
		if kind, n := next(rest); n > 0 {
			start := len(text) - len(rest)
			tokens = append(tokens, token{kind, rest[:n], start, start + n})
		}
	}
	return syntaxError(text, tokens, len(before))
}
