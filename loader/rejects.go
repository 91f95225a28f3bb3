package loader

// Reports of rejected rows: NDJSON, one reject a line and a summary last, in a directory or below an S3 prefix.

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/loader/feed"
)

// reportRows is how many rejects a report lists; its summary counts all.
const reportRows = 100_000

// target is where reports go: a directory, or a prefix of a bucket, or nowhere.
type target struct{ dir, bucket, prefix string }

// parseTarget reads loader.rejects.
func parseTarget(s string) (target, error) {
	rest, isS3 := strings.CutPrefix(s, "s3://")
	if !isS3 {
		if strings.Contains(s, "://") {
			return target{}, fmt.Errorf("%q is neither a directory nor s3://bucket/prefix/", s)
		}
		return target{dir: s}, nil
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if bucket == "" || strings.Trim(prefix, "/") == "" {
		return target{}, fmt.Errorf("%q needs a bucket and a prefix: s3://bucket/prefix/", s)
	}
	return target{bucket: bucket, prefix: strings.TrimRight(prefix, "/") + "/"}, nil
}

// holds reports whether an object is a report.
func (t target) holds(bucket, key string) bool {
	return t.bucket != "" && bucket == t.bucket && strings.HasPrefix(key, t.prefix)
}

// report collects the rejects of one object in a temporary file. It is safe for concurrent use.
type report struct {
	target target
	load   *Load

	mu      sync.Mutex // guards what follows
	first   *feed.Reject
	rejects int64
	file    *os.File // nil: nothing to report yet
	out     *bufio.Writer
	err     error // of the file
}

// summary is the last line of a report.
type summary struct {
	Bucket  string `json:"bucket,omitempty"`
	Key     string `json:"key"`
	Books   Books  `json:"books"`
	Omitted int64  `json:"omitted,omitempty"` // rejects that the report does not list
	Error   string `json:"error,omitempty"`   // why the object failed, if it did
}

func newReport(rejects string, load *Load) *report {
	t, _ := parseTarget(rejects) // checked by Validate
	return &report{target: t, load: load}
}

// add notes a reject.
func (r *report) add(reject *feed.Reject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejects++
	if r.first == nil {
		r.first = reject
	}
	if r.rejects <= reportRows {
		r.line(reject)
	}
}

// firstReject words the reject that was found first, of which there must be one.
func (r *report) firstReject() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("line %d: %s: %s", r.first.Line, r.first.Code, r.first.Message)
}

// line writes v to the temporary file; r.mu is held.
func (r *report) line(v any) {
	if r.target == (target{}) || r.err != nil {
		return
	}
	if r.file == nil {
		if r.file, r.err = os.CreateTemp("", "inventoryd-rejects-"); r.err != nil {
			return
		}
		r.out = bufio.NewWriter(r.file)
	}
	encoder := json.NewEncoder(r.out)
	encoder.SetEscapeHTML(false)
	r.err = encoder.Encode(v)
}

// finish ends the report; there is none of an object without rejects and failure.
func (r *report) finish(failure error) (path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.target == (target{}) || r.rejects == 0 && failure == nil {
		return "", nil
	}
	s := summary{Bucket: r.load.Bucket, Key: r.load.Key, Books: r.load.books(), Omitted: max(0, r.rejects-reportRows)}
	if failure != nil {
		s.Error = failure.Error()
	}
	r.line(map[string]summary{"summary": s})
	if r.err == nil {
		r.err = r.out.Flush()
	}
	if r.err != nil {
		return "", fmt.Errorf("report of rejected rows: %w", r.err)
	}
	return r.file.Name(), nil
}

// discard removes the temporary file.
func (r *report) discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		r.file.Close()
		os.Remove(r.file.Name())
		r.file = nil
	}
}

// publish puts the report where it belongs. A report of the same object replaces an earlier one. A target that does
// not take it is a dependency in trouble: publish tries until ctx ends, whose cause is its error.
func (l *Loader) publish(ctx context.Context, r *report, failure error) error {
	path, err := r.finish(failure)
	if path == "" && err == nil {
		return nil
	}
	return l.insist(ctx, "rejects", func(ctx context.Context) error {
		if err != nil {
			return err
		}
		if r.target.bucket == "" {
			return copyFile(path, filepath.Join(r.target.dir, reportName(r.load, 200)))
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = l.clients.S3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &r.target.bucket, Key: aws.String(r.target.prefix + reportName(r.load, 1024-len(r.target.prefix))),
			Body: file, ContentType: aws.String("application/x-ndjson"),
		})
		if err != nil {
			return fmt.Errorf("write report of rejected rows to s3://%s/%s: %w", r.target.bucket, r.target.prefix, err)
		}
		return nil
	})
}

// reportName is the name of an object's report, of at most limit bytes and without a slash.
func reportName(l *Load, limit int) string {
	name := url.QueryEscape(strings.TrimPrefix(l.Bucket+"/"+l.Key, "/"))
	const suffix = ".rejects.ndjson"
	if len(name)+len(suffix) > limit {
		sum := sha256.Sum256([]byte(name))
		digest := hex.EncodeToString(sum[:16])
		name = name[:max(0, limit-len(suffix)-len(digest)-1)] + "-" + digest
	}
	return name + suffix
}

// copyFile puts a whole file in place at once.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	part := to + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close(), os.Remove(part))
	}
	if err := out.Close(); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, to)
}
