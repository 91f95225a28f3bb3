// Package logs builds the daemon's logger: zap, JSON lines with stable keys, or columns on a terminal.
//
// Every line has `ts` (RFC 3339 with milliseconds), `level`, `logger` (the part), and `msg`, a constant text:
// everything variable is a field. An error is the field `err`. Warnings and errors that repeat are sampled: the rest is
// counted in the field `suppressed`. The contents of feeds' rows stand in the field `row`, which is left out above the
// level debug unless it is asked for.
package logs

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Config is the section `log`.
type Config struct {
	// Least level that is written.
	Level string `yaml:"level" reload:"now" enum:"debug|info|warn|error"`
	// json: a JSON object a line. console: columns for people. auto: console on a terminal, json elsewhere.
	Format string `yaml:"format" reload:"restart" enum:"auto|json|console"`
	// Let messages above the level debug show the contents of rows of the feeds.
	Rows bool `yaml:"rows" reload:"now"`
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config { return Config{Level: "info", Format: "auto"} }

// Logs is the logger and what can be changed about it while it is used.
type Logs struct {
	Logger *zap.Logger

	level   zap.AtomicLevel
	rows    *atomic.Bool
	sampler *sampler
}

// New returns the logs written to w; terminal says that a person reads them there.
func New(c Config, w io.Writer, terminal bool) *Logs {
	l := &Logs{level: zap.NewAtomicLevel(), rows: new(atomic.Bool), sampler: newSampler()}
	plain := zapcore.NewCore(encoder(c.Format, terminal), zapcore.Lock(zapcore.AddSync(w)), l.level)
	l.Logger = zap.New(&core{Core: plain, rows: l.rows, sampler: l.sampler})
	l.Apply(c)
	return l
}

// Apply takes the keys of c that can change while the daemon runs.
func (l *Logs) Apply(c Config) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil { // a checked Config has none; better too much than nothing
		level = zapcore.DebugLevel
	}
	l.level.SetLevel(level)
	l.rows.Store(c.Rows)
}

// Run writes, until ctx ends and then once more, what was suppressed and not told since. Without it, a fault's count is
// told only with its next line.
func (l *Logs) Run(ctx context.Context) {
	ticker := time.NewTicker(window / 6)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			l.sampler.flush(now.Add(-window))
		case <-ctx.Done():
			l.sampler.flush(time.Now())
			return
		}
	}
}

func encoder(format string, terminal bool) zapcore.Encoder {
	c := zapcore.EncoderConfig{
		TimeKey: "ts", LevelKey: "level", NameKey: "logger", MessageKey: "msg", StacktraceKey: "stack",
		EncodeTime:     zapcore.TimeEncoderOfLayout("2006-01-02T15:04:05.000Z07:00"),
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.SecondsDurationEncoder,
		EncodeName:     zapcore.FullNameEncoder,
	}
	if format == "console" || format == "auto" && terminal {
		c.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		c.EncodeLevel = zapcore.CapitalLevelEncoder
		c.EncodeDuration = zapcore.StringDurationEncoder
		return zapcore.NewConsoleEncoder(c)
	}
	return zapcore.NewJSONEncoder(c)
}
