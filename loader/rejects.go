package loader

// Where reports of rejected rows go, a directory or an S3 prefix, and by which names.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// target is where reports go: a directory, or a prefix of a bucket, or nowhere.
type target struct{ dir, bucket, prefix string }

// parseTarget reads loader.rejects.
func parseTarget(s string) (target, error) {
	rest, isS3 := strings.CutPrefix(s, "s3://")
	if !isS3 {
		if strings.Contains(s, "://") || strings.HasPrefix(s, "s3:") {
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

// probe tries whether a directory takes reports; it makes nothing. A bucket is tried by the first report: it may be out of reach
// for a while, and delays only objects with rejected rows.
func (t target) probe() error {
	if t.dir == "" {
		return nil
	}
	dir := filepath.Clean(t.dir)
	for { // the nearest that there is: the rest is made with the first report
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, os.ErrNotExist) && dir != filepath.Dir(dir):
			dir = filepath.Dir(dir)
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is no directory", dir)
		}
		f, err := os.CreateTemp(dir, ".inventoryd-")
		if err != nil {
			return fmt.Errorf("reports cannot be written: %w", err)
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
}

// holds reports whether an object is a report.
func (t target) holds(bucket, key string) bool {
	return t.bucket != "" && bucket == t.bucket && strings.HasPrefix(key, t.prefix)
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
