package loader

// The last look: whether an object is still the one that was read.

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/sleep"
)

// look asks for the object once more, on the condition that it is another one; an answer to HEAD could not tell an object that
// is gone from one that we may not see. It waits for as long as S3 is in trouble; its error is the cause of the end of the
// work. What it sees is same, changed, or gone, which stands for "not for us" too.
func (p *pursuit) look() (seen fate, err error) {
	bucket := p.o.told.Bucket
	for {
		probe, err := p.l.buckets.enter(p.e.read, bucket, p.e.slot.yield)
		if err != nil {
			return "", err
		}
		out, cut, err := p.o.get(p.e.read, &s3.GetObjectInput{IfNoneMatch: &p.o.is.ETag})
		var f *failure
		switch {
		case err == nil:
			cut() // its body is for the next reading
			out.Body.Close()
			p.l.well(bucket)
			if aws.ToString(out.ETag) == p.o.is.ETag { // a store without conditions
				return same, nil
			}
			return changed, nil
		case !errors.As(err, &f):
			if probe {
				p.l.buckets.abandon(bucket)
			}
			return "", err
		}
		if f.fate == bucketWaits {
			p.l.troubles.report(bucketOf(bucket), f, p.l.buckets.failed(bucket, probe, f))
			continue
		}
		p.l.well(bucket)
		switch f.fate {
		case same:
			return same, nil
		case gone, denied, mendable, bad:
			return gone, nil
		}
		if err := p.pauseLook(f); err != nil {
			return "", err
		}
	}
}

// pauseLook waits before the next look; in the bucket's own region it is taken at once.
func (p *pursuit) pauseLook(f *failure) error {
	if f.fate == elsewhere {
		return context.Cause(p.e.read)
	}
	pause := f.pause(p.failures)
	p.failures++
	p.l.troubles.report(f.dependency(p.o.told.Bucket), f, pause)
	return sleep.For(p.e.read, pause)
}
