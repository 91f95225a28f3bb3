package loader

// The object in S3: what it is now, read under its ETag, also after a broken connection.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
	"inventoryd/loader/event"
)

// source is where one feed comes from.
type source struct {
	// open opens the feed from its beginning. It may be called again once the body is closed.
	// What it returns ends in io.EOF only where the feed is read whole.
	open func(ctx context.Context) (io.ReadCloser, error)
	once bool // it can be opened only once
}

// object is an object that an event tells of, and, once it was opened, the state in which it is read.
type object struct {
	l    *Loader
	told event.Object
	is   state.Version
	size int64 // -1: unknown
}

// String is the object's address.
func (o *object) String() string { return "s3://" + o.told.Bucket + "/" + o.told.Key }

// get asks for the object. Its error is a *failure, or the cause of the end of ctx; sent is when it was asked.
func (o *object) get(ctx context.Context, in *s3.GetObjectInput) (out *s3.GetObjectOutput, cut context.CancelFunc, err error) {
	in.Bucket, in.Key = &o.told.Bucket, &o.told.Key
	call, cut := context.WithCancel(ctx)
	stalled := time.AfterFunc(callTimeout, cut)
	region := o.l.buckets.region(o.told.Bucket, o.told.Region)
	sent := time.Now()
	out, err = o.l.clients.S3.GetObject(call, in, inRegion(region)...)
	stalled.Stop()
	switch {
	case err == nil && aws.ToString(out.ETag) == "":
		out.Body.Close()
		err = errors.New("the answer has no ETag: not S3 has answered")
	case err == nil:
		o.l.buckets.opened(o.told.Bucket, exchange{sent, time.Now()})
		return out, cut, nil
	}
	cut()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	a := answerOf(toRead, err)
	a.region = leadsElsewhere(a) && o.l.buckets.relocate(o.told.Bucket, region, err)
	return nil, nil, &failure{toRead, fateOf(a), fmt.Errorf("read %v: %w", o, err), refusesUs(a)}
}

// current opens the object as it is now.
func (o *object) current(ctx context.Context) (*objectReader, error) {
	out, cut, err := o.get(ctx, &s3.GetObjectInput{ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return nil, err
	}
	etag := aws.ToString(out.ETag)
	o.is = state.Version{ETag: etag, Version: aws.ToString(out.VersionId), Modified: aws.ToTime(out.LastModified)}
	o.size = -1
	switch {
	case out.ContentLength != nil:
		o.size = *out.ContentLength
	case strings.Trim(etag, `"`) == o.told.ETag:
		o.size = o.told.Size
	}
	return &objectReader{of: o, ctx: ctx, open: out.Body, cut: cut}, nil
}

// source reads the object in the state in which it was opened, from first, which is open, and then anew.
func (o *object) source(first *objectReader) source {
	return source{open: func(ctx context.Context) (io.ReadCloser, error) {
		if r := first; r != nil {
			first = nil
			return r, nil
		}
		r := &objectReader{of: o, ctx: ctx}
		if err := r.connect(); err != nil {
			return nil, err
		}
		return r, nil
	}}
}

const (
	cutsInARow = 2                // that often a connection may break without bringing enough, while the slot is kept
	enough     = 4 << 10          // bytes
	stall      = 15 * time.Second // without a byte, and a connection counts as broken
	reconnects = 10 * time.Second // for which a slot is kept while S3 does not answer; then the object is read anew
)

// objectReader reads one object in one state.
type objectReader struct {
	of   *object
	ctx  context.Context // of the reading, which ends in the middle when it does
	at   int64           // bytes read
	open io.ReadCloser
	cut  context.CancelFunc // of the open connection
	cuts int                // in a row
	mark int64              // where the first of these was
}

// Read goes on from where the connection broke, in the same state of the object.
func (r *objectReader) Read(p []byte) (int, error) {
	for {
		if r.open == nil {
			if err := r.connect(); err != nil {
				return 0, err
			}
		}
		stalling := time.AfterFunc(stall, r.cut)
		n, err := r.open.Read(p)
		silent := !stalling.Stop()
		r.at += int64(n)
		if n > 0 {
			if r.at-r.mark >= enough {
				r.cuts, r.mark = 0, r.at
			}
			return n, nil
		}
		if err == nil {
			continue
		}
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		if err == io.EOF && r.at >= r.of.size {
			r.of.l.well(r.of.told.Bucket)
			return 0, io.EOF
		}
		r.Close()
		broken := &failure{of: toRead, fate: waits, err: fmt.Errorf("read %v: the connection breaks each time, at byte %d of %d: %w", r.of, r.at, r.of.size, err)}
		if r.cuts++; r.cuts > cutsInARow || r.at >= r.of.size { // at its end the object's checksum does not fit
			return 0, broken
		}
		if silent { // nobody should have to wait for the last try to hear of it
			r.of.l.troubles.report(objectsOf(r.of.told.Bucket), broken, stall)
		}
		if err := sleep.For(r.ctx, time.Duration(r.cuts-1)*firstPause); err != nil {
			return 0, err
		}
	}
}

// Close closes the connection.
func (r *objectReader) Close() error {
	if r.open == nil {
		return nil
	}
	r.cut() // a body that is closed whole would be drained first
	err := r.open.Close()
	r.open = nil
	return err
}

// connect opens the object at r.at. A while it waits for S3, or the way to it, to be well again.
func (r *objectReader) connect() error {
	for began, failures := time.Now(), 0; ; failures++ {
		out, cut, err := r.of.get(r.ctx, r.input())
		if err == nil {
			r.open, r.cut = out.Body, cut
			return r.connected(out)
		}
		var f *failure
		if !errors.As(err, &f) {
			return err
		}
		switch again := f.pause(failures); {
		case f.fate != waits && f.fate != bucketWaits && f.fate != elsewhere, time.Since(began)+again > reconnects:
			return err
		default:
			if err := sleep.For(r.ctx, again); err != nil {
				return err
			}
		}
	}
}

// input is the request for the rest of the object, in the state in which it was opened.
func (r *objectReader) input() *s3.GetObjectInput {
	in := &s3.GetObjectInput{IfMatch: &r.of.is.ETag}
	if r.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.at))
	} else {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	return in
}

// connected judges whether an answer goes on where the reading stands, in the same state of the object. S3 keeps to
// pin and range; stores that are like it may not, and a feed must never be spliced.
func (r *objectReader) connected(out *s3.GetObjectOutput) error {
	switch {
	case aws.ToString(out.ETag) != r.of.is.ETag:
		r.Close()
		return &failure{of: toRead, fate: changed, err: fmt.Errorf("read %v: it was replaced while it was read", r.of)}
	case r.at > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", r.at)):
		r.Close()
		return &failure{of: toRead, fate: waits, err: fmt.Errorf("read %v: the connection broke at byte %d of %d, and the store does not go on from there", r.of, r.at, r.of.size)}
	}
	return nil
}
