package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"inventoryd/internal/config"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/web"
	"inventoryd/stream"
)

// rare is what would spoil the comparison of the two ways out, or takes a daemon of other settings, and so happens to one of
// its own.
var rare = []string{
	"inventoryd_metrics_data_dropped_total", "inventoryd_stream_shard_moves_total", "inventoryd_http_logins_failed_total",
	"inventoryd_stream_records_before_start_total",
}

func TestWhatIsRareIsMeasuredToo(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("open"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var start time.Time
	settings := func(c *Config) {
		c.HTTP.Auth = web.Auth{User: "op", Hash: config.Secret(hash)}
		c.Stream.Start = stream.StartAt(start)
	}
	before := func(t *testing.T, w *world) { // rows from before the start, and a service that cannot begin there
		for range 8 {
			w.upload(t)
		}
		w.stock(t, "early", 3)
		time.Sleep(5 * time.Second)
		start = time.Now()
		w.aws.Fault(fault.Rule{
			Service: "streams", Operation: "GetShardIterator", Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte("AT_TIMESTAMP")) },
			Effect: fault.Effect{Error: &fault.Error{Code: "ValidationException", Message: "1 validation error detected"}},
		})
	}
	inPreparedBubble(t, before, settings, func(t *testing.T, w *world) {
		time.Sleep(time.Minute)
		w.daemon.user, w.daemon.password = "op", "guess"
		w.daemon.ask(t, "/status")
		w.daemon.password = "open"

		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		cfg := defaults()
		settings(&cfg)
		go func() {
			ended <- run(ctx, cfg, newClients(w.aws.Config("second"), cfg.AWS), host{log: zap.NewNop(), started: func() {}})
		}()
		time.Sleep(2 * time.Minute) // the first one leads and lets the second one have shards
		refuse := fault.Effect{Error: &fault.Error{Code: "InvalidParameterValueException", Message: "The value of the parameter MetricData is invalid"}}
		w.aws.Fault(fault.Rule{Service: "cloudwatch", Client: "daemon", Times: 1, Effect: refuse})
		time.Sleep(2 * time.Minute)
		_, exposition := w.daemon.ask(t, "/metrics")
		stop()
		if err := <-ended; err != nil {
			t.Error("the second daemon:", err)
		}
		amounts := parseClean(t, exposition)
		for _, name := range rare {
			if amounts[name] == 0 {
				t.Errorf("%s: nobody measures it", name)
			}
		}
	})
}
