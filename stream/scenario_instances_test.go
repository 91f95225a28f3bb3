package stream

// Scenarios with several instances on one lease table.

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/sandbox/fault"
)

// takeOver is within which others read on after a death: 1.6 D + 1 s.
const takeOver = 15*time.Second*16/10 + time.Second

// team starts n readers, one after the other.
func (w *world) team(n int, change ...func(*Config)) []*instance {
	var all []*instance
	for range n {
		all = append(all, w.start(change...))
		time.Sleep(time.Second)
	}
	return all
}

func stopAll(all []*instance) {
	for _, i := range all {
		i.stop()
	}
}

// shares counts the shards that each living owner has, by the rows; those that may start and that nobody has are under "".
func (w *world) shares() map[string]int {
	w.Helper()
	shares := map[string]int{}
	for _, row := range w.rows() {
		if !row.ended() && row.State != StateWaiting {
			shares[row.Owner]++
		}
	}
	return shares
}

// balanced fails unless within a lease's duration, in which a leader looks several times, the loads of all readers differ
// by no more than a tenth of their mean or one shard.
func (w *world) balanced(all ...*instance) {
	w.Helper()
	for begun := time.Now(); ; time.Sleep(w.lease / 5) {
		free, difference, allowed := w.imbalance(all)
		if free == 0 && difference <= allowed {
			return
		}
		if time.Since(begun) >= w.lease {
			w.Errorf("%d shards are nobody's, the loads differ by %.2f, which may be %.2f: %v", free, difference, allowed, w.shares())
			return
		}
	}
}

// imbalance is how many shards that may start are nobody's, by how much the readers' loads differ, and by how much they may.
func (w *world) imbalance(all []*instance) (free int, difference, allowed float64) {
	w.Helper()
	loads, lightest, sum := map[string]float64{}, map[string]float64{}, 0.0
	for _, i := range all {
		loads[i.Status().Instance] = 0
	}
	for _, row := range w.rows() {
		if row.ended() || row.State == StateWaiting {
			continue
		}
		if _, lives := loads[row.Owner]; !lives {
			free++
			continue
		}
		sum += row.weight()
		loads[row.Owner] += row.weight()
		lightest[row.Owner] = min(row.weight(), cmp.Or(lightest[row.Owner], row.weight()))
	}
	fullest, emptiest := "", ""
	for id, load := range loads {
		if fullest == "" || load > loads[fullest] {
			fullest = id
		}
		if emptiest == "" || load < loads[emptiest] {
			emptiest = id
		}
	}
	return free, loads[fullest] - loads[emptiest], max(sum/float64(len(all))/10, lightest[fullest])
}

// owner is the reader that has a shard.
func (w *world) owner(shard string, all ...*instance) *instance {
	w.Helper()
	row := w.rows()[shard]
	for _, i := range all {
		if i.Status().Instance == row.Owner {
			return i
		}
	}
	return nil
}

func TestScenario23TwoInstancesTakeOneShardAndOneWins(t *testing.T) {
	t.Parallel()
	golden(t, "23", 1, func(w *world) {
		w.spread(20)
		a, b := w.start(), w.start()
		time.Sleep(10 * time.Second)
		w.spread(20)
		time.Sleep(30 * time.Second)
		stopAll([]*instance{b})
		by := map[string]bool{}
		for _, read := range w.history.readings() {
			by[read.instance] = true
		}
		if len(by) != 1 {
			t.Errorf("one shard was read by %v", by)
		}
		a.stop()
	})
}

func TestScenario24PausedHolderWakesAndDoesNothingMore(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		all := w.team(2)
		w.spread(20)
		time.Sleep(time.Minute)
		w.balanced(all...)
		paused := all[0]
		heal := w.fault(fault.Rule{Client: paused.name, Effect: fault.Effect{Hang: true}})
		w.spread(20)
		time.Sleep(2 * 15 * time.Second)
		heal()
		w.spread(20)
		time.Sleep(2 * time.Minute)
		w.balanced(all...)
		stopAll(all)
	})
}

func TestScenario28LoadsAreEvenedWithoutPingPong(t *testing.T) {
	t.Parallel()
	scenario(t, 10, func(w *world) {
		all := w.team(3)
		w.spread(40)
		time.Sleep(time.Minute)
		w.balanced(all...)
		moves := w.log.FilterMessage("a shard was handed over").Len()
		all = append(all, w.start())
		w.spread(40)
		time.Sleep(time.Minute)
		w.balanced(all...)
		if more := w.log.FilterMessage("a shard was handed over").Len() - moves; more > 3 {
			t.Errorf("one joined and %d shards moved", more)
		}
		moves = w.log.FilterMessage("a shard was handed over").Len()
		all[1].stop()
		all = append(all[:1], all[2:]...)
		w.spread(40)
		time.Sleep(time.Minute)
		w.balanced(all...)
		if more := w.log.FilterMessage("a shard was handed over").Len() - moves; more > 4 {
			t.Errorf("one left and %d shards moved", more)
		}
		moves = w.log.FilterMessage("a shard was handed over").Len()
		time.Sleep(10 * time.Minute)
		if more := w.log.FilterMessage("a shard was handed over").Len() - moves; more > 0 {
			t.Errorf("%d shards moved with nothing to do", more)
		}
		stopAll(all)
	})
}

// TestScenario29And30: a giver or a taker dies before and after each write of a hand-over, the answer lost.
func TestScenario29And30GiverOrTakerDiesAtEachWriteOfAHandOver(t *testing.T) {
	t.Parallel()
	writes := map[string]string{"leader asks": `":to"`, "giver gives": `"ready"`, "taker confirms": `":confirmed"`}
	for write, text := range writes {
		for _, stored := range []bool{false, true} {
			for _, dies := range []string{"who writes", "the other"} {
				t.Run(fmt.Sprintf("%s, stored %v, %s dies", write, stored, dies), func(t *testing.T) {
					play := scenario
					switch {
					case write == "giver gives" && stored && dies == "who writes":
						play = func(t *testing.T, shards int, f func(*world)) { golden(t, "29", shards, f) }
					case write == "taker confirms" && !stored && dies == "who writes":
						play = func(t *testing.T, shards int, f func(*world)) { golden(t, "30", shards, f) }
					}
					play(t, 3, func(w *world) {
						a := w.start()
						w.spread(20)
						time.Sleep(20 * time.Second)
						b := w.start()
						victim := map[bool]*instance{true: a, false: b}[(write == "taker confirms") == (dies == "the other")]
						died := make(chan struct{})
						hit := func() { close(died) }
						w.fault(fault.Rule{Operation: "UpdateItem", Times: 1, Match: updates("#shards", text), Effect: fault.Effect{Do: hit, Reset: !stored, Drop: stored}})
						select {
						case <-died:
						case <-time.After(time.Minute):
							t.Fatal("there was no such write")
						}
						time.Sleep(time.Millisecond)
						victim.crash()
						crashed := time.Now()
						w.spread(20)
						time.Sleep(takeOver - time.Since(crashed))
						if got := w.history.delivered(); got != 40 {
							t.Errorf("%d of 40 records were delivered %v after the death", got, takeOver)
						}
						stopAll([]*instance{map[bool]*instance{true: b, false: a}[victim == a]})
					})
				})
			}
		}
	}
}

// updates matches writes of a partition with a text.
func updates(partition, text string) func(fault.Call) bool {
	return func(c fault.Call) bool { return contains(c, partition) && contains(c, text) }
}

func TestScenario31RestartDuringItsOwnHandOver(t *testing.T) {
	t.Parallel()
	golden(t, "31", 3, func(w *world) {
		a := w.start()
		w.spread(20)
		time.Sleep(20 * time.Second)
		b := w.start()
		asked := make(chan struct{})
		w.fault(fault.Rule{Operation: "UpdateItem", Times: 1, Match: updates("#shards", `":to"`), Effect: fault.Effect{Do: func() { close(asked) }}})
		<-asked
		time.Sleep(time.Millisecond)
		a.crash()
		a = w.start()
		w.spread(20)
		time.Sleep(takeOver + time.Minute)
		w.balanced(a, b)
		for id, row := range w.rows() {
			if row.To != "" || !row.begun() {
				t.Errorf("the row of %s is stuck: %+v", id, row)
			}
		}
		stopAll([]*instance{a, b})
	})
}

// TestScenario32: mid-batch, at several moments between the looks of the others.
func TestScenario32OthersReadOnAtOnceAfterAStop(t *testing.T) {
	t.Parallel()
	for _, moment := range []time.Duration{0, 1300 * time.Millisecond, 2600 * time.Millisecond, 3900 * time.Millisecond} {
		scenario(t, 6, func(w *world) {
			all := w.team(3)
			w.spread(30)
			time.Sleep(time.Minute + moment)
			w.balanced(all...)
			w.behave(func(_ context.Context, batch []Record) error { // no two end at one instant
				time.Sleep(time.Second + time.Duration(crc32.ChecksumIEEE([]byte(batch[0].Shard))%200)*time.Millisecond)
				return nil
			})
			w.spread(30)
			time.Sleep(500 * time.Millisecond)
			all[0].stop()
			time.Sleep(w.lease/5 + 200*time.Millisecond) // calls take no time here
			if shares := w.shares(); shares[all[0].Status().Instance] > 0 || shares[""] > 0 {
				t.Errorf("after the stop the shards are shared as %v", shares)
			}
			for id, row := range w.rows() {
				if !row.begun() {
					t.Errorf("nobody reads %s yet: %+v", id, row)
				}
			}
			stopAll(all[1:])
		})
	}
}

// TestScenario46: the row of a held shard, and of one that waits, is deleted while two run.
func TestScenario46DeletedRowsAreMadeAnewBesideOthers(t *testing.T) {
	t.Parallel()
	golden(t, "46", 4, func(w *world) {
		all := w.team(2)
		w.spread(20)
		time.Sleep(time.Minute)
		for _, which := range all {
			rows := w.rows()
			for _, id := range slices.Sorted(maps.Keys(rows)) {
				row := rows[id]
				if row.Owner != which.Status().Instance {
					continue
				}
				_, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(leases), Key: store{table: table}.shardKey(shardKey{row.Label, id})})
				w.must(err)
				break
			}
			time.Sleep(2 * time.Minute)
			w.spread(20)
			time.Sleep(10 * time.Second)
			if len(w.rows()) != 4 {
				t.Errorf("%d rows", len(w.rows()))
			}
		}
		stopAll(all)
	})
}

func TestScenario52ShardsOfAnInstanceCutOffFromTheStreamsEndpointMove(t *testing.T) {
	t.Parallel()
	golden(t, "52", 4, func(w *world) {
		all := w.team(2)
		w.spread(20)
		time.Sleep(time.Minute)
		w.balanced(all...)
		w.fault(fault.Rule{Service: "streams", Client: all[1].name, Effect: fault.Unavailable})
		w.spread(20)
		time.Sleep(3 * time.Minute)
		if got := w.history.delivered(); got != 40 {
			t.Errorf("%d of 40 records were delivered within 3 minutes", got)
		}
		stopAll(all)
	})
}

func TestScenario53LeaderDiesOrIsCutOff(t *testing.T) {
	t.Parallel()
	t.Run("cut off from the streams endpoint", func(t *testing.T) {
		scenario(t, 4, func(w *world) {
			all := w.team(3)
			w.spread(20)
			time.Sleep(time.Minute)
			leader := all[0]
			if leader.Status().Leader != leader.Status().Instance {
				t.Fatal("the first does not lead")
			}
			w.fault(fault.Rule{Service: "streams", Client: leader.name, Effect: fault.Unavailable})
			w.spread(20)
			w.roll(w.open())
			w.spread(20)
			time.Sleep(2*time.Minute + takeOver + 20*time.Second)
			if got := all[1].Status(); got.Leader != got.Instance {
				t.Errorf("%s leads", got.Leader)
			}
			if got := w.history.delivered(); got != 60 {
				t.Errorf("%d of 60 records were delivered", got)
			}
			stopAll(all)
		})
	})
	t.Run("dies after each of its writes", func(t *testing.T) {
		for n := range 12 {
			scenario(t, 4, func(w *world) {
				died := make(chan struct{})
				a := w.start()
				w.fault(fault.Rule{
					Operation: "UpdateItem", Client: a.name, Skip: n, Times: 1, Match: func(c fault.Call) bool { return contains(c, "#shards") || contains(c, `"stream"`) },
					Effect: fault.Effect{Do: func() { close(died) }, Drop: true},
				})
				b := w.start()
				w.spread(20)
				select {
				case <-died:
				case <-time.After(time.Minute):
				}
				a.crash()
				w.spread(20)
				time.Sleep(takeOver + 5*time.Second)
				if got := w.history.delivered(); got != 40 {
					t.Errorf("%d of 40 records were delivered after the leader's death at write %d", got, n)
				}
				b.stop()
			})
		}
	})
}

func TestScenario54RestartOnOneHostReadsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	golden(t, "54", 4, func(w *world) {
		here := func(c *Config) { c.StateDir = dir }
		a := w.start(here)
		b := w.start()
		w.spread(20)
		time.Sleep(time.Minute)
		a.crash()
		w.spread(20)
		a = w.start(here)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := w.history.delivered(); got != 40 {
			t.Errorf("%d of 40 records were delivered 2 s after the restart", got)
		}
		stopAll([]*instance{a, b})
	})
}
