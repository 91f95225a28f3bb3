package loader

// Loads by hand: the same pipeline without a queue.

import (
	"context"
	"io"
	"os"
	"time"

	"inventoryd/loader/event"
	"inventoryd/loader/feed"
)

// Input is one feed that is loaded by hand.
type Input struct {
	Bucket, Key string // of a file, Key is its path and Bucket empty
	Size        int64  // in bytes; -1: unknown
	src         func(*Loader) source
}

// Object is an object in S3 as a listing shows it; the ETag pins it.
func Object(bucket, key, etag string, size int64) Input {
	return Input{Bucket: bucket, Key: key, Size: size, src: func(l *Loader) source {
		return l.objectSource(event.Object{Bucket: bucket, Key: key, ETag: etag})
	}}
}

// File is a file of this machine.
func File(path string) (Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Input{}, err
	}
	return Input{Key: path, Size: info.Size(), src: func(*Loader) source {
		return source{open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
	}}, nil
}

// Stream is a feed that can be read only once.
func Stream(name string, r io.Reader) Input {
	return Input{Key: name, Size: -1, src: func(*Loader) source {
		return source{once: true, open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(r), nil }}
	}}
}

// Hand says how a feed is loaded by hand.
type Hand struct {
	Dry      bool               // read and judge, write nothing; usable rows are booked as unwritten
	Began    func(*Load)        // told of the load when it begins, to follow its progress; may be nil
	Rejected func(*feed.Reject) // told of each rejected row, by several goroutines at once; may be nil
}

// Load loads one feed. Services that are down are waited for. When ctx ends, reading stops, and the lanes get 5 s to
// finish what they write. The error is why the feed is not in the table, also in Progress.
func (l *Loader) Load(ctx context.Context, in Input, h Hand) (Progress, error) {
	outer := context.WithoutCancel(ctx)
	w := work{read: outer, write: outer}
	stop := w.endWith(ctx)
	defer stop()
	load := l.begin(in.Bucket, in.Key, in.Size)
	load.dry, load.rejects = h.Dry, h.Rejected
	if h.Began != nil {
		h.Began(load)
	}
	err := l.run(w, load, in.src(l))
	return l.finish(load, err, time.Time{}), err
}

// Wanted reports whether an object of size bytes is to be loaded by itself, else why not.
func (l *Loader) Wanted(bucket, key string, size int64) (ok bool, reason string) {
	return l.cfg().wanted(bucket, key, size)
}
