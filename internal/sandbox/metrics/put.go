package metrics

// PutMetricData, with the limits of its page in the CloudWatch API reference.

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// Limits of one call, of the texts in it, and of a datum's age ("PutMetricData", "MetricDatum", "Dimension").
const (
	maxBody       = 1 << 20
	maxData       = 1000
	maxValues     = 150
	maxDimensions = 30
	maxName       = 255 // of a namespace, a metric, a dimension
	maxDimension  = 1024
	maxAge        = 14 * 24 * time.Hour
	maxLead       = 2 * time.Hour
)

// units are those that MetricDatum's page lists.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits
	Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second
	Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None`)

type input struct {
	Namespace  string
	MetricData []datum
}

type datum struct {
	MetricName     string
	Dimensions     []dimension
	Timestamp      instant
	Unit           string
	Value          *number
	Values, Counts []number
}

type dimension struct{ Name, Value string }

func refuse(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValueException", format, args...)
}

func missing(text string) error { return wire.Errorf("MissingRequiredParameterException", "%s", text) }

// put takes the data of one call, all or none.
func (s *Service) put(in input, call Call) error {
	now := s.now()
	switch {
	case in.Namespace == "":
		return missing("The parameter Namespace is required.")
	case strings.HasPrefix(in.Namespace, "AWS/"):
		return refuse("The value AWS/ for parameter Namespace is invalid.")
	case in.Namespace[0] == ':' || !printable(in.Namespace, maxName):
		return refuse("The value %q for parameter Namespace is invalid.", in.Namespace)
	case len(in.MetricData) == 0:
		return missing("The parameter MetricData is required.")
	case len(in.MetricData) > maxData:
		return refuse("The collection MetricData must not have a size greater than %d.", maxData)
	}
	accepted := make([]Datum, len(in.MetricData))
	for i, d := range in.MetricData {
		var err error
		if accepted[i], err = d.accept(in.Namespace, now); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data, accepted...)
	s.calls = append(s.calls, call)
	return nil
}

// accept checks a datum and brings it into one form.
func (d datum) accept(namespace string, now time.Time) (Datum, error) {
	a := Datum{Namespace: namespace, Name: d.MetricName, Timestamp: d.Timestamp.Time, Unit: d.Unit, Dimensions: map[string]string{}}
	if a.Timestamp.IsZero() {
		a.Timestamp = now
	}
	values, counts := d.Values, d.Counts
	if d.Value != nil {
		values, counts = []number{*d.Value}, nil
	}
	if counts == nil {
		counts = slices.Repeat([]number{1}, len(values))
	}
	switch {
	case !printable(d.MetricName, maxName):
		return a, refuse("The parameter MetricName must have 1 to 255 characters of ASCII.")
	case d.Unit != "" && !slices.Contains(units, d.Unit):
		return a, refuse("The parameter Unit must be a value in the set %v.", units)
	case d.Value != nil && d.Values != nil:
		return a, wire.Errorf("InvalidParameterCombinationException", "The parameters Value and Values are mutually exclusive.")
	case len(values) == 0:
		return a, missing("At least one of the parameters Value, Values and StatisticValues is required.")
	case len(values) > maxValues:
		return a, refuse("The collection Values must not have a size greater than %d.", maxValues)
	case len(counts) != len(values):
		return a, refuse("The parameters Values and Counts must have the same size.")
	case len(d.Dimensions) > maxDimensions:
		return a, refuse("The collection Dimensions must not have a size greater than %d.", maxDimensions)
	case a.Timestamp.Before(now.Add(-maxAge)) || a.Timestamp.After(now.Add(maxLead)):
		return a, refuse("The parameter Timestamp must be within the past two weeks and the next two hours.")
	}
	for _, dim := range d.Dimensions {
		if !printable(dim.Name, maxName) || dim.Name[0] == ':' {
			return a, refuse("The parameter Name of a dimension must have 1 to 255 characters of ASCII and not begin with a colon.")
		}
		if !printable(dim.Value, maxDimension) {
			return a, refuse("The parameter Value of a dimension must have 1 to 1024 characters of ASCII, not all of them white space.")
		}
		a.Dimensions[dim.Name] = dim.Value
	}
	return a, a.take(values, counts)
}

// printable says whether a text is of ASCII, without control characters, not blank and not too long.
func printable(s string, most int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// take sorts values with their counts into a.
func (a *Datum) take(values, counts []number) error {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	for _, i := range order {
		v, n := float64(values[i]), float64(counts[i])
		if math.IsNaN(v) || math.Abs(v) > math.Exp2(360) || n <= 0 || math.IsNaN(n) {
			return refuse("The value %v, %v times, is not supported.", v, n)
		}
		a.Values = append(a.Values, v)
		a.Counts = append(a.Counts, n)
	}
	return nil
}
