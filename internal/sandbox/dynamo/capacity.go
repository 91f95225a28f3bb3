package dynamo

// How DynamoDB limits what a table or an index takes: each partition has a bucket of write and one of read units, a
// provisioned table one more of its own, and a partition that stays hot is split ("Burst and adaptive capacity",
// "DynamoDB warm throughput", "DynamoDB on-demand capacity mode"). A key's own limit is its partition's.

import (
	"math"
	"sync"
	"time"
)

// Limits of a partition, and of a table in on-demand mode ("Quotas in Amazon DynamoDB").
const (
	partitionWrites = 1000
	partitionReads  = 3000
	warmWrites      = 4000
	warmReads       = 12000
	maxPartitions   = 40 // 40,000 write units a second
	burstSeconds    = 300
)

// Heat, which AWS does not put into figures: a partition that was short of units again and again, at least once in each
// cooling, for the time of a split is split.
const (
	cooling    = 30 * time.Second
	splitAfter = 10 * time.Minute
)

// bucket holds units. It may be overdrawn by one call: DynamoDB learns what a call costs only by making it.
type bucket struct {
	rate, most, level float64
	at                time.Time
}

// newBucket holds a second's worth of units at first, and burst seconds' worth at most.
func newBucket(rate, burst float64, now time.Time) bucket {
	return bucket{rate: rate, most: rate * burst, level: rate, at: now}
}

func (b *bucket) has(now time.Time) bool {
	if d := now.Sub(b.at); d > 0 {
		b.level = math.Min(b.most, b.level+b.rate*d.Seconds())
		b.at = now
	}
	return b.level > 0
}

// flow is a direction of traffic.
type flow int

const (
	reads flow = iota
	writes
)

func (f flow) String() string { return [2]string{"Read", "Write"}[f] }

// partition is what holds the items whose hashes are in a range.
type partition struct {
	hashes    hashes
	buckets   [2]bucket // by flow
	hotSince  time.Time
	lastShort time.Time
}

// capacity is the limit of a table or of an index. A nil capacity admits everything.
type capacity struct {
	splitAfter time.Duration

	mu         sync.Mutex // guards what follows; taken under a table's, never held over a wait
	partitions []*partition
	own        *[2]bucket // of provisioned units; nil on demand
}

// newCapacity is the limit of a table or index that is just made, or whose billing has changed.
func newCapacity(b billing, splitAfter time.Duration, now time.Time) *capacity {
	c := &capacity{splitAfter: splitAfter}
	c.partitions = []*partition{{
		hashes:  hashes{0, math.MaxUint64},
		buckets: [2]bucket{newBucket(partitionReads, 1, now), newBucket(partitionWrites, 1, now)},
	}}
	c.reshape(b, now)
	return c
}

// reshape follows a change of the billing.
func (c *capacity) reshape(b billing, now time.Time) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = nil
	if !b.onDemand {
		c.own = &[2]bucket{newBucket(float64(b.read), burstSeconds, now), newBucket(float64(b.write), burstSeconds, now)}
	}
	for len(c.partitions) < b.partitions() {
		c.split(c.widest())
	}
}

// widest is the partition of most hashes.
func (c *capacity) widest() int {
	at := 0
	for i, p := range c.partitions {
		if p.hashes.high-p.hashes.low > c.partitions[at].hashes.high-c.partitions[at].hashes.low {
			at = i
		}
	}
	return at
}

// split makes two partitions of one, each of which has a whole one's rate.
func (c *capacity) split(at int) {
	low, high := *c.partitions[at], *c.partitions[at]
	low.hashes, high.hashes = c.partitions[at].hashes.halves()
	low.hotSince, high.hotSince = time.Time{}, time.Time{}
	c.partitions = append(c.partitions[:at], append([]*partition{&low, &high}, c.partitions[at+1:]...)...)
}

// find is the partition of a hash.
func (c *capacity) find(hash uint64) int {
	for i, p := range c.partitions {
		if hash <= p.hashes.high {
			return i
		}
	}
	return len(c.partitions) - 1
}

// at is find for who does not hold the lock.
func (c *capacity) at(hash uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(hash)
}

// shortage is why a call is throttled; empty: it is not. The words are those of a ThrottlingReason.
type shortage string

// admits tells whether a call of that flow to the partition of a hash may begin.
func (c *capacity) admits(f flow, hash uint64, now time.Time) shortage {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.find(hash)
	p := c.partitions[at]
	if !p.buckets[f].has(now) {
		c.heat(at, now)
		return "KeyRangeThroughputExceeded"
	}
	if c.own != nil && !c.own[f].has(now) {
		return "ProvisionedThroughputExceeded"
	}
	return ""
}

// take takes a call's units.
func (c *capacity) take(f flow, hash uint64, n float64) {
	if c == nil || n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partitions[c.find(hash)].buckets[f].level -= n
	if c.own != nil {
		c.own[f].level -= n
	}
}

// heat notes that a partition was short of units, and splits it once it has been so for long.
func (c *capacity) heat(at int, now time.Time) {
	p := c.partitions[at]
	if p.hotSince.IsZero() || now.Sub(p.lastShort) > cooling {
		p.hotSince = now
	}
	p.lastShort = now
	if now.Sub(p.hotSince) >= c.splitAfter && len(c.partitions) < maxPartitions {
		c.split(at)
	}
}

// count is how many partitions there are.
func (c *capacity) count() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.partitions)
}
