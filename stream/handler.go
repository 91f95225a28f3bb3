package stream

// This file: the handler and what its errors say.

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Handler takes records of one shard, in order, at least one and at most 1000. It is called once at a time for each
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
// again, whether they were dealt with or not.
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
	return &permanent{err}
}

type failedAt struct {
	index int
	err   error
}

func (f *failedAt) Error() string { return fmt.Sprintf("record %d of the batch: %v", f.index, f.err) }
func (f *failedAt) Unwrap() error { return f.err }

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

// failure is a handler's error taken apart.
type failure struct {
	err       error // without the index, which is that of one attempt
	done      int   // records of the batch that are dealt with
	located   bool  // the record at done is the one that failed
	permanent bool
}

// diagnose takes a handler's error apart; size is that of its batch. An index out of the batch locates nothing. The
// only record of a batch is located in any case.
func diagnose(err error, size int) failure {
	f := failure{err: err, located: size == 1}
	if at := new(failedAt); errors.As(err, &at) && at.index >= 0 && at.index < size {
		f.done, f.located, f.err = at.index, true, at.err
	}
	f.permanent = errors.As(err, new(*permanent))
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
