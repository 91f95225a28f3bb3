package loader

// The object in S3: a pinned read that goes on after a broken connection.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.uber.org/zap"

	"inventoryd/loader/event"
	"inventoryd/loader/feed"
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

// objectSource is an object that S3 told of.
func (l *Loader) objectSource(o event.Object) source {
	return source{open: func(ctx context.Context) (io.ReadCloser, error) {
		r := &objectReader{l: l, ctx: ctx, pin: pin{o.Bucket, o.Key, o.Version, o.ETag}}
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
	pin  pin
	size int64 // of the object
	at   int64 // bytes read
	open io.ReadCloser
	cut  context.CancelFunc // of the open connection
	cuts int                // in a row

	denied time.Time // when S3 first said that the object is not for us
}

// Read goes on from where the connection broke, under the same pin.
func (r *objectReader) Read(p []byte) (int, error) {
	for {
		if r.open == nil {
			if err := r.connect(); err != nil {
				return 0, err
			}
		}
		stalled := time.AfterFunc(stall, r.cut)
		n, err := r.open.Read(p)
		stalled.Stop()
		r.at += int64(n)
		if n > 0 {
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
			return 0, io.EOF
		}
		r.Close()
		if r.cuts++; r.cuts > cutsInARow || r.at >= r.size { // at its end the object's checksum does not fit
			return 0, fmt.Errorf("read s3://%s/%s: %w at byte %d of %d: %w", r.pin.bucket, r.pin.key, errCut, r.at, r.size, err)
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
		out, err := r.l.clients.S3.GetObject(ctx, r.pin.input(r.at))
		stalled.Stop()
		if err == nil {
			r.l.recovered("bucket " + r.pin.bucket)
			r.l.readable.Store(r.pin.bucket, time.Now())
			r.cut = cut
			r.connected(out)
			return nil
		}
		cut()
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		wait, err := r.failed(err)
		if err != nil {
			return err
		}
		if !wait { // with a weaker pin
			continue
		}
		if err := sleep(r.ctx, pause(r.l.troubles.last("bucket "+r.pin.bucket), failures)); err != nil {
			return err
		}
	}
}

func (r *objectReader) connected(out *s3.GetObjectOutput) {
	if r.at == 0 {
		r.size = aws.ToInt64(out.ContentLength)
		if r.pin.version == "" && r.pin.etag == "" { // the event told neither: what is read now is what is read on
			r.pin.etag = strings.Trim(aws.ToString(out.ETag), `"`)
		}
	}
	r.open = out.Body
}

// failed judges an error of GetObject: it is returned where it ends the reading; else wait says whether to wait
// before the next try.
func (r *objectReader) failed(err error) (wait bool, _ error) {
	name := fmt.Sprintf("s3://%s/%s", r.pin.bucket, r.pin.key)
	err = fmt.Errorf("read %s: %w", name, err)
	switch c := code(err); {
	case status(err) == http.StatusPreconditionFailed:
		return false, errSuperseded
	case status(err) == http.StatusNotFound:
		return false, fmt.Errorf("%w: %w", errGone, err)
	case c == "InvalidObjectState":
		return false, &feed.Unusable{Reason: "the object is archived and must be restored before it can be loaded: " + err.Error()}
	case status(err) == http.StatusForbidden && c == "AccessDenied" && r.pin.version != "" && r.pin.etag != "":
		r.l.log.Warn("version not readable, reading by etag", zap.String("bucket", r.pin.bucket), zap.String("key", r.pin.key),
			zap.String("remedy", "allow s3:GetObjectVersion"), zap.Error(err))
		r.pin.version = ""
		return false, nil
	case status(err) == http.StatusForbidden && (c == "AccessDenied" || c == "Forbidden"):
		return r.forbidden(err)
	case status(err) >= 400 && status(err) < 500 && !throttled(err) && !denied(err) && c != "RequestTimeout" && c != "PermanentRedirect":
		return false, &feed.Unusable{Reason: err.Error()}
	}
	r.l.failing("bucket "+r.pin.bucket, true, err)
	return true, nil
}

// forbidden tells a key that is not for us from a bucket that is not: it is this key only where another one could be
// read meanwhile. So it makes the loader not ready, and the intake goes on for the sake of that other one.
func (r *objectReader) forbidden(err error) (wait bool, _ error) {
	if r.denied.IsZero() {
		r.denied = time.Now()
	}
	if read, ok := r.l.readable.Load(r.pin.bucket); ok && read.(time.Time).After(r.denied) {
		return false, &feed.Unusable{Reason: err.Error() + " (other objects of the bucket can be read)"}
	}
	r.l.failing("bucket "+r.pin.bucket, false,
		fmt.Errorf("%w; allow s3:GetObject, kms:Decrypt where the bucket is encrypted by a key of its own, and s3:ListBucket, without which S3 says so of a missing object too", err))
	return true, nil
}

// input is the request for the pinned object from a byte on.
func (p pin) input(from int64) *s3.GetObjectInput {
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

// isPermanent reports whether trying again cannot help.
func isPermanent(err error) bool {
	var unusable *feed.Unusable
	return errors.As(err, &unusable)
}
