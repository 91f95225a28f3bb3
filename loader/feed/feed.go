// Package feed reads the CSV files that stores send: it undoes compression and encoding, finds the columns, splits
// the text into rows, and judges each row. It reads any size in constant memory, allocates nothing per row, and
// knows neither S3 nor DynamoDB.
package feed

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"inventoryd/internal/inventory"
)

// Version is that of the reading: another number wherever the same text may make other rows, or rows of other lines, than
// before. What was remembered of a reading holds for its version only.
const Version = 1

// Rules say how feeds are written. There are no defaults here: the loader's configuration has them.
type Rules struct {
	Columns    Columns
	Delimiters string // those to look for in the header; a single one is not looked for
	Charset    Charset
	Counts     Counts
	Caps       Caps
}

// Row is one usable row. Store and Item are valid until the next call of Next.
type Row struct {
	Line, Offset int64 // as in Reject
	Store, Item  []byte
	Count        int64
}

// Reader reads one feed. It is not safe for concurrent use.
type Reader struct {
	lines   *lines
	layout  layout
	rules   Rules
	row     Row
	scratch [3][]byte // unquoted values
	headers int64     // passed over
	named   bool      // row has store and item of the last row, usable or not
	close   func()
}

// Open reads the beginning of a feed, up to its header. An *Unusable error is the feed's fault; any other is that of
// body or of the decompression. Close must be called where the error is nil; body is the caller's.
func Open(body io.Reader, rules Rules) (*Reader, error) {
	plain, closer, err := expand(body, rules.Caps)
	if err != nil {
		return nil, err
	}
	text, err := decodeText(plain, rules.Charset)
	if err != nil {
		closer()
		return nil, err
	}
	l := newLines(&tail{r: text}, text.skipped)
	rules.Charset = text.charset
	layout, err := readHeader(l, rules)
	if err != nil {
		closer()
		return nil, err
	}
	return &Reader{lines: l, layout: layout, rules: rules, close: closer}, nil
}

// Close releases the decoder.
func (r *Reader) Close() { r.close() }

// Headers is how often the header has come again so far, as it does where files are joined. These lines are no rows.
func (r *Reader) Headers() int64 { return r.headers }

// Named returns store and item of the last row that Next has returned, where they could be read: also of a reject whose count
// is the problem. They are valid until the next call of Next.
func (r *Reader) Named() (store, item []byte, ok bool) { return r.row.Store, r.row.Item, r.named }

// Next returns the next row, or the reject that it is; io.EOF behind the last. Blank lines are no rows.
func (r *Reader) Next() (*Row, *Reject, error) {
	for {
		raw, err := r.lines.next(r.layout.grid)
		if err != nil {
			return nil, nil, err
		}
		r.named = false
		if raw.code != "" {
			return nil, raw.reject("", raw.code, unsplit[raw.code]), nil
		}
		r.row.Line, r.row.Offset = raw.line, raw.offset
		reject := r.judge(raw)
		if reject == nil {
			return &r.row, nil, nil
		}
		if again, err := r.isHeader(raw); err != nil || !again {
			return nil, reject, err
		}
		r.headers++
	}
}

var unsplit = map[Code]string{
	LineTooLong:   fmt.Sprintf("the line is longer than %d bytes", LineLimit),
	QuoteUnclosed: fmt.Sprintf("a quote is opened and not closed within %d bytes; write a quote inside a field twice", QuoteLimit),
	QuoteTail:     "text follows the quote that closes a field; write a quote inside a quoted field twice",
}

// isHeader reports whether a row that cannot be used is the header again. Where it names the columns in other places,
// nothing below it can be read as what is above: that is an error.
func (r *Reader) isHeader(raw row) (bool, error) {
	raw.cells, _, _ = r.layout.split(raw.raw, true, make([]field, 0, min(raw.total, maxColumns)))
	named := func(f field) bool {
		name := string(trim(raw.value(f, nil)))
		return slices.ContainsFunc(r.rules.Columns.Count, func(alias string) bool { return strings.EqualFold(name, alias) })
	}
	if !slices.ContainsFunc(raw.fields, named) {
		return false, nil
	}
	names := raw.names()
	found, err := r.rules.Columns.find(names)
	if err != nil {
		return false, nil
	}
	if found != r.layout.places {
		return false, &Unusable{fmt.Sprintf("line %d is another header, with the columns in other places: %s; send files that differ one by one", raw.line, list(names))}
	}
	r.layout.width = raw.total
	return true, nil
}

// judge fills in r.row from raw; a row that cannot be used is rejected for its first problem.
func (r *Reader) judge(raw row) *Reject {
	if raw.extra > 0 {
		return raw.reject("", FieldsExtra, fmt.Sprintf("there is text in field %d, and the header has %d columns; quote a field that holds the delimiter",
			raw.extra, r.layout.width))
	}
	for _, c := range []struct {
		at   int
		name string
	}{{r.layout.store, "store"}, {r.layout.item, "item"}, {r.layout.count, "count"}} {
		if c.at >= len(raw.fields) {
			return raw.reject(c.name, FieldMissing,
				fmt.Sprintf("the row has %d fields, and %s is column %d", len(raw.fields), c.name, c.at+1))
		}
	}
	var reject *Reject
	if r.row.Store, reject = r.name(raw, 0, r.layout.store, storeRule); reject != nil {
		return reject
	}
	if r.row.Item, reject = r.name(raw, 1, r.layout.item, itemRule); reject != nil {
		return reject
	}
	text := raw.value(raw.fields[r.layout.count], r.scratch[2][:0])
	r.named = true
	var code Code
	if r.row.Count, code = r.rules.Counts.Parse(text); code != "" {
		return raw.reject("count", code, r.rules.Counts.explain(code, text))
	}
	return nil
}

// nameRule is what holds for a part of the key.
type nameRule struct {
	column         string
	limit          int // bytes
	empty, tooLong Code
}

var (
	storeRule = nameRule{"store", inventory.MaxStore, StoreEmpty, StoreTooLong}
	itemRule  = nameRule{"item", inventory.MaxItem, ItemEmpty, ItemTooLong}
)

// name returns a part of the key, trimmed.
func (r *Reader) name(raw row, scratch, at int, rule nameRule) ([]byte, *Reject) {
	f := raw.fields[at]
	value := raw.value(f, r.scratch[scratch][:0])
	if !f.plain {
		r.scratch[scratch] = value
	}
	value = trim(value)
	switch {
	case len(value) == 0:
		return nil, raw.reject(rule.column, rule.empty, "the "+rule.column+" is empty")
	case !utf8.Valid(value):
		return nil, raw.reject(rule.column, Encoding, "the "+rule.column+" "+r.rules.Charset.problem())
	case len(value) > rule.limit:
		return nil, raw.reject(rule.column, rule.tooLong,
			fmt.Sprintf("the %s has %d bytes; DynamoDB takes %d", rule.column, len(value), rule.limit))
	}
	return value, nil
}

// value returns what a field stands for: a part of the row, or built in scratch.
func (r row) value(f field, scratch []byte) []byte {
	if f.plain {
		return r.raw[f.start:f.end]
	}
	return unquote(scratch, r.raw[f.start:f.end])
}

func (r row) reject(column string, code Code, message string) *Reject {
	return &Reject{
		Line: r.line, Offset: r.offset, Column: column, Code: code, Message: message,
		Raw: clip(bytes.TrimRight(r.raw[:min(len(r.raw), RawLimit+1)], "\r\n"), RawLimit),
	}
}

// clip makes valid text of at most limit bytes of b.
func clip(b []byte, limit int) string {
	return strings.ToValidUTF8(string(b[:min(len(b), limit)]), "\uFFFD")
}
