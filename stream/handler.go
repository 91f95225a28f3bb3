package stream

// This file: the handler and what its errors say.

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Handler takes records of one shard, in order, at least one and at most 1000: 100 at first, more while a call takes
// less than 4 s: a hand-over and a stop wait for it. It is called once at a time for each
// shard, from many goroutines for many shards. A nil error means that all of batch is dealt with for good: the reader
// never delivers it again unless it crashes before its next checkpoint (at most about a second later). The handler must
// return when ctx ends, which is when this instance may no longer hold the shard, or has no more time to stop; it must
// bear repetition, and leave batch as it is.
//
// Any other error is taken for an outage of something that the handler needs: the records are delivered again,
// without limit, after 200 ms to 30 s, and Reader.Ready fails meanwhile. FailedAt says which record failed, Permanent
// that trying again is no use. A panic is a permanent failure.
type Handler func(ctx context.Context, batch []Record) error

// FailedAt is the error of a handler that dealt with batch[:i] and failed at batch[i]. Records after i are delivered
// again, whether they were dealt with or not. Several may be joined (errors.Join): the lowest i counts. An error without
// an index that is joined to them may be about any record, so that the whole batch is delivered again.
func FailedAt(i int, err error) error {
	if err == nil {
		return nil
	}
	return &failedAt{i, err}
}

// Permanent marks an error that trying again cannot mend: the record itself is at fault. After Config.MaxAttempts
// attempts Config.PoisonPolicy decides what becomes of the record.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type failedAt struct {
	index int
	err   error
}

func (f *failedAt) Error() string { return fmt.Sprintf("record %d of the batch: %v", f.index, f.err) }
func (f *failedAt) Unwrap() error { return f.err }

type permanentError struct{ err error }

func (p *permanentError) Error() string { return p.err.Error() }
func (p *permanentError) Unwrap() error { return p.err }

// failure is a handler's error taken apart.
type failure struct {
	err       error // without the index, which is that of one attempt
	done      int   // records of the batch that are dealt with
	located   bool  // the record at done is the one that failed
	permanent bool
}

// diagnose takes a handler's error apart; size is that of its batch. Of joined errors the lowest index counts, and a
// mark of Permanent only where it concerns that one. An index out of the batch locates nothing, and an error without an
// index, alone or among others, may be about any record: none is dealt with then. The only record of a batch is located
// in any case.
func diagnose(err error, size int) failure {
	f := dissect(err, size, false)
	if !f.located {
		f.err, f.done, f.located = err, 0, size == 1
	}
	return f
}

// dissect walks down an error's tree; permanent is true below a mark.
func dissect(err error, size int, permanent bool) failure {
	switch e := err.(type) {
	case *permanentError:
		return dissect(e.err, size, true)
	case *failedAt:
		mark := permanent || errors.As(e.err, new(*permanentError))
		return failure{err: e.err, done: e.index, located: e.index >= 0 && e.index < size, permanent: mark}
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		if len(parts) == 0 {
			break
		}
		f := dissect(parts[0], size, permanent)
		for _, part := range parts[1:] {
			f = f.with(dissect(part, size, permanent))
		}
		return f
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return dissect(inner, size, permanent)
		}
	}
	return failure{err: err, permanent: permanent}
}

// with is what two joined failures say together. Where no index tells which record failed, one outage among them keeps
// the records from being given up.
func (f failure) with(g failure) failure {
	switch {
	case !f.located || !g.located:
		return failure{permanent: f.permanent && g.permanent}
	case f.done == g.done:
		f.permanent = f.permanent || g.permanent
		return f
	case g.done < f.done:
		return g
	}
	return f
}

// guarded calls the handler and turns a panic into a permanent failure that carries the stack.
func (h Handler) guarded(ctx context.Context, batch []Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Permanent(fmt.Errorf("the handler panicked: %v\n%s", p, debug.Stack()))
		}
	}()
	return h(ctx, batch)
}
