package feed

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// tarOf is a tar archive of one file.
func tarOf(format tar.Format) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Name: "feed.csv", Mode: 0o644, Size: 5, Format: format})
	_, err2 := io.WriteString(w, "a,b,c")
	if err := errors.Join(err, err2, w.Close()); err != nil {
		panic(err)
	}
	return b.String()
}

// oldTar is one as tar wrote before POSIX: without a name.
func oldTar() string {
	b := []byte(tarOf(tar.FormatUSTAR))
	clear(b[257:512])
	sum := 0
	copy(b[148:156], "        ")
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return string(b)
}

func TestWhatIsNoFeedIsRefusedByName(t *testing.T) {
	const plain = "store,item,count\nA,B,1\n"
	for name, c := range map[string]struct{ body, says string }{
		"zip":               {"PK\x03\x04....data.csv", "is a zip archive; send CSV"},
		"zip of nothing":    {"PK\x05\x06....", "is an empty zip archive; send CSV"},
		"xlsx":              {"PK\x03\x04....[Content_Types].xml", "is an Excel workbook (xlsx); send CSV"},
		"Parquet":           {"PAR1....", "is a Parquet file; send CSV"},
		"xls":               {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..", "is an Excel workbook (xls); send CSV"},
		"bzip2":             {"BZh91AY", "is compressed by bzip2; send CSV"},
		"xz":                {"\xfd7zXZ\x00", "is compressed by xz; send CSV"},
		"7z":                {"7z\xbc\xaf\x27\x1c", "is a 7z archive; send CSV"},
		"PDF":               {"%PDF-1.7", "is a PDF document; send CSV"},
		"tar":               {tarOf(tar.FormatUSTAR), "is a tar archive; send CSV"},
		"tar of GNU":        {tarOf(tar.FormatGNU), "is a tar archive; send CSV"},
		"tar of PAX":        {tarOf(tar.FormatPAX), "is a tar archive; send CSV"},
		"tar of old":        {oldTar(), "is a tar archive; send CSV"},
		"tar.gz":            {zipped(tarOf(tar.FormatGNU)), "is a tar archive inside gzip; send CSV"},
		"tar.zst":           {zstdOf(tarOf(tar.FormatGNU)), "is a tar archive inside zstd; send CSV"},
		"xlsx in gzip":      {zipped("PK\x03\x04....[Content_Types].xml"), "is an Excel workbook (xlsx) inside gzip; send CSV"},
		"gzip in gzip":      {zipped(zipped(plain)), "compressed twice, gzip inside gzip; compress it once"},
		"zstd in gzip":      {zipped(zstdOf(plain)), "compressed twice, zstd inside gzip; compress it once"},
		"gzip in zstd":      {zstdOf(zipped(plain)), "compressed twice, gzip inside zstd; compress it once"},
		"thrice compressed": {zstdOf(zstdOf(zipped(plain))), "compressed twice, zstd inside zstd; compress it once"},
	} {
		for how, body := range map[string]io.Reader{"whole": strings.NewReader(c.body), "byte by byte": iotest.OneByteReader(strings.NewReader(c.body))} {
			_, _, err := read(body, usual)
			var unusable *Unusable
			if !errors.As(err, &unusable) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: %v", name, how, err)
			}
		}
	}
}

func TestAHeaderLikeATarsIsTaken(t *testing.T) {
	text := "store,item,count," + strings.Repeat("x", 131) + "0001750,\nA,B,1,,\n" + strings.Repeat("A,B,2,,\n", 100)
	if rows, rejects, err := read(strings.NewReader(text), usual); err != nil || len(rows) != 101 {
		t.Error(len(rows), rejects, err)
	}
}

func TestGzipIsPaddedWithNULs(t *testing.T) {
	first, second := zipped("store,item,count\nA,B"), zipped(",1\nC,D,2\n")
	pad := strings.Repeat("\x00", 70_000)
	for name, c := range map[string]struct {
		body string
		fail bool
	}{
		"behind the last":  {first + second + pad, false},
		"one NUL":          {first + second + "\x00", false},
		"between members":  {first + pad + second, false},
		"behind each":      {first + "\x00" + second + "\x00\x00", false},
		"garbage behind":   {first + second + pad + "x", true},
		"half a member":    {first + pad + second[:15], true},
		"half a header":    {first + second + "\x1f\x8b", true},
		"NULs before it":   {"\x00" + first + second, true},
		"a member in text": {first + second + "\x1f", true},
	} {
		for how, body := range map[string]io.Reader{"whole": strings.NewReader(c.body), "byte by byte": iotest.OneByteReader(strings.NewReader(c.body))} {
			rows, _, err := read(body, usual)
			if c.fail {
				if err == nil {
					t.Errorf("%s, %s: taken as %v", name, how, rows)
				}
			} else if diff := cmp.Diff([]string{"2@17 A/B=1", "3@23 C/D=2"}, rows); diff != "" || err != nil {
				t.Errorf("%s, %s: %v\n%s", name, how, err, diff)
			}
		}
	}
}

// frame is a zstd frame of one raw block that asks for a window of that size, as RFC 8878, 3.1.1 has it.
func frame(window uint64, text string) string {
	exponent := 0
	for base := uint64(1) << 10; base*2 <= window; base *= 2 {
		exponent++
	}
	b := append([]byte("\x28\xb5\x2f\xfd"), 0, byte(exponent<<3))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text))<<3|1)[:len(b)+3]
	return string(b) + text
}

func TestWindowsOfZstdAreBounded(t *testing.T) {
	const plain = "store,item,count\nA,B,1\n"
	rules := usual
	rules.Caps.Window = 8 << 20
	for name, c := range map[string]struct {
		body string
		fail bool
	}{
		"as large as allowed": {frame(8<<20, plain), false},
		"twice as large":      {frame(16<<20, plain), true},
		"--ultra -22":         {frame(128<<20, plain), true},
		"in the second frame": {frame(8<<20, plain) + frame(16<<20, "C,D,2\n"), true},
	} {
		_, _, err := read(strings.NewReader(c.body), rules)
		var unusable *Unusable
		switch {
		case !c.fail && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.fail && (!errors.As(err, &unusable) || !strings.Contains(err.Error(), "more than 8MiB (loader.max_window)") || !strings.Contains(err.Error(), "`zstd -19`")):
			t.Errorf("%s: %v", name, err)
		}
	}
	long := "store,item,count\n" + strings.Repeat("A,"+strings.Repeat("B", 1000)+",1\n", 9<<10)
	for window, fail := range map[int]bool{8 << 20: false, 16 << 20: true} {
		z, err := zstd.NewWriter(nil, zstd.WithWindowSize(window))
		if err != nil {
			t.Fatal(err)
		}
		rules.Caps.Ratio = 1 << 40
		if _, _, err = read(bytes.NewReader(z.EncodeAll([]byte(long), nil)), rules); (err != nil) != fail {
			t.Errorf("a window of %d bytes: %v", window, err)
		}
	}
}
