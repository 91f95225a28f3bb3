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

func TestStartableShardsAreThoseThatNobodyLivingHas(t *testing.T) {
	now := time.Now()
	c := known(now,
		shardRow{ID: "a"}, shardRow{ID: "b", Owner: "me"}, shardRow{ID: "c", Owner: "living"}, shardRow{ID: "d", Owner: "dead"},
		shardRow{ID: "e", Checkpoint: ended}, shardRow{ID: "f", Parent: "e"}, shardRow{ID: "g", Parent: "a"}, shardRow{ID: "h", Parent: "unknown"},
		shardRow{ID: "i", Label: "2027"})
	c.dead = map[string]bool{"dead": true}
	if got := ids(c.startable(now, "me")); got != "abdf" {
		t.Errorf("startable: %s", got)
	}
	c.complete("2026", listing{begun: now.Add(time.Second), ids: map[string]bool{"a": true}})
	if got := ids(c.startable(now, "me")); got != "abdfh" {
		t.Errorf("after a complete listing without h's parent: %s", got)
	}
	c.shards[shardKey{"2026", "a"}].running = true
	if got := ids(c.startable(now, "me")); got != "bdfh" {
		t.Errorf("with a running: %s", got)
	}
}

func TestListingBegunBeforeTheChildWasSeenProvesNothing(t *testing.T) {
	now := time.Now()
	c := known(now, shardRow{ID: "h", Parent: "unknown"})
	c.complete("2026", listing{begun: now.Add(-time.Second), ids: map[string]bool{"h": true}})
	if got := ids(c.startable(now, "me")); got != "" {
		t.Errorf("startable: %s", got)
	}
	if !c.unproven() {
		t.Error("no listing is asked for")
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

func TestRowsThatAreGoneAreForgottenUnlessTheyAreNewer(t *testing.T) {
	now := time.Now()
	c := known(now, shardRow{ID: "a"}, shardRow{ID: "b"}, shardRow{ID: "c"})
	c.shards[shardKey{"2026", "b"}].running = true
	c.learn(shardRow{Label: "2026", ID: "d"}, now.Add(2*time.Second), 0)
	c.compare([]shardRow{{Label: "2026", ID: "c"}}, now.Add(time.Second))
	for id, want := range map[string]bool{"a": false, "b": true, "c": true, "d": true} {
		if got := c.shards[shardKey{"2026", id}] != nil; got != want {
			t.Errorf("shard %s is known: %v", id, got)
		}
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
