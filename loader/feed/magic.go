package feed

import (
	"bytes"
	"strconv"
	"strings"
)

// sendCSV ends the message about what is no feed.
const sendCSV = "; send CSV, plain or compressed by gzip or zstd"

// foreigners are formats that are refused by name, and the bytes they begin with.
var foreigners = []struct{ magic, name string }{
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "an empty zip archive"},
	{"PAR1", "a Parquet file"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)"},
	{"BZh", "compressed by bzip2"},
	{"\xfd7zXZ\x00", "compressed by xz"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{"%PDF-", "a PDF document"},
}

// foreign names what begins like that and is no feed, or returns nothing.
func foreign(head []byte) string {
	for _, f := range foreigners {
		if !bytes.HasPrefix(head, []byte(f.magic)) {
			continue
		}
		if f.magic == foreigners[0].magic && bytes.Contains(head, []byte("[Content_Types].xml")) {
			return "an Excel workbook (xlsx)"
		}
		return f.name
	}
	if isTar(head) {
		return "a tar archive"
	}
	return ""
}

// isTar reports whether b begins with a header of tar: POSIX and GNU put their name into it, older ones only the sum
// of its bytes, in octal digits that are counted as spaces.
func isTar(b []byte) bool {
	const block, name, sumAt, sumEnd = 512, 257, 148, 156
	if len(b) < block {
		return false
	}
	if bytes.HasPrefix(b[name:], []byte("ustar")) {
		return true
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[sumAt:sumEnd]), " \x00"), 8, 64)
	if err != nil || want == 0 {
		return false
	}
	sum := int64(sumEnd-sumAt) * ' '
	for i, c := range b[:block] {
		if i < sumAt || i >= sumEnd {
			sum += int64(c)
		}
	}
	return sum == want
}

// compression names the compression of what begins like that, if a feed may have it.
func compression(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "gzip"
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), isSkippable(head):
		return "zstd"
	}
	return ""
}

// isSkippable reports whether b begins with a frame that zstd passes over, as pzstd writes first (RFC 8878, 3.1.2).
func isSkippable(b []byte) bool {
	return len(b) >= 4 && b[0]&0xf0 == 0x50 && string(b[1:4]) == "\x2a\x4d\x18"
}
