package metrics_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/metrics"
)

// clientOf is a client of a sandbox whose CloudWatch lives at noon.
func clientOf(box *sandbox.Sandbox) *cloudwatch.Client {
	box.Metrics.Now = func() time.Time { return noon }
	return cloudwatch.NewFromConfig(box.Config("one"))
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestWhatTheSDKPutsArrives(t *testing.T) {
	box := sandbox.New()
	s, client := box.Metrics, clientOf(box)
	dimensions := []types.Dimension{{Name: aws.String("Service"), Value: aws.String("a")}}
	for _, minimum := range []int64{0, 1 << 20} {
		_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace: aws.String("n"),
			MetricData: []types.MetricDatum{
				{MetricName: aws.String("m"), Dimensions: dimensions, Timestamp: aws.Time(noon.Add(-time.Hour)), Unit: types.StandardUnitSeconds, Values: []float64{3, 1.5}, Counts: []float64{1, 2}},
				{MetricName: aws.String("single"), Value: aws.Float64(7)},
			},
		}, func(o *cloudwatch.Options) { o.RequestMinCompressSizeBytes = minimum })
		if err != nil {
			t.Fatal(err)
		}
	}
	want := metrics.Datum{Namespace: "n", Name: "m", Dimensions: map[string]string{"Service": "a"}, Timestamp: noon.Add(-time.Hour), Unit: "Seconds", Values: []float64{1.5, 3}, Counts: []float64{2, 1}}
	if d := cmp.Diff([]metrics.Datum{want, want}, s.Data("m")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]metrics.Call{{"one", true, 2}, {"one", false, 2}}, s.Calls()); d != "" {
		t.Error(d)
	}
	if got := s.Data("single")[0]; !got.Timestamp.Equal(noon) || got.Counts[0] != 1 {
		t.Errorf("%+v", got)
	}
	if got := s.Series(); !slices.Equal(got, []string{"n m Service=a", "n single"}) {
		t.Error(got)
	}
	statistics := s.Statistics("m")
	if statistics.Count != 6 || statistics.Sum != 12 || statistics.Min != 1.5 || statistics.Max != 3 ||
		statistics.Percentile(50) != 1.5 || statistics.Percentile(99) != 3 {
		t.Errorf("%+v", statistics)
	}
}

func dimensioned(name, value string) []types.Dimension {
	return []types.Dimension{{Name: &name, Value: &value}}
}

func TestLimitsAreTheServices(t *testing.T) {
	one := types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1)}
	with := func(change func(*types.MetricDatum)) []types.MetricDatum {
		d := one
		change(&d)
		return []types.MetricDatum{d}
	}
	for name, c := range map[string]struct {
		namespace string
		data      []types.MetricDatum
		want      string
	}{
		"reserved namespace":      {"AWS/EC2", []types.MetricDatum{one}, "InvalidParameterValue"},
		"no data":                 {"n", []types.MetricDatum{}, "MissingParameter"},
		"too many data":           {"n", slices.Repeat([]types.MetricDatum{one}, 1001), "greater than 1000"},
		"too many values":         {"n", with(func(d *types.MetricDatum) { d.Value, d.Values = nil, make([]float64, 151) }), "greater than 150"},
		"counts of another size":  {"n", with(func(d *types.MetricDatum) { d.Value, d.Values, d.Counts = nil, []float64{1, 2}, []float64{1} }), "the same size"},
		"two forms":               {"n", with(func(d *types.MetricDatum) { d.Values = []float64{1} }), "mutually exclusive"},
		"no value":                {"n", with(func(d *types.MetricDatum) { d.Value = nil }), "is required"},
		"a huge value":            {"n", with(func(d *types.MetricDatum) { d.Value = aws.Float64(1e300) }), "not supported"},
		"an old value":            {"n", with(func(d *types.MetricDatum) { d.Timestamp = aws.Time(noon.AddDate(0, 0, -15)) }), "past two weeks"},
		"a blank dimension":       {"n", with(func(d *types.MetricDatum) { d.Dimensions = dimensioned("a", " ") }), "not all of them white space"},
		"a dimension of umlauts":  {"n", with(func(d *types.MetricDatum) { d.Dimensions = dimensioned("a", "Zürich") }), "characters of ASCII"},
		"a dimension's colon":     {"n", with(func(d *types.MetricDatum) { d.Dimensions = dimensioned(":a", "b") }), "not begin with a colon"},
		"a unit of nobody's":      {"n", with(func(d *types.MetricDatum) { d.Unit = "Rows" }), "Unit"},
		"a namespace of umlauts":  {"Zürich", []types.MetricDatum{one}, "Namespace"},
		"a member that is unread": {"n", with(func(d *types.MetricDatum) { d.StorageResolution = aws.Int32(1) }), "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			box := sandbox.New()
			s := box.Metrics
			_, err := clientOf(box).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &c.namespace, MetricData: c.data})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if len(s.Data("")) != 0 {
				t.Error("a refused call must leave nothing")
			}
		})
	}
}

func TestOtherOperationsAreNamed(t *testing.T) {
	_, err := clientOf(sandbox.New()).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err == nil || !strings.Contains(err.Error(), "no operation DescribeAlarms") {
		t.Error(err)
	}
}

func TestWhatArrivedIsListedAndSummedUp(t *testing.T) {
	client := clientOf(sandbox.New())
	for i, v := range []float64{1, 2, 6} {
		_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("n"), MetricData: []types.MetricDatum{
			{MetricName: aws.String("m"), Dimensions: dimensioned("a", "b"), Value: &v, Unit: "Count", Timestamp: aws.Time(noon.Add(time.Duration(i) * 40 * time.Second))},
			{MetricName: aws.String("other"), Value: &v},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := client.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{Namespace: aws.String("n"), Dimensions: []types.DimensionFilter{{Name: aws.String("a")}}})
	if err != nil || len(list.Metrics) != 1 || *list.Metrics[0].MetricName != "m" || *list.Metrics[0].Dimensions[0].Value != "b" {
		t.Errorf("%+v, %v", list, err)
	}
	out, err := client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("n"), MetricName: aws.String("m"), Dimensions: dimensioned("a", "b"), Period: aws.Int32(60),
		StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon.Add(time.Hour)), Statistics: []types.Statistic{"Sum", "Maximum", "SampleCount"},
	})
	if err != nil || len(out.Datapoints) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	p := out.Datapoints[0]
	if *p.Sum != 3 || *p.Maximum != 2 || *p.SampleCount != 2 || p.Average != nil || p.Unit != "Count" || !p.Timestamp.Equal(noon) {
		t.Errorf("%+v", p)
	}
}

// The same call in the protocols of other clients.
func TestOtherProtocolsMeanTheSame(t *testing.T) {
	for name, c := range map[string]struct{ contentType, target, body, refused string }{
		"JSON": {"application/x-amz-json-1.0", "GraniteServiceVersion20100801.PutMetricData", `{"Namespace":"n","MetricData":[{"MetricName":"m","Timestamp":1795348800,"Values":[3,1.5],"Counts":[1,2],"Dimensions":[{"Name":"a","Value":"b"}]}]}`, `{"Namespace":"AWS/x"}`},
		"query": {
			"application/x-www-form-urlencoded", "",
			"Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Timestamp=2026-11-22T12%3A00%3A00Z&MetricData.member.1.Values.member.1=3&MetricData.member.1.Values.member.2=1.5&MetricData.member.1.Counts.member.1=1&MetricData.member.1.Counts.member.2=2&MetricData.member.1.Dimensions.member.1.Name=a&MetricData.member.1.Dimensions.member.1.Value=b",
			"Action=PutMetricData&Version=2010-08-01&Namespace=AWS/x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			box := sandbox.New()
			box.Metrics.Now = func() time.Time { return noon }
			send := func(body string) string {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sandbox/", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", c.contentType)
				r.Header.Set("X-Amz-Target", c.target)
				if c.target == "" {
					r.Header.Del("X-Amz-Target")
				}
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=one/20261122/us-east-1/monitoring/aws4_request")
				res, err := sandbox.Direct(box).RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = res.Body.Close() }()
				answer, _ := io.ReadAll(res.Body)
				return res.Status + " " + string(answer)
			}
			if got := send(c.body); !strings.HasPrefix(got, "200") {
				t.Fatal(got)
			}
			want := metrics.Datum{Namespace: "n", Name: "m", Dimensions: map[string]string{"a": "b"}, Timestamp: noon, Values: []float64{1.5, 3}, Counts: []float64{2, 1}}
			if d := cmp.Diff([]metrics.Datum{want}, box.Metrics.Data("")); d != "" {
				t.Error(d)
			}
			if got := send(c.refused); !strings.HasPrefix(got, "400") || !strings.Contains(got, "The value AWS/ for parameter Namespace is invalid.") {
				t.Error(got)
			}
		})
	}
}
