package dynamo

// What tests and benches set in the service and do to its tables from Go; streamcontrols.go has what they do to streams.

import (
	"fmt"
	"maps"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// SetShards sets how many shards the streams enabled from now on begin with; 4 at first.
func (s *Service) SetShards(n int) { s.set(func(c *settings) { c.shards = max(1, n) }) }

// SetRollover sets after which time the shards of streams enabled from now on roll over by themselves, some of them up to
// a 24th later; 4 hours at first, as at AWS. 0: never.
func (s *Service) SetRollover(d time.Duration) { s.set(func(c *settings) { c.rollover = d }) }

// SetTransition sets how long the tables and streams made from now on are CREATING, ENABLING and DISABLING; 0 at first.
func (s *Service) SetTransition(d time.Duration) { s.set(func(c *settings) { c.transition = d }) }

// OnRecord has f called with each record of streams enabled from now on, in the order of their commits, before the
// write is answered. f must neither wait nor call the service.
func (s *Service) OnRecord(f func(table string, r Record)) {
	s.set(func(c *settings) { c.onRecord = f })
}

// OnWrite has f called with each change of an item of the tables made from now on, whether or not there is a stream, in
// the order of a table's commits and before the write is answered. f must neither wait nor call the service.
func (s *Service) OnWrite(f func(table string, old, next attr.Item)) {
	s.set(func(c *settings) { c.onWrite = f })
}

func (s *Service) set(change func(*settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.settings)
}

// SetWriteCapacity limits a table to that many write units in each second; 0: no limit. What is beyond is refused with
// ProvisionedThroughputExceededException, or left unprocessed in a batch.
func (s *Service) SetWriteCapacity(table string, perSecond float64) error {
	t, err := s.anyTable(table)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.throttle.limit = perSecond
	return nil
}

// LimitThroughput has all tables and indexes, present and to come, take what AWS's take: each partition 1,000 write and 3,000
// read units a second, a provisioned table its own units with five minutes of what it left unused; new ones on demand have
// four partitions. A partition that was short of units for the time of a split is split in two; 0: no table is limited, as
// at first. AWS does not say how long a split takes: DefaultSplit is a guess.
func (s *Service) LimitThroughput(split time.Duration) {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.split = split
	for _, t := range s.tables {
		t.limit(split, now)
	}
}

// DefaultSplit is how long a partition is hot before it is split, as far as clients of AWS have seen.
const DefaultSplit = splitAfter

// limit limits a table and its indexes by their partitions, or no longer.
func (t *table) limit(split time.Duration, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.capacity = limitOf(t.billing, split, now)
	for _, ix := range t.indexes {
		ix.capacity = limitOf(ix.billing, split, now)
	}
}

func limitOf(b billing, split time.Duration, now time.Time) *capacity {
	if split == 0 {
		return nil
	}
	return newCapacity(b, split, now)
}

// Partitions is how many partitions a table has, or one of its indexes; 0 while it is not limited.
func (s *Service) Partitions(table, index string) (int, error) {
	t, err := s.anyTable(table)
	if err != nil {
		return 0, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if index == "" {
		return t.capacity.count(), nil
	}
	ix := t.findIndex(index)
	if ix == nil {
		return 0, fmt.Errorf("table %s has no index %q", table, index)
	}
	return ix.capacity.count(), nil
}

// SetIndexLag has what is written from now on show in an index of the table that much later, 0 at first; what waits already
// shows by then. So a lag of a year holds the index until it is set to 0.
func (s *Service) SetIndexLag(table, index string, d time.Duration) error {
	t, err := s.anyTable(table)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	ix := t.findIndex(index)
	if ix == nil {
		return fmt.Errorf("table %s has no index %q", table, index)
	}
	ix.lag = d
	for i := range ix.waiting {
		if w := &ix.waiting[i]; w.due.After(now.Add(d)) {
			w.due = now.Add(d)
		}
	}
	ix.settle(now)
	return nil
}

// ConflictTransactions has the next n transactions that write to the table find another one under way for the first item of
// it that they name: they are cancelled with TransactionConflict. (A fault rule has single writes refused with
// TransactionConflictException.)
func (s *Service) ConflictTransactions(table string, n int) {
	s.set(func(c *settings) {
		c.conflicts = maps.Clone(c.conflicts)
		if c.conflicts == nil {
			c.conflicts = map[string]int{}
		}
		c.conflicts[table] = n
	})
}

// EnableStream gives the table a new stream and returns its ARN; the stream that it may have had must be disabled.
func (s *Service) EnableStream(table, viewType string) (arn string, err error) {
	t, err := s.anyTable(table)
	if err != nil {
		return "", err
	}
	spec := &streamSpecification{true, viewType}
	if err := spec.check(); err != nil {
		return "", err
	}
	if err := s.switchStream(t, spec, s.clock.Now()); err != nil {
		return "", err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.stream.arn(), nil
}

// DisableStream closes the table's stream.
func (s *Service) DisableStream(table string) error {
	t, err := s.anyTable(table)
	if err != nil {
		return err
	}
	return s.switchStream(t, &streamSpecification{}, s.clock.Now())
}
