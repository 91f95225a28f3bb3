package logs

// Sampling: of a warning or error that repeats, the first ten lines of a minute are written; the others are counted,
// and the count is told with the next line or when the minute is over. What concerns different objects is not a
// repetition.

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	window     = time.Minute
	burst      = 10
	maxObjects = 10_000 // faults that are told apart; beyond, an object is no distinction
)

// fault is what repeats.
type fault struct {
	level               zapcore.Level
	logger, msg, object string
}

// line is one that can still be written.
type line struct {
	entry  zapcore.Entry
	fields []zapcore.Field
	core   zapcore.Core
}

// record is what is known of a fault in its present window.
type record struct {
	begin      time.Time
	written    int
	suppressed int
	last       line // the last suppressed one
}

// sampler is shared by all loggers of one Logs.
type sampler struct {
	mu      sync.Mutex // guards records; not held while writing
	records map[fault]*record
}

func newSampler() *sampler { return &sampler{records: map[fault]*record{}} }

// take tells whether l is to be written, and how many like it were suppressed before.
func (s *sampler) take(l line, object string) (suppressed int, ok bool) {
	e := l.entry
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) >= maxObjects {
		object = ""
	}
	f := fault{e.Level, e.LoggerName, e.Message, object}
	r := s.records[f]
	if r == nil || e.Time.Sub(r.begin) >= window {
		if r != nil {
			suppressed = r.suppressed
		}
		s.records[f] = &record{begin: e.Time, written: 1}
		return suppressed, true
	}
	if r.written < burst {
		r.written++
		return 0, true
	}
	r.suppressed++
	r.last = l
	return 0, false
}

// flush writes the last suppressed line, with the count, of each fault whose window began at or before begin, and
// forgets the fault.
func (s *sampler) flush(begin time.Time) {
	s.mu.Lock()
	var over []*record
	for f, r := range s.records {
		if r.begin.After(begin) {
			continue
		}
		delete(s.records, f)
		if r.suppressed > 0 {
			over = append(over, r)
		}
	}
	s.mu.Unlock()
	for _, r := range over {
		fields := append(r.last.fields[:len(r.last.fields):len(r.last.fields)], zap.Int("suppressed", r.suppressed-1))
		_ = r.last.core.Write(r.last.entry, fields) // where the log cannot be written there is nobody to tell
	}
}
