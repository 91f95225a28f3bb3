package loader

// What errors of reading an object mean.

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"inventoryd/loader/feed"
)

// failed judges an error of GetObject, whose request was sent at that time: it is returned where it ends the reading;
// else wait is how long to wait before the next try.
func (r *objectReader) failed(err error, sent time.Time, failures int) (wait time.Duration, _ error) {
	err = fmt.Errorf("read %v: %w", r.pin, err)
	s, c := status(err), code(err)
	accessDenied := s == http.StatusForbidden && (c == "AccessDenied" || c == "Forbidden")
	switch {
	case s == http.StatusPreconditionFailed:
		return 0, errSuperseded
	case s == http.StatusNotFound && c != "NoSuchBucket": // that is a mistake of somebody's, not an upload that has gone
		return 0, fmt.Errorf("%w: %w", errGone, err)
	case c == "InvalidObjectState":
		return 0, &feed.Unusable{Reason: "the object is archived and must be restored before it can be loaded: " + err.Error()}
	case accessDenied && r.pin.version != "" && r.pin.etag != "":
		r.l.log.Warn("version not readable, reading by etag", zap.String("bucket", r.pin.bucket), zap.String("key", r.pin.key),
			zap.String("remedy", "allow s3:GetObjectVersion"), zap.Error(err))
		r.pin.version = ""
		return 0, nil
	case throttled(err): // by S3, or by the service that keeps its keys
	case accessDenied, strings.HasPrefix(c, "KMS."):
		return r.forbidden(err, sent)
	case s >= 400 && s < 500 && !denied(err) && c != "RequestTimeout":
		return 0, &feed.Unusable{Reason: err.Error()}
	}
	r.l.failing(r.pin.dependency(), true, err)
	return pause(err, failures), nil
}

// exchange is a request that was answered.
type exchange struct{ sent, answered time.Time }

// denials are those of one reading.
type denials struct {
	first time.Time // when S3 first said that the object is not for us
	alone int       // how often it said so although another object could be read before
}

// aloneEnough is that often. Once would not do: a change of policy takes a while to be known to all of S3.
const aloneEnough = 2

// forbidden tells a key that is not for us from a bucket that is not. Only an object that was read since then, wholly
// before this answer was asked for, tells them apart: answers cross each other while a policy changes. Until there is
// one the loader is not ready, and the intake goes on for the sake of that other object.
func (r *objectReader) forbidden(err error, sent time.Time) (wait time.Duration, _ error) {
	if r.denials.first.IsZero() {
		r.denials.first = time.Now()
	}
	found, _ := r.l.readable.Load(r.pin.bucket)
	if read, ok := found.(exchange); ok && read.sent.After(r.denials.first) && read.answered.Before(sent) {
		if r.denials.alone++; r.denials.alone >= aloneEnough {
			return 0, &feed.Unusable{Reason: err.Error() + " (other objects of the bucket can be read)"}
		}
		return deniedPause, nil
	}
	r.l.failing(r.pin.dependency(), false,
		fmt.Errorf("%w; allow s3:GetObject, kms:Decrypt where the bucket is encrypted by a key of its own, and s3:ListBucket, without which S3 says so of a missing object too", err))
	return deniedPause, nil
}

// isPermanent reports whether trying again cannot help.
func isPermanent(err error) bool {
	var unusable *feed.Unusable
	return errors.As(err, &unusable)
}
