package objects

// GetObject and HeadObject, PutObject, CopyObject, DeleteObject and DeleteObjects.

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"inventoryd/internal/sandbox/wire"
)

// stored are the headers that are kept with an object and answered with it, beside X-Amz-Meta-*.
var storedHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

func keptHeaders(h http.Header) map[string]string {
	kept := map[string]string{"Content-Type": "binary/octet-stream"}
	for _, name := range storedHeaders {
		value := h.Get(name)
		if name == "Content-Encoding" { // aws-chunked is how it was sent, not what it is
			value = strings.Trim(strings.ReplaceAll(value, "aws-chunked", ""), ", ")
		}
		if value != "" {
			kept[name] = value
		}
	}
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			kept[name] = h.Get(name)
		}
	}
	return kept
}

// writeCondition reads If-Match and If-None-Match of a write ("Conditional writes").
func writeCondition(h http.Header) condition {
	match, none := h.Get("If-Match"), h.Get("If-None-Match")
	if match == "" && none == "" {
		return nil
	}
	return func(current *object) error {
		switch {
		case none != "" && none != "*":
			return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented"}
		case match != "" && current == nil:
			return errNoKey
		case none != "" && current != nil, match != "" && unquoted(match) != current.etag:
			return errPrecondition
		}
		return nil
	}
}

func unquoted(etag string) string { return strings.Trim(etag, `"`) }

func (s *Store) putObject(r request) error {
	body, checksum, err := readBody(r.Request)
	if err != nil {
		return err
	}
	headers := keptHeaders(r.Header)
	maps.Copy(headers, checksum)
	e, err := s.store(r.bucket, newObject(r.key, body, "", headers), "ObjectCreated:Put", writeCondition(r.Header))
	if err != nil {
		return err
	}
	for name, value := range checksum {
		r.w.Header().Set(name, value)
	}
	r.answerWrite(e)
	r.w.WriteHeader(http.StatusOK)
	return nil
}

func (r request) answerWrite(e Event) {
	r.w.Header().Set("Etag", `"`+e.ETag+`"`)
	if e.Version != "" {
		r.w.Header().Set("X-Amz-Version-Id", e.Version)
	}
}

type copyObjectResult struct {
	XMLName            xml.Name `xml:"CopyObjectResult"`
	Xmlns              string   `xml:"xmlns,attr"`
	LastModified, ETag string
}

// copyObject copies the newest or a named version, with its headers or new ones (X-Amz-Metadata-Directive).
func (s *Store) copyObject(r request) error {
	source, err := s.copySource(r.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return err
	}
	headers := maps.Clone(source.headers)
	if r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE" {
		headers = keptHeaders(r.Header)
	}
	e, err := s.store(r.bucket, newObject(r.key, source.body, "", headers), "ObjectCreated:Copy", writeCondition(r.Header))
	if err != nil {
		return err
	}
	r.answerWrite(e)
	writeXML(r.w, http.StatusOK, copyObjectResult{Xmlns: namespace, LastModified: stamp(e.Time), ETag: `"` + e.ETag + `"`})
	return nil
}

func (s *Store) copySource(header string) (*object, error) {
	path, query, _ := strings.Cut(header, "?")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	bucket, key, ok := strings.Cut(path, "/")
	if err != nil || !ok {
		return nil, wire.Errorf("InvalidArgument", "Invalid copy source object key")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(bucket)
	if err != nil {
		return nil, err
	}
	o, err := b.find(key, strings.TrimPrefix(query, "versionId="))
	if err == nil && o.marker {
		err = errNoKey
	}
	return o, err
}

func (s *Store) deleteObject(r request) error {
	done, err := s.remove(r.bucket, r.key, r.URL.Query().Get("versionId"))
	if err != nil {
		return err
	}
	if done.version != "" {
		r.w.Header().Set("X-Amz-Version-Id", done.version)
	}
	if done.marker {
		r.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

type deleteRequest struct {
	Objects []struct{ Key, VersionId string } `xml:"Object"`
	Quiet   bool
}

type deleteResult struct {
	XMLName xml.Name       `xml:"DeleteResult"`
	Xmlns   string         `xml:"xmlns,attr"`
	Deleted []deletedEntry `xml:"Deleted"`
}

type deletedEntry struct {
	Key                   string
	VersionId             string `xml:",omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionId string `xml:",omitempty"`
}

// deleteObjects takes 1000 keys.
func (s *Store) deleteObjects(r request) error {
	var in deleteRequest
	if err := readXML(r, &in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	out := deleteResult{Xmlns: namespace}
	for _, o := range in.Objects {
		done, err := s.remove(r.bucket, o.Key, o.VersionId)
		if err != nil { // the bucket has gone
			return err
		}
		if in.Quiet {
			continue
		}
		entry := deletedEntry{Key: o.Key, VersionId: o.VersionId, DeleteMarker: done.marker}
		if done.marker {
			entry.DeleteMarkerVersionId = done.version
		}
		out.Deleted = append(out.Deleted, entry)
	}
	writeXML(r.w, http.StatusOK, out)
	return nil
}
