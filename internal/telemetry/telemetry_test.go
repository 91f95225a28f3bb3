package telemetry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/metrics"
)

// network calls the stand-in; a test can cut it, or let it hang.
type network struct {
	box        *sandbox.Sandbox
	service    *metrics.Service // its CloudWatch
	down, hang atomic.Bool
	ahead      atomic.Int64 // of our clock, in nanoseconds
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.hang.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if n.down.Load() {
		return nil, errors.New("connection refused")
	}
	return sandbox.Direct(n.box).RoundTrip(r)
}

// bench is a telemetry that pushes to a stand-in.
type bench struct {
	*Telemetry
	*network
	logs *observer.ObservedLogs
}

func newBench(t *testing.T, change func(*Config)) bench {
	t.Helper()
	box := sandbox.New()
	b := bench{network: &network{box: box, service: box.Metrics}}
	core, logs := observer.New(zap.DebugLevel)
	b.logs = logs
	b.service.Now = func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }
	c := DefaultConfig()
	c.Service, c.Instance, c.Logger = "shop", "host-1", zap.New(core)
	c.Client = cloudwatch.New(cloudwatch.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://sandbox"),
		Credentials: credentials.NewStaticCredentialsProvider("one", "secret", ""),
		HTTPClient:  &http.Client{Transport: b.network}, Retryer: aws.NopRetryer{},
		RequestMinCompressSizeBytes: 10240, // as the shared configuration has it
	})
	if change != nil {
		change(&c)
	}
	var err error
	if b.Telemetry, err = New(c); err != nil {
		t.Fatal(err)
	}
	return b
}

// start runs the push; stop ends it and waits.
func (b bench) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); b.Run(ctx) }()
	return func() { cancel(); <-ended }
}

func scrape(t *testing.T, tel *Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

// scraped reads one counter or one histogram's count from an exposition, summed over its labels.
func scrapedValue(t *testing.T, exposition, name string) float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition))
	if err != nil {
		t.Fatal(err)
	}
	var v float64
	for _, m := range families[name].GetMetric() {
		v += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return v
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBothWaysOutAgreeOverARunStoppedInMidInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		stop := b.start(t)
		loader, notifier, stream := b.Meter("loader"), b.Meter("notifier"), b.Meter("stream")
		written := must(loader.Int64Counter("rows.written"))
		rejected := must(loader.Int64Counter("rows.rejected"))
		units := must(loader.Float64Counter("consumed.write.units"))
		latency := must(notifier.Float64Histogram("alert.latency", metric.WithUnit("s")))
		age := must(stream.Float64Gauge("iterator.age", metric.WithUnit("s")))

		random := rand.New(rand.NewPCG(1, 2))
		var truth []float64
		for range 200 { // 7 min 20 s: stopped in the middle of an interval
			written.Add(t.Context(), random.Int64N(1000))
			rejected.Add(t.Context(), 1, metric.WithAttributes(attribute.String("code", []string{"count_empty", "encoding"}[random.IntN(2)])))
			units.Add(t.Context(), 0.5)
			for range 20 {
				v := math.Exp(2*random.NormFloat64() - 1) // from milliseconds to minutes
				truth = append(truth, v)
				latency.Record(t.Context(), v, metric.WithAttributes(attribute.Bool("digest", random.IntN(2) == 0)))
			}
			age.Record(t.Context(), 1.5, metric.WithAttributes(attribute.String("shard", "a")))
			age.Record(t.Context(), 2.25, metric.WithAttributes(attribute.String("shard", "b")))
			time.Sleep(2200 * time.Millisecond)
		}
		stop()
		exposition := scrape(t, b.Telemetry)
		for _, c := range []struct{ cloudwatch, prometheus string }{
			{"RowsWritten", "inventoryd_loader_rows_written_total"},
			{"RowsRejected", "inventoryd_loader_rows_rejected_total"},
			{"ConsumedWriteUnits", "inventoryd_loader_consumed_write_units_total"},
		} {
			pushed, pulled := b.service.Statistics(c.cloudwatch).Sum, scrapedValue(t, exposition, c.prometheus)
			if pushed != pulled || pushed == 0 {
				t.Errorf("%s %v, %s %v", c.cloudwatch, pushed, c.prometheus, pulled)
			}
		}
		slices.Sort(truth)
		s := b.service.Statistics("AlertLatencySeconds")
		if n := scrapedValue(t, exposition, "inventoryd_notifier_alert_latency_seconds"); s.Count != n || s.Count != float64(len(truth)) {
			t.Errorf("count %v, scraped %v, true %v", s.Count, n, len(truth))
		}
		if s.Min != truth[0] || s.Max != truth[len(truth)-1] {
			t.Errorf("min %v max %v, true %v %v", s.Min, s.Max, truth[0], truth[len(truth)-1])
		}
		for _, p := range []float64{1, 10, 50, 90, 95, 99, 99.9} {
			exact := truth[int(math.Ceil(p/100*float64(len(truth))))-1]
			if got := s.Percentile(p); math.Abs(got-exact) > 0.1*exact {
				t.Errorf("p%v is %v, true %v", p, got, exact)
			}
		}
		if d := b.service.Data("IteratorAgeMilliseconds"); len(d) != 8 || d[0].Values[0] != 2250 || d[0].Unit != "Milliseconds" {
			t.Errorf("the oldest shard's age in milliseconds, each minute: %+v", d)
		}
	})
}

func TestEachCallIsCompressedAndSeriesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) {
			c.CloudWatch.Instance, c.CloudWatch.Namespace, c.CloudWatch.Interval = true, "Shops", 50*time.Second
		})
		for _, scope := range []string{"loader", "stream", "notifier"} {
			must(b.Meter(scope).Int64Counter("of.no.interest")).Add(t.Context(), 1)
		}
		stop := b.start(t)
		time.Sleep(3*time.Minute + time.Second)
		stop()
		calls := b.service.Calls()
		if len(calls) != 4 {
			t.Errorf("one call each 50 s and one at the stop: %v", calls)
		}
		for _, c := range calls {
			if !c.Compressed || c.Data > 40 {
				t.Errorf("%+v", c)
			}
		}
		series := b.service.Series()
		if len(series) > 40 || !slices.Contains(series, "Shops RowsWritten Instance=host-1 Service=shop") {
			t.Errorf("%d: %v", len(series), series)
		}
	})
}

func TestASmallCallIsCompressedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		must(b.Meter("").Int64Gauge("up")).Record(t.Context(), 1)
		stop := b.start(t)
		time.Sleep(time.Second)
		stop()
		if calls := b.service.Calls(); len(calls) != 1 || calls[0].Data != 1 || !calls[0].Compressed {
			t.Errorf("%+v", calls)
		}
	})
}

func TestZerosArePushedForPartsThatRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.Meter("loader")
		stop := b.start(t)
		time.Sleep(2*time.Minute + time.Second)
		stop()
		if d := b.service.Data("FilesFailed"); len(d) != 3 || d[0].Values[0] != 0 || d[0].Counts[0] != 1 {
			t.Errorf("an alarm needs the zeros of a counter that never counted: %+v", d)
		}
		if d := b.service.Data("AlertsFailed"); len(d) != 0 {
			t.Errorf("a part that does not run has no metrics: %+v", d)
		}
	})
}

func TestCloudWatchDownForAnHourCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		written := must(b.Meter("loader").Int64Counter("rows.written"))
		latency := must(b.Meter("notifier").Float64Histogram("alert.latency", metric.WithUnit("s")))
		stop := b.start(t)
		count := func(minutes int) {
			for range minutes * 6 {
				before := time.Now()
				written.Add(t.Context(), 7)
				latency.Record(t.Context(), rand.Float64())
				if waited := time.Since(before); waited != 0 {
					t.Fatalf("counting waited %s for CloudWatch", waited)
				}
				time.Sleep(10 * time.Second)
			}
		}
		count(5)
		b.hang.Store(true)
		count(30)
		b.hang.Store(false)
		b.down.Store(true)
		count(30)
		if n := len(b.service.Calls()); n > 5 {
			t.Errorf("%d calls came through", n)
		}
		b.down.Store(false)
		count(2)
		time.Sleep(time.Second)
		stop()
		if s := b.service.Statistics("RowsWritten"); s.Sum != 67*6*7 {
			t.Errorf("%v rows of %d", s.Sum, 67*6*7)
		}
		if s := b.service.Statistics("AlertLatencySeconds"); s.Count != 67*6 {
			t.Errorf("%v latencies of %d", s.Count, 67*6)
		}
		if n := len(b.service.Data("RowsWritten")); n != 68 {
			t.Errorf("each minute must keep its own time: %d data", n)
		}
		warned := b.logs.FilterMessage("metrics cannot be pushed").Len()
		if again := b.logs.FilterMessage("metrics are pushed again").Len(); warned != 1 || again != 1 {
			t.Errorf("an outage is told once, and its end: %d, %d", warned, again)
		}
	})
}

func TestMemoryIsBoundedHoweverLongCloudWatchIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		for _, scope := range []string{"loader", "stream", "notifier"} {
			b.Meter(scope)
		}
		b.down.Store(true)
		stop := b.start(t)
		time.Sleep(6 * time.Hour)
		stop()
		if n := len(b.pusher.pending); n > maxPending || n < maxPending-40 {
			t.Errorf("%d data are pending", n)
		}
		if scrapedValue(t, scrape(t, b.Telemetry), "inventoryd_metrics_data_dropped_total") == 0 {
			t.Error("what was dropped is counted")
		}
	})
}

func TestTheLastPushDoesNotHoldUpTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.Meter("loader")
		stop := b.start(t)
		b.hang.Store(true)
		time.Sleep(time.Second)
		before := time.Now()
		stop()
		if d := time.Since(before); d != lastTimeout {
			t.Errorf("took %s", d)
		}
	})
}

func TestRefusedDataDoNotBlockTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		written := must(b.Meter("loader").Int64Counter("rows.written"))
		b.ahead.Store(int64(20 * 26 * time.Hour)) // our clock is wrong: all is too old
		stop := b.start(t)
		written.Add(t.Context(), 1)
		time.Sleep(time.Minute + time.Second)
		b.ahead.Store(0)
		written.Add(t.Context(), 2)
		stop()
		if s := b.service.Statistics("RowsWritten"); s.Sum != 2 {
			t.Errorf("%+v", s)
		}
		if b.logs.FilterMessage("metrics were refused and are dropped").Len() != 1 {
			t.Error(b.logs.All())
		}
	})
}

func TestTheLoopTicksWhileCloudWatchHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last time.Time
		var longest time.Duration
		b := newBench(t, func(c *Config) {
			c.Loop = func(string) (func(), func()) {
				last = time.Now()
				return func() { longest, last = max(longest, time.Since(last)), time.Now() }, func() {}
			}
		})
		b.hang.Store(true)
		stop := b.start(t)
		time.Sleep(10 * time.Minute)
		stop()
		if longest > 20*time.Second || longest == 0 {
			t.Errorf("%s between two ticks", longest)
		}
	})
}

func TestTheExpositionIsClean(t *testing.T) {
	b := newBench(t, nil)
	m := b.Meter("loader")
	must(m.Int64Counter("rows.written", metric.WithDescription("Rows written."))).Add(t.Context(), 1)
	must(m.Float64Histogram("load", metric.WithUnit("s"), metric.WithDescription("Load time."))).Record(t.Context(), 1)
	must(m.Int64Counter("files.failed", metric.WithDescription("Never counted.")))
	must(m.Float64Counter("consumed.write.units", metric.WithDescription("Never counted.")))
	must(m.Int64Gauge("messages.in.flight", metric.WithDescription("Messages."))).Record(t.Context(), 1)
	must(b.Meter("").Int64Gauge("up", metric.WithDescription("Up."))).Record(t.Context(), 1)
	exposition := scrape(t, b.Telemetry)
	problems, err := promlint.New(strings.NewReader(exposition)).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	for _, want := range []string{"\ninventoryd_loader_rows_written_total 1\n", "\ninventoryd_loader_load_seconds_count 1\n", "\ninventoryd_loader_messages_in_flight 1\n", "\ninventoryd_up 1\n", "\ninventoryd_loader_files_failed_total 0\n", "\ninventoryd_loader_consumed_write_units_total 0\n", `inventoryd_loader_load_seconds_bucket{le="0.25"} 0`, "\ngo_goroutines "} {
		if !strings.Contains(exposition, want) {
			t.Errorf("no %q in\n%s", want, exposition)
		}
	}
}

func TestWithoutCloudWatchNothingIsPushed(t *testing.T) {
	b := newBench(t, func(c *Config) { c.CloudWatch.Enabled = false })
	if b.pusher != nil {
		t.Error("a push although it is not enabled")
	}
	stop := b.start(t)
	stop()
}

func TestNamesForCloudWatch(t *testing.T) {
	if len(pushes) > 40 {
		t.Errorf("%d series for each instance", len(pushes))
	}
	names := map[string]bool{}
	for _, p := range pushes {
		if names[p.name] {
			t.Errorf("two instruments are %s", p.name)
		}
		names[p.name] = true
	}
	for instrument, want := range map[string]string{
		"loader.rows.written":       "RowsWritten Count",
		"loader.load.seconds":       "LoadSeconds Seconds",
		"stream.errors":             "StreamErrors Count",
		"stream.iterator.age":       "IteratorAgeMilliseconds Milliseconds",
		"stream.retention.headroom": "RetentionHeadroomSeconds Seconds",
		"up":                        "Up Count",
	} {
		if p := pushOf(instrument); p == nil || p.name+" "+string(p.unit) != want {
			t.Errorf("%v: %+v", instrument, p)
		}
	}
	if pushOf("loader.of.no.interest") != nil {
		t.Error("only what is listed is pushed")
	}
}

func TestInvalidSettingsAreNamed(t *testing.T) {
	for _, c := range []struct {
		change func(*CloudWatch)
		want   string
	}{
		{func(c *CloudWatch) { c.Interval = time.Second }, "cloudwatch.interval: must be between 10s and 1h, not 1s"},
		{func(c *CloudWatch) { c.Namespace = "AWS/X" }, "cloudwatch.namespace: must not begin with AWS/, which is reserved"},
		{func(c *CloudWatch) { c.Namespace = "" }, "cloudwatch.namespace: must have 1 to 255 characters"},
		{func(c *CloudWatch) { c.Namespace = "ü" }, "cloudwatch.namespace: must be ASCII without control characters"},
	} {
		config := DefaultConfig()
		c.change(&config.CloudWatch)
		if err := config.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
