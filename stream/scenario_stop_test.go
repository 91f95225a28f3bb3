package stream

// Starts and stops at bad moments.

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/attribute"
	"inventoryd/internal/sandbox/fault"
)

// TestTokenThatHasExpiredAtTheFirstStartIsWaitedOut: it is no refusal of the lease table's creation.
func TestTokenThatHasExpiredAtTheFirstStartIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"} {
		t.Run(code, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				w.fault(fault.Rule{Operation: "CreateTable", Times: 2, Effect: fault.Effect{Error: &fault.Error{Status: 400, Code: code}}})
				r := w.start(w.calm)
				w.spread(3)
				time.Sleep(20 * time.Second)
				r.unready(code)
				time.Sleep(2 * deniedPause)
				r.ready()
				r.stop()
			})
		})
	}
}

// TestShardGivenToAnInstanceThatStopsJustThenIsPassedOn: a hand-over to it is written right after its leaving mark, and
// its dead mark gets lost.
func TestShardGivenToAnInstanceThatStopsJustThenIsPassedOn(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		all := w.team(2)
		w.spread(10)
		time.Sleep(time.Minute)
		w.balanced(all...)
		stops, stays := all[1], all[0].Status().Instance
		w.fault(fault.Rule{Client: stops.name, Operation: "UpdateItem", Match: func(c fault.Call) bool { return contains(c, ":dead") }, Effect: fault.Effect{Reset: true}})
		var given shardRow
		for _, row := range w.rows() {
			if row.Owner == stays {
				given = row
			}
		}
		w.fault(fault.Rule{Client: stops.name, Operation: "UpdateItem", Times: 1, Match: func(c fault.Call) bool { return contains(c, ":leaving") }, Effect: fault.Effect{Do: func() {
			_, err := w.db.UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
				TableName: aws.String(leases), Key: store{table: table}.shardKey(given.key()),
				UpdateExpression: aws.String("SET #o = :o ADD #e :one"), ExpressionAttributeNames: map[string]string{"#o": colOwner, "#e": colEpoch},
				ExpressionAttributeValues: item{":o": attribute.S(stops.Status().Instance), ":one": attribute.N(1)},
			})
			w.must(err)
		}}})
		stops.stop()
		time.Sleep(w.lease/5 + time.Second)
		if row := w.rows()[given.ID]; row.Owner != stays || !row.begun() {
			t.Errorf("nobody reads it: %+v", row)
		}
		all[0].stop()
	})
}

// TestShardGivenToAnInstanceThatHasStoppedIsTakenBack: the write that gives it lands when the taker has looked for the
// last time.
func TestShardGivenToAnInstanceThatHasStoppedIsTakenBack(t *testing.T) {
	t.Parallel()
	scenario(t, 3, func(w *world) {
		giver := w.start()
		w.spread(10)
		time.Sleep(20 * time.Second)
		taker := w.start()
		given := make(chan struct{})
		w.fault(fault.Rule{Client: giver.name, Operation: "UpdateItem", Times: 1, Match: updates("#shards", `"ready"`), Effect: fault.Effect{Do: func() {
			taker.stop()
			close(given)
		}}})
		select {
		case <-given:
		case <-time.After(time.Minute):
			t.Fatal("nothing was handed over")
		}
		time.Sleep(time.Second)
		for id, row := range w.rows() {
			if row.Owner != giver.Status().Instance || !row.begun() {
				t.Errorf("nobody reads %s: %+v", id, row)
			}
		}
		giver.stop()
	})
}

// TestInstancesThatStopTogetherAreNoHeirs: all but one stop at one instant; the one that stays reads all at once.
func TestInstancesThatStopTogetherAreNoHeirs(t *testing.T) {
	t.Parallel()
	scenario(t, 6, func(w *world) {
		all := w.team(3)
		w.spread(30)
		time.Sleep(time.Minute)
		w.balanced(all...)
		for _, i := range all[1:] {
			i.cancel()
		}
		time.Sleep(w.lease/5 + time.Second)
		for id, row := range w.rows() {
			if row.Owner != all[0].Status().Instance || !row.begun() {
				t.Errorf("nobody reads %s: %+v", id, row)
			}
		}
		stopAll(all)
	})
}
