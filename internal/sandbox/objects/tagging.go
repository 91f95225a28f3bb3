package objects

// Tags of buckets, as infrastructure tools set and read them.

import (
	"encoding/xml"
	"net/http"

	"inventoryd/internal/sandbox/wire"
)

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

func (s *Store) bucketTagging(r request) error {
	out := tagging{Xmlns: namespace}
	err := s.withBucket(r.bucket, func(b *bucket) error { out.Tags = b.tags; return nil })
	if err != nil {
		return err
	}
	if out.Tags == nil {
		return &wire.Error{Status: http.StatusNotFound, Code: "NoSuchTagSet", Message: "The TagSet does not exist"}
	}
	writeXML(r.w, http.StatusOK, out)
	return nil
}

func (s *Store) setBucketTagging(r request) error {
	var in tagging
	if err := readXML(r, &in); err != nil {
		return err
	}
	err := s.withBucket(r.bucket, func(b *bucket) error { b.tags = in.Tags; return nil })
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Store) deleteBucketTagging(r request) error {
	err := s.withBucket(r.bucket, func(b *bucket) error { b.tags = nil; return nil })
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}
