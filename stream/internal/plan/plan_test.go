package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWhatNobodyHasIsGivenAtOnceAndWhatMayNotStartIsNot(t *testing.T) {
	instances := []Instance{{ID: "a"}, {ID: "b"}, {ID: "c", Leaving: true}}
	shards := []Shard{
		{ID: "1", Load: 1, MayStart: true},
		{ID: "2", Load: 1, MayStart: true},
		{ID: "3", Load: 1, MayStart: true, Failed: []string{"a"}},
		{ID: "4", Load: 1},
		{ID: "5", Load: 1, MayStart: true, Owner: "dead"},
	}
	want := []Move{{Shard: "1", To: "a"}, {Shard: "2", To: "b"}, {Shard: "3", To: "b"}, {Shard: "5", From: "dead", To: "a"}}
	if diff := cmp.Diff(want, Make(instances, shards)); diff != "" {
		t.Error(diff)
	}
	if moves := Make([]Instance{{ID: "c", Leaving: true}}, shards); moves != nil {
		t.Errorf("who leaves gets %v", moves)
	}
}

func TestWhatIsReadIsAskedForAndOnlySoMuchAtOnce(t *testing.T) {
	var shards []Shard
	for i := range 200 {
		shards = append(shards, Shard{ID: fmt.Sprintf("%03d", i), Load: 1, MayStart: true, Owner: "a", Begun: true})
	}
	moves := Make([]Instance{{ID: "a"}, {ID: "b"}}, shards)
	if len(moves) != 20 || !moves[0].Ask {
		t.Errorf("%d moves, the first %+v", len(moves), moves[0])
	}
	for i := range shards {
		shards[i].Begun = false
	}
	moves = Make([]Instance{{ID: "a"}, {ID: "b"}}, shards)
	if len(moves) < 95 || moves[0].Ask {
		t.Errorf("what nobody has begun to read: %d moves", len(moves))
	}
}

func TestWhatFailsGoesToWhoReadsWell(t *testing.T) {
	shards := []Shard{{ID: "1", Load: 1, MayStart: true, Owner: "a", Begun: true, Failing: true}}
	for name, c := range map[string]struct {
		instances []Instance
		failed    []string
		want      []Move
	}{
		"another reads well":            {[]Instance{{ID: "a"}, {ID: "b"}, {ID: "c", Reads: true}}, nil, []Move{{"1", "a", "c", true}}},
		"nobody reads well":             {[]Instance{{ID: "a"}, {ID: "b"}}, nil, nil},
		"it says so of itself":          {[]Instance{{ID: "a", Reads: true}, {ID: "b"}}, nil, nil},
		"who has failed it gets it not": {[]Instance{{ID: "a"}, {ID: "b", Reads: true}}, []string{"b"}, nil},
	} {
		shards[0].Failed = c.failed
		if diff := cmp.Diff(c.want, Make(c.instances, shards)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHotShardStaysAndTheRestIsEvened(t *testing.T) {
	shards := []Shard{{ID: "hot", Load: 1000, MayStart: true, Owner: "a", Begun: true}}
	for i := range 12 {
		shards = append(shards, Shard{ID: fmt.Sprint(i), Load: 1, MayStart: true, Owner: "b", Begun: true})
	}
	moves := Make([]Instance{{ID: "a"}, {ID: "b"}, {ID: "c"}}, shards)
	for _, m := range moves {
		if m.Shard == "hot" {
			t.Error("the hot shard moves, which makes nothing more equal")
		}
	}
}

// world is drawn, not the order of its parts.
func draw(t *rapid.T) ([]Instance, []Shard) {
	var instances []Instance
	for i := range rapid.IntRange(1, 8).Draw(t, "instances") {
		instances = append(instances, Instance{
			ID: fmt.Sprint("i", i), Leaving: rapid.IntRange(0, 9).Draw(t, "leaving") == 0, Reads: rapid.Bool().Draw(t, "reads"),
		})
	}
	var shards []Shard
	names := []string{"", "dead"}
	for _, i := range instances {
		names = append(names, i.ID)
	}
	for i := range rapid.IntRange(0, 60).Draw(t, "shards") {
		s := Shard{
			ID: fmt.Sprintf("s%02d", i), Owner: rapid.SampledFrom(names).Draw(t, "owner"), MayStart: rapid.IntRange(0, 5).Draw(t, "may") > 0,
			Load: 1 + float64(rapid.IntRange(0, 20).Draw(t, "load")), Begun: rapid.Bool().Draw(t, "begun"),
			Failing: rapid.IntRange(0, 9).Draw(t, "failing") == 0,
		}
		if rapid.IntRange(0, 4).Draw(t, "moving") == 0 {
			s.To = rapid.SampledFrom(names).Draw(t, "to")
		}
		if rapid.IntRange(0, 9).Draw(t, "failed") == 0 {
			s.Failed = []string{rapid.SampledFrom(names).Draw(t, "by")}
		}
		shards = append(shards, s)
	}
	return instances, shards
}

// apply does the moves, with what is asked for done at once.
func apply(shards []Shard, moves []Move) {
	at := map[string]int{}
	for i, s := range shards {
		at[s.ID] = i
	}
	for _, m := range moves {
		s := &shards[at[m.Shard]]
		s.Owner, s.To, s.Begun, s.Failing = m.To, "", true, false
	}
}

func TestPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instances, shards := draw(t)
		moves := Make(instances, shards)
		by := map[string]Instance{}
		staying := 0
		for _, i := range instances {
			by[i.ID] = i
			if !i.Leaving {
				staying++
			}
		}
		moved, asked, under, startable := map[string]Move{}, 0, 0, 0
		for _, m := range moves {
			if _, twice := moved[m.Shard]; twice {
				t.Fatalf("shard %s moves twice", m.Shard)
			}
			moved[m.Shard] = m
			if to, ok := by[m.To]; !ok || to.Leaving {
				t.Fatalf("%+v: to nobody, or to one that leaves", m)
			}
			if m.Ask {
				asked++
			}
		}
		for _, s := range shards {
			_, lives := by[s.Owner]
			m, ok := moved[s.ID]
			switch {
			case !s.MayStart && ok:
				t.Fatalf("%+v may not start and moves", s)
			case s.MayStart && !lives && staying > 0 && !ok:
				t.Fatalf("%+v may start and nobody gets it", s)
			case ok && m.Ask != (lives && s.Begun):
				t.Fatalf("%+v of %+v: asked for, or not", m, s)
			case ok && lives && s.To != "":
				t.Fatalf("%+v moves although a move is under way", s)
			}
			if s.MayStart {
				startable++
				if s.To != "" && lives {
					under++
				}
			}
		}
		if most := max(leastMoves, startable/10); asked > 0 && asked+under > most {
			t.Fatalf("%d moves at once, %d are under way", asked, under)
		}
		shuffled := slices.Clone(shards)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(moves, Make(instances, shuffled)); diff != "" {
			t.Fatalf("the order matters: %s", diff)
		}
	})
}

// TestPlansEndBalancedAndAtRest: repeated until nothing moves, which is soon; then loads are within a tenth of the mean
// or one shard, and no shard has moved back to where it came from.
func TestPlansEndBalancedAndAtRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instances, shards := draw(t)
		for i := range instances {
			instances[i].Leaving = false
		}
		for i := range shards {
			shards[i].To, shards[i].Failed, shards[i].Failing, shards[i].MayStart = "", nil, false, true
		}
		been := map[string]map[string]bool{}
		rounds := 0
		for {
			moves := Make(instances, shards)
			if len(moves) == 0 {
				break
			}
			if rounds++; rounds > 60 {
				t.Fatal("the moves do not end")
			}
			for _, m := range moves {
				if been[m.Shard] == nil {
					been[m.Shard] = map[string]bool{}
				}
				been[m.Shard][m.From] = true
				if been[m.Shard][m.To] {
					t.Fatalf("shard %s goes back to %s", m.Shard, m.To)
				}
			}
			apply(shards, moves)
		}
		loads, sum := map[string]float64{}, 0.0
		for _, s := range shards {
			loads[s.Owner] += s.Load
			sum += s.Load
		}
		mean := sum / float64(len(instances))
		for _, a := range instances {
			for _, b := range instances {
				smallest := 1e9
				for _, s := range shards {
					if s.Owner == a.ID {
						smallest = min(smallest, s.Load)
					}
				}
				if gap := loads[a.ID] - loads[b.ID]; gap > max(tolerance*mean, smallest)+1e-9 {
					t.Fatalf("%s has %v, %s has %v; mean %v, smallest shard %v", a.ID, loads[a.ID], b.ID, loads[b.ID], mean, smallest)
				}
			}
		}
	})
}

func TestHeirIsTheLeastLoadedThatStays(t *testing.T) {
	loads := map[string]float64{"a": 3, "b": 1, "c": 0}
	instances := []Instance{{ID: "a"}, {ID: "b"}, {ID: "c", Leaving: true}}
	var got []string
	for range 4 {
		got = append(got, Heir(instances, loads, 1))
	}
	if want := []string{"b", "b", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if Heir(instances[2:], loads, 1) != "" {
		t.Error("who leaves inherits")
	}
}
