package stream

// This file: the rows of the lease table and their columns. The partitions are `<table>` (the stream), then
// `<table>#instances` and `<table>#shards`.

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

type item = map[string]types.AttributeValue

// streamRow is the first row ever written for a table: whose it is and where its reading began.
type streamRow struct {
	App   string
	ARN   string    // the stream that is read now
	Start time.Time // records created before are dropped; zero: none are
	Since time.Time // when the row was written: nothing that was deleted before is missed
	Gaps  []Gap     // while the stream was off
	// Listed is when the last complete listing of the latest stream began: shards born later may lack a row.
	Listed time.Time
}

// shardRow is what the table knows of a shard.
type shardRow struct {
	Label, ID, Parent string
	Children          []string
	State             State
	Owner             string    // the instance that holds it; "": nobody
	Epoch             int64     // grows each time the owner changes
	Checkpoint        string    // "": none yet; a Position; or "ended"
	Sequence          string    // the checkpoint's sequence number as the service spells it
	Confirmed         int64     // the epoch that its owner has begun to read it under
	To                string    // the instance that is to have it; "": the owner keeps it
	Load              float64   // records a second over the last minutes
	Failed            failures  // who has not been able to read it
	TipAt             time.Time // when it was last known to be read to its tip; zero: never
	From              time.Time // records created before are dropped, by an operator's wish; zero: none are
	Progress
	Gaps []Gap
}

// Progress is how far the reading of a shard has come.
type Progress struct {
	LastEvent time.Time `json:"last_event,omitzero"` // creation of the last record handled
	Poison    string    `json:"poison,omitempty"`    // position of a record that could not be handled
	Attempts  int       `json:"attempts,omitempty"`  // how often that was tried
	Ended     time.Time `json:"ended,omitzero"`      // when the shard was read to its end
}

// State is a shard's.
type State string

// States of a shard, in the order in which it has them; one that is handed over, released or whose owner died is ready again.
const (
	StateWaiting State = "waiting" // its parent has not ended
	StateReady   State = "ready"   // it may be read, and nobody has begun to
	StateHeld    State = "held"    // its owner reads it
	StateEnded   State = "ended"   // it was read to its end
)

// Columns of the rows.
const (
	colPK         = "pk"
	colSK         = "sk"
	colApp        = "app"
	colARN        = "arn"
	colStart      = "start"
	colSince      = "since"
	colLabel      = "label"
	colShard      = "shard"
	colParent     = "parent"
	colChildren   = "children"
	colState      = "state"
	colOwner      = "owner"
	colEpoch      = "epoch"
	colCheckpoint = "checkpoint"
	colConfirmed  = "confirmed"
	colTo         = "to"
	colLoad       = "load"
	colFailed     = "failed"
	colListed     = "listed"
	colSequence   = "sequence"
	colTip        = "tip_at"
	colFrom       = "from"
	colLastEvent  = "last_event"
	colPoison     = "poison"
	colAttempts   = "attempts"
	colEnded      = "ended_at"
	colGap        = "gap" // and a number: gap1, gap2
)

// shardKey names a shard over all streams of a table; it is the sort key of its row, so that rows are ordered by the
// age of their stream.
type shardKey struct{ label, id string }

func (k shardKey) String() string { return k.label + "#" + k.id }

// keyOf is the key that was written as text.
func keyOf(text string) shardKey {
	label, id, _ := strings.Cut(text, "#")
	return shardKey{label, id}
}

func (r shardRow) key() shardKey { return shardKey{r.Label, r.ID} }

func (r shardRow) parentKey() shardKey { return shardKey{r.Label, r.Parent} }

func (r shardRow) ended() bool { return r.Checkpoint == ended }

// begun is true of a shard that its owner has begun to read.
func (r shardRow) begun() bool { return r.Owner != "" && r.Confirmed == r.Epoch }

// started is true once anything of the shard has been handled.
func (r shardRow) started() bool { return r.Checkpoint != "" }

// readUntil is the instant before which nothing of the shard is unread, as far as its row says; zero: it does not.
func (r shardRow) readUntil() time.Time { return later(later(r.TipAt, r.LastEvent), r.Ended) }

// bornAt is a shard's birth, which is in its id (`shardId-00000001764155976123-1a2b3c4d`: milliseconds); zero where it is
// not.
func bornAt(id string) time.Time {
	_, rest, _ := strings.Cut(id, "-")
	digits, _, _ := strings.Cut(rest, "-")
	ms, err := strconv.ParseInt(digits, 10, 64)
	if at := time.UnixMilli(ms).UTC(); err == nil && at.Year() >= 2012 && at.Year() < 2200 { // DynamoDB's age
		return at
	}
	return time.Time{}
}

// last is the sequence number behind which the shard is read, as the service spells it; "" where nothing has been
// handled or the shard has ended.
func (r shardRow) last() (string, error) {
	if r.Checkpoint == "" || r.ended() {
		return "", nil
	}
	digits, err := sequenceOf(r.Label, r.Checkpoint)
	if err == nil && r.Sequence != "" && Position(r.Label, r.Sequence) == r.Checkpoint {
		return r.Sequence, nil
	}
	return digits, err
}

// encode writes the columns of a new row.
func (r shardRow) encode() item {
	i := item{colLabel: attribute.S(r.Label), colShard: attribute.S(r.ID), colState: attribute.S(r.State), colEpoch: attribute.N(r.Epoch)}
	if r.Parent != "" {
		i[colParent] = attribute.S(r.Parent)
	}
	if r.Owner != "" {
		i[colOwner] = attribute.S(r.Owner)
	}
	if r.Confirmed > 0 {
		i[colConfirmed] = attribute.N(r.Confirmed)
	}
	return i
}

func decodeShard(i item) shardRow {
	r := shardRow{
		Label: attribute.String(i[colLabel]), ID: attribute.String(i[colShard]), Parent: attribute.String(i[colParent]), State: State(attribute.String(i[colState])),
		Owner: attribute.String(i[colOwner]), Epoch: attribute.Int(i[colEpoch]), Checkpoint: attribute.String(i[colCheckpoint]), To: attribute.String(i[colTo]),
		Confirmed: attribute.Int(i[colConfirmed]), Load: floatOf(i[colLoad]), Failed: decodeFailures(i[colFailed]),
		Sequence: attribute.String(i[colSequence]), TipAt: timeOf(i[colTip]), From: timeOf(i[colFrom]),
		Progress: Progress{
			LastEvent: timeOf(i[colLastEvent]), Poison: attribute.String(i[colPoison]),
			Attempts: int(attribute.Int(i[colAttempts])), Ended: timeOf(i[colEnded]),
		},
		Gaps: decodeGaps(i), Children: attribute.Strings(i[colChildren]),
	}
	return r
}

func decodeStream(i item) streamRow {
	return streamRow{App: attribute.String(i[colApp]), ARN: attribute.String(i[colARN]), Start: timeOf(i[colStart]), Since: timeOf(i[colSince]), Gaps: decodeGaps(i), Listed: timeOf(i[colListed])}
}

func decodeGaps(i item) []Gap {
	var gaps []Gap
	for column, v := range i {
		n, err := strconv.Atoi(strings.TrimPrefix(column, colGap))
		if m, ok := v.(*types.AttributeValueMemberM); ok && err == nil && strings.HasPrefix(column, colGap) {
			gaps = append(gaps, decodeGap(n, m.Value))
		}
	}
	sort.Slice(gaps, func(a, b int) bool { return gaps[a].Number < gaps[b].Number })
	return gaps
}

func instant(t time.Time) types.AttributeValue { return attribute.S(t.UTC().Format(time.RFC3339Nano)) }

func float(f float64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatFloat(f, 'f', 1, 64)}
}

func floatOf(v types.AttributeValue) float64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		f, _ := strconv.ParseFloat(n.Value, 64) // likewise
		return f
	}
	return 0
}

func timeOf(v types.AttributeValue) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, attribute.String(v)) // likewise
	return t
}

// failures says of instances until when it counts that they could not read a shard.
type failures map[string]time.Time

func (f failures) encode() types.AttributeValue {
	m := item{}
	for id, until := range f {
		m[id] = instant(until)
	}
	return attribute.M(m)
}

func decodeFailures(v types.AttributeValue) failures {
	m := attribute.Map(v)
	if len(m) == 0 {
		return nil
	}
	f := failures{}
	for id, until := range m {
		f[id] = timeOf(until)
	}
	return f
}

// at are the failures that count at an instant of the service's clock.
func (f failures) at(now time.Time) failures {
	left := failures{}
	for id, until := range f {
		if now.Before(until) {
			left[id] = until
		}
	}
	return left
}

// labelOf returns the label of a stream's ARN: what follows the last slash.
func labelOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// arnWith returns the ARN of another stream of the same table.
func arnWith(arn, label string) string { return arn[:strings.LastIndexByte(arn, '/')+1] + label }

func gapColumn(n int) string { return fmt.Sprint(colGap, n) }
