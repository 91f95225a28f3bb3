package loader

// One message, from its receipt to its end.

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/sleep"
	"inventoryd/loader/event"
)

// ending is what becomes of a message, or of what it tells of one object.
type ending int

const (
	done      ending = iota // every record in it is done: delete it
	later                   // it comes back after a back-off
	permanent               // it will never succeed
	leave                   // it is left to the queue's redrive policy, and tried again when it comes back
	back                    // it is handed back: another instance may take it at once
	lost                    // it is no longer ours to do anything with
	again                   // it goes on
)

// handle works on one message until its ending is decided and carried out.
func (l *Loader) handle(ctx context.Context, m message) {
	held := l.holds.take(context.WithoutCancel(ctx), m)
	defer l.holds.release(held)
	l.metrics.age(m)
	e := errand{work: work{read: held.ctx, write: held.ctx}, id: m.id, held: held, slot: m.slot}
	stop := e.endWith(ctx)
	defer stop()
	e.slot.onDrop(func() { held.cancel(errCrowded) })

	how, err := l.decide(e, m)
	e.slot.end()
	switch how {
	case done:
		l.end(e.work, m)
	case permanent:
		l.refuse(e.work, held, err)
	case leave:
		l.metrics.count(l.metrics.leftMessages, 1)
		l.log.Error("message left to the queue", zap.String("message_id", m.id), zap.Int("receives", m.receives), zap.Error(err))
		l.postpone(held, backoff(m.receives))
	case later:
		l.log.Warn("message comes back later", zap.String("message_id", m.id), zap.Int("receives", m.receives), zap.Error(err))
		l.postpone(held, backoff(m.receives))
	case back:
		l.postpone(held, 0)
	case lost:
		l.log.Warn("message lost", zap.String("message_id", m.id), zap.Error(err))
	}
}

// work is what bounds the work on a message: both contexts end with its hold, reading ends at once when the loader is
// stopped, writing a little later.
type work struct{ read, write context.Context }

// endWith ends the work when the run ends. stop releases what that takes.
func (w *work) endWith(run context.Context) (stop func()) {
	var endRead, endWrite context.CancelCauseFunc
	w.read, endRead = context.WithCancelCause(w.read)
	w.write, endWrite = context.WithCancelCause(w.write)
	grace := make(chan struct{})
	unwatch := context.AfterFunc(run, func() {
		defer close(grace)
		endRead(errStopping)
		if sleep.For(w.write, stopGrace) == nil {
			endWrite(errStopping)
		}
	})
	return func() {
		endRead(nil)
		endWrite(nil)
		if !unwatch() {
			<-grace
		}
	}
}

// decide does what the message asks for.
func (l *Loader) decide(e errand, m message) (ending, error) {
	if m.receives > 1 {
		reason, err := l.remembered(e.read, m.id)
		if err != nil {
			return interrupted(err)
		}
		if reason != "" {
			return permanent, &failedBefore{reason}
		}
	}
	told, problem := event.Decode(m.body)
	l.metrics.count(l.metrics.tests, int64(told.Tests))
	l.metrics.count(l.metrics.notCreations, int64(told.Ignored))
	var problems []error
	end := done
	if problem != nil {
		end, problems = permanent, append(problems, problem)
	}
	for _, o := range told.Objects {
		switch how, err := l.object(e, o); how {
		case done:
		case permanent, leave:
			end, problems = max(end, how), append(problems, err)
		default:
			return how, err
		}
	}
	return end, event.Few(problems)
}

// failedBefore is the failure of a message that is known from an earlier receipt.
type failedBefore struct{ reason string }

func (f *failedBefore) Error() string { return f.reason }

// interrupted is the ending that goes with the cause of an ended context.
func interrupted(err error) (ending, error) {
	switch {
	case errors.Is(err, errLost):
		return lost, err
	case errors.Is(err, errStopping), errors.Is(err, errTwelve):
		return back, err
	}
	return later, err
}

// object loads one object, if it is to be loaded.
func (l *Loader) object(e errand, o event.Object) (ending, error) {
	if ok, reason := l.cfg().wanted(o.Bucket, o.Key, o.Size); !ok {
		l.metrics.count(l.metrics.ignored, 1)
		l.log.Info("object ignored", zap.String("bucket", o.Bucket), zap.String("key", o.Key), zap.String("reason", reason))
		return done, nil
	}
	return l.settle(e, o)
}

// end deletes a message.
func (l *Loader) end(w work, m message) {
	err := l.insist(w.write, theQueue, toQueue, callTimeout, func(ctx context.Context) error {
		err := l.queue.delete(ctx, m)
		if errors.Is(err, errNotHeld) {
			return nil // its visibility has lapsed, and it was deleted or comes again
		}
		return err
	})
	if err != nil {
		l.log.Warn("message not deleted", zap.String("message_id", m.id), zap.Error(err))
	}
}

// refuse ends a message that will never succeed: it is remembered, and left to the queue's redrive policy or deleted.
func (l *Loader) refuse(w work, held *hold, cause error) {
	m := held.message
	var before *failedBefore
	if errors.As(cause, &before) {
		l.log.Debug("message failed before", zap.String("message_id", m.id), zap.Int("receives", m.receives), zap.Error(cause))
	} else {
		l.metrics.count(l.metrics.failedMessages, 1)
		l.log.Error("message failed for good", zap.String("message_id", m.id), zap.Error(cause))
	}
	if l.cfg().OnBadObject == "drop" {
		l.end(w, m)
		return
	}
	if before == nil {
		if err := l.remember(w.write, m, cause); err != nil {
			l.log.Warn("failed message not remembered", zap.String("message_id", m.id), zap.Error(err))
		}
	}
	l.postpone(held, backoff(m.receives))
}

// postpone sets when a message becomes visible again, and ends its hold first, lest the heartbeat sets it anew.
func (l *Loader) postpone(held *hold, in time.Duration) {
	l.holds.release(held)
	ctx, cancel := context.WithTimeout(context.Background(), handBack)
	defer cancel()
	l.show(ctx, []message{held.message}, in)
}

// backoff is how long a message stays away after so many receipts: 10 s, 20 s, … 15 minutes.
func backoff(receives int) time.Duration {
	return min(10*time.Second<<min(max(receives-1, 0), 10), 15*time.Minute)
}

// objectNames lists the objects that a message tells of, not all of very many: a row takes 400 KB ("Service quotas").
func objectNames(body string) []string {
	const most = 100
	told, _ := event.Decode(body)
	var names []string
	for _, o := range told.Objects[:min(len(told.Objects), most)] {
		names = append(names, o.Bucket+"/"+o.Key)
	}
	return slices.Compact(names)
}
