package feed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"

	"inventoryd/test/feeds"
)

var usual = Rules{
	Columns:    Columns{Store: []string{"store"}, Item: []string{"item", "article"}, Count: []string{"count", "qty"}},
	Delimiters: Delimiters,
	Caps:       Caps{Size: 1 << 30, Ratio: 100, Window: 8 << 20},
}

// read reads a whole feed: usable rows as text, rejects as they are.
func read(body io.Reader, rules Rules) (rows []string, rejects []Reject, err error) {
	r, err := Open(body, rules)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	for {
		row, reject, err := r.Next()
		switch {
		case err == io.EOF:
			return rows, rejects, nil
		case err != nil:
			return rows, rejects, err
		case reject != nil:
			rejects = append(rejects, *reject)
		default:
			rows = append(rows, fmt.Sprintf("%d@%d %s/%s=%d", row.Line, row.Offset, row.Store, row.Item, row.Count))
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return b.String()
}

func zstdOf(text string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(z.EncodeAll([]byte(text), nil))
}

func utf16Of(text string, e unicode.Endianness) string {
	s, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return s
}

func TestFormsOfFeeds(t *testing.T) {
	const plain = "store,item,count\nZürich,Ø 𝄞,7\n"
	want := []string{"2@17 Zürich/Ø 𝄞=7"}
	for name, text := range map[string]string{
		"plain":                 plain,
		"gzip":                  zipped(plain),
		"gzip of two members":   zipped(plain[:20]) + zipped(plain[20:]),
		"zstd":                  zstdOf(plain),
		"zstd of two frames":    zstdOf(plain[:20]) + zstdOf(plain[20:]),
		"zstd, a frame to skip": "\x5a\x2a\x4d\x18\x03\x00\x00\x00abc" + zstdOf(plain),
		"UTF-16 little endian":  utf16Of(plain, unicode.LittleEndian),
		"UTF-16 big endian":     utf16Of(plain, unicode.BigEndian),
		"gzip of UTF-16":        zipped(utf16Of(plain, unicode.BigEndian)),
		"semicolons":            strings.ReplaceAll(plain, ",", ";"),
		"tabs":                  strings.ReplaceAll(plain, ",", "\t"),
		"pipes":                 strings.ReplaceAll(plain, ",", "|"),
		"no end of line":        strings.TrimSuffix(plain, "\n"),
		"header in quotes":      "\"store\",item,count\nZürich,Ø 𝄞,7", // see offset below
	} {
		t.Run(name, func(t *testing.T) {
			want := want
			if name == "header in quotes" {
				want = []string{"2@19 Zürich/Ø 𝄞=7"}
			}
			for how, body := range map[string]io.Reader{"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
				rows, rejects, err := read(body, usual)
				if err != nil || len(rejects) > 0 {
					t.Errorf("%s: %v, %v", how, rejects, err)
				}
				if diff := cmp.Diff(want, rows); diff != "" {
					t.Errorf("%s:\n%s", how, diff)
				}
			}
		})
	}
}

func TestAByteOrderMarkCountsInOffsets(t *testing.T) {
	rows, _, err := read(strings.NewReader("\ufeffstore,item,count\nA,B,1"), usual)
	if diff := cmp.Diff([]string{"2@20 A/B=1"}, rows); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name, header, row string
		problem           string // parts of the error, separated by |
	}{
		{"any order", "count,item,store", "1,B,A", ""},
		{"any case, and spaces", " STORE , Item ,\tCount", "A,B,1", ""},
		{"further columns", "id,store,x,item,y,count,z", "0,A,0,B,0,1,0", ""},
		{"an alias", "store,article,qty", "A,B,1", ""},
		{"the preferred name before an alias", "store,qty,item,count", "A,9,B,1", ""},
		{"blank lines above", "\n  \n\nstore,item,count", "A,B,1", ""},
		{"commas in the names, and semicolons between", "store;item;count;a,b,c", "A;B;1;x", ""},
		{"a column missing", "store,item,amount", "A,B,1", `missing count (or qty)|found: "store", "item", "amount"|loader.columns`},
		{"no header", "Berlin,Echo Dot,12", "Berlin,Echo Show,3", `missing store, item (or article), count (or qty)|found: "Berlin", "Echo Dot", "12"`},
		{"a column twice", "store,item,count,Count", "A,B,1,2", "count is there twice"},
		{"empty", "", "", "the object is empty"},
		{"blank", "\n \n", "\n", "the object is empty"},
		{"a quote never closed", `store,item,"count`, "A,B,1", "no usable header|line 1|quote_unclosed"},
		{"a line too long", strings.Repeat("x", LineLimit+9), "A,B,1", "no usable header|line_too_long"},
		{"UTF-16 without a mark", "s\x00t\x00o\x00r\x00e\x00", "", "NUL|UTF-16"},
		{"very many columns", strings.Repeat("c,", 100) + "store", "", "and 81 more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, rejects, err := read(strings.NewReader(c.header+"\n"+c.row+"\n"), usual)
			if c.problem == "" {
				if err != nil || len(rejects) > 0 || len(rows) != 1 || !strings.HasSuffix(rows[0], " A/B=1") {
					t.Errorf("%v, %v, %v", rows, rejects, err)
				}
				return
			}
			var unusable *Unusable
			if !errors.As(err, &unusable) {
				t.Fatalf("got %v, want an Unusable", err)
			}
			for _, part := range strings.Split(c.problem, "|") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestRowsThatCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		name, row, column string
		code              Code
	}{
		{"too few fields", "A,B", "count", FieldMissing},
		{"one field", "A", "item", FieldMissing},
		{"no store", ",B,1", "store", StoreEmpty},
		{"a store of spaces", " \u00a0,B,1", "store", StoreEmpty},
		{"no item", `A,"",1`, "item", ItemEmpty},
		{"a store too long", strings.Repeat("s", 2049) + ",B,1", "store", StoreTooLong},
		{"an item too long", "A," + strings.Repeat("ä", 513) + ",1", "item", ItemTooLong},
		{"a store in Latin-1", "Z\xfcrich,B,1", "store", Encoding},
		{"an item in Latin-1", "A,\xfc,1", "item", Encoding},
		{"a count of letters", "A,B,abc", "count", CountInvalid},
		{"no count", "A,B,", "count", CountEmpty},
		{"the first problem of several", ",,abc", "store", StoreEmpty},
		{"a quote never closed", `A,"B,1`, "", QuoteUnclosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "store,item,count\nA,B,1\n" + c.row + "\nC,D,2\n"
			rows, rejects, err := read(strings.NewReader(text), usual)
			if err != nil || len(rows) != 2 || len(rejects) != 1 {
				t.Fatalf("%v, %v, %v", rows, rejects, err)
			}
			r := rejects[0]
			if r.Line != 3 || r.Offset != 23 || r.Code != c.code || r.Column != c.column || r.Message == "" {
				t.Errorf("%+v", r)
			}
			if want := strings.ToValidUTF8(c.row[:min(len(c.row), RawLimit)], "\ufffd"); r.Raw != want {
				t.Errorf("raw is %q, want %q", r.Raw, want)
			}
		})
	}
}

func TestTheLongestKeysAreTaken(t *testing.T) {
	text := "store,item,count\n" + strings.Repeat("s", 2048) + "," + strings.Repeat("i", 1024) + ",1\n"
	if rows, rejects, err := read(strings.NewReader(text), usual); err != nil || len(rows) != 1 {
		t.Error(rejects, err)
	}
}

func TestTruncatedAndBrokenBodiesAreNoSuccess(t *testing.T) {
	long := "store,item,count\n" + strings.Repeat("A,B,1\n", 5_000)
	for name, text := range map[string]string{
		"gzip":                zipped(long),
		"zstd":                zstdOf(long),
		"gzip of two members": zipped(long) + zipped(long),
	} {
		for cut := 1; cut < len(text); cut += max(1, len(text)/50) {
			if _, _, err := read(strings.NewReader(text[:cut]), usual); err == nil {
				t.Errorf("%s cut at %d of %d bytes is taken", name, cut, len(text))
			}
		}
		if _, _, err := read(strings.NewReader(text+"garbage"), usual); err == nil {
			t.Errorf("%s with garbage behind it is taken", name)
		}
		broken := []byte(text)
		broken[len(broken)/2] ^= 0x55
		if _, _, err := read(bytes.NewReader(broken), usual); err == nil {
			t.Errorf("%s with a flipped byte is taken", name)
		}
	}
	boom := errors.New("boom")
	if _, _, err := read(io.MultiReader(strings.NewReader("store,item,count\nA,B,1\nA,B"), iotest.ErrReader(boom)), usual); !errors.Is(err, boom) {
		t.Errorf("the body's own error is lost: %v", err)
	}
	if _, _, err := read(io.MultiReader(strings.NewReader("sto"), iotest.ErrReader(boom)), usual); !errors.Is(err, boom) {
		t.Errorf("the body's own error is lost in the header: %v", err)
	}
}

func TestBombsAreDefused(t *testing.T) {
	row := "A," + strings.Repeat("B", 500) + ",1\n"
	bomb := zipped("store,item,count\n" + strings.Repeat(row, 18<<20/len(row)))
	for name, c := range map[string]struct {
		body string
		caps Caps
		says string
	}{
		"ratio": {bomb, Caps{Size: 1 << 40, Ratio: 100, Window: 8 << 20}, "loader.max_ratio"},
		"size":  {bomb, Caps{Size: 17 << 20, Ratio: 1 << 40, Window: 8 << 20}, "loader.max_expanded"},
	} {
		rules := usual
		rules.Caps = c.caps
		rows, _, err := read(strings.NewReader(c.body), rules)
		if err == nil || !strings.Contains(err.Error(), c.says) || len(rows) > 17<<20/len(row)+1 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
	}
}

func TestBrokenUTF16SpoilsItsRowOnly(t *testing.T) {
	good := utf16Of("store,item,count\nA,B,1\n", unicode.LittleEndian)
	plain := func(s string) string { return utf16Of(s, unicode.LittleEndian)[2:] }
	for name, bad := range map[string]string{
		"a low half alone":              "\x00\xdc",
		"a high half alone":             "\x00\xd8",
		"two high halves":               "\x00\xd8\x00\xd8",
		"the halves in the wrong order": "\x00\xdc\x00\xd8",
	} {
		rows, rejects, err := read(iotest.OneByteReader(strings.NewReader(good+plain("A,x")+bad+plain(",2\nC,D,3\n"))), usual)
		if err != nil || len(rows) != 2 || len(rejects) != 1 || rejects[0].Code != Encoding || rejects[0].Line != 3 {
			t.Errorf("%s: %v, %v, %v", name, rows, rejects, err)
		}
	}
	_, rejects, err := read(strings.NewReader(good+plain("C,D,3")+"\x31"), usual)
	if err != nil || len(rejects) != 1 {
		t.Errorf("an odd byte at the end: %v, %v", rejects, err)
	}
}

func TestRowsAllocateNothing(t *testing.T) {
	text := []byte("store,item,count\n" + strings.Repeat("Springfield,\"Echo \"\"Dot\"\"\",12\n", 10_000))
	n := testing.AllocsPerRun(5, func() {
		if r, err := Open(bytes.NewReader(text), usual); err == nil {
			for err == nil {
				_, _, err = r.Next()
			}
		}
	})
	if n > 100 {
		t.Errorf("%v allocations for a feed of 10,000 rows", n)
	}
}

// FuzzFeed reads anything, in any form: it must come to an end, balance, hand out nothing that DynamoDB would refuse, and
// say the same however the body arrives.
func FuzzFeed(f *testing.F) {
	plain := "store,item,count\nA,\"B\nC\",1\nD,E,x\n"
	for _, s := range []string{plain, zipped(plain), zstdOf(plain), utf16Of(plain, unicode.LittleEndian), "\ufeff" + plain, "PK\x03\x04", "\x1f\x8b"} {
		f.Add([]byte(s), byte(0))
	}
	for i, awkward := range feeds.All() {
		if len(awkward.Body) < 4<<10 {
			f.Add(awkward.Body, byte(i))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, form byte) {
		rules := usual
		rules.Caps = Caps{Size: 1 << 20, Ratio: 100, Window: 8 << 20}
		rules.Charset, rules.Counts.Thousands = Charset(form&1), Thousands(form>>1)%Thousands(len(separators))
		rows, rejects, problem := read(bytes.NewReader(body), rules)
		again, rejected, anew := read(&chunks{body, 1 + len(body)/7}, rules)
		if !slices.Equal(rows, again) || !slices.Equal(rejects, rejected) || fmt.Sprint(problem) != fmt.Sprint(anew) {
			t.Fatalf("in pieces %q, %v, %v; whole %q, %v, %v", again, rejected, anew, rows, rejects, problem)
		}
		r, err := Open(bytes.NewReader(body), rules)
		if err != nil {
			return
		}
		defer r.Close()
		for last := int64(0); ; {
			row, reject, err := r.Next()
			if err != nil {
				return
			}
			if (row == nil) == (reject == nil) {
				t.Fatal("neither a row nor a reject, or both")
			}
			line := int64(0)
			if row != nil {
				line = row.Line
				if !bytes.Equal(trim(row.Store), row.Store) || bytes.ContainsAny(row.Item, "\r") {
					t.Fatalf("%q/%q is not as rows are", row.Store, row.Item)
				}
				if len(row.Store) == 0 || len(row.Store) > 2048 || len(row.Item) == 0 || len(row.Item) > 1024 || !utf8.Valid(row.Store) || !utf8.Valid(row.Item) {
					t.Fatalf("DynamoDB would refuse %q/%q", row.Store, row.Item)
				}
			} else {
				line = reject.Line
				if reject.Code == "" || reject.Message == "" || len(reject.Raw) > 3*RawLimit || !utf8.ValidString(reject.Raw) {
					t.Fatalf("a reject that says too little or too much: %+v", reject)
				}
			}
			if line <= last {
				t.Fatalf("line %d after line %d", line, last)
			}
			last = line
		}
	})
}

func BenchmarkFeed(b *testing.B) {
	text := []byte("store,item,count\n" + strings.Repeat("Springfield,Echo (2nd Gen) 000017,12\n", 10_000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(bytes.NewReader(text), usual)
		for err == nil {
			_, _, err = r.Next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}
