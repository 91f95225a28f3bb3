package notifier

import (
	"sync"
	"time"
)

// sampler lets one line a minute into the log and counts what it stands for.
type sampler struct {
	mu    sync.Mutex // guards what follows
	next  time.Time  // no line before, on the monotonic clock
	count int        // since the last line
}

// add counts n occurrences and reports whether a line is due, and for how many.
func (s *sampler) add(n int) (count int, due bool) {
	if n == 0 {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count += n
	now := time.Now()
	if now.Before(s.next) {
		return 0, false
	}
	count, s.count, s.next = s.count, 0, now.Add(time.Minute)
	return count, true
}
