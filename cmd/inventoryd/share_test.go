package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// limits are what the daemons hold themselves to, in rows a second; 0: a daemon has not written yet.
func limits(t *testing.T, daemons ...*pipes) (all []float64) {
	t.Helper()
	for _, d := range daemons {
		_, body := d.ask(t, "/status")
		var status struct {
			Loader struct {
				Limit float64 `json:"rows_per_s_limit"`
			} `json:"loader"`
		}
		if err := json.Unmarshal([]byte(body), &status); err != nil {
			t.Fatal(err)
		}
		all = append(all, status.Loader.Limit)
	}
	return all
}

// Together the instances write what the table takes: each holds itself to its part, and as the others come and go.
func TestInstancesShareWhatTheTableTakes(t *testing.T) {
	inPreparedBubble(t, func(_ *testing.T, w *world) { w.only = onlyLoader }, nil, func(t *testing.T, w *world) {
		number := 0
		comesTo := func(when string, fits func(float64) bool, daemons ...*pipes) {
			t.Helper()
			for range 10 {
				for range 4 * len(daemons) { // a pace asks once a minute, when it writes
					number++
					w.putObject(t, fmt.Sprintf("share%d.csv", number), fmt.Sprintf("Store,Item,Count\nBerlin,Echo Dot,%d\n", number))
				}
				time.Sleep(61 * time.Second)
				if !slices.ContainsFunc(limits(t, daemons...), func(limit float64) bool { return !fits(limit) }) {
					return
				}
			}
			t.Errorf("%s hold themselves to %v rows a second", when, limits(t, daemons...))
		}
		comesTo("one instance", func(limit float64) bool { return limit > 0 }, w.daemon)
		alone := limits(t, w.daemon)[0]
		part := func(of float64) func(float64) bool {
			return func(limit float64) bool { return math.Abs(limit*of/alone-1) < 0.05 } // it begins a little below what is admitted
		}
		stop := w.another(t, "notifier", onlyNotifier, newPipes())
		time.Sleep(time.Minute)
		comesTo("one beside an instance that loads nothing", part(1), w.daemon)
		stop()
		other := newPipes()
		stop = w.another(t, "other", onlyLoader, other)
		comesTo("two instances", part(2), w.daemon, other)
		stop()
		comesTo("one that is left", part(1), w.daemon)
		t.Logf("one instance holds itself to %.0f rows a second", alone)
	})
}

// another runs one more daemon in the bubble, as a client of its own, until stop is called.
func (w *world) another(t *testing.T, client string, only half, listener *pipes) (stop func()) {
	t.Helper()
	cfg := defaults()
	seldom(&cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, cfg, newClients(w.aws.Config(client), cfg.AWS), host{listener: listener, log: zap.NewNop(), started: func() {}, only: only})
	}()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", client, err)
		}
	}
}
