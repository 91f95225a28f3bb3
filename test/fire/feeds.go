package fire

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
)

// sheet is what one upload of a store's feed says.
type sheet struct {
	at   time.Time // by the services' clock; zero: not uploaded yet
	body []byte
	rows map[string]int64 // by item: those that can be used
	bad  bool             // it cannot be loaded at all
	held bool             // the feed's gate holds it back
}

// group is stores of one kind, by their numbers.
type group struct{ from, count int }

func (g group) has(store int) bool { return store >= g.from && store < g.from+g.count }

// Stores whose feeds are listed in the configuration, behind those that are not.
var (
	whole    = group{stores, 20}      // with a gate; what a feed does not name is out of stock
	released = group{stores + 20, 5}  // the same; one upload of each is held back, and released
	timed    = group{stores + 25, 48} // expected within an hour each, one each half hour of the day
	listed   = group{stores, 20 + 5 + 48}
)

// guarded says whether a gate stands before a store's feed.
func guarded(store int) bool { return whole.has(store) || released.has(store) }

// zeroes says whether what a store's feed does not name is out of stock.
func zeroes(store int) bool { return guarded(store) && store%2 == 0 }

// by is the time of the day by which a store's feed is expected.
func by(store int) time.Duration { return time.Duration(store-timed.from) * 30 * time.Minute }

const expectedWithin = time.Hour

func storeName(n int) string { return fmt.Sprintf("Store %03d", n) }

func kioskName(n int) string { return fmt.Sprintf("Kiosk %d", n) }

func feedKey(n int) string { return fmt.Sprintf("feeds/store-%03d.csv", n) }

// feedNamed is what a listed feed is called.
func feedNamed(n int) string { return fmt.Sprintf("listed-%03d", n) }

// configuration lists the feeds as the daemons' file does.
func configuration() []byte {
	var b bytes.Buffer
	b.WriteString("loader:\n  feeds:\n")
	for n := listed.from; n < listed.from+listed.count; n++ {
		fmt.Fprintf(&b, "    - {name: %s, pattern: %s/%s, ", feedNamed(n), sandbox.Bucket, feedKey(n))
		if guarded(n) {
			absent := map[bool]string{true: "zero", false: "keep"}[zeroes(n)]
			fmt.Fprintf(&b, "gate: {action: hold}, whole: true, absent: %s}\n", absent)
			continue
		}
		clock := func(d time.Duration) string { return time.Time{}.Add(d).Format("15:04") }
		fmt.Fprintf(&b, "expect: {from: %q, by: %q}}\n", clock(by(n)+24*time.Hour-expectedWithin), clock(by(n)))
	}
	return b.Bytes()
}

// assortment is how many items a store has; some stores are large enough to be stopped in the middle of.
func assortment(store int) int {
	switch {
	case store < 3:
		return 2000
	case guarded(store):
		return 60
	}
	return 5 + store%30
}

// unsaid is the least size of a count that only feeds have that are held back.
const unsaid = 1000

// newSheet makes an upload of a store; the same for the same seed and shape. Of a feed with a gate it is held back whatever was
// loaded last of it, or passes whatever was.
func newSheet(store int, shape string, seed uint64) sheet {
	d := rand.New(rand.NewPCG(seed, uint64(store)))
	if shape == headless {
		return sheet{body: []byte("Store,Item,Count\n"), bad: !guarded(store), held: guarded(store)}
	}
	n, name := assortment(store), storeName(store)
	s := sheet{rows: map[string]int64{}, held: guarded(store) && (shape == truncated || shape == sold || shape == foreign)}
	switch {
	case shape == truncated && guarded(store):
		n = n * (10 + d.IntN(25)) / 100
	case shape == truncated:
		n = max(1, n*(30+d.IntN(60))/100)
	case shape == foreign:
		name = "Wrong " + name
	}
	missing := -1
	if guarded(store) && !s.held {
		missing = d.IntN(2 * n) // in one of two
	}
	var b bytes.Buffer
	b.WriteString("Store,Item,Count\n")
	for i := range n {
		if i == missing {
			continue
		}
		item, count := fmt.Sprintf("Item %d", i), int64(0)
		switch {
		case shape == sold:
			count = -unsaid
		case s.held:
			count = unsaid + d.Int64N(99)
		case d.IntN(100) >= 15:
			count = 1 + d.Int64N(99)
		}
		if shape == rejects && i > 0 && d.IntN(4) == 0 {
			fmt.Fprintf(&b, "%s,%s,n/a\n", name, item)
			continue
		}
		fmt.Fprintf(&b, "%s,%s,%d\n", name, item, count)
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
