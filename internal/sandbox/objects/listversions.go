package objects

// ListObjectVersions.

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"

	"inventoryd/internal/sandbox/wire"
)

type listVersionsResult struct {
	XMLName       xml.Name `xml:"ListVersionsResult"`
	Xmlns         string   `xml:"xmlns,attr"`
	Name, Prefix  string
	MaxKeys       int
	IsTruncated   bool
	Versions      []versionItem `xml:"Version"`
	DeleteMarkers []versionItem `xml:"DeleteMarker"`
}

type versionItem struct {
	Key, VersionId string
	IsLatest       bool
	LastModified   string
	ETag           string `xml:",omitempty"`
	Size           *int   `xml:",omitempty"`
}

// listObjectVersions lists all versions on one page, newest first, up to the 1000 of a page; it refuses to go beyond.
func (s *Store) listObjectVersions(r request) error {
	q := r.URL.Query()
	if q.Has("key-marker") || q.Get("delimiter") != "" {
		return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the sandbox's S3 lists versions on one page, without delimiters"}
	}
	out := listVersionsResult{Xmlns: namespace, Name: r.bucket, Prefix: q.Get("prefix"), MaxKeys: 1000}
	err := s.withBucket(r.bucket, func(b *bucket) error {
		for _, key := range slices.Sorted(maps.Keys(b.versions)) {
			if strings.HasPrefix(key, out.Prefix) {
				out.add(b.versions[key])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(out.Versions)+len(out.DeleteMarkers) > out.MaxKeys {
		return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the sandbox's S3 lists at most 1000 versions"}
	}
	writeXML(r.w, http.StatusOK, out)
	return nil
}

func (l *listVersionsResult) add(versions []*object) {
	for i, o := range slices.Backward(versions) {
		item := versionItem{Key: o.key, VersionId: o.version, IsLatest: i == len(versions)-1, LastModified: stamp(o.modified)}
		if o.marker {
			l.DeleteMarkers = append(l.DeleteMarkers, item)
			continue
		}
		size := len(o.body)
		item.ETag, item.Size = `"`+o.etag+`"`, &size
		l.Versions = append(l.Versions, item)
	}
}
