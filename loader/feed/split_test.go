package feed

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// got is one row as the tests see it.
type got struct {
	Line, Offset int64
	Code         Code
	Fields       []string
}

// walk splits a text to its end.
func walk(t testing.TB, src io.Reader, delimiter byte) (rows []got) {
	t.Helper()
	l := newLines(src, 0)
	l.keep = make([]field, 0, maxColumns)
	for {
		r, err := l.next(newGrid(delimiter, math.MaxInt))
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		g := got{Line: r.line, Offset: r.offset, Code: r.code}
		if r.code == "" {
			for _, f := range r.fields {
				g.Fields = append(g.Fields, string(r.value(f, nil)))
			}
		}
		rows = append(rows, g)
	}
}

func TestSplitting(t *testing.T) {
	long := strings.Repeat("x", LineLimit)
	half := strings.Repeat("y", QuoteLimit/2)
	for _, c := range []struct {
		name, text string
		want       []got
	}{
		{"nothing", "", nil},
		{"blank lines", "\n\r\n\r  \n\t\n", nil},
		{"one line without an end", "a,b", []got{{1, 0, "", []string{"a", "b"}}}},
		{"LF", "a,b\nc,d\n", []got{{1, 0, "", []string{"a", "b"}}, {2, 4, "", []string{"c", "d"}}}},
		{"CRLF", "a,b\r\nc,d\r\n", []got{{1, 0, "", []string{"a", "b"}}, {2, 5, "", []string{"c", "d"}}}},
		{"CR", "a,b\rc,d\r", []got{{1, 0, "", []string{"a", "b"}}, {2, 4, "", []string{"c", "d"}}}},
		{"mixed line ends", "a\n\rb\r\n\nc", []got{{1, 0, "", []string{"a"}}, {3, 3, "", []string{"b"}}, {5, 7, "", []string{"c"}}}},
		{"empty fields", "a,,\n,b", []got{{1, 0, "", []string{"a", "", ""}}, {2, 4, "", []string{"", "b"}}}},
		{"quotes", `"a,b","c"` + "\n", []got{{1, 0, "", []string{"a,b", "c"}}}},
		{"a quote in quotes", `"a ""b"" c",d`, []got{{1, 0, "", []string{`a "b" c`, "d"}}}},
		{"only a quote in quotes", `"""",d`, []got{{1, 0, "", []string{`"`, "d"}}}},
		{"empty quotes", `"",""`, []got{{1, 0, "", []string{"", ""}}}},
		{"a line break in quotes", "\"a\nb\",c\nd,e", []got{{1, 0, "", []string{"a\nb", "c"}}, {3, 8, "", []string{"d", "e"}}}},
		{"all line breaks in quotes", "\"\r\n\r\n\r\",c\nd", []got{{1, 0, "", []string{"\n\n\n", "c"}}, {5, 10, "", []string{"d"}}}},
		{"inches", `TV 55",a` + "\n" + `b"c"d,e`, []got{{1, 0, "", []string{`TV 55"`, "a"}}, {2, 9, "", []string{`b"c"d`, "e"}}}},
		{"text behind the closing quote", "\"a\"b,c\nd", []got{{1, 0, QuoteTail, nil}, {2, 7, "", []string{"d"}}}},
		{"quotes behind the closing quote", `"a"b"",c`, []got{{1, 0, QuoteTail, nil}}},
		{"a quote that the next line's closes", "a,\"b, 2\nc,d\ne,\"f\",4\ng,h", []got{
			{1, 0, QuoteTail, nil}, {2, 8, "", []string{"c", "d"}}, {3, 12, "", []string{"e", "f", "4"}}, {4, 20, "", []string{"g", "h"}},
		}},
		{"text behind a quote in the row's second line", "\"a\nb\",\"c\" d\ne", []got{{1, 0, QuoteTail, nil}, {3, 12, "", []string{"e"}}}},
		{"blanks around quotes", "a, \"b\" ,\t\"c,d\"\v\r\n\u00a0\"e\"\u200b", []got{{1, 0, "", []string{"a", "b", "c,d"}}, {2, 17, "", []string{"e"}}}},
		{"a mark before a quote", "\ufeff\"a,b\",c", []got{{1, 0, "", []string{"a,b", "c"}}}},
		{"half a blank behind a quote", "\"a\"\xe2\x80,b", []got{{1, 0, QuoteTail, nil}}},
		{"lines of delimiters", ",,\n , ,\r\na,\n\ufeff,\n,\u00a0", []got{{3, 9, "", []string{"a", ""}}}},
		{"a quote never closed", "a,\"b\nc,d\ne", []got{{1, 0, QuoteUnclosed, nil}, {2, 5, "", []string{"c", "d"}}, {3, 9, "", []string{"e"}}}},
		{"a quote never closed in the last line", "a\n\"b", []got{{1, 0, "", []string{"a"}}, {2, 2, QuoteUnclosed, nil}}},
		{"a quote never closed behind one with a line break", "\"a\nb\",\"c\nd\n", []got{{1, 0, QuoteUnclosed, nil}, {3, 9, "", []string{"d"}}}},
		{"a quote closed late", `"` + half + `",c` + "\nd", []got{{1, 0, "", []string{half, "c"}}, {2, int64(len(half)) + 5, "", []string{"d"}}}},
		{"a quote closed too late", "\"" + half + "\n" + half + "\",c\nd", []got{
			{1, 0, QuoteUnclosed, nil}, {2, int64(len(half)) + 2, "", []string{half + `"`, "c"}}, {3, 2*int64(len(half)) + 6, "", []string{"d"}},
		}},
		{"the longest line", long + "\nb", []got{{1, 0, "", []string{long}}, {2, LineLimit + 1, "", []string{"b"}}}},
		{"a line too long", long + "xxx\nb", []got{{1, 0, LineTooLong, nil}, {2, LineLimit + 4, "", []string{"b"}}}},
		{"a line of 2 MiB and CRLF", "a\r\n" + long + long + "\r\nb", []got{{1, 0, "", []string{"a"}}, {2, 3, LineTooLong, nil}, {3, 2*LineLimit + 5, "", []string{"b"}}}},
		{"a line too long at the end", long + "xxx", []got{{1, 0, LineTooLong, nil}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, walk(t, strings.NewReader(c.text), ',')); diff != "" {
				t.Errorf("%.2000s", diff)
			}
			if len(c.text) > 1000 {
				return
			}
			if diff := cmp.Diff(c.want, walk(t, iotest.OneByteReader(strings.NewReader(c.text)), ',')); diff != "" {
				t.Errorf("byte by byte:\n%s", diff)
			}
		})
	}
}

// FuzzSplit holds the splitter to encoding/csv where that takes the text, and to itself for any text: how the text
// arrives makes no difference, and each row is where its line and offset say.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"a,b\nc,d", "\"a\nb\",c\n", "\"a\"\"b\"", "a,\"b\nc\n", "\r\n\r", "x\"y,z", "\"\",\"\"\n,", "\"a\"b,c\n",
	} {
		f.Add([]byte(s), byte(','), 3)
		f.Add([]byte(s), byte('\t'), 1)
	}
	f.Fuzz(func(t *testing.T, text []byte, delimiter byte, chunk int) {
		if !strings.ContainsRune(Delimiters, rune(delimiter)) {
			delimiter = ','
		}
		rows := walk(t, bytes.NewReader(text), delimiter)
		if again := walk(t, &chunks{text, max(1, chunk%5000)}, delimiter); !reflect.DeepEqual(rows, again) {
			t.Fatalf("in chunks of %d:\n%s", chunk, cmp.Diff(rows, again))
		}
		last := int64(-1)
		for _, r := range rows {
			if r.Offset <= last || r.Offset >= int64(len(text)) {
				t.Fatalf("a row at %d after one at %d, of %d bytes", r.Offset, last, len(text))
			}
			if r.Line != 1+lineEnds(text[:r.Offset]) {
				t.Fatalf("the row at %d is said to be on line %d, and is on %d", r.Offset, r.Line, 1+lineEnds(text[:r.Offset]))
			}
			last = r.Offset
		}
		compare(t, text, delimiter, rows)
	})
}

// compare holds rows to what encoding/csv makes of the text, if it takes it. CR, and rows of nothing but spaces, are
// told apart on purpose.
func compare(t *testing.T, text []byte, delimiter byte, rows []got) {
	if bytes.IndexByte(text, '\r') >= 0 || slices.ContainsFunc(rows, func(r got) bool { return r.Code != "" || len(r.Fields) == maxColumns }) {
		return
	}
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma, reader.FieldsPerRecord = rune(delimiter), -1
	theirs, err := reader.ReadAll()
	if err != nil {
		return
	}
	var ours [][]string
	for _, r := range rows {
		ours = append(ours, r.Fields)
	}
	blank := func(fields []string) bool { return len(trim([]byte(strings.Join(fields, "")))) == 0 }
	ours, theirs = slices.DeleteFunc(ours, blank), slices.DeleteFunc(theirs, blank)
	if !slices.EqualFunc(ours, theirs, slices.Equal) {
		t.Fatalf("rows %q; encoding/csv has %q", ours, theirs)
	}
}

// chunks hands out a text in pieces.
type chunks struct {
	text []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.text)
	c.text = c.text[n:]
	return n, nil
}
