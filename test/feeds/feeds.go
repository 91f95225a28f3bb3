// Package feeds makes the awkward files that stores send: spreadsheets' encodings, compressions, broken quotes,
// truncated and malicious archives. Each is small to write down and comes out the same each time.
// `go run ./test/feeds/write DIR` writes them to a directory.
package feeds

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
)

// Feed is one file.
type Feed struct {
	Name string // as a file
	What string // what is awkward about it
	Body []byte
}

// plain is what most feeds say, in one awkward form or another.
const plain = "store,item,count\nZürich,Echo Dot,12\nZürich,\"Echo, 2nd\",0\nOsaka,\"TV 55\"\"\",-3\n"

// All returns every feed.
func All() []Feed {
	return []Feed{
		{"plain.csv", "nothing awkward: commas, LF, UTF-8", text(plain)},
		{"bom.csv", "UTF-8 with a byte order mark", text("\ufeff" + plain)},
		{"utf16le.csv", "UTF-16 from a spreadsheet: little endian, tabs, CRLF", utf16Text(crlf(tabs(plain)), binary.LittleEndian)},
		{"utf16be.csv", "UTF-16, big endian", utf16Text(plain, binary.BigEndian)},
		{"latin1.csv", "Latin-1: only the rows with umlauts are no UTF-8", text(strings.ReplaceAll(plain, "ü", "\xfc"))},
		{"crlf.csv", "CRLF", text(crlf(plain))},
		{"cr.csv", "CR, as old Macs wrote", text(strings.ReplaceAll(plain, "\n", "\r"))},
		{"semicolons.csv", "semicolons, as spreadsheets write where the comma is the decimal mark", text("store;item;count\nZürich;Echo, Dot;12\nOsaka;Echo Show;7,0\n")},
		{"tabs.tsv", "tabs", text(tabs(plain))},
		{"pipes.csv", "pipes", text("store|item|count\nZürich|Echo Dot|12\n")},
		{"quotes.csv", "quotes with line breaks, delimiters and quotes inside", text("store,item,count\n\"Zürich\nWest\",\"a,\r\nb\",1\nOsaka,\"say \"\"hi\"\"\",2\nQuito,5\" pipe,3\n")},
		{"unclosed.csv", "a quote that is opened and never closed", text("store,item,count\nZürich,a,1\nZürich,\"b,2\nZürich,c,3\n")},
		{"gzip.csv.gz", "gzip", zipped(plain)},
		{"members.csv.gz", "gzip of two members", append(zipped(plain[:30]), zipped(plain[30:])...)},
		{"zstd.csv.zst", "zstd", zstdOf(plain)},
		{"misnamed.csv", "gzip without its name", zipped(plain)},
		{"archive.zip", "a zip archive: refused", archive("feed.csv", plain)},
		{"book.xlsx", "a workbook: refused", archive("[Content_Types].xml", "<Types/>")},
		{"table.parquet", "Parquet: refused", text("PAR1\x15\x04\x15\x10PAR1")},
		{"truncated.csv.gz", "gzip, cut in the middle", cut(zipped(rows(500)))},
		{"garbage.csv.gz", "gzip with garbage behind it", append(zipped(plain), "garbage"...)},
		{"bomb.csv.gz", "a few KiB of gzip that expand to 32 MiB", zipped("store,item,count\n" + strings.Repeat("0", 32<<20))},
		{"longline.csv", "a line of 2 MiB between two good ones", text("store,item,count\nZürich,a,1\n" + strings.Repeat("x", 2<<20) + "\nZürich,b,2\n")},
		{"noheader.csv", "no header", text("Zürich,Echo Dot,12\nZürich,Echo Show,3\n")},
		{"aliases.csv", "a header with other names, another order and further columns", text("id,Qty,ARTICLE,price, Store \n1,12,Echo Dot,9.90,Zürich\n2,0,Echo Show,99,Osaka\n")},
		{"nocount.csv", "no column count", text("store,item,amount\nZürich,Echo Dot,12\n")},
		{"counts.csv", "every way to write a count", text(counts())},
		{"keys.csv", "keys that the table does not take", text("store,item,count\n,a,1\nZürich,,2\n" + strings.Repeat("s", 2049) + ",a,3\nZürich," + strings.Repeat("i", 1025) + ",4\nZürich\n  Zürich , a ,5\n")},
		{"allbad.csv", "100 % bad rows", text("store,item,count\nZürich,a,x\nZürich,b,\n,c,1\n")},
		{"empty.csv", "nothing at all", nil},
		{"blank.csv", "blank lines only", text("\n \r\n\n")},
		{"headeronly.csv", "a header and no rows", text("store,item,count\n")},
		{"repeats.csv", "the same key again and again: the last one wins", text("store,item,count\nZürich,a,1\nZürich,a,2\nOsaka,a,9\nZürich,a,3\n")},
		{"noend.csv", "no line end at the end", text(strings.TrimSuffix(plain, "\n"))},
	}
}

func counts() string {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	for i, count := range []string{
		"12", " 12 ", "+12", "12.0", "-12", "0", "007", "9223372036854775807",
		"12.5", "", "1e3", "NaN", "9223372036854775808", "\"1,234\"", "12 pcs", "abc",
	} {
		fmt.Fprintf(&b, "Zürich,item %02d,%s\n", i, count)
	}
	return b.String()
}

// rows makes a feed of n rows that does not compress to nothing.
func rows(n int) string {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	for i := range n {
		fmt.Fprintf(&b, "Zürich,item %d,%d\n", i*7919%n, i*104729%1000)
	}
	return b.String()
}

func text(s string) []byte { return []byte(s) }

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// tabs writes plain with tabs; its one comma inside quotes stays.
func tabs(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, ",", "\t"), "Echo\t 2nd", "Echo, 2nd")
}

func utf16Text(s string, order binary.AppendByteOrder) []byte {
	b := order.AppendUint16(nil, 0xFEFF)
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	must(errors.Join(err, z.Close()))
	return b.Bytes()
}

func zstdOf(s string) []byte {
	z, err := zstd.NewWriter(nil)
	must(err)
	return z.EncodeAll([]byte(s), nil)
}

func archive(name, s string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	must(err)
	_, err = io.WriteString(w, s)
	must(errors.Join(err, z.Close()))
	return b.Bytes()
}

func cut(b []byte) []byte { return b[:len(b)*2/3] }

// must panics: writing to memory does not fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
