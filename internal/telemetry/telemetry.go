// Package telemetry is the metrics' one registry and its two ways out: a Prometheus scrape and a push to CloudWatch,
// two readers of one OpenTelemetry meter provider.
//
// An instrument `rows.written` of the scope `loader` is inventoryd_loader_rows_written_total for Prometheus and
// RowsWritten for CloudWatch. Inside, times are seconds.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/zap"

	"inventoryd/internal/config"
)

// Config is the section `metrics`.
type Config struct {
	// The push to CloudWatch (PutMetricData). Prometheus scrapes /metrics, which is always there.
	CloudWatch CloudWatch `yaml:"cloudwatch"`

	Service  string      `yaml:"-"` // the dimension Service
	Instance string      `yaml:"-"` // the dimension Instance, where asked for; empty: the machine's name
	Logger   *zap.Logger `yaml:"-"` // nil: none
	Client   Putter      `yaml:"-"` // CloudWatch; nil: no push, whatever is enabled
	// Loop registers a loop that ticks while it turns; nil: nobody looks.
	Loop func(name string) (tick, done func()) `yaml:"-"`
}

// CloudWatch is the group `metrics.cloudwatch`.
type CloudWatch struct {
	// Push the metrics to CloudWatch. It costs what CloudWatch takes for at most 40 custom metrics, and needs the
	// permission cloudwatch:PutMetricData.
	Enabled bool `yaml:"enabled" reload:"restart"`
	// CloudWatch namespace; must not begin with AWS/.
	Namespace string `yaml:"namespace" reload:"restart"`
	// Time between two pushes, 10 s to 1 h.
	Interval time.Duration `yaml:"interval" reload:"restart"`
	// Add the dimension Instance (the machine's name) to the dimension Service (app). Every instance then has metrics
	// of its own, which CloudWatch bills one by one.
	Instance bool `yaml:"instance" reload:"restart"`
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config {
	return Config{CloudWatch: CloudWatch{Enabled: true, Namespace: "inventoryd", Interval: time.Minute}}
}

// Validate tells what cannot work.
func (c Config) Validate() error {
	var errs []error
	if d := c.CloudWatch.Interval; d < 10*time.Second || d > time.Hour {
		errs = append(errs, config.Problemf("cloudwatch.interval", "must be between 10s and 1h, not %s", d))
	}
	if c.CloudWatch.Enabled {
		errs = append(errs, checkNamespace(c.CloudWatch.Namespace))
	}
	return errors.Join(errs...)
}

// Telemetry is the registry. Its zero value is not usable.
type Telemetry struct {
	config   Config
	provider *sdk.MeterProvider
	registry *prometheus.Registry
	pusher   *pusher // nil: no push

	mu     sync.Mutex      // guards scopes
	scopes map[string]bool // for which a meter was asked
}

// Bounds are the upper bounds, in seconds, of the Prometheus histograms' buckets: from an alert's latency to a large
// feed's load.
var Bounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}

// New makes the registry.
func New(c Config) (*Telemetry, error) {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Instance == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("find this machine's name: %w", err)
		}
		c.Instance = name
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := promexporter.New(
		promexporter.WithRegisterer(registry),
		promexporter.WithNamespace("inventoryd"),
		promexporter.WithoutScopeInfo(),
		promexporter.WithoutTargetInfo(),
		promexporter.WithAggregationSelector(scraped),
	)
	if err != nil {
		return nil, fmt.Errorf("make the Prometheus exporter: %w", err)
	}
	t := &Telemetry{config: c, registry: registry, scopes: map[string]bool{}}
	options := []sdk.Option{sdk.WithReader(exporter), sdk.WithView(scoped)}
	if !c.CloudWatch.Enabled || c.Client == nil {
		t.provider = sdk.NewMeterProvider(options...)
		return t, nil
	}
	t.pusher = &pusher{config: c, client: c.Client, reader: newReader(), scopes: t.measured}
	t.provider = sdk.NewMeterProvider(append(options, sdk.WithReader(t.pusher.reader))...)
	return t, t.pusher.measure(t.Meter("metrics"))
}

// scraped gives the Prometheus reader's histograms their buckets.
func scraped(kind sdk.InstrumentKind) sdk.Aggregation {
	if kind == sdk.InstrumentKindHistogram {
		return sdk.AggregationExplicitBucketHistogram{Boundaries: Bounds}
	}
	return sdk.DefaultAggregationSelector(kind)
}

// scoped puts the scope in front of an instrument's name: rows.written of the loader is loader.rows.written.
func scoped(i sdk.Instrument) (sdk.Stream, bool) {
	return sdk.Stream{Name: scopedName(i.Scope.Name, i.Name), Description: i.Description, Unit: i.Unit}, true
}

// Meter returns the meter of a part: loader, stream, notifier. Instruments of the scope "" carry no part's name.
// CloudWatch gets a part's counters, zeros included, once its meter was asked for.
func (t *Telemetry) Meter(scope string) metric.Meter {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scopes[scope] = true
	return fromZero{t.provider.Meter(scope)}
}

// measured returns the scopes for which a meter was asked.
func (t *Telemetry) measured() map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.scopes)
}

// Handler answers a Prometheus scrape.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Run pushes to CloudWatch, where asked to, until ctx ends, and then once more, which takes 5 s at most: it is to end
// after all that counts has ended. Call it once.
func (t *Telemetry) Run(ctx context.Context) {
	if t.pusher == nil {
		<-ctx.Done()
		return
	}
	tick, done := func() {}, func() {}
	if t.config.Loop != nil {
		tick, done = t.config.Loop("metrics.push")
	}
	defer done()
	t.pusher.run(ctx, tick)
}
