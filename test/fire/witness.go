package fire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/dynamo/attr"
)

// witness writes down what happens. Its methods are safe for concurrent use; what it holds is the judge's once all is over.
type witness struct {
	clock *clock.Clock // of the services

	mu     sync.Mutex // guards what follows
	sheets map[int][]sheet
	lives  map[known]*life
	notes  []note
	mails  []mail
	open   map[int]bool // stores of which somebody releases what is held back
	unsaid []string     // rows that stand in no feed that may be loaded
	starts []time.Time  // of daemons
	deaths int          // kills and pauses: what ends a teller in the middle
	lost   []time.Time  // calls of Publish whose answer the daemon may not have had
}

// instant is a time by this machine's clock, and by the services'.
type instant struct{ wall, service time.Time }

// life is what became of an item of the table.
type life struct {
	spans  []span // out of stock
	blind  []span // its count was none: then it is told as the last change says that was read
	usable bool   // its count is one
}

// span is from when to when an item was out of stock; to is zero while it is.
type span struct{ from, to instant }

func (s span) open() bool { return s.to.wall.IsZero() }

// touches reports whether a moment of the span is from a to b by the services' clock.
func (s span) touches(a, b time.Time) bool {
	return !s.from.service.After(b) && (s.open() || !s.to.service.Before(a))
}

// telling is what a message says.
type telling struct {
	event, store string
	items, ids   []string
}

// message tells messages apart.
func (t telling) message() string {
	return fmt.Sprintf("%s %q %q %q", t.event, t.store, t.items, t.ids)
}

// note is a message that was written down to be published.
type note struct {
	telling
	at    time.Time // by the services' clock
	since time.Time // by the services' clock: what it tells was looked at after it
}

// mail is a message that reached the subscriber.
type mail struct {
	telling
	at time.Time // by this machine's clock
}

func newWitness(c *clock.Clock) *witness {
	return &witness{clock: c, sheets: map[int][]sheet{}, lives: map[known]*life{}, open: map[int]bool{}}
}

func (w *witness) now() instant { return instant{time.Now(), w.clock.Now()} }

func (w *witness) uploaded(store int, s sheet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sheets[store] = append(w.sheets[store], s)
}

func (w *witness) releasing(store int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[store] = true
}

// latest is the last upload of a store.
func (w *witness) latest(store int) (sheet, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.sheets[store]
	if len(all) == 0 {
		return sheet{}, false
	}
	return all[len(all)-1], true
}

func (w *witness) started() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.starts = append(w.starts, time.Now())
}

func (w *witness) died() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaths++
}

func (w *witness) answerLost() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = append(w.lost, time.Now())
}

// saw is called by the sandbox with each change of each table.
func (w *witness) saw(table string, old, next attr.Item) {
	switch table {
	case sandbox.Table:
		w.sawItem(old, next)
	case stateTable:
		w.sawNote(old, next)
	}
}

const stateTable = "inventoryd-state"

func (w *witness) sawItem(old, next attr.Item) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	of := next
	if len(of) == 0 {
		of = old
	}
	k := known{Store: text(of, "Store"), Item: text(of, "Item")}
	l := w.lives[k]
	if l == nil {
		l = &life{}
		w.lives[k] = l
	}
	out := false
	if l.usable = true; len(next) > 0 {
		count, _ := next.Lookup("Count")
		n, err := strconv.ParseInt(count.Text, 10, 64)
		if l.usable = count.Kind == attr.N && err == nil; !l.usable {
			l.blind = turned(l.blind, true, now)
			return // no image at all
		}
		out = n <= 0
		w.weigh(k, n)
	}
	l.blind, l.spans = turned(l.blind, false, now), turned(l.spans, out, now)
}

// turned are spans after what they are of has turned on or off, or stayed as it was.
func turned(spans []span, on bool, now instant) []span {
	last := len(spans) - 1
	was := last >= 0 && spans[last].open()
	switch {
	case on && !was:
		spans = append(spans, span{from: now})
	case !on && was:
		spans[last].to = now
	}
	return spans
}

// weigh looks for what only feeds say that are held back; w.mu is held.
func (w *witness) weigh(k known, n int64) {
	var store int
	_, err := fmt.Sscanf(k.Store, "Store %d", &store)
	if held := strings.HasPrefix(k.Store, "Wrong") || (n >= unsaid || n <= -unsaid) && !(err == nil && w.open[store]); held && len(w.unsaid) < 20 {
		w.unsaid = append(w.unsaid, fmt.Sprintf("written though it was held back: %v, %d", k, n))
	}
}

func (w *witness) sawNote(old, next attr.Item) {
	if len(old) > 0 || len(next) == 0 || !strings.HasSuffix(text(next, "pk"), "#outgoing") || text(next, "sk") == "-" {
		return
	}
	n := note{at: w.clock.Now(), telling: telling{event: text(next, "event"), store: text(next, "store")}}
	n.since, _ = time.Parse(time.RFC3339Nano, text(next, "v"))
	items, _ := next.Lookup("items")
	for _, i := range items.List {
		if len(i.List) >= 2 {
			n.items, n.ids = append(n.items, i.List[0].Text), append(n.ids, i.List[1].Text)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, n)
}

func text(i attr.Item, name string) string {
	v, _ := i.Lookup(name)
	return v.Text
}

// received takes a message as SNS delivers it to a queue.
func (w *witness) received(body string) error {
	var envelope struct{ Message string }
	var alert struct {
		Event, Store, Feed, ID string
		Items                  []struct{ Item, ID string }
	}
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(envelope.Message), &alert); err != nil {
		return err
	}
	m := mail{at: time.Now(), telling: telling{event: alert.Event, store: alert.Store}}
	for _, i := range alert.Items {
		m.items, m.ids = append(m.items, i.Item), append(m.ids, i.ID)
	}
	if alert.Feed != "" {
		m.items, m.ids = []string{alert.Feed}, []string{alert.ID}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mails = append(w.mails, m)
	return nil
}
