package metrics

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"
)

// direct calls the service in the caller's goroutine.
type direct struct{ service *Service }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.service.ServeHTTP(w, r)
	return w.Result(), nil
}

func clientOf(s *Service) *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://sandbox"),
		Credentials: credentials.NewStaticCredentialsProvider("one", "secret", ""),
		HTTPClient:  &http.Client{Transport: direct{s}}, Retryer: aws.NopRetryer{},
	})
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestWhatTheSDKPutsArrives(t *testing.T) {
	s := &Service{Now: func() time.Time { return noon }}
	client := clientOf(s)
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
	want := Datum{Namespace: "n", Name: "m", Dimensions: map[string]string{"Service": "a"}, Timestamp: noon.Add(-time.Hour), Unit: "Seconds", Values: []float64{1.5, 3}, Counts: []float64{2, 1}}
	if d := cmp.Diff([]Datum{want, want}, s.Data("m")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Call{{"one", true, 2}, {"one", false, 2}}, s.Calls()); d != "" {
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
			s := &Service{Now: func() time.Time { return noon }}
			_, err := clientOf(s).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &c.namespace, MetricData: c.data})
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
	_, err := clientOf(&Service{}).ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
	if err == nil || !strings.Contains(err.Error(), "no operation ListMetrics") {
		t.Error(err)
	}
}
