package feed

import (
	"encoding/csv"
	"strings"
	"testing"
)

// Why we read a text otherwise than encoding/csv does. Each difference must have one of these reasons.
const (
	isSame   = ""
	goesOn   = "a row that cannot be split is rejected, and reading goes on with the next line; encoding/csv gives up"
	literal  = "a quote in a field that is not quoted stands for itself, as in 5\" pipes; encoding/csv gives up"
	opens    = "a quote behind blanks opens a field; encoding/csv gives up, or keeps the quotes"
	loneCR   = "CR alone ends a line, as old Macs wrote; to encoding/csv it is text"
	blankRow = "a line of blanks and delimiters is no row; to encoding/csv it is one of empty fields"
)

// TestTextsAsEncodingCSVReadsThem compares the splitter with the standard library's reader on the shapes that the test
// suites of CSV readers are made of.
func TestTextsAsEncodingCSVReadsThem(t *testing.T) {
	const empty = ""
	for _, c := range []struct {
		name, text, want, why string
	}{
		// plain
		{"nothing", "", empty, isSame},
		{"one field", "a", "[a]", isSame},
		{"one field, LF", "a\n", "[a]", isSame},
		{"one row", "a,b,c\n", "[a|b|c]", isSame},
		{"two rows", "a,b\nc,d\n", "[a|b][c|d]", isSame},
		{"no end of line", "a,b\nc,d", "[a|b][c|d]", isSame},
		{"CRLF", "a,b\r\nc,d\r\n", "[a|b][c|d]", isSame},
		{"CRLF, then LF", "a,b\r\nc,d\n", "[a|b][c|d]", isSame},
		{"an empty field first", ",b\n", "[|b]", isSame},
		{"an empty field last", "a,\n", "[a|]", isSame},
		{"an empty field last, no end of line", "a,", "[a|]", isSame},
		{"an empty field between", "a,,c\n", "[a||c]", isSame},
		{"rows of different widths", "a\nb,c\nd,e,f\n", "[a][b|c][d|e|f]", isSame},
		{"a wide row", strings.Repeat("x,", 1000) + "x\n", "[" + strings.Repeat("x|", 1000) + "x]", isSame},
		{"blanks are text", " a , b\n", "[ a | b]", isSame},
		{"other delimiters are text", "a;b|c\td\n", "[a;b|c\td]", isSame},
		{"apostrophes are text", "'a,b',c\n", "['a|b'|c]", isSame},
		{"backslashes are text", "a\\,b\\n\n", "[a\\|b\\n]", isSame},
		{"characters beyond ASCII", "ü,𝄞\n", "[ü|𝄞]", isSame},
		{"no valid UTF-8", "\xff,b\n", "[\xff|b]", isSame},
		{"a NUL", "a\x00,b\n", "[a\x00|b]", isSame},
		{"a hash is no comment", "#a,b\n", "[#a|b]", isSame},
		{"JSON", "1,\"{\"\"a\"\": \"\"b,c\"\"}\"\n", "[1|{\"a\": \"b,c\"}]", isSame},
		// blank lines
		{"a blank line", "a\n\nb\n", "[a][b]", isSame},
		{"a blank line first", "\na\n", "[a]", isSame},
		{"blank lines last", "a\n\n\n", "[a]", isSame},
		{"a blank line, CRLF", "a\r\n\r\nb\r\n", "[a][b]", isSame},
		{"a line of spaces", "a\n  \nb\n", "[a][b]", blankRow},
		{"a line of delimiters", "a,b\n,\nc,d\n", "[a|b][c|d]", blankRow},
		{"nothing but a delimiter", ",", empty, blankRow},
		{"an empty field in quotes", "\"\"\n", "[]", isSame},
		// quotes
		{"all in quotes", "\"a\",\"b\"\n", "[a|b]", isSame},
		{"some in quotes", "a,\"b\",c\n", "[a|b|c]", isSame},
		{"a delimiter in quotes", "\"a,b\",c\n", "[a,b|c]", isSame},
		{"an LF in quotes", "\"a\nb\",c\n", "[a\nb|c]", isSame},
		{"LFs in quotes", "\"\n\n\",c\n", "[\n\n|c]", isSame},
		{"a CRLF in quotes", "\"a\r\nb\",c\n", "[a\nb|c]", isSame},
		{"a CR in quotes", "\"a\rb\",c\n", "[a\nb|c]", loneCR},
		{"an LF in quotes, rows of CRLF", "\"a\nb\",c\r\nd,e\r\n", "[a\nb|c][d|e]", isSame},
		{"empty quotes", "\"\",\"\"\n", "[|]", isSame},
		{"doubled quotes", "\"a \"\"b\"\" c\"\n", "[a \"b\" c]", isSame},
		{"nothing but doubled quotes", "\"\"\"\"\"\",b\n", "[\"\"|b]", isSame},
		{"a doubled quote first and last", "\"\"\"a\"\"\",b\n", "[\"a\"|b]", isSame},
		{"a doubled quote and a delimiter", "\"a\"\",b\",c\n", "[a\",b|c]", isSame},
		{"a doubled quote and a line break", "\"a\"\"\nb\",c\n", "[a\"\nb|c]", isSame},
		{"quotes, no end of line", "\"a\",\"b\"", "[a|b]", isSame},
		{"quotes, CRLF", "\"a\",\"b\"\r\n\"c\",\"d\"\r\n", "[a|b][c|d]", isSame},
		{"blanks in quotes", "\" a \",b\n", "[ a |b]", isSame},
		// lone quotes
		{"a quote in the middle", "a\"b,c\n", "[a\"b|c]", literal},
		{"a quote last", "5\",c\n", "[5\"|c]", literal},
		{"two quotes in the middle", "a\"b\"c,d\n", "[a\"b\"c|d]", literal},
		{"doubled quotes in the middle", "a\"\"b,c\n", "[a\"\"b|c]", literal},
		{"a quote that is not closed", "\"a,b\n", "!quote_unclosed", goesOn},
		{"a quote that is not closed, rows follow", "a,\"b\nc,d\n", "!quote_unclosed[c|d]", goesOn},
		{"nothing but a quote", "\"", "!quote_unclosed", goesOn},
		{"three quotes", "\"\"\"", "!quote_unclosed", goesOn},
		{"text behind a quote", "\"a\"b,c\nd\n", "!quote_tail[d]", goesOn},
		{"a quote behind a quote", "\"a\" \"b\",c\nd\n", "!quote_tail[d]", goesOn},
		{"doubled quotes behind a quote", "\"a\"b\"\"\nd\n", "!quote_tail[d]", goesOn},
		{"a backslash before a quote", "\"a\\\" b\",c\nd\n", "!quote_tail[d]", goesOn},
		{"a quote that another row closes", "\"a,1\nb,2\n\"c\",3\n", "!quote_tail[b|2][c|3]", goesOn},
		{"a blank before a quote", "a, \"b,c\"\n", "[a|b,c]", opens},
		{"a blank behind a quote", "\"a\" ,b\n", "[a|b]", opens},
		{"a tab before a quote", "a,\t\"b\"\n", "[a|b]", opens},
		{"a mark before a quote", "\ufeff\"a\",b\n", "[a|b]", opens},
		{"a no-break space before a quote", "\u00a0\"a\",b\n", "[a|b]", opens},
		// line ends
		{"CR", "a,b\rc,d\r", "[a|b][c|d]", loneCR},
		{"CR in the middle of a row", "a,b\rc\n", "[a|b][c]", loneCR},
		{"CR, LF, CRLF", "a\rb\nc\r\nd", "[a][b][c][d]", loneCR},
		{"CR CR LF", "a\r\r\nb\n", "[a][b]", loneCR},
		{"LF CR", "a\n\rb\n", "[a][b]", loneCR},
		{"CR at the end", "a,b\r", "[a|b]", isSame},
		{"a line separator of Unicode", "a\u2028b\u0085c\n", "[a\u2028b\u0085c]", isSame},
		// marks
		{"a mark first", "\ufeffa,b\n", "[\ufeffa|b]", isSame},
		{"nothing but a mark", "\ufeff\n", empty, blankRow},
	} {
		ours := ""
		for _, row := range walk(t, strings.NewReader(c.text), ',') {
			if row.Code != "" {
				ours += "!" + string(row.Code)
			} else {
				ours += "[" + strings.Join(row.Fields, "|") + "]"
			}
		}
		if ours != c.want {
			t.Errorf("%s: %q is %q, want %q", c.name, c.text, ours, c.want)
		}
		reader := csv.NewReader(strings.NewReader(c.text))
		reader.FieldsPerRecord = -1
		theirs := ""
		rows, err := reader.ReadAll()
		for _, row := range rows {
			theirs += "[" + strings.Join(row, "|") + "]"
		}
		if err != nil {
			theirs = err.Error()
		}
		if same := ours == theirs; same != (c.why == isSame) {
			t.Errorf("%s: %q is %q, to encoding/csv %q; the reason given: %q", c.name, c.text, ours, theirs, c.why)
		}
	}
}
