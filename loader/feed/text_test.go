package feed

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// windows encodes a text as Excel's plain CSV is on a Western computer.
func windows(t testing.TB, text string) string {
	t.Helper()
	s, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWindows1252(t *testing.T) {
	const plain = "store;item;count\nKöln;Ünder “5 €” – ÇÃ®;1\u00a0234\n"
	rules := usual
	rules.Charset, rules.Counts.Thousands = Windows1252, Space
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"itself":                 {windows(t, plain), []string{"2: Köln/Ünder “5 €” – ÇÃ® 1234"}},
		"gzip":                   {zipped(windows(t, plain)), []string{"2: Köln/Ünder “5 €” – ÇÃ® 1234"}},
		"a mark says otherwise":  {"\ufeff" + plain, []string{"2: Köln/Ünder “5 €” – ÇÃ® 1234"}},
		"UTF-16 says otherwise":  {utf16Of(plain, unicode.LittleEndian), []string{"2: Köln/Ünder “5 €” – ÇÃ® 1234"}},
		"blanks beyond ASCII":    {windows(t, "store,item,count\n\u00a0Köln\u00a0,\u00a0\"Jar\"\u00a0,5\n"), []string{"2: Köln/Jar 5"}},
		"undefined bytes":        {"store,item,count\nA\x81,B,1\nC,D\x9d,2\nE,F,3", []string{"2: encoding", "3: encoding", "4: E/F 3"}},
		"UTF-8 nobody told of":   {"store,item,count\nKöln,B,1\nRome,caffè,2\nAarhus,C,3\n", []string{"2: encoding", "3: encoding", "4: Aarhus/C 3"}},
		"half of such a letter":  {"store,item,count\nA,\xc3,1\nA,\xc3\n", []string{"2: A/Ã 1", "3: field_missing"}},
		"half of one at the end": {"store,count,item\nA,1,\xc3", []string{"2: A/Ã 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, judged(t, c.text, rules)); diff != "" {
				t.Error(diff)
			}
		})
	}
	_, rejects, err := read(strings.NewReader("store,item,count\nKöln,B,1\n"), rules)
	if err != nil || len(rejects) != 1 || !strings.Contains(rejects[0].Message, "loader.encoding") || !strings.Contains(rejects[0].Message, "UTF-8") {
		t.Errorf("%v, %v", rejects, err)
	}
}

// TestTheSettingForWindows1252IsNamed wherever somebody sees the trouble that it would end.
func TestTheSettingForWindows1252IsNamed(t *testing.T) {
	_, rejects, err := read(strings.NewReader(windows(t, "store,item,count\nKöln,B,1\nRome,C,2\n")), usual)
	if err != nil || len(rejects) != 1 || !strings.Contains(rejects[0].Message, "loader.encoding to windows-1252") {
		t.Errorf("%v, %v", rejects, err)
	}
	if _, _, err = read(strings.NewReader(windows(t, "store,größe,item\n")), usual); err == nil || !strings.Contains(err.Error(), "loader.encoding to windows-1252") {
		t.Error(err)
	}
}

// FuzzTail holds the end of texts to what it is said to be, however the text arrives.
func FuzzTail(f *testing.F) {
	for _, s := range []string{"a\n\x1a", "a\x00\x00\x00", "a\x1a\nb", "\x1a", "a \r\n \x00\r\n", "\x00a\x1a\x1a \x00"} {
		f.Add([]byte(s), uint16(3), uint16(0))
		f.Add([]byte(s), uint16(1), uint16(10_000))
	}
	f.Fuzz(func(t *testing.T, text []byte, chunk, nuls uint16) {
		text = append(text, make([]byte, nuls)...)
		got, err := io.ReadAll(&tail{r: &chunks{bytes.Clone(text), 1 + int(chunk)}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := io.ReadAll(iotest.OneByteReader(&tail{r: bytes.NewReader(text)}))
		if err != nil || !bytes.Equal(got, again) {
			t.Fatalf("%q in one piece, %q by the byte: %v", again, got, err)
		}
		cut, ok := bytes.CutPrefix(text, got)
		if !ok || len(bytes.Trim(cut, endings)) > 0 || len(cut) > 0 && strings.IndexByte(pads, cut[0]) < 0 {
			t.Fatalf("%q is made of %q", got, text)
		}
		if end := len(bytes.TrimRight(text, endings)); len(text)-end < heldMost && bytes.ContainsAny(got[end:], pads) {
			t.Fatalf("%q is left at the end of %q", got[end:], text)
		}
	})
}
