package loader

// Loads by hand: the same pipeline without a queue.

import (
	"context"
	"io"
	"os"

	"inventoryd/internal/inventory"
	"inventoryd/loader/event"
	"inventoryd/loader/feed"
)

// Input is one feed that is loaded by hand.
type Input struct {
	Bucket, Key string  // of a file, Key is its path and Bucket empty
	Size        int64   // in bytes; -1: unknown
	src         *source // nil: the object in S3
}

// Object is an object in S3; it is loaded as it is when its turn comes.
func Object(bucket, key string, size int64) Input {
	return Input{Bucket: bucket, Key: key, Size: size}
}

// File is a file of this machine.
func File(path string) (Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Input{}, err
	}
	src := &source{open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
	return Input{Key: path, Size: info.Size(), src: src}, nil
}

// Stream is a feed that can be read only once.
func Stream(name string, r io.Reader) Input {
	src := &source{once: true, open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(r), nil }}
	return Input{Key: name, Size: -1, src: src}
}

// Once reports whether the feed can be read only once.
func (in Input) Once() bool { return in.src != nil && in.src.once }

// Hand says how a feed is loaded by hand.
type Hand struct {
	Dry      bool               // read and judge, write nothing; usable rows are booked as unwritten
	Foretell *Foretelling       // of a dry run: compare with the table, and foretell the load; nil: look at the feed alone
	Began    func(*Load)        // told of the load when it begins, to follow its progress; may be nil
	Rejected func(*feed.Reject) // told of each rejected row, by several goroutines at once; may be nil
}

// Foretelling says what a dry run asks the table for.
type Foretelling struct {
	Threshold string                              // name of the attribute that holds an item's own threshold; empty: none does
	Changed   func(before, after *inventory.Item) // told of each change in its order; before is nil where there is no count
}

// begin prepares a load for what is asked for by hand.
func (h Hand) begin(load *Load) {
	load.dry, load.rejects = h.Dry, h.Rejected
	if h.Dry && h.Foretell != nil {
		load.foretells, load.threshold = &forecaster{told: h.Foretell.Changed}, h.Foretell.Threshold
	}
	if h.Began != nil {
		h.Began(load)
	}
}

// TableAnswers tells whether the inventory's table can be asked.
func (l *Loader) TableAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := l.table.Admits(ctx)
	return err
}

// Load loads one feed. Services that are down are waited for; an object that is replaced meanwhile is loaded again. When ctx
// ends, reading stops, and the lanes get 5 s to finish what they write. The error is why the feed is not in the table, also
// in Progress.
func (l *Loader) Load(ctx context.Context, in Input, h Hand) (Progress, error) {
	outer := context.WithoutCancel(ctx)
	w := work{read: outer, write: outer}
	stop := w.endWith(ctx)
	defer stop()
	p := &pursuit{l: l, e: errand{work: w}, hand: h, o: object{l: l, told: event.Object{Bucket: in.Bucket, Key: in.Key, Size: in.Size}, size: in.Size}}
	if in.src == nil {
		_, err := p.run()
		return p.progress, err
	}
	load := p.begin()
	a := newPass(l, load, errand{})
	defer a.report.discard()
	err := a.run(w, *in.src)
	if f, judged := fateIn(err); err == nil || judged && f == bad {
		if problem := l.publish(w.write, a.report, err); problem != nil {
			err = problem
		}
	}
	p.finish(load, err)
	return p.progress, err
}

// Wanted reports whether an object of size bytes is to be loaded by itself, else why not.
func (l *Loader) Wanted(bucket, key string, size int64) (ok bool, reason string) {
	return l.cfg().wanted(bucket, key, size)
}
