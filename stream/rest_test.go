package stream

// What instances ask of the lease table and of the stream while nothing happens, counted by the sandbox.

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// metering counts the lease table's capacity units.
type metering struct {
	Tables
	read, written *atomic.Int64 // halves of units
}

func (m metering) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	asked := *in
	asked.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Tables.Query(ctx, &asked, o...)
	if err == nil && out.ConsumedCapacity != nil {
		m.read.Add(int64(2 * *out.ConsumedCapacity.CapacityUnits))
	}
	return out, err
}

func (m metering) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	asked := *in
	asked.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Tables.UpdateItem(ctx, &asked, o...)
	if err == nil && out.ConsumedCapacity != nil {
		m.written.Add(int64(2 * *out.ConsumedCapacity.CapacityUnits))
	}
	return out, err
}

// idleCost is what so many instances on so many quiet shards ask for in an hour.
type idleCost struct {
	leases, describes, reads float64 // calls of the lease table, of Describe…, of GetRecords
	readUnits, writeUnits    float64 // of the lease table
	loads                    map[string]int
}

const (
	restWarm  = 10 * time.Minute // until the shards are spread and quiet
	restCount = 10 * time.Minute // in which is counted
)

func atRest(t *testing.T, shards, instances int) (is idleCost) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{TB: t, sandbox: sandbox.New()}
		w.db = dynamodb.NewFromConfig(w.sandbox.Config("writer"))
		w.sandbox.Tables.SetShards(shards)
		w.sandbox.Tables.SetRollover(0)
		w.createTable(bothImages)
		var leases, describes, reads, readHalves, writtenHalves atomic.Int64
		w.sandbox.Fault(fault.Rule{Match: func(c fault.Call) bool {
			switch {
			case !strings.HasPrefix(c.Client, "reader"):
			case strings.HasPrefix(c.Operation, "Describe"):
				describes.Add(1)
			case c.Operation == "GetRecords":
				reads.Add(1)
			case c.Service == "dynamodb":
				leases.Add(1)
			}
			return false
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, instances)
		var readers []*Reader
		for i := range instances {
			config := DefaultConfig()
			config.App = "inventoryd"
			rarely(&config)
			name := fmt.Sprint("reader-", i)
			cfg := w.sandbox.Config(name)
			tables := metering{quickTables{dynamodb.NewFromConfig(cfg), wire{w.sandbox, name}}, &readHalves, &writtenHalves}
			r, err := New(dynamodbstreams.NewFromConfig(cfg), tables, table, func(context.Context, []Record) error { return nil }, config)
			w.must(err)
			r.fetcher = quickPages{wire{w.sandbox, name}}
			readers = append(readers, r)
			go func() { done <- r.Run(ctx) }()
			time.Sleep(time.Duration(2*i+1) * time.Nanosecond)
		}
		time.Sleep(restWarm)
		counters := []*atomic.Int64{&leases, &describes, &reads, &readHalves, &writtenHalves}
		for _, c := range counters {
			c.Store(0)
		}
		time.Sleep(restCount)
		hourly := func(c *atomic.Int64) float64 { return float64(c.Load()) * float64(time.Hour/restCount) }
		is = idleCost{hourly(&leases), hourly(&describes), hourly(&reads), hourly(&readHalves) / 2, hourly(&writtenHalves) / 2, map[string]int{}}
		for _, r := range readers {
			for _, s := range r.Status().Shards {
				if s.State == StateHeld && s.Owner == r.Status().Instance {
					is.loads[s.Owner]++
				}
			}
		}
		cancel()
		for range instances {
			w.must(<-done)
		}
	})
	return is
}

// TestCostAtRest: one renewal each D/5 and one look at the instances each D/3 for each of them; the shards' rows once a
// minute for each, and each D/3 for a leader with company. STREAM_COST=all measures what the docs tell.
func TestCostAtRest(t *testing.T) {
	shards, instances := []int{20}, []int{1, 3}
	if os.Getenv("STREAM_COST") != "" {
		shards, instances = []int{1, 200, 1000}, []int{1, 3, 20}
	}
	for _, s := range shards {
		for _, n := range instances {
			is := atRest(t, s, n)
			name := fmt.Sprintf("stream_requests_idle_%d_%d", s, n)
			t.Logf("%s %.0f 1/h", name, is.leases)
			t.Logf("%s_describe %.0f 1/h", name, is.describes)
			t.Logf("%s_read_units %.0f 1/h", name, is.readUnits)
			t.Logf("%s_write_units %.0f 1/h", name, is.writeUnits)
			held := 0
			for _, shards := range is.loads {
				held += shards
			}
			if held != s {
				t.Errorf("%d instances hold %d of %d shards: %v", n, held, s, is.loads)
			}
			d := DefaultConfig().LeaseDuration.Seconds()
			each := 3600/(d/5) + 3600/(d/3)*1.25 // ± 20 %
			pages := float64(1 + s/1500)         // of a query for all rows
			most := float64(n)*(each+60*1.25*pages) + float64(s) + 60
			if n > 1 {
				most += 3600 / (d / 3) * 1.25 * pages
			}
			if is.leases > 1.1*most {
				t.Errorf("%s: %.0f calls of the lease table in an hour, want at most %.0f", name, is.leases, most)
			}
		}
	}
}
