package dynamo

// What tests do to a stream from Go. It is named by its table, then the latest is meant, or by its ARN.

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shard is a shard as Shards shows it.
type Shard struct {
	ID, Parent string
	Open       bool
	Start, End string // sequence numbers; End is empty while it is open
	Records    int    // that can be read
}

// Shards lists the shards of a stream, also those that DescribeStream does not show yet, in the order of their ids.
func (s *Service) Shards(stream string) (list []Shard, err error) {
	err = s.control(stream, func(c control) error {
		for _, sh := range c.shards {
			if sh.state != shardGone {
				sh.log.trim(c.horizonAt(c.now))
				list = append(list, Shard{sh.id, sh.parent, sh.state == shardOpen, sh.start, sh.end, len(sh.log.entries)})
			}
		}
		return nil
	})
	return list, err
}

// Split closes an open shard and returns its two children, each with half of its keys.
func (s *Service) Split(stream, shard string) (children []string, err error) {
	return s.succeed(stream, shard, 2)
}

// Roll closes an open shard and returns the child that takes its place.
func (s *Service) Roll(stream, shard string) (child string, err error) {
	children, err := s.succeed(stream, shard, 1)
	if err != nil {
		return "", err
	}
	return children[0], nil
}

func (s *Service) succeed(stream, shard string, n int) (children []string, err error) {
	err = s.control(stream, func(c control) error {
		sh, err := c.opened(shard)
		if err != nil {
			return err
		}
		children = ids(c.stream.succeed(sh, n, c.now))
		return nil
	})
	return children, err
}

// Announce makes n children (1 or 2) of an open shard that are listed and can be read, empty, while their parent stays
// open. The Split or Roll that follows closes the parent, and these are its children.
func (s *Service) Announce(stream, shard string, n int) (children []string, err error) {
	err = s.control(stream, func(c control) error {
		sh, err := c.opened(shard)
		if err != nil {
			return err
		}
		made := c.children(sh, n, c.now)
		for _, child := range made {
			child.state = shardAnnounced
		}
		children = ids(made)
		return nil
	})
	return children, err
}

// SetListingLag makes the children born from now on invisible to DescribeStream for that long.
func (s *Service) SetListingLag(stream string, d time.Duration) error {
	return s.control(stream, func(c control) error { c.script.lag = d; return nil })
}

// Hide makes a shard invisible to DescribeStream for that long, as a listing that is inconsistent may; it can be read
// meanwhile.
func (s *Service) Hide(stream, shard string, d time.Duration) error {
	return s.control(stream, func(c control) error {
		sh := c.find(shard)
		if sh == nil {
			return fmt.Errorf("stream of table %s has no shard %q", c.table, shard)
		}
		sh.listed = c.now.Add(d)
		return nil
	})
}

// RepeatCursors makes the next n pages of listings that are neither a first nor a last page answer the cursor that they
// were asked with.
func (s *Service) RepeatCursors(stream string, n int) error {
	return s.control(stream, func(c control) error { c.script.repeatCursors = n; return nil })
}

// EmptyPages makes the next n calls of GetRecords answer no records although there may be some.
func (s *Service) EmptyPages(stream string, n int) error {
	return s.control(stream, func(c control) error { c.script.emptyPages = n; return nil })
}

// ExpireIterators ends the lives of all iterators handed out until now.
func (s *Service) ExpireIterators(stream string) error {
	return s.control(stream, func(c control) error { c.script.expired = c.now; return nil })
}

// SetNextSequence sets the sequence number of the next record, which must be greater than all before.
func (s *Service) SetNextSequence(stream, number string) error {
	return s.control(stream, func(c control) error {
		if !isSequence(number) || compareSequences(number, string(c.sequence)) < 0 {
			return fmt.Errorf("%q is no sequence number after %s", number, c.sequence)
		}
		c.sequence = sequence(number)
		return nil
	})
}

// Trim drops the records created before that instant, as if they were a day old, and the shards closed before it.
func (s *Service) Trim(stream string, before time.Time) error {
	return s.control(stream, func(c control) error {
		if before.After(c.horizon) {
			c.horizon, c.settled = before, time.Time{}
		}
		c.settle(c.now)
		return nil
	})
}

// Remove makes a closed shard vanish with its records; if it stays listed, DescribeStream goes on to show it.
func (s *Service) Remove(stream, shard string, listed bool) error {
	return s.control(stream, func(c control) error {
		sh := c.find(shard)
		if sh == nil || sh.state != shardClosed && sh.state != shardGone {
			return fmt.Errorf("stream of table %s has no closed shard %s", c.table, shard)
		}
		if sh.state = shardGone; listed {
			sh.log = log{}
			return nil
		}
		at := slices.Index(c.shards, sh)
		c.shards = slices.Delete(c.shards, at, at+1)
		return nil
	})
}

// control is a stream that is locked and settled as of now.
type control struct {
	*stream
	now time.Time
}

func (s *Service) control(tableOrARN string, f func(control) error) error {
	now := s.clock.Now()
	st, err := s.latestOr(tableOrARN, now)
	if err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.settle(now)
	return f(control{st, now})
}

// latestOr is the stream of that ARN, or the latest of that table.
func (s *Service) latestOr(tableOrARN string, now time.Time) (*stream, error) {
	if strings.Contains(tableOrARN, "/stream/") {
		return s.stream(tableOrARN, now)
	}
	t, err := s.anyTable(tableOrARN)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.stream == nil {
		return nil, fmt.Errorf("table %s has no stream", tableOrARN)
	}
	return t.stream, nil
}

// opened finds an open shard.
func (c control) opened(id string) (*shard, error) {
	sh := c.find(id)
	if sh == nil || sh.state != shardOpen {
		return nil, fmt.Errorf("stream of table %s has no open shard %q", c.table, id)
	}
	return sh, nil
}

func ids(shards []*shard) []string {
	list := make([]string, len(shards))
	for i, sh := range shards {
		list[i] = sh.id
	}
	return list
}
