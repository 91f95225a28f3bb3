package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// rates are the instants of the calls of the stream's operations, GetRecords by shard.
type rates struct {
	mu    sync.Mutex // guards calls
	calls map[string][]time.Time
}

// note is a fault's condition that never holds.
func (r *rates) note(c fault.Call) bool {
	key := c.Operation
	if key == "GetRecords" {
		var in struct{ ShardIterator string }
		_ = json.Unmarshal(c.Body, &in) // the SDK's own
		text, _ := base64.StdEncoding.DecodeString(in.ShardIterator[strings.LastIndexByte(in.ShardIterator, '|')+1:])
		shard, _, _ := strings.Cut(string(text), "|")
		key += " of " + shard
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[key] = append(r.calls[key], time.Now())
	return false
}

// most is the largest number of calls within a second, or nearly: a limiter's pauses are a nanosecond too short at times.
func most(calls []time.Time) int {
	slices.SortFunc(calls, time.Time.Compare)
	most, first := 0, 0
	for i, at := range calls {
		for at.Sub(calls[first]) >= time.Second-time.Millisecond {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// The service takes 10 calls of DescribeStream a second ("DescribeStream") and a few of GetRecords for a shard, which the sandbox
// does not limit: the daemon keeps to 5 and to 4, also while shards split and calls are throttled.
func TestTheStreamIsReadWithinItsRates(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		r := &rates{calls: map[string][]time.Time{}}
		w.aws.Fault(fault.Rule{Service: "streams", Match: r.note})
		w.aws.Fault(fault.Rule{Service: "streams", Every: 7, Effect: fault.Throttle})
		for round := range 9 {
			shards, err := w.aws.Tables.Shards(sandbox.Table)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range shards {
				if s.Open && round%3 == 0 && len(shards) < 40 {
					if _, err := w.aws.Tables.Split(sandbox.Table, s.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			w.upload(t)
			time.Sleep(10 * time.Second)
		}
		time.Sleep(3 * time.Minute)
		w.exact(t, map[string]int{}, 1)
		r.mu.Lock()
		defer r.mu.Unlock()
		for key, calls := range r.calls {
			limit := 4
			switch key {
			case "DescribeStream":
				limit = 5
			case "GetShardIterator":
				continue
			}
			if n := most(calls); n > limit {
				t.Errorf("%s: %d calls within a second, of %d", key, n, len(calls))
			}
		}
		t.Logf("%d shards, %d calls of DescribeStream", len(r.calls)-2, len(r.calls["DescribeStream"]))
	})
}
