package loader

// Reports of rejected rows: NDJSON, one reject a line and a summary last.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/loader/feed"
)

// reportRows is how many rejects a report lists; its summary counts all.
const reportRows = 100_000

// report collects the rejects of one object in a temporary file. It is safe for concurrent use, but for spill, finish
// and discard: these are the feed's reader's.
type report struct {
	target target
	load   *Load

	mu      sync.Mutex // guards what follows
	rejects int64
	lines   []byte // not in the file yet

	file *os.File // nil: no line is in it yet; the reader's
	size int64    // of the lines in it; the reader's
}

// spillAt is how many bytes of lines are kept in memory.
const spillAt = 64 << 10

// summary is the last line of a report.
type summary struct {
	Bucket  string `json:"bucket,omitempty"`
	Key     string `json:"key"`
	Books   Books  `json:"books"`
	Omitted int64  `json:"omitted,omitempty"` // rejects that the report does not list
	Error   string `json:"error,omitempty"`   // why the object failed, if it did
}

// newReport makes the report of a load; that of a dry run goes nowhere.
func newReport(rejects string, load *Load) *report {
	r := &report{load: load}
	if !load.dry {
		r.target, _ = parseTarget(rejects) // checked by Validate
	}
	return r
}

// add notes a reject.
func (r *report) add(reject *feed.Reject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejects++
	if r.rejects <= reportRows && r.target != (target{}) {
		r.lines = appendLine(r.lines, reject)
	}
}

// appendLine appends v as a line of NDJSON.
func appendLine(b []byte, v any) []byte {
	line := bytes.NewBuffer(b)
	encoder := json.NewEncoder(line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil { // neither rejects nor summaries hold what JSON cannot say
		panic(err)
	}
	return line.Bytes()
}

// waiting is how many bytes of lines are in memory.
func (r *report) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lines)
}

// spill moves the lines in memory to the file. Where it fails it can be called again.
func (r *report) spill() (err error) {
	if r.file == nil {
		if r.file, err = os.CreateTemp("", "inventoryd-rejects-"); err != nil {
			return err
		}
	}
	r.mu.Lock()
	lines := r.lines // others append behind it
	r.mu.Unlock()
	if _, err := r.file.WriteAt(lines, r.size); err != nil {
		return err
	}
	r.size += int64(len(lines))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines[:0], r.lines[len(lines):]...)
	return nil
}

// finish ends the report with its summary; false: there is nothing to report.
func (r *report) finish(failure error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.target == (target{}) || r.rejects == 0 && failure == nil {
		return false
	}
	s := summary{Bucket: r.load.Bucket, Key: r.load.Key, Books: r.load.books(), Omitted: max(0, r.rejects-reportRows)}
	if failure != nil {
		s.Error = failure.Error()
	}
	r.lines = appendLine(r.lines, map[string]summary{"summary": s})
	return true
}

// discard removes the temporary file.
func (r *report) discard() {
	if r.file != nil {
		r.file.Close()
		os.Remove(r.file.Name())
	}
}

// relieve moves a report's lines to its file once there are so many of them. A disk that does not take them is a failure
// that may pass: the object is read again then, and its slot is free until it is.
func (r *report) relieve() error {
	if r.waiting() < spillAt {
		return nil
	}
	if err := r.spill(); err != nil {
		return failed(toSpill, err)
	}
	return nil
}

// publish puts the report where it belongs. A report of the same object replaces an earlier one. A target that does
// not take it delays this message and no other: publish tries until ctx ends, whose cause is its error.
func (l *Loader) publish(ctx context.Context, r *report, failure error) error {
	if !r.finish(failure) {
		return nil
	}
	err := l.insist(ctx, theDisk, toSpill, callTimeout, func(context.Context) error { return r.spill() })
	if err != nil {
		return err
	}
	limit := callTimeout + time.Duration(r.size)*time.Second/slowestUpload
	return l.insist(ctx, theReport, toReport, limit, func(ctx context.Context) error {
		if r.target.bucket == "" {
			return copyFile(r.file.Name(), filepath.Join(r.target.dir, reportName(r.load, 200)))
		}
		region := l.buckets.region(r.target.bucket, "")
		_, err := l.clients.S3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &r.target.bucket, Key: aws.String(r.target.prefix + reportName(r.load, 1024-len(r.target.prefix))),
			Body: io.NewSectionReader(r.file, 0, r.size), ContentType: aws.String("application/x-ndjson"),
		}, inRegion(region)...)
		if err != nil {
			if leadsElsewhere(answerOf(toReport, err)) {
				l.buckets.relocate(r.target.bucket, region, err) // the next try asks there
			}
			return fmt.Errorf("write report of rejected rows to s3://%s/%s: %w", r.target.bucket, r.target.prefix, err)
		}
		return nil
	})
}

// slowestUpload is how many bytes per second the way to a report's bucket takes at least.
const slowestUpload = 1 << 20
