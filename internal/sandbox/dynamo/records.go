package dynamo

// GetRecords. Its answer is written by hand: it is the largest that the sandbox gives.

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/wire"
)

// Limits of a page ("GetRecords").
const (
	maxRecords     = 1000
	maxRecordBytes = 1 << 20
)

var errExpired = wire.Errorf("ExpiredIteratorException", "The shard iterator has expired and can no longer be used to retrieve stream records. A shard iterator expires 15 minutes after it is retrieved using the GetShardIterator action.")

func (s *Service) records(r *request) (any, error) {
	var given string
	limit := new(int)
	*limit = maxRecords
	if err := r.decode(params{"ShardIterator": text(&given), "Limit": whole(&limit)}); err != nil {
		return nil, err
	}
	if err := required(given == "", "shardIterator"); err != nil {
		return nil, err
	}
	if err := between(limit, 1, 1<<31-1, "limit"); err != nil {
		return nil, err
	}
	if *limit > maxRecords {
		return nil, validation("One or more parameter values were invalid: Limit should be less than or equal to %d", maxRecords)
	}
	it, err := parseIterator(given)
	if err != nil {
		return nil, err
	}
	if r.now.Sub(it.issued) > iteratorLife {
		return nil, errExpired
	}
	st, err := s.stream(it.arn, r.now)
	if err != nil {
		return nil, err
	}
	entries, ended, err := st.slice(it, *limit, r.now)
	if err != nil {
		return nil, err
	}
	next := iterator{it.arn, it.shard, it.position + len(entries), r.now}
	return st.page(entries, next, ended), nil
}

// slice returns the records of a page, and whether the shard is closed and this page its last.
func (st *stream) slice(it iterator, limit int, now time.Time) (page []entry, ended bool, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !it.issued.After(st.script.expired) {
		return nil, false, errExpired
	}
	sh := st.readable(it.shard, now)
	if sh == nil {
		return nil, false, errNoShard
	}
	if err := st.admitsRead(sh, now); err != nil {
		return nil, false, err
	}
	if it.position < sh.log.trimmed {
		return nil, false, errTrimmed
	}
	if st.script.emptyPages > 0 {
		st.script.emptyPages--
		return nil, false, nil
	}
	rest := sh.log.entries[min(it.position-sh.log.trimmed, len(sh.log.entries)):]
	bytes := 0
	n := 0
	for n < len(rest) && n < limit && (n == 0 || bytes+int(rest[n].size) <= maxRecordBytes) {
		bytes += int(rest[n].size)
		n++
	}
	sh.bytes.level -= float64(bytes)
	return rest[:n], n == len(rest) && sh.state == shardClosed, nil
}

// page writes the answer.
func (st *stream) page(entries []entry, next iterator, ended bool) json.RawMessage {
	b := make([]byte, 0, 256+len(entries)*640)
	b = append(b, `{"Records":[`...)
	for i := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = st.appendRecord(b, &entries[i])
	}
	b = append(b, ']')
	if !ended {
		b = append(b, `,"NextShardIterator":`...)
		b = attr.AppendString(b, next.String())
	}
	return append(b, '}')
}

func (st *stream) appendRecord(b []byte, e *entry) []byte {
	name, image := "MODIFY", e.new
	switch {
	case e.old == "":
		name = "INSERT"
	case e.new == "":
		name, image = "REMOVE", e.old
	}
	b = append(b, `{"eventID":"`...)
	b = st.appendEventID(b, e.sequence)
	b = append(b, `","eventName":"`...)
	b = append(b, name...)
	b = append(b, `","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"`+Region+`",`...)
	if e.expired {
		b = append(b, `"userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"},`...)
	}
	b = append(b, `"dynamodb":{"ApproximateCreationDateTime":`...)
	b = strconv.AppendInt(b, time.Unix(0, e.created).Unix(), 10)
	b = append(b, `,"Keys":`...)
	b = image.AppendPart(b, st.key.isKey)
	if e.new != "" && strings.HasPrefix(st.view, "NEW") {
		b = append(append(b, `,"NewImage":`...), e.new...)
	}
	if e.old != "" && strings.Contains(st.view, "OLD") {
		b = append(append(b, `,"OldImage":`...), e.old...)
	}
	b = append(b, `,"SequenceNumber":"`...)
	b = append(b, e.sequence...)
	b = append(b, `","SizeBytes":`...)
	b = strconv.AppendInt(b, int64(e.size), 10)
	b = append(b, `,"StreamViewType":"`...)
	b = append(b, st.view...)
	return append(b, `"}}`...)
}

// appendEventID appends a record's identity, 32 hexadecimal digits that are the same whenever it is read.
func (st *stream) appendEventID(b []byte, sequence string) []byte {
	x := hashOf(sequence)
	id := make([]byte, 0, 16)
	id = binary.BigEndian.AppendUint64(id, x)
	id = binary.BigEndian.AppendUint64(id, mix(x+hashOf(st.label)))
	return hex.AppendEncode(b, id)
}
