package feed

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// invisible are the characters without width that come along when text is copied or files are joined, and that say
// nothing at the ends of a value: byte order marks, zero-width spaces and joiners, marks and embeddings of direction.
var invisible = []rune("\ufeff\u200b\u2060\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

// isBlank reports whether a character is one that values are trimmed of: white space, or invisible.
func isBlank(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r >= '\t' && r <= '\r'
	}
	return unicode.IsSpace(r) || slices.Contains(invisible, r)
}

// trim returns b without the blanks around it.
func trim(b []byte) []byte {
	if n := len(b); n > 0 && isPlain(b[0]) && isPlain(b[n-1]) {
		return b // as most
	}
	return trimRight(trimLeft(b))
}

// isPlain reports whether a byte is a visible character by itself.
func isPlain(c byte) bool { return c > ' ' && c < utf8.RuneSelf }

func trimLeft(b []byte) []byte {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if !isBlank(r) {
			break
		}
		b = b[size:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 {
		r, size := utf8.DecodeLastRune(b)
		if !isBlank(r) || isLetterPart(b[:len(b)-size], r) {
			break
		}
		b = b[:len(b)-size]
	}
	return b
}

// isLetterPart reports whether r, behind b, is a joiner that belongs to the letter before it: Indic scripts write some
// with a joiner behind a combining mark.
func isLetterPart(b []byte, r rune) bool {
	before, _ := utf8.DecodeLastRune(b)
	return (r == '\u200c' || r == '\u200d') && unicode.Is(unicode.Mn, before)
}
