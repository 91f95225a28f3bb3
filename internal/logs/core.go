package logs

// Between the logger and the encoder: one name for errors, rows left out, repetitions sampled.

import (
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// rowKey is the field that holds the contents of a row.
const rowKey = "row"

// core wraps zap's own.
type core struct {
	zapcore.Core
	rows    *atomic.Bool
	sampler *sampler
	object  string // the object's key, if a field of With named it
}

// With is zapcore.Core's.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	d := *c
	d.Core = c.Core.With(c.clean(fields, true))
	if key := objectOf(fields); key != "" {
		d.object = key
	}
	return &d
}

// Check is zapcore.Core's.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write is zapcore.Core's.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	fields = c.clean(fields, e.Level > zapcore.DebugLevel)
	if e.Level < zapcore.WarnLevel {
		return c.Core.Write(e, fields)
	}
	object := c.object
	if key := objectOf(fields); key != "" {
		object = key
	}
	suppressed, ok := c.sampler.take(line{e, fields, c.Core}, object)
	if !ok {
		return nil
	}
	if suppressed > 0 {
		fields = append(fields[:len(fields):len(fields)], zap.Int("suppressed", suppressed))
	}
	return c.Core.Write(e, fields)
}

// clean returns the fields with errors under the key `err`, and without rows if hide says so and nobody asked for them.
func (c *core) clean(fields []zapcore.Field, hide bool) []zapcore.Field {
	hide = hide && !c.rows.Load()
	kept := make([]zapcore.Field, 0, len(fields)+1)
	for _, f := range fields {
		if f.Key == rowKey && hide {
			continue
		}
		if f.Type == zapcore.ErrorType && f.Key == "error" { // zap.Error
			f.Key = "err"
		}
		kept = append(kept, f)
	}
	return kept
}

// objectOf is the object's key among the fields.
func objectOf(fields []zapcore.Field) string {
	for _, f := range fields {
		if f.Key == "key" && f.Type == zapcore.StringType {
			return f.String
		}
	}
	return ""
}
