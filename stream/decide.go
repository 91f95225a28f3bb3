package stream

// This file: what a shard does about an error of the stream.

// operation is a call of the stream's service for one shard.
type operation int

const (
	getIterator operation = iota // GetShardIterator
	getRecords                   // GetRecords
)

// position is where a shard's next iterator begins.
type position int

const (
	atHorizon   position = iota // with the oldest record there is
	atInstant                   // with the instant at which the reading of the table began
	afterRecord                 // behind a record that was handled
)

// remedy is what a shard does about an error.
type remedy int

const (
	again    remedy = iota // the same call, after the error's delay
	reopen                 // a new iterator
	fallBack               // an iterator at the trim horizon instead of at an instant
	skipGap                // record a gap and go on at the trim horizon
	verify                 // ask a complete listing whether the shard exists
	giveUp                 // stop reading this shard and say so: nothing else would be right
)

// decide says what to do about an error of the kind k in operation o at position p.
func decide(o operation, p position, k errorKind) remedy {
	switch {
	case k == trimmed:
		return skipGap
	case k == absent:
		return verify
	case o == getRecords && (k == expired || k == invalid):
		return reopen
	case o == getIterator && k == invalid && p == atInstant:
		return fallBack
	case o == getIterator && k == invalid && p == afterRecord:
		return giveUp
	default:
		return again
	}
}
