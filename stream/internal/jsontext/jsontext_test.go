package jsontext

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSpecialFindsTheFirst compares it with a plain search, at each place and over all bytes.
func TestSpecialFindsTheFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := make([]byte, random.IntN(40))
		for i := range b {
			switch random.IntN(12) {
			case 0:
				b[i] = "\"\\"[random.IntN(2)]
			case 1:
				b[i] = "\"\\"[random.IntN(2)] + byte(random.IntN(3)) - 1 // its neighbours, which carries must not reach
			default:
				b[i] = byte(random.IntN(256))
			}
		}
		text := string(b)
		for i := range len(text) + 1 {
			want := len(text)
			if n := strings.IndexAny(text[i:], `"\`); n >= 0 {
				want = i + n
			}
			if got := special(text, i); got != want {
				t.Fatalf("special(%q, %d) is %d, want %d", text, i, got, want)
			}
		}
	}
}
