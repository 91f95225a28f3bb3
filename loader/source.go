package loader

// The object in S3: a pinned read that goes on after a broken connection.

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"inventoryd/loader/event"
)

// source is where one feed comes from.
type source struct {
	// open opens the feed from its beginning. It may be called again once the body is closed.
	// What it returns ends in io.EOF only where the feed is read whole.
	open func(ctx context.Context) (io.ReadCloser, error)
	once bool // it can be opened only once
}

// pin says which state of an object is read.
type pin struct{ bucket, key, version, etag string }

// objectSource is an object that S3 told of. All its readings are of the same state, by one pin.
func (l *Loader) objectSource(o event.Object) source {
	pinned := &pin{o.Bucket, o.Key, o.Version, o.ETag}
	return source{open: func(ctx context.Context) (io.ReadCloser, error) {
		r := &objectReader{l: l, ctx: ctx, pin: pinned, size: o.Size}
		if err := r.connect(); err != nil {
			return nil, err
		}
		return r, nil
	}}
}

const (
	cutsInARow = 5                // that often a connection may break without bringing a byte
	stall      = 15 * time.Second // without a byte, and a connection counts as broken
)

// objectReader reads one object under a pin.
type objectReader struct {
	l    *Loader
	ctx  context.Context // of the reading, which ends in the middle when it does
	pin  *pin
	size int64  // of the object; what the event says until S3 says it
	etag string // of the first answer, as S3 writes it
	at   int64  // bytes read
	open io.ReadCloser
	cut  context.CancelFunc // of the open connection
	cuts int                // in a row

	denials denials
}

// Read goes on from where the connection broke, under the same pin.
func (r *objectReader) Read(p []byte) (int, error) {
	for {
		if r.open == nil {
			if err := r.connect(); err != nil {
				return 0, err
			}
		}
		stalling := time.AfterFunc(stall, r.cut)
		n, err := r.open.Read(p)
		stalled := !stalling.Stop()
		r.at += int64(n)
		if n > 0 {
			if r.cuts > 0 || r.at == int64(n) { // the first that comes of a connection: only now S3 is well
				r.l.recovered(r.pin.dependency())
			}
			r.cuts = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		if err == io.EOF && r.at >= r.size {
			r.l.recovered(r.pin.dependency())
			return 0, io.EOF
		}
		r.Close()
		if stalled { // it answers, and then nothing comes
			r.l.failing(r.pin.dependency(), false, fmt.Errorf("read %v: nothing came for %v at byte %d of %d", r.pin, stall, r.at, r.size))
		}
		if r.cuts++; r.cuts > cutsInARow || r.at >= r.size { // at its end the object's checksum does not fit
			return 0, fmt.Errorf("read %v: the connection breaks each time, at byte %d of %d: %w", r.pin, r.at, r.size, err)
		}
		if err := sleep(r.ctx, pause(nil, r.cuts)); err != nil {
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

// connect opens the object at r.at. It waits for as long as S3, or the way to it, is in trouble.
func (r *objectReader) connect() error {
	for failures := 0; ; failures++ {
		ctx, cut := context.WithCancel(r.ctx)
		stalled := time.AfterFunc(callTimeout, cut)
		sent := time.Now()
		out, err := r.l.clients.S3.GetObject(ctx, r.pin.input(r.at))
		stalled.Stop()
		if err == nil {
			r.l.readable.Store(r.pin.bucket, exchange{sent, time.Now()})
			r.open, r.cut = out.Body, cut
			return r.connected(out)
		}
		cut()
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		wait, err := r.failed(err, sent, failures)
		if err != nil {
			return err
		}
		if err := sleep(r.ctx, wait); err != nil {
			return err
		}
	}
}

// connected judges whether an answer goes on where the reading stands, in the same state of the object. S3 keeps to
// pin and range; stores that are like it may not, and a feed must never be spliced.
func (r *objectReader) connected(out *s3.GetObjectOutput) error {
	etag := aws.ToString(out.ETag)
	switch {
	case r.at == 0:
		r.etag = etag
		if out.ContentLength != nil {
			r.size = *out.ContentLength
		}
		if r.pin.version == "" && r.pin.etag == "" { // the event told neither: what is read now is what is read on
			r.pin.etag = strings.Trim(etag, `"`)
		}
		return nil
	case etag != r.etag:
		r.Close()
		return errSuperseded
	case !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", r.at)):
		r.Close()
		return fmt.Errorf("read %v: the connection broke at byte %d of %d, and the store does not go on from there", r.pin, r.at, r.size)
	}
	return nil
}

// String is the object's address.
func (p *pin) String() string { return "s3://" + p.bucket + "/" + p.key }

// dependency is what the object's readers depend on.
func (p *pin) dependency() string { return "bucket " + p.bucket }

// input is the request for the pinned object from a byte on.
func (p *pin) input(from int64) *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key}
	if p.version != "" {
		in.VersionId = &p.version
	}
	if p.etag != "" && (p.version == "" || p.version == "null") { // the version null can be overwritten
		in.IfMatch = aws.String(`"` + p.etag + `"`)
	}
	if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	} else {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	return in
}
