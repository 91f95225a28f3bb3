package page

// Answers of the sources, shared by all who look.

import (
	"context"
	"sync"
	"time"
)

const (
	operatorInterval = 5 * time.Second // between two questions to one source
	operatorPatience = 3 * time.Second // for an answer
)

// shared asks a source once for all who look within operatorInterval.
type shared[T any] struct {
	ask func(context.Context) (T, error) // nil: there is none

	mu    sync.Mutex // guards what follows; held while the source is asked
	at    time.Time
	last  T
	since time.Time // when last was right
	err   error
}

// Known is a source's answer.
type Known[T any] struct {
	Is    bool // there is such a source
	Value T
	As    time.Time // of when; zero: it has never answered
	Error string    // why it is not newer
}

func (s *shared[T]) get(ctx context.Context) Known[T] {
	if s.ask == nil {
		return Known[T]{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) >= operatorInterval || s.at.IsZero() {
		// Not the looker's own context: others wait for the answer too.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operatorPatience)
		value, err := s.ask(ctx)
		cancel()
		s.at, s.err = time.Now(), err
		if err == nil {
			s.last, s.since = value, s.at
		}
	}
	k := Known[T]{Is: true, Value: s.last, As: s.since}
	if s.err != nil {
		k.Error = "cannot be read at present"
	}
	return k
}

// operator is all sources.
type operator struct {
	loads     *shared[Loads]
	feeds     *shared[[]Feed]
	shards    *shared[[]Shard]
	alerts    *shared[Alerts]
	shortages *shortages
}

func newOperator(s Sources) operator {
	return operator{
		loads: &shared[Loads]{ask: s.Loads}, feeds: &shared[[]Feed]{ask: s.Feeds}, shards: &shared[[]Shard]{ask: s.Shards},
		alerts: &shared[Alerts]{ask: s.Alerts}, shortages: newShortages(s.Since),
	}
}
