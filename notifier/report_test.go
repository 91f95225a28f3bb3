package notifier

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/sandbox/fault"
)

// lines are the log's lines with their fields, times and ids of messages left out.
func lines(logs *observer.ObservedLogs) []string {
	var all []string
	for _, e := range logs.TakeAll() {
		line := e.Level.String() + " " + e.Message
		for _, f := range e.Context {
			switch {
			case f.Key == "message_id":
			case f.Interface != nil:
				line += fmt.Sprintf(" %s=%v", f.Key, f.Interface)
			case f.String != "":
				line += " " + f.Key + "=" + f.String
			default:
				line += fmt.Sprintf(" %s=%d", f.Key, f.Integer)
			}
		}
		all = append(all, line)
	}
	return all
}

func TestEachAlertHasOneLineInTheLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		core, logs := observer.New(zap.DebugLevel)
		n := w.instance("a", func(c *Config) { c.Logger, c.Cooldown = zap.New(core), time.Minute })
		w.handle(n, w.script("dot:5>4 echo:5>0"))
		again := w.script("tap:5>4 tap:4>3 echo:0>5 echo:5>0")
		w.handle(n, again)
		c := n.config
		c.Send = false
		n.Apply(c)
		w.handle(n, w.script("lamp:5>0"))
		c.InFlight = 0
		n.Apply(c)
		want := []string{
			"info alert published event=out_of_stock store=Berlin item=echo event_id=e2",
			"info alerts withheld store=Berlin item=echo event_id=e4 cooldown=1 outdated=0",
			"info alert not sent because notifier.send is false event=out_of_stock store=Berlin item=lamp event_id=e1",
			"error new settings of the notifier not applied error=in_flight: is 0; it must be 1 to 64",
		}
		if diff := cmp.Diff(want, lines(logs)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestOdditiesAreLoggedOnceAMinuteWithTheirNumber(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		core, logs := observer.New(zap.DebugLevel)
		n := w.instance("a", func(c *Config) {
			c.Logger, c.Subject = zap.New(core), "{{slice .Store 0 6}}"
		})
		for range 90 {
			w.handle(n, w.script("a:5>x b:5>- c:?>5"))
			time.Sleep(time.Second)
		}
		want := []string{
			"warn changes without a usable count ignored changes=1 error=attribute Count is no number",
			"info items removed from the table changes=1",
			"warn stream carries no old images, alert rows decide: give the stream the view type NEW_AND_OLD_IMAGES",
			"warn changes without a usable count ignored changes=60 error=attribute Count is no number",
			"info items removed from the table changes=60",
		}
		if diff := cmp.Diff(want, lines(logs)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}

		for i := range 30 {
			w.handle(n, ofShard(i, w.script("echo:5>0"))[:1:1]) // store Shard0 is long enough for the template
		}
		short := w.script("echo:5>0")
		short[0].Store, short[0].ID = "Ulm", "u1"
		logs.TakeAll()
		w.handle(n, short)
		if got := lines(logs); len(got) != 2 || !strings.HasPrefix(got[0], "error alert told in plain words because a template does not work for it alerts=1 error=template: subject:1:2") {
			t.Errorf("log %q", got)
		}
	})
}

func TestInstrumentsAndStatusCountEachOutcome(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		reader := metric.NewManualReader()
		provider := metric.NewMeterProvider(metric.WithReader(reader))
		n := w.instance("a", func(c *Config) { c.Meter, c.Cooldown = provider.Meter("notifier"), time.Minute })
		w.Fault(fault.Rule{Operation: "PublishBatch", Times: 1, Effect: fault.Unavailable})
		old := w.script("late:5>0")
		time.Sleep(6 * time.Minute)
		changes := w.script("a:5>0 b:5>0 a:0>5 a:5>0 c:5>x d:5>-")
		time.Sleep(2 * time.Second)
		w.persist(n, changes) // fails once: two alerts of the first unit
		w.persist(n, changes[:2])
		w.persist(n, ofShard(1, old))
		want := map[string]string{
			"alerts.published": "2", "alerts.failed": "2", "alerts.suppressed": "1", "alerts.outdated": "1", "alerts.shadowed": "0",
			"changes.unusable": "2", "changes.removed": "2", "changes.repeated": "2", "alert.latency": "2 from 7 to 7",
		}
		if diff := cmp.Diff(want, collect(t, reader)); diff != "" {
			t.Errorf("instruments (-want +got):\n%s", diff)
		}

		got, err := json.Marshal(n.Status())
		if err != nil {
			t.Fatal(err)
		}
		at, _ := json.Marshal(n.Status().Last.At)
		wantStatus := `{"topic":"` + topicARN("NoStock") + `","resolved":true,"sending":true,"published":2,"failed":2,"suppressed":1,"outdated":1,` +
			`"unusable":2,"last":{"at":` + string(at) + `,"store":"Berlin","item":"b","event":"out_of_stock"}}`
		if diff := cmp.Diff(wantStatus, string(got)); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

// collect reads all instruments.
func collect(t *testing.T, reader metric.Reader) map[string]string {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				values[m.Name] = fmt.Sprint(data.DataPoints[0].Value)
			case metricdata.Histogram[float64]:
				p := data.DataPoints[0]
				least, _ := p.Min.Value()
				most, _ := p.Max.Value()
				values[m.Name] = fmt.Sprintf("%d from %v to %v", p.Count, least, most)
			}
		}
	}
	return values
}
