package main

// Scale-out: records a second with one, two and four processes on the same shards. A record costs its handler a call of
// 5 ms, of which a process makes four at a time: so a process, not the machine or the stream, is the limit.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"inventoryd/stream"
	"inventoryd/test/figure"
)

const (
	scaleShards  = 64
	scaleRecords = 320_000
	scaleCall    = 5 * time.Millisecond
	scaleCalls   = 4                // of a process, at once: 800 records a second, a fortieth of what the machine could
	scalePatient = 3 * time.Minute  // until the shards are shared
	scaleWindow  = 10 * time.Second // in which is counted
	scaleRuns    = 3
	countEvery   = 100 * time.Millisecond
)

// worker reads with the lease table of that name and prints how many records it has handled, again and again.
func worker(args []string) error {
	c := connect(args[0])
	var handled atomic.Int64
	calls := make(chan struct{}, scaleCalls)
	_, stop, err := c.run(func(ctx context.Context, batch []stream.Record) error {
		for i := range batch {
			select {
			case calls <- struct{}{}:
			case <-ctx.Done():
				return stream.FailedAt(i, ctx.Err())
			}
			time.Sleep(scaleCall)
			<-calls
			handled.Add(1)
		}
		return nil
	}, func(c *stream.Config) { c.LeaseTable, c.LeaseDuration = args[1], 5*time.Second })
	if err != nil {
		return err
	}
	for {
		if _, err := fmt.Println(handled.Load()); err != nil { // nobody reads any more
			return stop()
		}
		time.Sleep(countEvery)
	}
}

// scaleOut measures all.
func scaleOut() error {
	server, out, err := spawn("serve", strconv.Itoa(scaleShards), strconv.Itoa(scaleRecords))
	if err != nil {
		return err
	}
	defer server.Wait() // its end is of no interest
	defer server.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the server did not start: %w", err)
	}
	rates := map[int][]float64{}
	for run := range scaleRuns {
		for _, n := range []int{1, 2, 4} {
			rate, err := together(n, strings.TrimSpace(address), fmt.Sprintf("leases-%d-%d", n, run))
			if err != nil {
				return err
			}
			rates[n] = append(rates[n], rate)
		}
	}
	figure.Print("stream_scaleout_1_records", "1/s", rates[1]...)
	for _, n := range []int{2, 4} {
		var ratios []float64
		for run := range scaleRuns {
			ratios = append(ratios, rates[n][run]/rates[1][run])
		}
		figure.Print(fmt.Sprint("stream_scaleout_", n), "ratio", ratios...)
	}
	return nil
}

// together runs n workers and returns the records that they handled a second, all of them, once each has its share of
// the shards.
func together(n int, address, leases string) (float64, error) {
	var counts []*count
	for range n {
		cmd, out, err := spawn("worker", address, leases)
		if err != nil {
			return 0, err
		}
		c := &count{}
		counts = append(counts, c)
		var read sync.WaitGroup
		read.Go(func() { c.follow(out) })
		defer read.Wait()
		defer end(cmd)
	}
	begun := time.Now()
	if err := shared(n, address, leases); err != nil {
		return 0, err
	}
	fmt.Fprintf(os.Stderr, "%d processes share %d shards after %v\n", n, scaleShards, time.Since(begun).Round(time.Millisecond))
	begun, before := time.Now(), sum(counts)
	time.Sleep(scaleWindow)
	return float64(sum(counts)-before) / time.Since(begun).Seconds(), nil
}

// shared waits until n instances have the shards, with an eighth of a share between them at most.
func shared(n int, address, leases string) error {
	client := connect(address).tables
	var owners map[string]int
	for until := time.Now().Add(scalePatient); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		listed, err := stream.List(context.Background(), client, leases, table)
		if err != nil {
			continue // the table is not there yet
		}
		owners = map[string]int{}
		for _, s := range listed.Shards {
			if s.Owner != "" {
				owners[s.Owner]++
			}
		}
		counts := slices.Sorted(maps.Values(owners))
		if len(counts) == n && counts[n-1]-counts[0] <= scaleShards/n/8 {
			return nil
		}
	}
	return fmt.Errorf("%d processes do not share the shards: %v", n, owners)
}

func end(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait() // it was killed
}

// count is the last number that a worker has printed.
type count struct{ n atomic.Int64 }

func (c *count) follow(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
			c.n.Store(n)
		}
	}
}

func sum(counts []*count) (total int64) {
	for _, c := range counts {
		total += c.n.Load()
	}
	return total
}
