package notifier

// What SNS takes.

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

const (
	// maxMessage is the size in bytes of a message with its subject and attributes ("Amazon SNS quotas").
	maxMessage = 262144
	// maxBody leaves room for the rest.
	maxBody = maxMessage - 8<<10
	// maxSubject is the longest subject in characters ("less than 100 characters long", SNS API reference, Publish). The
	// reference does not say what it counts: letters beyond the Basic Multilingual Plane are taken for two, as in UTF-16.
	maxSubject = 99
)

// mendSubject makes a subject that SNS takes: no line breaks, no control characters, fewer than 100 characters.
func mendSubject(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	const mark = "..."
	s = strings.TrimSpace(s)
	short, length := 0, 0 // the bytes to keep where s is too long, the characters so far
	for i, r := range s {
		if length += utf16.RuneLen(r); length > maxSubject {
			return strings.TrimSpace(s[:short]) + mark
		}
		if length <= maxSubject-len(mark) {
			short = i + utf8.RuneLen(r)
		}
	}
	return s
}

// cutBody cuts a text to at most n bytes, between characters, and says so.
func cutBody(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	const mark = "…"
	if len(s) <= n {
		return s
	}
	end := n - len(mark)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}

// Names of attributes by which subscribers filter.
const (
	attrEvent = "event"
	attrStore = "store"
	attrFeed  = "feed"
	attrItems = "items"
	attrItem  = "item"
	attrCount = "count"
)

// filterBy are the attributes of a message about items. A value that a filter cannot hold is left out.
func filterBy(g *Group) map[string]string {
	m := map[string]string{attrEvent: string(g.Event), attrItems: strconv.Itoa(len(g.Items))}
	if store := g.Items[0].store; holdable(store) {
		m[attrStore] = store
	}
	var names []string
	var counts []int64
	for _, a := range g.Items {
		if holdable(a.name) {
			names = append(names, a.name)
		}
		counts = append(counts, a.Count)
	}
	if len(names) > 0 {
		m[attrItem] = list(names)
	}
	slices.Sort(counts)
	m[attrCount] = list(slices.Compact(counts))
	return m
}

func list[T any](values []T) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(values) // strings and numbers can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// attributeValues are the attributes as SNS takes them.
func attributeValues(attributes map[string]string) map[string]types.MessageAttributeValue {
	m := make(map[string]types.MessageAttributeValue, len(attributes))
	for name, value := range attributes {
		m[name] = types.MessageAttributeValue{DataType: aws.String(typeOf(name)), StringValue: &value}
	}
	return m
}

func typeOf(attribute string) string {
	switch attribute {
	case attrItem, attrCount:
		return "String.Array"
	case attrItems:
		return "Number"
	}
	return "String"
}

// weight is what attributes count for.
func weight(attributes map[string]string) (bytes int) {
	for name, value := range attributes {
		bytes += len(name) + len(typeOf(name)) + len(value)
	}
	return bytes
}

// holdable reports whether a message attribute can hold the string: not empty, and of XML's characters only (SQS API
// reference, SendMessage: an SQS subscription takes no others).
func holdable(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF'
	}) < 0
}
