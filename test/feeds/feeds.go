// Package feeds makes the awkward files that stores send: spreadsheets' encodings, compressions, broken quotes,
// truncated and malicious archives. Each is small to write down and comes out the same each time.
// `go run ./test/feeds/write DIR` writes them to a directory.
package feeds

import (
	"archive/tar"
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
	Name     string // as a file
	What     string // what is awkward about it
	Body     []byte
	Settings []string // below loader, key=value, by which it is to be read; none: the defaults do
}

func feed(name, what string, body []byte, settings ...string) Feed {
	return Feed{name, what, body, settings}
}

// plain is what most feeds say, in one awkward form or another.
const plain = "store,item,count\nZürich,Echo Dot,12\nZürich,\"Echo, 2nd\",0\nOsaka,\"TV 55\"\"\",-3\n"

// All returns every feed.
func All() []Feed {
	return []Feed{
		feed("plain.csv", "nothing awkward: commas, LF, UTF-8", text(plain)),
		feed("bom.csv", "UTF-8 with a byte order mark", text("\ufeff"+plain)),
		feed("utf16le.csv", "UTF-16 from a spreadsheet: little endian, tabs, CRLF", utf16Text(crlf(tabs(plain)), binary.LittleEndian)),
		feed("utf16be.csv", "UTF-16, big endian", utf16Text(plain, binary.BigEndian)),
		feed("latin1.csv", "Latin-1: only the rows with umlauts are no UTF-8", text(strings.ReplaceAll(plain, "ü", "\xfc"))),
		feed("crlf.csv", "CRLF", text(crlf(plain))),
		feed("cr.csv", "CR, as old Macs wrote", text(strings.ReplaceAll(plain, "\n", "\r"))),
		feed("semicolons.csv", "semicolons, as spreadsheets write where the comma is the decimal mark", text("store;item;count\nZürich;Echo, Dot;12\nOsaka;Echo Show;7,0\n")),
		feed("tabs.tsv", "tabs", text(tabs(plain))),
		feed("pipes.csv", "pipes", text("store|item|count\nZürich|Echo Dot|12\n")),
		feed("quotes.csv", "quotes with line breaks, delimiters and quotes inside", text("store,item,count\n\"Zürich\nWest\",\"a,\r\nb\",1\nOsaka,\"say \"\"hi\"\"\",2\nQuito,5\" pipe,3\n")),
		feed("unclosed.csv", "a quote that is opened and never closed", text("store,item,count\nZürich,a,1\nZürich,\"b,2\nZürich,c,3\n")),
		feed("gzip.csv.gz", "gzip", zipped(plain)),
		feed("members.csv.gz", "gzip of two members", append(zipped(plain[:30]), zipped(plain[30:])...)),
		feed("zstd.csv.zst", "zstd", zstdOf(plain)),
		feed("misnamed.csv", "gzip without its name", zipped(plain)),
		feed("archive.zip", "a zip archive: refused", archive("feed.csv", plain)),
		feed("book.xlsx", "a workbook: refused", archive("[Content_Types].xml", "<Types/>")),
		feed("table.parquet", "Parquet: refused", text("PAR1\x15\x04\x15\x10PAR1")),
		feed("truncated.csv.gz", "gzip, cut in the middle (few rows: more would be in the table, or not)", cut(zipped(rows(80)))),
		feed("garbage.csv.gz", "gzip with garbage behind it", append(zipped(plain), "garbage"...)),
		feed("bomb.csv.gz", "a few KiB of gzip that expand to 32 MiB", zipped("store,item,count\n"+strings.Repeat("0", 32<<20))),
		feed("longline.csv", "a line of 2 MiB between two good ones", text("store,item,count\nZürich,a,1\n"+strings.Repeat("x", 2<<20)+"\nZürich,b,2\n")),
		feed("noheader.csv", "no header", text("Zürich,Echo Dot,12\nZürich,Echo Show,3\n")),
		feed("aliases.csv", "a header with other names, another order and further columns", text("id,Qty,ARTICLE,price, Store \n1,12,Echo Dot,9.90,Zürich\n2,0,Echo Show,99,Osaka\n")),
		feed("nocount.csv", "no column count", text("store,item,amount\nZürich,Echo Dot,12\n")),
		feed("counts.csv", "every way to write a count", text(counts())),
		feed("keys.csv", "keys that the table does not take", text("store,item,count\n,a,1\nZürich,,2\n"+strings.Repeat("s", 2049)+",a,3\nZürich,"+strings.Repeat("i", 1025)+",4\nZürich\n  Zürich , a ,5\n")),
		feed("allbad.csv", "100 % bad rows", text("store,item,count\nZürich,a,x\nZürich,b,\n,c,1\n")),
		feed("empty.csv", "nothing at all", nil),
		feed("blank.csv", "blank lines only", text("\n \r\n\n")),
		feed("headeronly.csv", "a header and no rows", text("store,item,count\n")),
		feed("repeats.csv", "the same key again and again: the last one wins", text("store,item,count\nZürich,a,1\nZürich,a,2\nOsaka,a,9\nZürich,a,3\n")),
		feed("noend.csv", "no line end at the end", text(strings.TrimSuffix(plain, "\n"))),
		feed("decimalcomma.csv", "a decimal comma without quotes makes a field beyond the header; an empty one does no harm", text("store,item,count\nRiga,Kettle, 2,0\nRiga,Pan,3\nRiga,Pot,4,\n")),
		feed("tail.csv", "a quote in the wrong place: a later row's closes it", text("store,item,count\nGraz,\"Rope, 2\nGraz,Cap,1\nGraz,\"Lid\",3\nGraz,Jar,9\n")),
		feed("backslash.csv", "a quote behind a backslash, as C writes it", text("store,item,count\nGraz,\"Pipe 5\\\" long\",2\nGraz,Cap,1\n")),
		feed("joined.csv", "two files joined, each with its mark and its header", text("\ufeffstore,item,count\nTurku,Cup,3\n\ufeffstore,item,count\n\ufeffOulu,Cup,0\n")),
		feed("reordered.csv", "two files joined whose columns differ: what is below the second header cannot be trusted", text("store,item,count\nTurku,Cup,3\nitem,store,count\nCup,Oulu,0\n")),
		feed("sep.csv", "Excel's line that names the delimiter, and its blank rows", text(crlf("sep=;\nstore;item;count\nLinz;Jug, blue;12\nLinz;Pan;0\n;;\n;;\n"))),
		feed("decimals.csv", "three decimals, or thousands?", text(decimals)),
		feed("points.csv", "the same, once somebody has said that it is thousands", text(decimals), "thousands=point"),
		feed("narrow.csv", "thousands apart by narrow and other spaces that do not break", text("store,item,count\nLyon,Vis,1\u202f234\nLyon,Clou,2\u00a0500\nLyon,Pince,1 000 000\n"), "thousands=space"),
		feed("blanks.csv", "blanks and characters without width around values and before quotes", text("store, item , count\nBern, \"Jar, blue\" , 5\n\u00a0Bern,\u200bMug\u2060,6\u200e\n")),
		feed("ctrlz.csv", "Ctrl-Z at the end, as DOS wrote, where one bad row would refuse the file", text("store,item,count\nOslo,Ski,4\n\x1a"), "on_bad_row=reject_object"),
		feed("preallocated.csv", "2 MiB of NULs at the end, as of a file that got its size beforehand", append(text(plain), make([]byte, 2<<20)...)),
		feed("bom2.csv", "two byte order marks", text("\ufeff\ufeff"+plain)),
		feed("ansi.csv", "Excel's plain CSV on a Western computer", text(strings.ReplaceAll(plain, "ü", "\xfc")), "encoding=windows-1252"),
		feed("notansi.csv", "UTF-8 from a sender who wrote windows-1252 before", text(plain), "encoding=windows-1252"),
		feed("padded.csv.gz", "gzip with NULs behind it, as tapes pad", append(zipped(plain), make([]byte, 1000)...)),
		feed("archive.tar.gz", "a tar archive in gzip: refused", zipped(string(tarOf("feed.csv", plain)))),
		feed("twice.csv.gz.gz", "gzip in gzip: refused", zipped(string(zipped(plain)))),
		feed("window.csv.zst", "zstd with a window of 16 MiB, as --long makes: refused", windowOf(16<<20, rows(200))),
	}
}

const decimals = "store;item;count\nKiel;Rope;1.000\nKiel;Tar;2.5\nKiel;Sail;12\nKiel;Oar;0.000\n"

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

func tarOf(name, s string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(s))})
	_, err2 := io.WriteString(w, s)
	must(errors.Join(err, err2, w.Close()))
	return b.Bytes()
}

// windowOf compresses s as a stream whose length nobody knew, with a window of that size.
func windowOf(size int, s string) []byte {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(size), zstd.WithSingleSegment(false))
	must(err)
	_, err = io.WriteString(z, s)
	must(errors.Join(err, z.Flush(), z.Close()))
	return b.Bytes()
}

func cut(b []byte) []byte { return b[:len(b)*2/3] }

// must panics: writing to memory does not fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
