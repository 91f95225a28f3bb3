package dynamo_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/sandbox/dynamo"
)

// history reads all shards, parents before children, and returns each store's counts in the order of their records.
func (e env) history(t *testing.T) map[string][]int {
	t.Helper()
	shards, err := e.Tables.Shards("Tab")
	must(t, err)
	read := map[string]bool{}
	counts := map[string][]int{}
	for len(read) < len(shards) {
		before := len(read)
		for _, sh := range shards {
			if read[sh.ID] || sh.Parent != "" && !read[sh.Parent] {
				continue
			}
			read[sh.ID] = true
			records, _ := e.drain(t, sh.ID)
			for _, r := range records {
				n, err := strconv.Atoi(r.Dynamodb.NewImage["n"].(*streamtypes.AttributeValueMemberN).Value)
				must(t, err)
				pk := r.Dynamodb.Keys["pk"].(*streamtypes.AttributeValueMemberS).Value
				counts[pk] = append(counts[pk], n)
			}
		}
		if len(read) == before {
			t.Fatal("a shard's parent is missing")
		}
	}
	return counts
}

// Writers, a reader and somebody who splits and rolls shards: every store's records are complete and in order.
func TestRecordsSurviveConcurrentWritesAndSplits(t *testing.T) {
	e := newEnv(t)
	const writers, writes = 8, 100
	arn := e.arn(t)
	var g errgroup.Group
	for w := range writers {
		g.Go(func() error {
			for n := range writes {
				if err := e.tryPut(t.Context(), "store-"+strconv.Itoa(w), "x", attributes{"n": num(strconv.Itoa(n))}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error { return e.disturb(20) })
	g.Go(func() error {
		for range 10 {
			shards, err := e.Tables.Shards("Tab")
			if err != nil {
				return err
			}
			if _, _, err := e.tryDrain(t.Context(), arn, shards[rand.IntN(len(shards))].ID); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, g.Wait())
	for store, counts := range e.history(t) {
		if len(counts) != writes {
			t.Errorf("%s has %d records, want %d", store, len(counts), writes)
		}
		for i, n := range counts {
			if n != i {
				t.Fatalf("%s: record %d has %d", store, i, n)
			}
		}
	}
}

// disturb splits and rolls open shards at random.
func (e env) disturb(times int) error {
	for i := range times {
		shards, err := e.Tables.Shards("Tab")
		if err != nil {
			return err
		}
		sh := shards[rand.IntN(len(shards))]
		switch {
		case !sh.Open:
		case i%2 == 0:
			_, err = e.Tables.Split("Tab", sh.ID)
		default:
			_, err = e.Tables.Roll("Tab", sh.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Two days in a bubble: shards roll over and are trimmed by themselves, what is younger than a day is readable, and in
// order.
func TestTwoDaysPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		for n := range 48 {
			e.put(t, "a", "x", attributes{"n": num(strconv.Itoa(n))})
			time.Sleep(time.Hour)
		}
		shards, err := e.Tables.Shards("Tab")
		must(t, err)
		if n := len(shards); n < 4*5 || n > 4*8 {
			t.Errorf("%d shards after two days", n)
		}
		total := 0
		last := -1
		for _, sh := range shards { // their ids are in the order of their births
			records, _ := e.drain(t, sh.ID)
			for _, r := range records {
				n, err := strconv.Atoi(r.Dynamodb.NewImage["n"].(*streamtypes.AttributeValueMemberN).Value)
				must(t, err)
				if n <= last {
					t.Errorf("%d after %d", n, last)
				}
				last = n
				total++
			}
		}
		if total != 24 || last != 47 {
			t.Errorf("%d records up to %d, want 24 up to 47", total, last)
		}
	})
}

func TestControlsRefuseWhatCannotBe(t *testing.T) {
	e := newEnv(t)
	shards, err := e.Tables.Shards("Tab")
	must(t, err)
	_, err = e.Tables.Roll("Tab", shards[0].ID)
	must(t, err)
	for what, err := range map[string]error{
		"roll a closed shard":      second(e.Tables.Roll("Tab", shards[0].ID)),
		"split no shard":           second(e.Tables.Split("Tab", "none")),
		"announce of a closed":     second(e.Tables.Announce("Tab", shards[0].ID, 1)),
		"remove an open shard":     e.Tables.Remove("Tab", shards[1].ID, false),
		"hide no shard":            e.Tables.Hide("Tab", "none", time.Hour),
		"a number that was":        e.Tables.SetNextSequence("Tab", "000000000000000000001"),
		"shards of no table":       second(e.Tables.Shards("None")),
		"a stream that is on":      second(e.Tables.EnableStream("Tab", "NEW_IMAGE")),
		"capacity of no table":     e.Tables.SetWriteCapacity("None", 1),
		"a second switching off":   twice(func() error { return e.Tables.DisableStream("Tab") }),
		"a view that is not known": second(e.Tables.EnableStream("Tab", "NONSENSE")),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func twice(f func() error) error {
	if err := f(); err != nil {
		return nil
	}
	return f()
}

func TestRecordsAreShownToBenchesInOrder(t *testing.T) {
	e := newEnv(t)
	must(t, e.Tables.DisableStream("Tab"))
	var seen []dynamo.Record
	e.Tables.OnRecord(func(table string, r dynamo.Record) { seen = append(seen, r) })
	_, err := e.Tables.EnableStream("Tab", "NEW_AND_OLD_IMAGES")
	must(t, err)
	for n := range 3 {
		e.put(t, "a", "x", attributes{"n": num(strconv.Itoa(n))})
	}
	if len(seen) != 3 || seen[0].Old != "" || seen[1].Old != seen[0].New || seen[2].Sequence <= seen[1].Sequence || seen[2].Created.IsZero() {
		t.Errorf("%+v", seen)
	}
}

func TestTrimAtWill(t *testing.T) {
	e := newEnv(t)
	e.put(t, "a", "x", attributes{"n": num("1")})
	e.Clock.Advance(time.Minute)
	before := e.Clock.Now()
	e.put(t, "a", "x", attributes{"n": num("2")})
	must(t, e.Tables.Trim("Tab", before))
	if got := e.history(t); fmt.Sprint(got) != "map[a:[2]]" {
		t.Errorf("%v", got)
	}
	shards, err := e.Tables.Shards("Tab")
	must(t, err)
	for _, sh := range shards {
		_, err := e.Tables.Roll("Tab", sh.ID)
		must(t, err)
	}
	e.Clock.Advance(time.Minute)
	must(t, e.Tables.Trim("Tab", e.Clock.Now()))
	if shards, err = e.Tables.Shards("Tab"); err != nil || len(shards) != 4 {
		t.Errorf("%d shards, %v, want the 4 open ones", len(shards), err)
	}
}

func TestIteratorsExpireAtWill(t *testing.T) {
	e := newEnv(t)
	shards, err := e.Tables.Shards("Tab")
	must(t, err)
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: e.arn(t), ShardId: &shards[0].ID, ShardIteratorType: "TRIM_HORIZON"}
	old, err := e.streams.GetShardIterator(t.Context(), in)
	must(t, err)
	must(t, e.Tables.ExpireIterators("Tab"))
	var expired *streamtypes.ExpiredIteratorException
	if _, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: old.ShardIterator}); !errors.As(err, &expired) {
		t.Errorf("an iterator from before: %v", err)
	}
	e.Clock.Advance(time.Nanosecond)
	fresh, err := e.streams.GetShardIterator(t.Context(), in)
	must(t, err)
	if _, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: fresh.ShardIterator}); err != nil {
		t.Errorf("an iterator from behind: %v", err)
	}
}

// Pages of any size, in either direction, are what the whole query is.
func TestPagesMakeTheWhole(t *testing.T) {
	e := newEnv(t)
	const items = 200
	for i := range items {
		e.put(t, "a", fmt.Sprintf("%04d", i*7%items), nil)
	}
	for _, limit := range []int32{1, 7, 199, 200, 201} {
		for _, forward := range []bool{true, false} {
			in := &dynamodb.QueryInput{
				TableName: aws.String("Tab"), KeyConditionExpression: aws.String("pk = :a"), ExpressionAttributeValues: attributes{":a": str("a")},
				Limit: &limit, ScanIndexForward: &forward,
			}
			next := 0
			for {
				out, err := e.db.Query(t.Context(), in)
				must(t, err)
				for _, i := range out.Items {
					want := next
					if !forward {
						want = items - 1 - next
					}
					if got := i["sk"].(*types.AttributeValueMemberS).Value; got != fmt.Sprintf("%04d", want) {
						t.Fatalf("limit %d, forward %t: %s, want %d", limit, forward, got, want)
					}
					next++
				}
				if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
					break
				}
			}
			if next != items {
				t.Errorf("limit %d, forward %t: %d items", limit, forward, next)
			}
		}
	}
}

// The iterators of one stream mean nothing to another.
func TestIteratorsBelongToTheirStream(t *testing.T) {
	e := newEnv(t)
	old := e.arn(t)
	shards, err := e.Tables.Shards("Tab")
	must(t, err)
	must(t, e.Tables.DisableStream("Tab"))
	_, err = e.Tables.EnableStream("Tab", "NEW_IMAGE")
	must(t, err)
	if _, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: old, ShardId: &shards[0].ID, ShardIteratorType: "TRIM_HORIZON"}); err != nil {
		t.Errorf("the old stream's shard: %v", err)
	}
	if _, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: e.arn(t), ShardId: &shards[0].ID, ShardIteratorType: "TRIM_HORIZON"}); err == nil {
		t.Error("the old stream's shard is in the new stream")
	}
}
