package telemetry

// What goes to CloudWatch and under which name. Prometheus has every instrument; CloudWatch bills each metric, so it
// gets those that tell an operator how things are, 40 at most.

import (
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"inventoryd/internal/config"
)

// kind is how data points of one instrument with different attributes become one CloudWatch metric, which has none.
type kind int

const (
	counter   kind = iota // what was added in the interval, summed; 0 where nothing was
	total                 // gauges, summed
	highest               // of the gauges
	lowest                // of the gauges
	histogram             // the values, together
)

// push is one metric that goes to CloudWatch.
type push struct {
	scope, instrument string
	kind              kind
	name              string             // in CloudWatch
	unit              types.StandardUnit // in CloudWatch
	factor            float64            // from the instrument's unit
}

// pushes lists them all.
var pushes = []push{
	metricOf("", "up", lowest),
	metricOf("", "parts.unready", highest),
	metricOf("", "clock.skew.seconds", highest),
	metricOf("", "reload.failed", highest),

	metricOf("loader", "files.loaded", counter),
	metricOf("loader", "files.failed", counter),
	metricOf("loader", "rows.read", counter),
	metricOf("loader", "rows.written", counter),
	metricOf("loader", "rows.rejected", counter),
	metricOf("loader", "load.seconds", histogram),
	metricOf("loader", "event.to.loaded.seconds", histogram),
	metricOf("loader", "oldest.message.age.seconds", histogram),
	metricOf("loader", "seconds.since.last.load", highest),
	metricOf("loader", "messages.failed", counter),
	metricOf("loader", "heartbeat.failures", counter),
	metricOf("loader", "write.throttles", counter),
	metricOf("loader", "consumed.write.units", counter),

	metricOf("stream", "iterator.age", highest).milliseconds(),
	metricOf("stream", "retention.headroom", lowest).seconds(),
	metricOf("stream", "records.read", counter),
	metricOf("stream", "records.processed", counter),
	metricOf("stream", "records.before.start", counter),
	metricOf("stream", "records.returned", counter),
	metricOf("stream", "records.diverted", counter),
	metricOf("stream", "gaps", counter),
	metricOf("stream", "stream.errors", counter),
	metricOf("stream", "shards.held", total),
	metricOf("stream", "oldest.unread.shard.age", highest).seconds(),
	metricOf("stream", "leader", total),
	metricOf("stream", "shard.moves", counter),
	metricOf("stream", "rows.remade", counter),
	metricOf("stream", "leases.lost", counter),
	metricOf("stream", "checkpoint.failures", counter),

	metricOf("notifier", "alerts.published", counter),
	metricOf("notifier", "alerts.failed", counter),
	metricOf("notifier", "alert.latency", histogram).seconds(),
	metricOf("notifier", "due.alerts", total),
	metricOf("notifier", "oldest.due", highest).seconds(),
	metricOf("notifier", "changes.unusable", counter),

	metricOf("http", "logins.failed", counter),
}

// metricOf is the metric of an instrument by the rule: rows.written is RowsWritten.
func metricOf(scope, instrument string, k kind) push {
	p := push{scope: scope, instrument: instrument, kind: k, name: camel(instrument), unit: types.StandardUnitCount, factor: 1}
	if strings.Contains(p.name, "Seconds") {
		p.unit = types.StandardUnitSeconds
	}
	return p
}

// seconds is for an instrument of seconds whose name does not say so; Prometheus gets the suffix from the unit.
func (p push) seconds() push {
	p.name, p.unit = p.name+"Seconds", types.StandardUnitSeconds
	return p
}

// milliseconds pushes an instrument of seconds in milliseconds.
func (p push) milliseconds() push {
	p.name, p.unit, p.factor = p.name+"Milliseconds", types.StandardUnitMilliseconds, 1000
	return p
}

// pushOf finds the metric of an instrument by its scoped name, or returns nil.
func pushOf(name string) *push {
	for i, p := range pushes {
		if scopedName(p.scope, p.instrument) == name {
			return &pushes[i]
		}
	}
	return nil
}

// camel writes rows.written as RowsWritten.
func camel(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, ".") {
		for i, r := range part {
			if i == 0 {
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// scopedName puts the scope in front of an instrument's name, as Prometheus shows it, unless the name begins so.
func scopedName(scope, instrument string) string {
	if scope == "" || strings.HasPrefix(instrument, scope+".") {
		return instrument
	}
	return scope + "." + instrument
}

func checkNamespace(s string) error {
	switch {
	case s == "" || len(s) > 255:
		return config.Problemf("cloudwatch.namespace", "must have 1 to 255 characters")
	case strings.HasPrefix(s, "AWS/"):
		return config.Problemf("cloudwatch.namespace", "must not begin with AWS/, which is reserved")
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		return config.Problemf("cloudwatch.namespace", "must be ASCII without control characters")
	}
	return nil
}
