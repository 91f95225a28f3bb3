package lanes

import "time"

// How the pace of a store adapts. A store is one partition key: what it takes is what its partition takes.
const (
	partition = 1000             // rows per second ("Partition key design": 1,000 write units a partition)
	least     = 5                // rows per second
	cutTo     = 0.95             // of what it took, once it is full
	cutBy     = 0.9              // of what was too much before, at most
	nearly    = 0.97             // of what was too much: from here on the rate rises slowly
	climb     = 1.05             // per second while the rate is what holds rows up
	creep     = 1.01             // likewise, near what was too much
	lent      = 1.5              // times its rate that a partition takes for a while
	content   = 30 * time.Second // for which it stays there first
	burst     = time.Second      // of its rate that may be taken at once, where this process was held up
)

// share is the pace of one store: a token bucket whose rate follows its partition. The zero share is ready.
type share struct {
	rate    float64 // rows per second; 0: partition, and nothing was taken yet
	limit   float64 // of rows per second that were too much
	tokens  float64 // may be below zero: what a batch has room for is taken whole
	filled  time.Duration
	changed time.Duration // when the rate did
	cut     time.Duration // when it went down
	held    bool          // since the rate changed it has held rows up

	began time.Duration // of the present measure
	wrote float64       // rows, since then

	rests    time.Duration // until then nothing is to be tried
	failures int           // in a row
}

// wait says how long to wait before rows may be taken; 0: not at all.
func (s *share) wait(now time.Duration) time.Duration {
	if now < s.rests {
		return s.rests - now
	}
	if s.rate == 0 {
		s.rate, s.limit, s.changed, s.filled, s.began = partition, partition, now, now, now
		s.cut = now - content
		s.tokens = BatchSize
	}
	if s.held && now-s.changed >= time.Second {
		s.rate, s.changed, s.held = faster(s.rate, s.limit, now-s.cut), now, false
	}
	s.tokens = min(s.tokens+(now-s.filled).Seconds()*s.rate, max(1, s.rate*burst.Seconds()))
	s.filled = now
	if s.tokens > 0 {
		return 0
	}
	s.held = true
	return time.Duration((1 - s.tokens) / s.rate * float64(time.Second))
}

// written notes that a row of the store was written.
func (s *share) written(now time.Duration) {
	s.failures = 0
	if now-s.began >= 2*time.Second { // the older half of what was measured is forgotten
		s.began, s.wrote = now-time.Second, s.wrote/2
	}
	s.wrote++
}

// full notes that the table left rows of the store, which is tried again after pause.
func (s *share) full(now, pause time.Duration) {
	again := now < s.rests // a row of the same call, or of one that was under way at the same time
	s.rests = max(s.rests, now+pause)
	if again {
		return
	}
	s.failures++
	took := s.rate
	nothing := s.wrote == 0
	if elapsed := now - s.began; elapsed >= time.Second || nothing && elapsed >= 200*time.Millisecond { // less says little of few rows
		took = min(took, s.wrote/elapsed.Seconds())
	}
	if s.limit < partition && !nothing { // it has been measured before: one measure that is poor must not stop a store
		took = max(took, s.limit*cutBy)
	}
	if took > partition && took < partition*lent { // what a partition has saved, it lends
		took = partition
	}
	s.limit = max(took, least)
	s.rate = max(cutTo*took, least)
	s.tokens, s.changed, s.cut, s.held = min(s.tokens, 0), now, now, false
}

// faster is the next rate after one that held rows up, where limit was too much so long ago.
func faster(rate, limit float64, ago time.Duration) float64 {
	switch near := nearly * limit; {
	case rate < near:
		return min(rate*climb, near)
	case ago < content:
		return rate
	}
	return rate * creep
}
