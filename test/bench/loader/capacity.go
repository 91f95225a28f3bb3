package main

// How much of a table's capacity a load uses.

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"inventoryd/test/figure"
)

// capacities loads into tables of partitions, and prints the figures.
func (s *stub) capacities(bin string, runs int) error {
	for _, n := range []int{1, 4, 40} {
		var efficiency, throttled []float64
		for range runs {
			c, err := s.partitioned(bin, fed{rows: 20 * perPartition * n, stores: 10 * n, partitions: n, rate: perPartition})
			if err != nil {
				return err
			}
			efficiency, throttled = append(efficiency, c.efficiency), append(throttled, c.throttled)
		}
		figure.Print(fmt.Sprintf("load_capacity_efficiency_%d", n), "1", efficiency...)
		figure.Print(fmt.Sprintf("load_throttled_share_%d", n), "1", throttled...)
	}
	const partitions = 20
	for _, f := range []struct {
		name         string
		stores, each int
	}{{"load_sorted_speedup", partitions, 2000}, {"load_sorted_speedup_50000", 3, 50_000}} {
		var speedup []float64
		for range runs {
			c, err := s.partitioned(bin, fed{f.stores * f.each, f.stores, f.each, partitions, perPartition})
			if err != nil {
				return err
			}
			speedup = append(speedup, float64(f.stores*f.each)/perPartition/c.took.Seconds())
		}
		figure.Print(f.name, "1", speedup...)
	}
	return nil
}

// capacity is what one load has used.
type capacity struct {
	efficiency float64 // of what the partitions admit
	throttled  float64 // of the calls
	took       time.Duration
}

// fed is a feed and the table that it is for; partitioned says what the fields mean.
type fed struct{ rows, stores, each, partitions, rate int }

func (s *stub) partitioned(bin string, f fed) (c capacity, err error) {
	if err := s.ask(fmt.Sprintf("/_partitions?rows=%d&stores=%d&each=%d&partitions=%d&rate=%d", f.rows, f.stores, f.each, f.partitions, f.rate)); err != nil {
		return c, err
	}
	cmd := exec.Command(bin, "load", "s3://inventory/feed.csv")
	cmd.Env = append(os.Environ(), "INVENTORYD_AWS_ENDPOINT="+s.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKBENCH", "AWS_SECRET_ACCESS_KEY=secret")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return c, fmt.Errorf("%s: %w: %s", bin, err, out)
	}
	if c.took, err = duration(string(out)); err != nil {
		return c, err
	}
	answer, err := http.Get(s.url + "/_figures")
	if err != nil {
		return c, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		_, err = fmt.Sscan(string(text), &c.efficiency, &c.throttled)
	}
	return c, err
}
