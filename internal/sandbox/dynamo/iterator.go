package dynamo

// GetShardIterator, and iterators: a position in a shard and when it was handed out.

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/wire"
)

var errTrimmed = wire.Errorf("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard.")

var errNoShard = notFound("Requested resource not found: Shard does not exist")

var errSequence = validation("One or more parameter values were invalid: Invalid SequenceNumber")

// iterator is what a shard iterator's text holds.
type iterator struct {
	arn, shard string
	position   int
	issued     time.Time
}

// String is the text in AWS's shape: the stream's ARN, a version, and what clients do not look into.
func (i iterator) String() string {
	inner := fmt.Sprintf("%s|%d|%d", i.shard, i.position, i.issued.UnixNano())
	return i.arn + "|1|" + base64.StdEncoding.EncodeToString([]byte(inner))
}

func parseIterator(s string) (i iterator, err error) {
	parts := strings.Split(s, "|")
	if len(parts) != 3 {
		return i, validation("Invalid ShardIterator")
	}
	inner, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return i, validation("Invalid ShardIterator")
	}
	var issued int64
	fields := strings.ReplaceAll(string(inner), "|", " ")
	if n, _ := fmt.Sscanf(fields, "%s %d %d", &i.shard, &i.position, &issued); n != 3 {
		return i, validation("Invalid ShardIterator")
	}
	i.arn, i.issued = parts[0], time.Unix(0, issued)
	return i, nil
}

// iteratorRequest is the parameters of GetShardIterator.
type iteratorRequest struct {
	arn, shard, kind, sequence string

	timestamp *time.Time
}

func (q *iteratorRequest) params() params {
	return params{
		"StreamArn": text(&q.arn), "ShardId": text(&q.shard), "ShardIteratorType": text(&q.kind), "SequenceNumber": text(&q.sequence),
		"Timestamp": func(in *attr.Reader) error {
			f, err := in.Float()
			t := time.UnixMilli(int64(f * 1000))
			q.timestamp = &t
			return err
		},
	}
}

func (q *iteratorRequest) check(now time.Time) error {
	for at, v := range map[string]string{"streamArn": q.arn, "shardId": q.shard, "shardIteratorType": q.kind} {
		if err := required(v == "", at); err != nil {
			return err
		}
	}
	if err := oneOf(q.kind, "shardIteratorType", "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON", "AT_TIMESTAMP"); err != nil {
		return err
	}
	if q.sequence != "" && !q.bySequence() {
		return validation("One or more parameter values were invalid: SequenceNumber should not be passed for this iterator type")
	}
	switch {
	case q.bySequence():
		return checkSequence(q.sequence)
	case q.kind == "AT_TIMESTAMP" && q.timestamp == nil:
		return validation("One or more parameter values were invalid: Timestamp must be passed for this iterator type")
	case q.kind == "AT_TIMESTAMP" && q.timestamp.After(now):
		return validation("One or more parameter values were invalid: Timestamp must not be in the future")
	}
	return nil
}

func (q *iteratorRequest) bySequence() bool {
	return q.kind == "AT_SEQUENCE_NUMBER" || q.kind == "AFTER_SEQUENCE_NUMBER"
}

// checkSequence checks a sequence number's form: 21 to 40 digits.
func checkSequence(s string) error {
	switch {
	case s == "", len(s) >= 21 && len(s) <= 40 && !isSequence(s):
		return errSequence
	case len(s) < 21:
		return constraint("'"+s+"'", "sequenceNumber", "Member must have length greater than or equal to 21")
	case len(s) > 40:
		return constraint("'"+s+"'", "sequenceNumber", "Member must have length less than or equal to 40")
	}
	return nil
}

func (s *Service) shardIterator(r *request) (any, error) {
	var q iteratorRequest
	if err := r.decode(q.params()); err != nil {
		return nil, err
	}
	if err := q.check(r.now); err != nil {
		return nil, err
	}
	st, err := s.stream(q.arn, r.now)
	if err != nil {
		return nil, err
	}
	position, err := st.position(&q, r.now)
	if err != nil {
		return nil, err
	}
	return map[string]string{"ShardIterator": iterator{q.arn, q.shard, position, r.now}.String()}, nil
}

// position is where in its shard an iterator begins: it is resolved now, not at the first read.
func (st *stream) position(q *iteratorRequest, now time.Time) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	sh := st.readable(q.shard, now)
	if sh == nil {
		return 0, errNoShard
	}
	switch q.kind {
	case "TRIM_HORIZON":
		return sh.log.trimmed, nil
	case "LATEST":
		return sh.log.end(), nil
	case "AT_TIMESTAMP":
		return sh.log.since(*q.timestamp), nil
	}
	if !st.mayHold(sh, q.sequence) {
		return 0, errSequence
	}
	if sh.log.trimmed > 0 && compareSequences(q.sequence, sh.log.last) <= 0 {
		return 0, errTrimmed
	}
	return sh.log.after(q.sequence, q.kind == "AT_SEQUENCE_NUMBER"), nil
}

// mayHold tells whether a sequence number is in the range of the shard's, as far as that reaches.
func (st *stream) mayHold(sh *shard, sequence string) bool {
	end := sh.end
	if end == "" {
		end = string(st.sequence)
	}
	return compareSequences(sh.start, sequence) <= 0 && compareSequences(sequence, end) <= 0
}
