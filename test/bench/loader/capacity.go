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
func (s *stub) capacities(bin string) error {
	for _, n := range []int{1, 4, 40} {
		c, err := s.partitioned(bin, 20*perPartition*n, 10*n, 0, n)
		if err != nil {
			return err
		}
		figure.Print(fmt.Sprintf("load_capacity_efficiency_%d", n), "1", c.efficiency)
		figure.Print(fmt.Sprintf("load_throttled_share_%d", n), "1", c.throttled)
	}
	const partitions = 20
	for _, f := range []struct {
		name         string
		stores, each int
	}{{"load_sorted_speedup", partitions, 2000}, {"load_sorted_speedup_50000", 3, 50_000}} {
		c, err := s.partitioned(bin, f.stores*f.each, f.stores, f.each, partitions)
		if err != nil {
			return err
		}
		figure.Print(f.name, "1", float64(f.stores*f.each)/perPartition/c.took.Seconds())
	}
	return nil
}

// capacity is what one load has used.
type capacity struct {
	efficiency float64 // of what the partitions admit
	throttled  float64 // of the calls
	took       time.Duration
}

func (s *stub) partitioned(bin string, rows, stores, each, partitions int) (c capacity, err error) {
	if err := s.ask(fmt.Sprintf("/_partitions?rows=%d&stores=%d&each=%d&partitions=%d", rows, stores, each, partitions)); err != nil {
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
