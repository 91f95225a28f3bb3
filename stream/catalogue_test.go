package stream

import (
	"testing"
	"time"
)

// known is a catalogue of one stream whose rows are given.
func known(now time.Time, rows ...shardRow) *catalogue {
	c := newCatalogue("2026", time.Time{})
	c.stream("2026")
	for _, row := range rows {
		if row.Label == "" {
			row.Label = "2026"
		}
		c.stream(row.Label)
		c.learn(row, now, 0)
	}
	return c
}

func ids(entries []*entry) string {
	text := ""
	for _, e := range entries {
		text += e.row.ID
	}
	return text
}

// startable are the shards that may start, whoever has them.
func (c *catalogue) startable() (found []*entry) {
	c.drain()
	for _, e := range c.sorted() {
		if c.mayStart(e) {
			found = append(found, e)
		}
	}
	return found
}

func TestShardsMayStartWhenNothingBeforeThemCanStillBeRead(t *testing.T) {
	now := time.Now()
	c := known(now,
		shardRow{ID: "a"}, shardRow{ID: "e", Checkpoint: ended}, shardRow{ID: "f", Parent: "e"}, shardRow{ID: "g", Parent: "a"},
		shardRow{ID: "h", Parent: "unknown"}, shardRow{ID: "i", Label: "2027"})
	if got := ids(c.startable()); got != "af" {
		t.Errorf("startable: %s", got)
	}
	c.complete("2026", listing{begun: now.Add(time.Second), ids: map[string]bool{"a": true}})
	if got := ids(c.startable()); got != "afh" {
		t.Errorf("after a complete listing without h's parent: %s", got)
	}
}

// TestCountsFollowTheRows: open shards by stream, and loads by who has the shards or shall have them.
func TestCountsFollowTheRows(t *testing.T) {
	now := time.Now()
	c := known(now, shardRow{ID: "a", Owner: "x", Load: 2}, shardRow{ID: "b", Owner: "x", To: "y"}, shardRow{ID: "c", Checkpoint: ended}, shardRow{ID: "d"})
	if c.streams["2026"].open != 3 || c.loads["x"] != 3 || c.loads["y"] != 1 || len(c.loads) != 2 {
		t.Errorf("%d open, loads %v", c.streams["2026"].open, c.loads)
	}
	c.learn(shardRow{Label: "2026", ID: "a", Epoch: 1, Checkpoint: ended}, now, 0)
	c.forget(shardKey{"2026", "d"})
	c.learn(shardRow{Label: "2026", ID: "c", Epoch: 1, Owner: "z"}, now, 0) // reset
	if c.streams["2026"].open != 2 || len(c.loads) != 2 || c.loads["y"] != 1 || c.loads["z"] != 1 {
		t.Errorf("%d open, loads %v", c.streams["2026"].open, c.loads)
	}
}

func TestListingBegunBeforeTheChildWasSeenProvesNothing(t *testing.T) {
	now := time.Now()
	c := known(now, shardRow{ID: "h", Parent: "unknown"})
	c.complete("2026", listing{begun: now.Add(-time.Second), ids: map[string]bool{"h": true}})
	if got := ids(c.startable()); got != "" {
		t.Errorf("startable: %s", got)
	}
}

func TestStaleRowsChangeNothing(t *testing.T) {
	now := time.Now()
	c := known(now, shardRow{ID: "a", Epoch: 3, Checkpoint: ended})
	c.learn(shardRow{Label: "2026", ID: "a", Epoch: 2}, now, 0)
	c.learn(shardRow{Label: "2026", ID: "a", Epoch: 3}, now, 0)
	if !c.shards[shardKey{"2026", "a"}].row.ended() {
		t.Error("an older row is believed")
	}
	c.learn(shardRow{Label: "2026", ID: "a", Epoch: 4}, now, 0) // reset
	if c.shards[shardKey{"2026", "a"}].row.ended() {
		t.Error("a newer row is not believed")
	}
}

func TestMissingRowsAreThoseThatWereThereBefore(t *testing.T) {
	now := time.Now()
	c := known(now, shardRow{ID: "a"}, shardRow{ID: "c"})
	c.learn(shardRow{Label: "2026", ID: "d"}, now.Add(2*time.Second), 0)
	if got := ids(c.missing([]shardRow{{Label: "2026", ID: "c"}}, now.Add(time.Second))); got != "a" {
		t.Errorf("missing: %s", got)
	}
}

func TestRemovableRows(t *testing.T) {
	now := time.Now()
	old := func(id string) shardRow { return shardRow{ID: id, Checkpoint: ended} }
	c := known(now, old("a"), shardRow{ID: "b", Parent: "a", Checkpoint: "x"}, old("c"), shardRow{ID: "d", Parent: "c"}, old("e"), old("f"))
	for _, e := range c.shards {
		e.ended = now.Add(-49 * time.Hour)
	}
	c.shards[shardKey{"2026", "f"}].ended = now.Add(-time.Hour)
	if got := c.removable(now); len(got) > 0 {
		t.Errorf("without a listing: %s", ids(got))
	}
	c.complete("2026", listing{begun: now, ids: map[string]bool{"b": true, "d": true, "e": true}})
	if got := ids(c.removable(now)); got != "a" { // c's child has not started, e is listed, f is young
		t.Errorf("removable: %s", got)
	}
}
