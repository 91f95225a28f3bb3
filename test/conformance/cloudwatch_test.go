package conformance

// Cases of CloudWatch. No other stand-in has it: the sandbox is held to the documentation alone.

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// putMetrics puts data as the daemon does.
func putMetrics(t *T, e *Env, data []types.MetricDatum, change ...func(*cloudwatch.Options)) error {
	_, err := cloudwatch.NewFromConfig(e.Config).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("inventoryd"), MetricData: data,
	}, change...)
	return err
}

// compressed makes the SDK compress the body, however small.
func compressed(o *cloudwatch.Options) {
	o.DisableRequestCompression, o.RequestMinCompressSizeBytes = false, 0
}

func uncompressed(o *cloudwatch.Options) { o.DisableRequestCompression = true }

// datum is one that CloudWatch takes, changed.
func datum(change ...func(*types.MetricDatum)) types.MetricDatum {
	d := types.MetricDatum{
		MetricName: aws.String("AlertLatency"), Unit: types.StandardUnitSeconds, Values: []float64{0.5, 2}, Counts: []float64{3, 1},
		Dimensions: []types.Dimension{{Name: aws.String("Service"), Value: aws.String("shop")}},
	}
	for _, c := range change {
		c(&d)
	}
	return d
}

// refusesDatum expects a call with a changed datum, and with a good one beside it, to be refused as a whole.
func refusesDatum(t *T, e *Env, code, words string, change func(*types.MetricDatum)) {
	t.refused(putMetrics(t, e, []types.MetricDatum{datum(), datum(change)}), code, words)
	t.equal("what was taken of a refused call", len(e.Sandbox.Metrics.Data("")), 0)
}

const (
	putMetricData = "PutMetricData"
	metricDatum   = "MetricDatum"
)

var _ = add("cloudwatch",
	Case{Name: "data arrive, compressed or not", Doc: putMetricData, Sandbox: true, Run: func(t *T, e *Env) {
		for i, compression := range []func(*cloudwatch.Options){compressed, uncompressed} {
			t.ok(putMetrics(t, e, []types.MetricDatum{datum()}, compression))
			t.equal("compressed", e.Sandbox.Metrics.Calls()[i].Compressed, i == 0)
		}
		got := e.Sandbox.Metrics.Statistics("AlertLatency")
		t.equal("count, sum, least, most", fmt.Sprint(got.Count, got.Sum, got.Min, got.Max), "8 7 0.5 2")
		t.equal("the series", e.Sandbox.Metrics.Series(), []string{"inventoryd AlertLatency Service=shop"})
	}},
	Case{Name: "a call takes 1000 data and refuses 1001", Doc: putMetricData, Sandbox: true, Run: func(t *T, e *Env) {
		t.ok(putMetrics(t, e, slices.Repeat([]types.MetricDatum{datum()}, 1000)))
		t.refused(putMetrics(t, e, slices.Repeat([]types.MetricDatum{datum()}, 1001)), "InvalidParameterValue", "MetricData must not have a size greater than 1000")
	}},
	Case{Name: "a datum takes 150 values and refuses 151", Doc: metricDatum, Sandbox: true, Run: func(t *T, e *Env) {
		values := func(n int) func(*types.MetricDatum) {
			return func(d *types.MetricDatum) { d.Values, d.Counts = make([]float64, n), slices.Repeat([]float64{1}, n) }
		}
		refusesDatum(t, e, "InvalidParameterValue", "Values must not have a size greater than 150", values(151))
		t.ok(putMetrics(t, e, []types.MetricDatum{datum(values(150))}))
	}},
	Case{Name: "a body of more than 1 MB is refused, unless it is compressed below", Doc: putMetricData, Sandbox: true, Run: func(t *T, e *Env) {
		data := slices.Repeat([]types.MetricDatum{datum(func(d *types.MetricDatum) { d.Dimensions[0].Value = aws.String(strings.Repeat("x", 1024)) })}, 1000)
		err := putMetrics(t, e, data, uncompressed)
		t.equal("the status", status(err), 413)
		t.ok(putMetrics(t, e, data, compressed))
	}},
	Case{Name: "a datum may be two weeks old and two hours ahead", Doc: putMetricData, Sandbox: true, Run: func(t *T, e *Env) {
		at := func(d time.Duration) func(*types.MetricDatum) {
			return func(m *types.MetricDatum) { m.Timestamp = aws.Time(e.Sandbox.Clock.Now().Add(d)) }
		}
		const twoWeeks = 14 * 24 * time.Hour
		refusesDatum(t, e, "InvalidParameterValue", "Timestamp", at(-twoWeeks-time.Minute))
		refusesDatum(t, e, "InvalidParameterValue", "Timestamp", at(2*time.Hour+time.Minute))
		t.ok(putMetrics(t, e, []types.MetricDatum{datum(at(-twoWeeks + time.Minute)), datum(at(2*time.Hour - time.Minute))}))
	}},
	Case{Name: "what is no number, or too large a one, is refused", Doc: metricDatum, Sandbox: true, Run: func(t *T, e *Env) {
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e109} {
			refusesDatum(t, e, "InvalidParameterValue", "not supported", func(d *types.MetricDatum) { d.Values[0] = v })
		}
	}},
	Case{Name: "a datum has a value, values or none of the two forms at once", Doc: metricDatum, Sandbox: true, Run: func(t *T, e *Env) {
		refusesDatum(t, e, "InvalidParameterCombination", "mutually exclusive", func(d *types.MetricDatum) { d.Value = aws.Float64(1) })
		refusesDatum(t, e, "MissingParameter", "is required", func(d *types.MetricDatum) { d.Values, d.Counts = nil, nil })
		refusesDatum(t, e, "InvalidParameterValue", "the same size", func(d *types.MetricDatum) { d.Counts = d.Counts[:1] })
	}},
	Case{Name: "a call without data is refused", Doc: putMetricData, Sandbox: true, Run: func(t *T, e *Env) {
		t.refused(putMetrics(t, e, []types.MetricDatum{}), "MissingParameter", "MetricData")
	}},
	Case{Name: "the namespaces of AWS are its own", Doc: putMetricData, Sandbox: true, Run: func(t *T, e *Env) {
		_, err := cloudwatch.NewFromConfig(e.Config).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/Shop"), MetricData: []types.MetricDatum{datum()}})
		t.refused(err, "InvalidParameterValue", "AWS/")
	}},
	Case{Name: "a unit is one of the list", Doc: metricDatum, Sandbox: true, Run: func(t *T, e *Env) {
		refusesDatum(t, e, "InvalidParameterValue", "Unit", func(d *types.MetricDatum) { d.Unit = "Rows" })
		for _, unit := range types.StandardUnit("").Values() {
			t.ok(putMetrics(t, e, []types.MetricDatum{datum(func(d *types.MetricDatum) { d.Unit = unit })}))
		}
	}},
	Case{Name: "dimensions are of ASCII, not blank, and 30 at most", Doc: "Dimension", Sandbox: true, Run: func(t *T, e *Env) {
		for name, value := range map[string]string{"Service": "Zürich", "Instance": " ", ":Service": "shop", "Größe": "1", "Long": strings.Repeat("x", 1025)} {
			refusesDatum(t, e, "InvalidParameterValue", "of a dimension", func(d *types.MetricDatum) {
				d.Dimensions = []types.Dimension{{Name: &name, Value: &value}}
			})
		}
		many := func(n int) func(*types.MetricDatum) {
			return func(d *types.MetricDatum) {
				d.Dimensions = nil
				for i := range n {
					d.Dimensions = append(d.Dimensions, types.Dimension{Name: aws.String(fmt.Sprint("d", i)), Value: aws.String("v")})
				}
			}
		}
		refusesDatum(t, e, "InvalidParameterValue", "Dimensions must not have a size greater than 30", many(31))
		t.ok(putMetrics(t, e, []types.MetricDatum{datum(many(30))}))
	}},
)
