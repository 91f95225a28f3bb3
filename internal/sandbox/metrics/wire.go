package metrics

// The wire: Smithy RPC v2 CBOR, one operation, the limits of "PutMetricData" in the CloudWatch API reference.

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
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

// operationPath is where the SDK sends its one call.
const operationPath = "/service/GraniteServiceVersion20100801/operation/"

type input struct {
	Namespace  string
	MetricData []datum
}

type datum struct {
	MetricName     string
	Dimensions     []dimension
	Timestamp      time.Time
	Unit           string
	Value          *float64
	Values, Counts []float64
}

type dimension struct{ Name, Value string }

// failure is an error answer.
type failure struct {
	code, message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

// tooLarge is the code of a body beyond maxBody.
const tooLarge = "RequestEntityTooLarge"

// queryCodes are the codes that errors had in the Query protocol, where they differ.
var queryCodes = map[string]string{
	"InvalidParameterValueException":       "InvalidParameterValue",
	"InvalidParameterCombinationException": "InvalidParameterCombination",
	"MissingRequiredParameterException":    "MissingParameter",
}

func refuse(format string, args ...any) error {
	return &failure{"InvalidParameterValueException", fmt.Sprintf(format, args...)}
}

// ServeHTTP answers a call of the SDK's CloudWatch client.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	err := s.serve(r)
	if err == nil {
		w.Write([]byte{0xa0}) // an empty map
		return
	}
	f := &failure{"InternalServiceFault", err.Error()}
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &f) && f.code == tooLarge:
		status = http.StatusRequestEntityTooLarge
	case errors.As(err, &f):
		status = http.StatusBadRequest
		// As for SQS: the code that the error had in the Query protocol (trait awsQueryError of its model).
		w.Header().Set("X-Amzn-Query-Error", cmp.Or(queryCodes[f.code], f.code)+";Sender")
	}
	body, err := cbor.Marshal(map[string]string{"__type": "com.amazonaws.cloudwatch#" + f.code, "message": f.message})
	if err != nil {
		panic(err) // two strings
	}
	w.WriteHeader(status)
	w.Write(body)
}

func (s *Service) serve(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return err
	}
	if len(body) > maxBody {
		return &failure{tooLarge, "Request body is larger than 1 MB"}
	}
	operation := strings.TrimPrefix(r.URL.Path, operationPath)
	if operation != "PutMetricData" {
		return &failure{"UnknownOperationException", fmt.Sprintf("the sandbox's CloudWatch has no operation %s", operation)}
	}
	compressed := r.Header.Get("Content-Encoding") == "gzip"
	if compressed {
		if body, err = gunzip(body); err != nil {
			return &failure{"SerializationException", err.Error()}
		}
	}
	var in input
	if err := strict.Unmarshal(body, &in); err != nil {
		return &failure{"SerializationException", "the sandbox's CloudWatch cannot read the request: " + err.Error()}
	}
	return s.put(in, Call{Client: client(r), Compressed: compressed, Data: len(in.MetricData)})
}

// strict refuses a request with a member that the sandbox does not have.
var strict = func() cbor.DecMode {
	mode, err := cbor.DecOptions{ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
	if err != nil {
		panic(err) // the options are constant
	}
	return mode
}()

func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, 64<<20))
}

// client is the access key id of the request's signature.
func client(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	id, _, _ := strings.Cut(credential, "/")
	return id
}

// put takes the data of one call, all or none.
func (s *Service) put(in input, call Call) error {
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	switch {
	case in.Namespace == "":
		return &failure{"MissingRequiredParameterException", "The parameter Namespace is required."}
	case strings.HasPrefix(in.Namespace, "AWS/"):
		return refuse("The value AWS/ for parameter Namespace is invalid.")
	case in.Namespace[0] == ':' || !printable(in.Namespace, maxName):
		return refuse("The value %q for parameter Namespace is invalid.", in.Namespace)
	case len(in.MetricData) == 0:
		return &failure{"MissingRequiredParameterException", "The parameter MetricData is required."}
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
	a := Datum{Namespace: namespace, Name: d.MetricName, Timestamp: d.Timestamp, Unit: d.Unit, Dimensions: map[string]string{}}
	if a.Timestamp.IsZero() {
		a.Timestamp = now
	}
	values, counts := d.Values, d.Counts
	if d.Value != nil {
		values, counts = []float64{*d.Value}, nil
	}
	if counts == nil {
		counts = slices.Repeat([]float64{1}, len(values))
	}
	switch {
	case !printable(d.MetricName, maxName):
		return a, refuse("The parameter MetricName must have 1 to 255 characters of ASCII.")
	case d.Unit != "" && !slices.Contains(units, d.Unit):
		return a, refuse("The parameter Unit must be a value in the set %v.", units)
	case d.Value != nil && d.Values != nil:
		return a, &failure{"InvalidParameterCombinationException", "The parameters Value and Values are mutually exclusive."}
	case len(values) == 0:
		return a, &failure{"MissingRequiredParameterException", "At least one of the parameters Value, Values and StatisticValues is required."}
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
func (a *Datum) take(values, counts []float64) error {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	for _, i := range order {
		if v := values[i]; math.IsNaN(v) || math.Abs(v) > math.Exp2(360) || counts[i] <= 0 || math.IsNaN(counts[i]) {
			return refuse("The value %v, %v times, is not supported.", v, counts[i])
		}
		a.Values = append(a.Values, values[i])
		a.Counts = append(a.Counts, counts[i])
	}
	return nil
}

// Namespace is that of a PutMetricData's body; "" where it has none.
func Namespace(body []byte, compressed bool) string {
	if compressed {
		body, _ = gunzip(body) // what it cannot read is refused by the service
	}
	var in struct{ Namespace string }
	_ = cbor.Unmarshal(body, &in) // likewise
	return in.Namespace
}
