package objects

// Listings of objects: ListObjects and ListObjectsV2.

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"inventoryd/internal/sandbox/wire"
)

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Name, Prefix          string
	Marker                string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	KeyCount, MaxKeys     int
	IsTruncated           bool
	NextMarker            string         `xml:",omitempty"`
	ContinuationToken     string         `xml:",omitempty"`
	NextContinuationToken string         `xml:",omitempty"`
	Contents              []contentItem  `xml:"Contents"`
	CommonPrefixes        []commonPrefix `xml:"CommonPrefixes"`
}

type contentItem struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

type commonPrefix struct{ Prefix string }

// page is one page of the keys of a bucket, with those below a delimiter folded together.
type page struct {
	prefix, delimiter, after string
	limit                    int
	entries                  []string // keys and common prefixes, in order
	more                     bool
}

// maxKeys reads max-keys: 1000 at most, and by default.
func maxKeys(q url.Values) (int, error) {
	text := q.Get("max-keys")
	if text == "" {
		return 1000, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, wire.Errorf("InvalidArgument", "Provided max-keys not an integer or within integer range")
	}
	return min(n, 1000), nil
}

// fill goes through the keys, which are sorted, from behind "after".
func (p *page) fill(keys []string) {
	folded := ""
	for _, key := range keys {
		entry, ok := p.entry(key)
		if !ok || entry <= p.after || strings.HasPrefix(key, p.after) && p.folds(p.after) || entry == folded {
			continue
		}
		if len(p.entries) == p.limit {
			p.more = p.limit > 0
			return
		}
		if p.folds(entry) {
			folded = entry
		}
		p.entries = append(p.entries, entry)
	}
}

// entry is the key, or the common prefix that it is folded into.
func (p *page) entry(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, p.prefix)
	if !ok {
		return "", false
	}
	if i := strings.Index(rest, p.delimiter); p.delimiter != "" && i >= 0 {
		return p.prefix + rest[:i+len(p.delimiter)], true
	}
	return key, true
}

// folds says whether an entry is a common prefix.
func (p *page) folds(entry string) bool {
	rest, ok := strings.CutPrefix(entry, p.prefix)
	return ok && p.delimiter != "" && strings.HasSuffix(rest, p.delimiter) && strings.Index(rest, p.delimiter) == len(rest)-len(p.delimiter)
}

func (s *Store) listObjects(r request) error {
	q := r.URL.Query()
	limit, err := maxKeys(q)
	if err != nil {
		return err
	}
	v2 := q.Get("list-type") == "2"
	p := page{prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), limit: limit, after: q.Get("marker")}
	out := listResult{Xmlns: namespace, Name: r.bucket, Delimiter: p.delimiter, MaxKeys: limit, EncodingType: q.Get("encoding-type"), ContinuationToken: q.Get("continuation-token")}
	text := func(s string) string { return s }
	if out.EncodingType == "url" {
		text = FormEncode
	}
	out.Prefix = text(p.prefix)
	if v2 {
		p.after, out.StartAfter = q.Get("start-after"), text(q.Get("start-after"))
		if q.Has("continuation-token") {
			raw, err := base64.RawURLEncoding.DecodeString(out.ContinuationToken)
			if err != nil {
				return wire.Errorf("InvalidArgument", "The continuation token provided is incorrect")
			}
			p.after = string(raw)
		}
	} else {
		out.Marker = text(p.after)
	}
	err = s.withBucket(r.bucket, func(b *bucket) error {
		p.fill(b.keys())
		for _, entry := range p.entries {
			if o := b.current(entry); o != nil && !p.folds(entry) {
				out.Contents = append(out.Contents, contentItem{text(entry), stamp(o.modified), `"` + o.etag + `"`, len(o.body), "STANDARD"})
			} else {
				out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{text(entry)})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.KeyCount, out.IsTruncated = len(p.entries), p.more
	if p.more && v2 {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(p.entries[len(p.entries)-1]))
	} else if p.more && p.delimiter != "" { // only then ("ListObjects")
		out.NextMarker = text(p.entries[len(p.entries)-1])
	}
	writeXML(r.w, http.StatusOK, out)
	return nil
}

// keys are those with a current version, sorted by their bytes.
func (b *bucket) keys() []string {
	var keys []string
	for key := range b.versions {
		if b.current(key) != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
