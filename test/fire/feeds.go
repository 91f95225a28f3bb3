package fire

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"

	"inventoryd/internal/inventory"
)

// sheet is what one upload of a store's feed says.
type sheet struct {
	body []byte
	rows map[string]int64 // by item: those that can be used
	bad  bool             // it cannot be loaded at all
}

func storeName(n int) string { return fmt.Sprintf("Store %03d", n) }

func kioskName(n int) string { return fmt.Sprintf("Kiosk %d", n) }

func feedKey(n int) string { return fmt.Sprintf("feeds/store-%03d.csv", n) }

// assortment is how many items a store has; some stores are large enough to be stopped in the middle of.
func assortment(store int) int {
	if store < 3 {
		return 2000
	}
	return 5 + store%30
}

// newSheet makes an upload of a store; the same for the same seed and shape.
func newSheet(store int, shape string, seed uint64) sheet {
	d := rand.New(rand.NewPCG(seed, uint64(store)))
	if shape == headless {
		return sheet{body: []byte("Store,Item,Count\n"), bad: true}
	}
	n := assortment(store)
	if shape == truncated {
		n = max(1, n*(30+d.IntN(60))/100)
	}
	s := sheet{rows: map[string]int64{}}
	var b bytes.Buffer
	b.WriteString("Store,Item,Count\n")
	for i := range n {
		item, count := fmt.Sprintf("Item %d", i), int64(0)
		if d.IntN(100) >= 15 {
			count = 1 + d.Int64N(99)
		}
		if shape == rejects && i > 0 && d.IntN(4) == 0 {
			fmt.Fprintf(&b, "%s,%s,n/a\n", storeName(store), item)
			continue
		}
		fmt.Fprintf(&b, "%s,%s,%d\n", storeName(store), item, count)
		s.rows[item] = count
	}
	s.body = b.Bytes()
	if shape == gzipped {
		s.body = zipped(s.body)
	}
	return s
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// hostileBodies are objects that are no feeds.
var hostileBodies = map[string][]byte{
	"archive.zip":  []byte("PK\x03\x04\x14\x00\x00\x00"),
	"page.html":    []byte("<!doctype html><html><body>Sign in</body></html>"),
	"empty.csv":    {},
	"noise.csv":    bytes.Repeat([]byte{0xff, 0x00, 0x81}, 5000),
	"quote.csv":    append([]byte("Store,Item,Count\n\""), bytes.Repeat([]byte("x"), 200_000)...),
	"bomb.gz":      zipped(make([]byte, 8<<20)),
	"other.csv":    []byte("Name,Price\nKettle,3\n"),
	"long line":    bytes.Repeat([]byte("a"), 3<<20),
	"half.gz":      zipped([]byte("Store,Item,Count\nHostile,Kettle,1\n"))[:20],
	"fractions.tx": []byte("Store,Item,Count\nHostile,Kettle,1.5\nHostile,Lamp,1e3\n"),
}

// known is an item of the table.
type known = inventory.Key
