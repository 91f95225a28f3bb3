package loader

// How a pursuit waits: without a slot, on whatever the failure is the trouble of.

import (
	"fmt"
	"math/rand/v2"
	"time"

	"inventoryd/internal/sleep"
)

// anew begins again with the current state; not at once where that happens time after time.
func (p *pursuit) anew() (ending, error) {
	if p.rounds++; p.rounds == 1 {
		return again, nil
	}
	return p.rest(pause(p.rounds))
}

// wait waits after a failure that may pass, and notes whose it is.
func (p *pursuit) wait(f *failure) (ending, error) {
	pause := max(f.pause(p.failures), ownPause(p.failures))
	switch f.fate {
	case elsewhere, changed:
		return p.anew()
	case bucketWaits: // the bucket's gate lets nobody in before it is time
		pause = p.l.buckets.failed(p.o.told.Bucket, p.probe, f)
		p.probe = false
		p.l.troubles.report(f.dependency(p.o.told.Bucket), f, pause)
		return again, nil
	}
	p.failures++
	p.l.troubles.report(f.dependency(p.o.told.Bucket), f, pause)
	return p.rest(pause)
}

// ownPause is how long an object waits that has failed by itself so many times in a row: 2 s, 4 s, … 2 minutes, less a random
// half. Many of those must leave the slots to others.
func ownPause(failures int) time.Duration {
	longest := min(2*time.Second<<min(failures, 10), 2*time.Minute)
	return longest/2 + rand.N(longest/2)
}

// rest lets the slot go and waits.
func (p *pursuit) rest(d time.Duration) (ending, error) {
	p.e.slot.yield()
	if err := sleep.For(p.e.read, d); err != nil {
		return interrupted(err)
	}
	return again, nil
}

// denials are those of one pursuit.
type denials struct {
	first time.Time // when S3 first said that the object is not for us
	tries int
}

// How long a denial is doubted: a policy that is being changed takes a while to be known to all of S3, and a bucket that is denied
// as a whole is somebody's mistake that is soon mended.
const (
	deniedPause  = 150 * time.Second // between tries
	deniedAlone  = 5 * time.Minute   // of an object, while others of its bucket can be read
	deniedTries  = 3
	deniedBucket = 15 * time.Minute
)

// forbidden tells a key that is not for us from a bucket that is not. Only an object that was read since the first denial,
// wholly before this answer was asked for, tells them apart: answers cross each other while a policy changes. sure says that
// it has been doubted for long enough.
func (p *pursuit) forbidden(f *failure, sent time.Time) (_ *failure, sure bool) {
	bucket := p.o.told.Bucket
	if p.denials.first.IsZero() {
		p.denials.first = time.Now()
	}
	p.denials.tries++
	lasted, others := time.Since(p.denials.first), p.l.buckets.readBetween(bucket, p.denials.first, sent)
	problem := *f
	if others {
		p.l.troubles.clear(objectsOf(bucket))
		problem.err = fmt.Errorf("%w (other objects of the bucket can be read)", f.err)
	} else {
		problem.err = fmt.Errorf("%w; allow s3:GetObject, kms:Decrypt where the bucket is encrypted by a key of its own, and s3:ListBucket, without which S3 says so of a missing object too", f.err)
	}
	if others && p.denials.tries >= deniedTries && lasted >= deniedAlone || lasted >= deniedBucket {
		problem.fate = mendable
		return &problem, true
	}
	if !others {
		p.l.troubles.report(objectsOf(bucket), &problem, deniedPause)
	}
	return nil, false
}
