package dynamo

// How often a stream may be described and a shard be read.

import (
	"time"

	"inventoryd/internal/sandbox/wire"
)

// Rates of a stream ("DescribeStream": 10 calls a second for each stream), and of a shard: DynamoDB's pages name none, so these
// are those of Kinesis, whose API the streams' resembles ("GetRecords": five calls and 2 MB a second).
const (
	listingRate = 10
	readRate    = 5
	readBytes   = 2 << 20
)

var (
	errListingRate = wire.Errorf("ThrottlingException", "Rate of requests exceeds the allowed throughput.")
	errReadRate    = wire.Errorf("LimitExceededException", "Subscriber limit exceeded: Too many operations for a given subscriber")
)

// LimitStreams has all streams, present and to come, refuse more than 10 calls of DescribeStream a second, and more than five
// calls of GetRecords or 2 MB a second of a shard; at first they do not.
func (s *Service) LimitStreams(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.limitStreams = on
	for _, st := range s.streams {
		st.mu.Lock()
		st.script.limited = on
		st.mu.Unlock()
	}
}

func (st *stream) admitsListing(now time.Time) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.script.limited && !st.listings.admits(listingRate, 1, now) {
		return errListingRate
	}
	return nil
}

// admitsRead is for a stream that is locked; the bytes are taken once they are known.
func (st *stream) admitsRead(sh *shard, now time.Time) error {
	if !st.script.limited {
		return nil
	}
	if !sh.bytes.admits(readBytes, 0, now) || !sh.calls.admits(readRate, 1, now) {
		return errReadRate
	}
	return nil
}

// admits takes n if there is some left of what comes in at that rate; a bucket is made by its first call.
func (b *bucket) admits(rate, n float64, now time.Time) bool {
	if b.rate == 0 {
		*b = newBucket(rate, 1, now)
	}
	if !b.has(now) {
		return false
	}
	b.level -= n
	return true
}
