package dynamo

// ListStreams and DescribeStream.

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// maxShards is the most shards of a listing's page, and streams of ListStreams' ("DescribeStream", "ListStreams").
const maxShards = 100

// stream finds a stream by its ARN.
func (s *Service) stream(arn string, now time.Time) (*stream, error) {
	if err := required(arn == "", "streamArn"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	st := s.streams[arn]
	s.mu.RUnlock()
	if st == nil || st.gone(now) {
		return nil, notFound("Requested resource not found: Stream: %s not found", arn)
	}
	return st, nil
}

type listedStream struct{ StreamArn, StreamLabel, TableName string }

func (s *Service) listStreams(r *request) (any, error) {
	var table, start string
	limit := new(int)
	*limit = maxShards
	if err := r.decode(params{"TableName": tableName(&table), "ExclusiveStartStreamArn": text(&start), "Limit": whole(&limit)}); err != nil {
		return nil, err
	}
	if err := between(limit, 1, maxShards, "limit"); err != nil {
		return nil, err
	}
	out := struct {
		Streams                []listedStream
		LastEvaluatedStreamArn string `json:",omitempty"`
	}{Streams: []listedStream{}}
	for _, st := range s.streamsAfter(start, r.now) {
		if table != "" && st.table != table {
			continue
		}
		if len(out.Streams) == *limit {
			out.LastEvaluatedStreamArn = out.Streams[*limit-1].StreamArn
			break
		}
		out.Streams = append(out.Streams, listedStream{st.arn(), st.label, st.table})
	}
	return out, nil
}

// streamsAfter are the streams in the order of their ARNs; those that are gone are forgotten.
func (s *Service) streamsAfter(arn string, now time.Time) []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.streams, func(_ string, st *stream) bool { return st.gone(now) })
	var list []*stream
	for _, key := range slices.Sorted(maps.Keys(s.streams)) {
		if key > arn {
			list = append(list, s.streams[key])
		}
	}
	return list
}

// listing is the parameters of DescribeStream.
type listing struct {
	arn, start, filter, parent string

	limit *int
}

func (q *listing) params() params {
	return params{
		"StreamArn": text(&q.arn), "ExclusiveStartShardId": text(&q.start), "Limit": whole(&q.limit),
		"ShardFilter": object("ShardFilter", params{"Type": text(&q.filter), "ShardId": text(&q.parent)}),
	}
}

func (q *listing) check() error {
	if err := between(q.limit, 1, 1<<31-1, "limit"); err != nil {
		return err
	}
	if q.limit != nil && *q.limit > maxShards {
		return validation("One or more parameter values were invalid: Limit cannot be greater than the maximum: %d", maxShards)
	}
	if err := oneOf(q.filter, "shardFilter.type", "CHILD_SHARDS"); err != nil {
		return err
	}
	if q.filter != "" && q.parent == "" {
		return validation("ShardId must be specified when ShardFilter type is CHILD_SHARDS")
	}
	return nil
}

type (
	sequenceRange struct {
		StartingSequenceNumber string
		EndingSequenceNumber   string `json:",omitempty"`
	}
	listedShard struct {
		ShardId             string
		ParentShardId       string `json:",omitempty"`
		SequenceNumberRange sequenceRange
	}
	describedStream struct {
		StreamArn, StreamLabel, StreamStatus, StreamViewType, TableName string

		CreationRequestDateTime float64
		KeySchema               []keyElement
		Shards                  []listedShard
		LastEvaluatedShardId    string `json:",omitempty"`
	}
)

func (s *Service) describeStream(r *request) (any, error) {
	var q listing
	if err := r.decode(q.params()); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	st, err := s.stream(q.arn, r.now)
	if err != nil {
		return nil, err
	}
	if err := st.admitsListing(r.now); err != nil {
		return nil, err
	}
	return map[string]any{"StreamDescription": st.describe(&q, r.now)}, nil
}

func (st *stream) describe(q *listing, now time.Time) *describedStream {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.settle(now)
	d := &describedStream{
		StreamArn: st.arn(), StreamLabel: st.label, StreamStatus: st.status(now), StreamViewType: st.view, TableName: st.table,
		CreationRequestDateTime: seconds(st.created), Shards: []listedShard{},
	}
	d.KeySchema = st.key.elements()
	limit := maxShards
	if q.limit != nil {
		limit = *q.limit
	}
	from, found := slices.BinarySearchFunc(st.shards, q.start, func(sh *shard, id string) int { return strings.Compare(sh.id, id) })
	if found {
		from++
	}
	for _, sh := range st.shards[from:] {
		if now.Before(sh.listed) || q.filter != "" && sh.parent != q.parent {
			continue
		}
		d.Shards = append(d.Shards, listedShard{sh.id, sh.parent, sequenceRange{sh.start, sh.end}})
		if len(d.Shards) == limit { // that there is a cursor does not mean that there are more ("StreamDescription")
			d.LastEvaluatedShardId = st.cursor(sh.id, q.start)
			break
		}
	}
	return d
}

// cursor is where the next page begins; a script may have it repeat.
func (st *stream) cursor(next, start string) string {
	if start != "" && st.script.repeatCursors > 0 {
		st.script.repeatCursors--
		return start
	}
	return next
}
