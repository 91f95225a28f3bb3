package feed

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// windowsStep transcodes windows-1252. Its five undefined bytes are no text.
//
// A sender who changes to UTF-8 and tells nobody would make a phantom store of each name with an umlaut: Ã and ¼ for ü.
// So what is a letter in UTF-8 is no text either, unless the second byte is what a word that ends in Ã may have behind it.
func windowsStep(out, in []byte, end bool) ([]byte, int) {
	c := in[0]
	if c < utf8.RuneSelf {
		return append(out, c), 1
	}
	if c == 0xC3 {
		if len(in) < 2 && !end {
			return out, 0
		}
		if len(in) > 1 && in[1]&0xC0 == 0x80 && bytes.IndexByte(behindWords, in[1]) < 0 {
			return append(out, "Ã\xff"...), 2
		}
	}
	r := charmap.Windows1252.DecodeByte(c)
	if r == utf8.RuneError {
		return append(out, noText), 1
	}
	return utf8.AppendRune(out, r), 1
}

// behindWords are … ‘ ’ “ ” – — ™ › no-break space ® and ».
var behindWords = []byte("\x85\x91\x92\x93\x94\x96\x97\x99\x9b\xa0\xae\xbb")
