package stream

// Scenarios with several instances: thieves, leases of different lengths, and crowds of shards and instances.

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/attribute"
	"inventoryd/internal/sandbox/fault"
)

// TestScenario26ThiefOfARowStopsItsReader: at its next write. The thief is nobody, and so the shard is taken back.
func TestScenario26ThiefOfARowStopsItsReader(t *testing.T) {
	t.Parallel()
	golden(t, "26", 2, func(w *world) {
		all := w.team(2)
		w.spread(10)
		time.Sleep(time.Minute)
		shard := w.open()
		robbed := w.owner(shard, all...)
		_, err := w.db.UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(leases), Key: store{table: table}.shardKey(w.rows()[shard].key()),
			UpdateExpression: aws.String("SET #o = :o ADD #e :one"), ExpressionAttributeNames: map[string]string{"#o": colOwner, "#e": colEpoch},
			ExpressionAttributeValues: item{":o": attribute.S("thief"), ":one": attribute.N(1)},
		})
		w.must(err)
		w.spread(10) // which it stores within a second or so
		time.Sleep(3 * time.Second)
		reads := 0
		for _, r := range w.history.readings() {
			if r.shard == shard && r.instance == robbed.name && time.Since(r.at) < time.Second {
				reads++
			}
		}
		if reads > 0 {
			t.Errorf("%d reads of a shard 2 s after it was stolen", reads)
		}
		if w.log.FilterMessage("a shard was lost").Len() == 0 {
			t.Error("the loss is not told")
		}
		time.Sleep(time.Minute)
		w.spread(10)
		time.Sleep(10 * time.Second)
		w.balanced(all...)
		stopAll(all)
	})
}

// TestScenario47LeasesOfDifferentLengths: nobody healthy is called dead, and nobody reads beside another.
func TestScenario47LeasesOfDifferentLengths(t *testing.T) {
	t.Parallel()
	lasting := func(d time.Duration) func(*Config) { return func(c *Config) { c.LeaseDuration = d } }
	t.Run("60 s beside 10 s for an hour", func(t *testing.T) {
		scenario(t, 4, func(w *world) {
			w.lease = time.Minute
			all := []*instance{w.start(lasting(time.Minute), rarely), w.start(lasting(10*time.Second), rarely)}
			for range 60 {
				w.spread(4)
				time.Sleep(time.Minute)
			}
			w.balanced(all...)
			if dead := w.log.FilterMessageSnippet("dead").Len(); dead > 0 {
				t.Errorf("%d times a healthy instance was called dead", dead)
			}
			stopAll(all)
		})
	})
	t.Run("30 s cut off beside 15 s", func(t *testing.T) {
		scenario(t, 4, func(w *world) {
			w.lease = 30 * time.Second
			slow, quick := w.start(lasting(30*time.Second)), w.start(lasting(15*time.Second))
			w.spread(10)
			time.Sleep(time.Minute)
			heal := w.fault(fault.Rule{Service: "dynamodb", Client: slow.name, Effect: fault.Unavailable})
			for range 60 { // it may handle until its own deadline, and nobody beside it
				w.spread(2)
				time.Sleep(time.Second)
			}
			heal()
			time.Sleep(2 * time.Minute)
			w.balanced(slow, quick)
			stopAll([]*instance{slow, quick})
		})
	})
}

// TestScenario55TwoHundredShardsRollAtOnce: on four instances; the children are read within 30 s, within the budget of
// calls, also where the leader dies at that moment.
func TestScenario55TwoHundredShardsRollAtOnce(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]bool{"": false, "and the leader dies": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 200, func(w *world) {
				w.slowReads(time.Second)
				all := w.team(4, func(c *Config) { c.IdlePoll = 5 * time.Second })
				w.spread(200)
				time.Sleep(90 * time.Second)
				w.balanced(all...)
				before := len(w.history.written)
				for _, s := range w.shards() {
					w.roll(s.ID)
				}
				rolled := time.Now()
				if dies {
					all[0].crash()
					all = all[1:]
				}
				w.spread(400)
				within := 30 * time.Second
				if dies {
					within = takeOver + 10*time.Second
				}
				time.Sleep(within - time.Since(rolled))
				if got, want := w.history.delivered(), before+400; got != want {
					t.Errorf("%d of %d records were delivered %v after the roll", got, want, within)
				}
				time.Sleep(time.Minute)
				w.balanced(all...)
				w.perSecond("DescribeStream", 10)
				stopAll(all)
			})
		})
	}
}

// TestScenario57AThousandShardsOnTwentyInstances: that start one after the other.
func TestScenario57AThousandShardsOnTwentyInstances(t *testing.T) {
	t.Parallel()
	scenario(t, 1000, func(w *world) {
		w.slowReads(time.Second)
		all := w.team(20, rarely)
		time.Sleep(6 * w.lease)
		w.balanced(all...)
		t.Logf("%d writes and %d reads of the lease table, %d shards handed over", w.calls("UpdateItem"), w.calls("Query"),
			w.log.FilterMessage("a shard was handed over").Len())
		stopAll(all)
	})
}
