package attr

// The wire form of values: JSON as the API reference's "AttributeValue" has it. The same text is how items are stored.

import "encoding/base64"

// Document is an item in its canonical JSON: names in order, numbers normal, sets in order. Two items are equal if
// and only if their documents are.
type Document string

// MarshalJSON implements json.Marshaler.
func (d Document) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// Item reads the document, which AppendItem made.
func (d Document) Item() Item {
	i, err := NewReader(string(d)).Item()
	if err != nil {
		panic("a stored document does not parse: " + err.Error())
	}
	return i
}

// AppendPart appends the part of the document whose attributes keep selects.
func (d Document) AppendPart(b []byte, keep func(name string) bool) []byte {
	b = append(b, '{')
	empty := len(b)
	r := NewReader(string(d))
	err := r.Object(func(name string) error {
		text := r.raw()
		if keep(name) {
			if len(b) > empty {
				b = append(b, ',')
			}
			b = AppendString(b, name)
			b = append(append(b, ':'), text...)
		}
		return nil
	})
	if err != nil {
		panic("a stored document does not parse: " + err.Error())
	}
	return append(b, '}')
}

// Document is the item's canonical JSON.
func (i Item) Document() Document { return Document(AppendItem(make([]byte, 0, 96), i)) }

// MarshalJSON implements json.Marshaler.
func (i Item) MarshalJSON() ([]byte, error) { return AppendItem(nil, i), nil }

// AppendItem appends the item's canonical JSON.
func AppendItem(b []byte, i Item) []byte {
	b = append(b, '{')
	for n, a := range i {
		if n > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, a.Name)
		b = append(b, ':')
		b = appendValue(b, a.Value)
	}
	return append(b, '}')
}

func appendValue(b []byte, v Value) []byte {
	b = append(b, `{"`...)
	b = append(b, v.Kind.String()...)
	b = append(b, `":`...)
	switch v.Kind {
	case BOOL, NULL:
		b = appendBool(b, v.Bool || v.Kind == NULL)
	case L:
		b = appendList(b, v.List, appendValue)
	case SS, NS, BS:
		b = appendList(b, v.List, appendScalar)
	case M:
		b = AppendItem(b, v.Map)
	default:
		b = appendScalar(b, v)
	}
	return append(b, '}')
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func appendScalar(b []byte, v Value) []byte {
	if v.Kind != B {
		return AppendString(b, v.Text)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(v.Text))
	return append(b, '"')
}

func appendList(b []byte, list []Value, element func([]byte, Value) []byte) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, e)
	}
	return append(b, ']')
}

const hexDigits = "0123456789abcdef"

// AppendString appends s, which is valid UTF-8, as a JSON string.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
