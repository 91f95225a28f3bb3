package metrics

// ListMetrics and GetMetricStatistics: what has arrived, as far as clients ask to see that it has.

import (
	"cmp"
	"encoding/xml"
	"maps"
	"slices"
	"time"
)

func (s *Service) putMetricData(r Request) (any, error) {
	var in input
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	return nil, s.put(in, Call{Client: r.Client, Compressed: r.Compressed, Data: len(in.MetricData)})
}

type (
	listRequest struct {
		Namespace, MetricName string
		Dimensions            []dimension
	}
	listedMetric struct {
		Namespace, MetricName string
		Dimensions            []dimension `xml:"Dimensions>member"`
	}
	listResult struct {
		XMLName xml.Name       `xml:"ListMetricsResult" json:"-" cbor:"-"`
		Metrics []listedMetric `xml:"Metrics>member"`
	}
)

// listMetrics answers all on one page.
func (s *Service) listMetrics(r Request) (any, error) {
	var in listRequest
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	out := listResult{Metrics: []listedMetric{}}
	for _, d := range s.Data(in.MetricName) {
		if in.Namespace != "" && in.Namespace != d.Namespace || !d.has(in.Dimensions) {
			continue
		}
		m := listedMetric{Namespace: d.Namespace, MetricName: d.Name, Dimensions: []dimension{}}
		for _, name := range slices.Sorted(maps.Keys(d.Dimensions)) {
			m.Dimensions = append(m.Dimensions, dimension{name, d.Dimensions[name]})
		}
		if !slices.ContainsFunc(out.Metrics, func(o listedMetric) bool {
			return o.Namespace == m.Namespace && o.MetricName == m.MetricName && slices.Equal(o.Dimensions, m.Dimensions)
		}) {
			out.Metrics = append(out.Metrics, m)
		}
	}
	return out, nil
}

// has tells whether the datum has these dimensions; one without a value has any.
func (d Datum) has(dimensions []dimension) bool {
	return !slices.ContainsFunc(dimensions, func(want dimension) bool {
		got, ok := d.Dimensions[want.Name]
		return !ok || want.Value != "" && want.Value != got
	})
}

type (
	statisticsRequest struct {
		listRequest
		StartTime, EndTime instant
		Period             number
		Statistics         []string
		Unit               string
	}
	datapoint struct {
		Timestamp   instant
		SampleCount *float64 `json:",omitempty" cbor:",omitempty" xml:",omitempty"`
		Average     *float64 `json:",omitempty" cbor:",omitempty" xml:",omitempty"`
		Sum         *float64 `json:",omitempty" cbor:",omitempty" xml:",omitempty"`
		Minimum     *float64 `json:",omitempty" cbor:",omitempty" xml:",omitempty"`
		Maximum     *float64 `json:",omitempty" cbor:",omitempty" xml:",omitempty"`
		Unit        string
	}
	statisticsResult struct {
		XMLName    xml.Name `xml:"GetMetricStatisticsResult" json:"-" cbor:"-"`
		Label      string
		Datapoints []*datapoint `xml:"Datapoints>member"`
	}
)

// metricStatistics sums up the data of a metric with just these dimensions, by periods.
func (s *Service) metricStatistics(r Request) (any, error) {
	var in statisticsRequest
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	period := time.Duration(in.Period) * time.Second
	switch {
	case in.Namespace == "" || in.MetricName == "":
		return nil, missing("The parameters Namespace and MetricName are required.")
	case period <= 0 || period%time.Minute != 0:
		return nil, refuse("The parameter Period must be a multiple of 60.")
	case len(in.Statistics) == 0:
		return nil, missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	groups := map[time.Time][]Datum{}
	for _, d := range s.Data(in.MetricName) {
		if d.Namespace == in.Namespace && len(d.Dimensions) == len(in.Dimensions) && d.has(in.Dimensions) &&
			!d.Timestamp.Before(in.StartTime.Time) && d.Timestamp.Before(in.EndTime.Time) {
			at := d.Timestamp.Truncate(period)
			groups[at] = append(groups[at], d)
		}
	}
	out := statisticsResult{Label: in.MetricName, Datapoints: []*datapoint{}}
	for _, at := range slices.SortedFunc(maps.Keys(groups), time.Time.Compare) {
		p := &datapoint{Timestamp: instant{at}, Unit: cmp.Or(groups[at][0].Unit, "None")}
		p.show(summarise(groups[at]), in.Statistics)
		out.Datapoints = append(out.Datapoints, p)
	}
	return out, nil
}

// show sets the statistics that were asked for.
func (p *datapoint) show(t Statistics, asked []string) {
	average := t.Sum / t.Count
	for name, to := range map[string]struct {
		field **float64
		value *float64
	}{
		"SampleCount": {&p.SampleCount, &t.Count}, "Average": {&p.Average, &average}, "Sum": {&p.Sum, &t.Sum},
		"Minimum": {&p.Minimum, &t.Min}, "Maximum": {&p.Maximum, &t.Max},
	} {
		if slices.Contains(asked, name) {
			*to.field = to.value
		}
	}
}
