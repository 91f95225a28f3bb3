package loader

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Status is what the loader is doing, for the page and for /status.
type Status struct {
	Queue    string     `json:"queue"`
	InFlight int        `json:"messages_in_flight"`
	Waiting  int        `json:"messages_waiting"` // of those in flight: without a slot
	Rate     float64    `json:"rows_per_s_limit"` // 0: the table takes all that comes
	Troubles []string   `json:"troubles,omitempty"`
	Loading  []Progress `json:"loading"`
	Recent   []Progress `json:"recent"` // the last ones that ended, the latest first
	Total    Totals     `json:"total"`
}

// Progress is one object's load.
type Progress struct {
	Bucket   string        `json:"bucket"`
	Key      string        `json:"key"`
	Feed     string        `json:"feed"`
	Size     int64         `json:"size"` // bytes; -1: unknown
	Bytes    int64         `json:"bytes_read"`
	Books    Books         `json:"books"`
	Zeroed   int64         `json:"zeroed,omitempty"`           // absent items that became 0
	Headers  int64         `json:"headers_repeated,omitempty"` // that were passed over
	Started  time.Time     `json:"started"`
	Took     time.Duration `json:"took_ns"`
	Cost     Cost          `json:"cost"`
	Forecast *Forecast     `json:"forecast,omitempty"` // of a dry run that asked the table
	Outcome  string        `json:"outcome,omitempty"`  // loaded, failed, held, changed, gone, interrupted; empty: being loaded
	Error    string        `json:"error,omitempty"`
}

// Totals count since the start.
type Totals struct {
	Loaded int64 `json:"loaded"`
	Failed int64 `json:"failed"`
	Books  Books `json:"books"`
}

// recentLoads is how many ended loads Status shows.
const recentLoads = 50

// logbook remembers loads. It is safe for concurrent use.
type logbook struct {
	mu      sync.Mutex // guards what follows
	loading map[*Load]struct{}
	recent  []Progress // the latest last
	total   Totals
	latest  time.Time // of the last object loaded; at first, of the start
}

func (b *logbook) last() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest
}

// books are those of all loads: of those that run, what can only grow.
func (b *logbook) books() Books {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.total.Books
	for load := range b.loading {
		if to := load.sink.Load(); load.ended.Load() == nil && (to == nil || *to == (sink{})) {
			continue // this reading judges only: another one may follow
		}
		now := load.books()
		now.Unwritten, now.Abandoned = 0, 0
		all.Add(now)
	}
	return all
}

// begin enters a load.
func (l *Loader) begin(bucket, key string, size int64) *Load {
	_, name := l.cfg().of(bucket, key)
	load := &Load{Bucket: bucket, Key: key, Size: size, Started: time.Now(), Feed: name}
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	l.book.loading[load] = struct{}{}
	return load
}

// finish books, counts and logs a load that has ended: the one summary line of an object. created is when the object
// was, or zero.
func (l *Loader) finish(load *Load, err error, created time.Time) Progress {
	p := load.progress()
	var again bool
	if p.Outcome, again = outcome(err); again {
		p.Books.Abandoned, p.Books.Unwritten = p.Books.Unwritten, 0
	}
	if err != nil {
		p.Error = err.Error()
	}
	if load.foretells != nil {
		p.Forecast = load.foretells.forecast(p.Cost)
	}
	l.book.enter(load, p)
	l.metrics.ended(p, created)
	fields := []zap.Field{
		zap.String("bucket", p.Bucket), zap.String("key", p.Key), zap.String("feed", p.Feed), zap.Int64("bytes", p.Bytes),
		zap.Object("books", p.Books), zap.Duration("took", p.Took), zap.Error(err),
	}
	if r := load.first.Load(); r != nil {
		fields = append(fields, zap.Int64("reject_line", r.Line), zap.String("reject_code", string(r.Code)), zap.String("row", r.Raw))
	}
	switch p.Outcome {
	case "loaded":
		l.log.Info("object loaded", fields...)
	case "changed":
		l.log.Info("object changed", fields...)
	case "gone":
		l.log.Warn("object gone", fields...)
	case "held":
		l.log.Warn("object held back", fields...)
	case "failed":
		l.log.Error("object not loadable", fields...)
	default:
		l.log.Warn("object interrupted", fields...)
	}
	return p
}

// outcome names how a load ended, and says whether it is begun again by whom it was begun.
func outcome(err error) (name string, again bool) {
	f, judged := fateIn(err)
	switch {
	case err == nil:
		return "loaded", false
	case f == gone:
		return "gone", false
	case f == bad, f == mendable:
		return "failed", false
	case f == held:
		return "held", false
	case f == changed:
		return "changed", true
	}
	return "interrupted", judged
}

func (b *logbook) enter(load *Load, p Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.loading, load)
	if len(b.recent) == recentLoads {
		b.recent = slices.Delete(b.recent, 0, 1)
	}
	b.recent = append(b.recent, p)
	b.total.Books.Add(p.Books)
	switch p.Outcome {
	case "loaded":
		b.total.Loaded++
		b.latest = time.Now()
	case "failed":
		b.total.Failed++
	}
}

// progress is the load as Status shows it.
func (l *Load) progress() Progress {
	p := Progress{
		Bucket: l.Bucket, Key: l.Key, Feed: l.Feed, Size: l.Size, Bytes: l.Bytes(), Books: l.books(), Zeroed: l.zeroed.Load(), Headers: l.headers.Load(),
		Started: l.Started, Took: time.Since(l.Started), Cost: l.meter.so(),
	}
	return p
}

// Status is a snapshot. It does not wait for anything.
func (l *Loader) Status() Status {
	s := Status{Queue: l.cfg().Queue, InFlight: l.holds.count(), Waiting: l.slots.idle(), Rate: l.table.paces.write.Rate(), Troubles: l.troubles.reasons(), Loading: []Progress{}}
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	for load := range l.book.loading {
		s.Loading = append(s.Loading, load.progress())
	}
	slices.SortFunc(s.Loading, func(a, b Progress) int { return a.Started.Compare(b.Started) })
	s.Recent = slices.Clone(l.book.recent)
	slices.Reverse(s.Recent)
	s.Total = l.book.total
	return s
}

// Ready is nil, or why the loader cannot work at present.
func (l *Loader) Ready() error {
	if reasons := l.troubles.reasons(); len(reasons) > 0 {
		return errors.New(strings.Join(reasons, "; "))
	}
	if !l.resolved.Load() {
		return errors.New("the queue is not found yet")
	}
	return nil
}
