package fire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/sandbox/clock"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func moment(seconds float64) instant { return instant{at(seconds), at(seconds)} }

// told is an item that was out from second 10 on, was looked at at 11, written down at 12 and received at 13: all in order.
func told() evidence {
	w := newWitness(&clock.Clock{})
	k := known{Store: "Kiosk 1", Item: "Lamp"}
	w.lives[k] = &life{usable: true, spans: []span{{from: moment(10)}}}
	w.notes = []note{{telling{"out_of_stock", k.Store, []string{k.Item}, []string{"a"}}, at(12), at(11)}}
	w.mails = []mail{{telling{"out_of_stock", k.Store, []string{k.Item}, []string{"a"}}, at(13)}}
	return evidence{witness: w, table: map[known]int64{k: 0}, promise: promised}
}

// TestTheJudgeFindsWhatIsWrong plants one fault at a time.
func TestTheJudgeFindsWhatIsWrong(t *testing.T) {
	lamp := known{Store: "Kiosk 1", Item: "Lamp"}
	restocked := func(e *evidence) { e.lives[lamp].spans[0].to = moment(20) }
	for name, c := range map[string]struct {
		plant func(*evidence)
		want  string // beginning of the finding; "": there is none
	}{
		"all in order":    {func(*evidence) {}, ""},
		"nobody was told": {func(e *evidence) { e.mails = nil }, "untold"},
		"told of an earlier shortage only": {func(e *evidence) {
			e.lives[lamp].spans = append(e.lives[lamp].spans, span{from: moment(30)})
			restocked(e)
		}, "untold"},
		"unusable now":                 {func(e *evidence) { e.mails, e.lives[lamp].usable = nil, false }, ""},
		"over before it was looked at": {func(e *evidence) { e.lives[lamp].spans[0].to = moment(10.5) }, "untrue"},
		"over between look and note":   {func(e *evidence) { e.lives[lamp].spans[0].to = moment(11.5) }, ""},
		"over, and unusable since": {func(e *evidence) {
			l := e.lives[lamp]
			l.spans[0].to, l.blind, l.usable = moment(10.5), []span{{from: moment(10.8)}}, false
		}, ""},
		"over, unusable, and usable again": {func(e *evidence) {
			l := e.lives[lamp]
			l.spans[0].to, l.blind = moment(10.5), []span{{moment(10.6), moment(10.8)}}
		}, "untrue"},
		"begun after the note": {func(e *evidence) { e.lives[lamp].spans[0].from = moment(12.5) }, "untrue"},
		"a restock of what is out": {func(e *evidence) {
			e.notes = append(e.notes, note{telling{"restocked", lamp.Store, []string{lamp.Item}, []string{"a"}}, at(22), at(21)})
		}, "untrue"},
		"a restock nobody waited for": {func(e *evidence) {
			restocked(e)
			e.notes[0].event, e.notes[0].at, e.notes[0].since, e.mails[0].event = "restocked", at(22), at(21), "restocked"
		}, "restock of a shortage that was never told"},
		"published without a note":         {func(e *evidence) { e.notes = nil }, "published and not written down"},
		"the same message twice":           {func(e *evidence) { e.mails = append(e.mails, e.mails[0]) }, "told again: 1 messages"},
		"twice, and the teller was killed": {func(e *evidence) { e.mails = append(e.mails, e.mails[0]); e.deaths = 1 }, ""},
		"twice, and the answer was lost":   {func(e *evidence) { e.mails = append(e.mails, e.mails[0]); e.lost = []time.Time{at(13)} }, ""},
		"one shortage told as two": {func(e *evidence) {
			n, m := e.notes[0], e.mails[0]
			n.ids, m.ids = []string{"b"}, []string{"b"}
			e.notes, e.mails = append(e.notes, n), append(e.mails, m)
		}, "told again: Kiosk 1/Lamp as 2"},
		"one id for two items": {func(e *evidence) {
			flood(e, 1)
			e.notes[1].ids, e.mails[1].ids = []string{"a"}, []string{"a"}
		}, "one id, a, for Kiosk 1/Lamp and Kiosk 2/Item 0"},
		"as fast as may be":                {func(e *evidence) { flood(e, 200) }, ""},
		"too fast":                         {func(e *evidence) { flood(e, 300) }, "too fast"},
		"a row too low":                    {func(e *evidence) { shelve(e, 4) }, "table: Store 005/Item 0 is 4"},
		"a row of the upload before":       {func(e *evidence) { shelve(e, 7) }, "table: Store 005/Item 0 is 7"},
		"a row of the last upload":         {func(e *evidence) { shelve(e, 8) }, ""},
		"a good feed in the dead letters":  {func(e *evidence) { shelve(e, 8); e.dead = []string{`{"key":"feeds/store-005.csv"}`} }, "dead letter"},
		"a good feed that waits":           {func(e *evidence) { shelve(e, 8); e.waiting = []string{`{"key":"feeds/store-005.csv"}`} }, "message of a good feed waits"},
		"a bad object in the dead letters": {func(e *evidence) { e.dead = []string{`{"key":"hostile/1bomb.gz"}`} }, ""},
		"a feed with one bad upload waits": {func(e *evidence) {
			shelve(e, 8)
			e.sheets[5] = append([]sheet{{bad: true}}, e.sheets[5]...)
			e.waiting = []string{`{"key":"feeds/store-005.csv"}`}
		}, ""},
		"a bad upload came last":     {func(e *evidence) { shelve(e, 7); e.sheets[5] = append(e.sheets[5], sheet{bad: true}) }, ""},
		"a count that no upload has": {func(e *evidence) { shelve(e, 9); e.sheets[5] = append(e.sheets[5], sheet{bad: true}) }, "table"},
		"held back and told":         {func(e *evidence) { hold(e); sayFeed(e, "feed_held", whole.from, tagOf(e.sheets[whole.from][1])+" now") }, ""},
		"held back and not told":     {hold, "untold: an upload of feeds/store-200.csv is held back"},
		"a good one called held back": {func(e *evidence) {
			hold(e)
			e.sheets[whole.from] = e.sheets[whole.from][:1]
			sayFeed(e, "feed_held", whole.from, tagOf(e.sheets[whole.from][0]))
		}, "held back and good"},
		"what is held back was written": {func(e *evidence) { e.weigh(known{Store: storeName(whole.from), Item: "Item 1"}, unsaid+5) }, "written though it was held back"},
		"another store's rows":          {func(e *evidence) { e.weigh(known{Store: "Wrong " + storeName(whole.from), Item: "Item 1"}, 5) }, "written though it was held back"},
		"what was released was written": {func(e *evidence) {
			e.releasing(released.from)
			e.weigh(known{Store: storeName(released.from), Item: "Item 1"}, unsaid+5)
		}, ""},
		"an absent item that is left":      {func(e *evidence) { fill(e); e.table[known{Store: storeName(whole.from), Item: "Item 0"}] = 3 }, "table: Store 200/Item 0 is 3 (there: true), may be [0]"},
		"absent items that are 0":          {fill, ""},
		"late and not told":                {func(e *evidence) { expect(e) }, "untold: feeds/store-249.csv is late"},
		"late and told":                    {func(e *evidence) { expect(e); sayFeed(e, "feed_late", noonFeed, dayTime(noon)) }, ""},
		"in time and called late":          {func(e *evidence) { expect(e, -600); sayFeed(e, "feed_late", noonFeed, dayTime(noon)) }, "untrue: feed_late"},
		"before its time, and called late": {func(e *evidence) { expect(e, -3700); sayFeed(e, "feed_late", noonFeed, dayTime(noon)) }, ""},
		"late, and it came unnoticed":      {func(e *evidence) { expect(e, 60); sayFeed(e, "feed_late", noonFeed, dayTime(noon)) }, "untold: feeds/store-249.csv, late since"},
		"late, and it came": {func(e *evidence) {
			expect(e, 60)
			sayFeed(e, "feed_late", noonFeed, dayTime(noon))
			sayFeed(e, "feed_came", noonFeed, dayTime(noon))
		}, ""},
		"late, and it came before anybody looked": {func(e *evidence) { expect(e, 60) }, ""},
		"a listed feed that fails":                {func(e *evidence) { sayFeed(e, "feed_failed", whole.from, "x") }, "feed_failed of feeds/store-200.csv"},
		"a row that has gone":                     {func(e *evidence) { shelve(e, 8); delete(e.table, known{Store: "Store 005", Item: "Item 3"}) }, "table: Store 005/Item 3 is 0 (there: false)"},
	} {
		t.Run(name, func(t *testing.T) {
			e := told()
			c.plant(&e)
			found := e.findings()
			if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.HasPrefix(found[0], c.want)) {
				t.Errorf("%q, want %q", found, c.want)
			}
		})
	}
}

// flood has n shortages told within five seconds, each in a message of its own.
func flood(e *evidence, n int) {
	for i := range n {
		k := known{Store: "Kiosk 2", Item: fmt.Sprint("Item ", i)}
		e.lives[k] = &life{usable: true, spans: []span{{from: moment(10)}}}
		says := telling{"out_of_stock", k.Store, []string{k.Item}, []string{k.Item}}
		e.notes = append(e.notes, note{says, at(12), at(11)})
		e.mails = append(e.mails, mail{says, at(13 + 5*float64(i)/float64(n))})
	}
}

// shelve has store 5 upload twice, and the table say n of its first item: 7 by the first upload, 8 by the second.
func shelve(e *evidence, n int64) {
	const store = 5
	first, second := sheet{rows: map[string]int64{}}, sheet{rows: map[string]int64{}}
	for i := range assortment(store) {
		item := fmt.Sprint("Item ", i)
		first.rows[item], second.rows[item] = 7, 8
		e.table[known{Store: storeName(store), Item: item}] = 8
	}
	e.table[known{Store: storeName(store), Item: "Item 0"}] = n
	e.sheets[store] = []sheet{first, second}
}

// noonFeed is the store whose feed is expected by noon.
var noonFeed = timed.from + 24

// expect has only that feed's deadline pass, and uploads come so many seconds after it.
func expect(e *evidence, seconds ...float64) {
	e.opened, e.burned = at(-1), at(1)
	for _, s := range seconds {
		e.sheets[noonFeed] = append(e.sheets[noonFeed], sheet{at: at(s), rows: map[string]int64{}})
	}
	for i := range assortment(noonFeed) {
		item := fmt.Sprint("Item ", i)
		for _, s := range e.sheets[noonFeed] {
			s.rows[item] = 7
		}
		e.table[known{Store: storeName(noonFeed), Item: item}] = 7
	}
}

// sayFeed has a message about a feed written down and received.
func sayFeed(e *evidence, event string, store int, id string) {
	says := telling{event: event, items: []string{feedNamed(store)}, ids: []string{id}}
	e.notes = append(e.notes, note{says, at(12), at(11)})
	e.mails = append(e.mails, mail{says, at(13)})
}

// fill has a store with a gate upload a feed, which is loaded.
func fill(e *evidence) {
	s := newSheet(whole.from, fresh, 1)
	delete(s.rows, "Item 0")
	e.sheets[whole.from] = []sheet{s}
	for i := range assortment(whole.from) {
		item := fmt.Sprint("Item ", i)
		e.table[known{Store: storeName(whole.from), Item: item}] = s.rows[item]
	}
}

// hold has it upload another one after that, which is held back.
func hold(e *evidence) {
	fill(e)
	e.sheets[whole.from] = append(e.sheets[whole.from], newSheet(whole.from, truncated, 2))
}
