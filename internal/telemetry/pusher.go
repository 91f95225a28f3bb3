package telemetry

// The push to CloudWatch: collect every interval, keep what could not be sent, send it again.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
)

const (
	maxData     = 1000             // data in one call ("PutMetricData")
	maxPending  = 4800             // data kept while CloudWatch is down: two hours of 40 a minute
	callTimeout = 10 * time.Second // for one call with its retries
	lastTimeout = 5 * time.Second  // for the last push, at the stop
	beat        = 5 * time.Second  // between two ticks of the loop
)

// Putter is CloudWatch's client; its own retries are the SDK's.
type Putter interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// pusher belongs to the goroutine of Telemetry.Run.
type pusher struct {
	config  Config
	client  Putter
	reader  *sdk.ManualReader
	scopes  func() map[string]bool
	pending []types.MetricDatum // not sent yet, oldest first
	failing bool                // the last call failed

	failures, dropped metric.Int64Counter
}

// measure makes the instruments that tell of the push itself.
func (p *pusher) measure(meter metric.Meter) error {
	var err1, err2 error
	p.failures, err1 = meter.Int64Counter("push.failures", metric.WithDescription("Calls to CloudWatch that failed."))
	p.dropped, err2 = meter.Int64Counter("data.dropped", metric.WithDescription("Data that CloudWatch refused, or that gave way to newer ones while nothing could be pushed."))
	return errors.Join(err1, err2)
}

// newReader is the second reader: differences for what is added up, the present value for the rest, and histograms
// whose buckets follow the data.
func newReader() *sdk.ManualReader {
	return sdk.NewManualReader(
		sdk.WithTemporalitySelector(func(k sdk.InstrumentKind) metricdata.Temporality {
			switch k {
			case sdk.InstrumentKindCounter, sdk.InstrumentKindObservableCounter, sdk.InstrumentKindHistogram:
				return metricdata.DeltaTemporality
			}
			return metricdata.CumulativeTemporality
		}),
		sdk.WithAggregationSelector(func(k sdk.InstrumentKind) sdk.Aggregation {
			if k == sdk.InstrumentKindHistogram {
				return sdk.AggregationBase2ExponentialHistogram{MaxSize: 140, MaxScale: 20}
			}
			return sdk.DefaultAggregationSelector(k)
		}),
	)
}

// run pushes every interval until ctx ends, and then once more.
func (p *pusher) run(ctx context.Context, tick func()) {
	beats := time.NewTicker(beat)
	defer beats.Stop()
	intervals := time.NewTicker(p.config.CloudWatch.Interval)
	defer intervals.Stop()
	for {
		select {
		case <-beats.C:
			tick()
		case <-intervals.C:
			p.push(ctx)
			tick()
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
			defer cancel()
			p.push(last)
			return
		}
	}
}

// push collects the interval that ends now and sends all that is pending.
func (p *pusher) push(ctx context.Context) {
	var rm metricdata.ResourceMetrics
	if err := p.reader.Collect(ctx, &rm); err != nil {
		p.config.Logger.Error("metrics cannot be collected", zap.NamedError("err", err))
	}
	p.pending = append(p.pending, data(samples(&rm, p.scopes()), time.Now(), p.dimensions())...)
	err := p.send(ctx)
	switch {
	case err != nil && !p.failing:
		p.config.Logger.Warn("metrics cannot be pushed", zap.Int("pending", len(p.pending)), zap.NamedError("err", err))
	case err == nil && p.failing:
		p.config.Logger.Info("metrics are pushed again")
	}
	p.failing = err != nil
	p.bound(ctx)
}

// send pushes what is pending, oldest first, until a call fails. Data that CloudWatch refuses for their content are
// dropped, or nothing would ever pass them.
func (p *pusher) send(ctx context.Context) error {
	for len(p.pending) > 0 {
		n := min(len(p.pending), maxData)
		err := p.put(ctx, p.pending[:n])
		if err != nil {
			p.failures.Add(ctx, 1)
		}
		if refused(err) {
			p.config.Logger.Error("metrics were refused and are dropped", zap.Int("data", n), zap.NamedError("err", err))
			p.dropped.Add(ctx, int64(n))
			err = nil
		}
		if err != nil {
			return fmt.Errorf("put metric data: %w", err)
		}
		p.pending = p.pending[n:]
	}
	p.pending = nil
	return nil
}

func (p *pusher) put(ctx context.Context, batch []types.MetricDatum) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := p.client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace:  aws.String(p.config.CloudWatch.Namespace),
		MetricData: batch,
	}, compressed)
	return err
}

// compressed makes the SDK compress each call's body, however small.
func compressed(o *cloudwatch.Options) {
	o.DisableRequestCompression, o.RequestMinCompressSizeBytes = false, 0
}

// bound drops the oldest data beyond maxPending.
func (p *pusher) bound(ctx context.Context) {
	n := len(p.pending) - maxPending
	if n <= 0 {
		return
	}
	p.config.Logger.Warn("metrics that could not be pushed for long are dropped", zap.Int("data", n))
	p.dropped.Add(ctx, int64(n))
	p.pending = append([]types.MetricDatum(nil), p.pending[n:]...) // lets go of the rest
}

func (p *pusher) dimensions() []types.Dimension {
	all := []types.Dimension{{Name: aws.String("Service"), Value: aws.String(p.config.Service)}}
	if p.config.CloudWatch.Instance {
		all = append(all, types.Dimension{Name: aws.String("Instance"), Value: aws.String(p.config.Instance)})
	}
	return all
}

// refused tells whether CloudWatch will never take the data.
func refused(err error) bool {
	var value *types.InvalidParameterValueException
	var combination *types.InvalidParameterCombinationException
	var missing *types.MissingRequiredParameterException
	return errors.As(err, &value) || errors.As(err, &combination) || errors.As(err, &missing)
}
