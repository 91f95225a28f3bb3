package objects

// Reading an object: which version, under which conditions, which part of it.

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// getObject answers GetObject and HeadObject. Version and conditions are judged in one step, so that what is read is
// what was judged.
func (s *Store) getObject(r request) error {
	o, err := s.open(r)
	if err != nil {
		return err
	}
	h := r.w.Header()
	for name, value := range o.headers {
		if !strings.HasPrefix(name, "X-Amz-Checksum-") {
			h.Set(name, value)
		}
	}
	o.describe(h)
	for _, name := range overrides {
		if value := r.URL.Query().Get("response-" + name); value != "" {
			h.Set(name, value)
		}
	}
	size := int64(len(o.body))
	from, to, ranged, err := span(r.Header.Get("Range"), size)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if ranged {
		status = http.StatusPartialContent
		h.Set("Content-Range", "bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(to-1, 10)+"/"+strconv.FormatInt(size, 10))
	} else if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		for name, value := range o.headers {
			if strings.HasPrefix(name, "X-Amz-Checksum-") {
				h.Set(name, value)
			}
		}
	}
	h.Set("Content-Length", strconv.FormatInt(to-from, 10))
	r.w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err = r.w.Write(o.body[from:to])
	return err
}

// open finds the version asked for and judges the request's conditions against it.
func (s *Store) open(r request) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(r.bucket)
	if err != nil {
		return nil, err
	}
	version := r.URL.Query().Get("versionId")
	o, err := b.find(r.key, version)
	if err != nil {
		return nil, err
	}
	if o.marker {
		r.w.Header().Set("X-Amz-Delete-Marker", "true")
		r.w.Header().Set("X-Amz-Version-Id", o.version)
		if version != "" {
			return nil, &wire.Error{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource."}
		}
		return nil, errNoKey
	}
	if err := o.judge(r.Header); err != nil {
		o.describe(r.w.Header())
		return nil, err
	}
	if o.archived && r.Method == http.MethodGet {
		return nil, errArchived
	}
	if b.versioning != "" {
		r.w.Header().Set("X-Amz-Version-Id", o.version)
	}
	return o, nil
}

// describe sets the headers that tell which object this is.
func (o *object) describe(h http.Header) {
	h.Set("Etag", `"`+o.etag+`"`)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
}

// judge holds the object against the conditions of a read, in the order of "GetObject": If-Match before
// If-Unmodified-Since, If-None-Match before If-Modified-Since.
func (o *object) judge(h http.Header) error {
	modified := o.modified.Truncate(time.Second)
	if match := h.Get("If-Match"); match != "" {
		if !o.matches(match) {
			return errPrecondition
		}
	} else if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && modified.After(t) {
		return errPrecondition
	}
	notModified := &wire.Error{Status: http.StatusNotModified, Code: "NotModified", Message: "Not Modified"}
	if none := h.Get("If-None-Match"); none != "" {
		if o.matches(none) {
			return notModified
		}
	} else if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !modified.After(t) {
		return notModified
	}
	return nil
}

func (o *object) matches(list string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || unquoted(one) == o.etag {
			return true
		}
	}
	return false
}

// span reads a Range header. S3 takes one range; what is no range of bytes, or several, is answered by the whole object.
func span(header string, size int64) (from, to int64, ranged bool, err error) {
	value, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(value, "-")
	if !ok || !dash || strings.Contains(value, ",") {
		return 0, size, false, nil
	}
	unsatisfiable := &wire.Error{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable"}
	if first == "" { // the last n bytes
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil {
			return 0, size, false, nil
		}
		if n <= 0 || size == 0 {
			return 0, 0, false, unsatisfiable
		}
		return max(size-n, 0), size, true, nil
	}
	from, err = strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, size, false, nil
	}
	to = size
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < from {
			return 0, size, false, nil
		}
		to = min(size, n+1)
	}
	if from >= size {
		return 0, 0, false, unsatisfiable
	}
	return from, to, true, nil
}
