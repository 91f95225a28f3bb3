package main

// The time from a write's commit to the handler's call, on active shards, over a loopback connection.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/dynamo"
	"inventoryd/stream"
)

const (
	latencyShards = 4
	latencyWarm   = 200                   // writes that make the shards active; not measured
	latencyWrites = 600                   // that are
	latencyEvery  = 25 * time.Millisecond // on average; uniform from 0 to twice that
)

// stopwatch takes the time from commit to handler.
type stopwatch struct {
	mu        sync.Mutex           // guards what follows
	committed map[string]time.Time // by sequence number
	taken     []time.Duration
}

func (w *stopwatch) commit(_ string, r dynamo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.committed[r.Sequence] = time.Now()
}

func (w *stopwatch) handle(_ context.Context, batch []stream.Record) error {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range batch {
		w.taken = append(w.taken, now.Sub(w.committed[r.Sequence]))
	}
	return nil
}

func (w *stopwatch) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.taken)
}

func latency([]string) error {
	watch := &stopwatch{committed: map[string]time.Time{}}
	s := sandbox.New()
	s.Tables.OnRecord(watch.commit)
	if err := prepare(s, latencyShards, 0); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }() // waited for below
	c := connect("http://" + l.Addr().String())
	_, stop, err := c.run(watch.handle, func(*stream.Config) {})
	if err != nil {
		return err
	}
	for i := range latencyWarm + latencyWrites {
		if _, err := c.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: item(i, i)}); err != nil {
			return err
		}
		time.Sleep(rand.N(2 * latencyEvery))
	}
	for watch.count() < latencyWarm+latencyWrites {
		time.Sleep(10 * time.Millisecond)
	}
	watch.taken = watch.taken[latencyWarm:]
	slices.Sort(watch.taken)
	fmt.Printf("stream_latency_p50_ms %.1f ms\n", milliseconds(watch.taken[latencyWrites*50/100]))
	fmt.Printf("stream_latency_p99_ms %.1f ms\n", milliseconds(watch.taken[latencyWrites*99/100]))
	if err := stop(); err != nil {
		return err
	}
	end()
	return <-served
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
