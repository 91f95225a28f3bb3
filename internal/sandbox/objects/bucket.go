package objects

// Buckets as a whole: create, list, locate, delete, versioning.

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"

	"inventoryd/internal/sandbox/wire"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

func (s *Store) createBucket(r request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if err := s.CreateBucket(r.bucket); err != nil {
		return err
	}
	r.w.Header().Set("Location", "/"+r.bucket)
	r.w.WriteHeader(http.StatusOK)
	return nil
}

// withBucket runs f on a bucket, under the lock.
func (s *Store) withBucket(name string, f func(*bucket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(name)
	if err != nil {
		return err
	}
	return f(b)
}

func (s *Store) headBucket(r request) error {
	if err := s.withBucket(r.bucket, func(*bucket) error { return nil }); err != nil {
		return err
	}
	r.w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	r.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) deleteBucket(r request) error {
	err := s.withBucket(r.bucket, func(b *bucket) error {
		if len(b.versions) > 0 {
			return &wire.Error{Status: http.StatusConflict, Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty"}
		}
		delete(s.buckets, b.name)
		return nil
	})
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

type listBucketsResult struct {
	XMLName xml.Name     `xml:"ListAllMyBucketsResult"`
	Xmlns   string       `xml:"xmlns,attr"`
	Buckets []bucketItem `xml:"Buckets>Bucket"`
	Owner   string       `xml:"Owner>ID"`
}

type bucketItem struct{ Name, CreationDate string }

func (s *Store) listBuckets(r request) error {
	out := listBucketsResult{Xmlns: namespace, Owner: owner}
	s.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		out.Buckets = append(out.Buckets, bucketItem{name, stamp(s.buckets[name].created)})
	}
	s.mu.Unlock()
	writeXML(r.w, http.StatusOK, out)
	return nil
}

// bucketLocation of us-east-1 is empty ("GetBucketLocation").
func (s *Store) bucketLocation(r request) error {
	if err := s.withBucket(r.bucket, func(*bucket) error { return nil }); err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Xmlns   string   `xml:"xmlns,attr"`
	}{Xmlns: namespace})
	return nil
}

type versioningConfiguration struct {
	XMLName xml.Name `xml:"VersioningConfiguration"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Status  string   `xml:",omitempty"`
}

func (s *Store) bucketVersioning(r request) error {
	out := versioningConfiguration{Xmlns: namespace}
	err := s.withBucket(r.bucket, func(b *bucket) error { out.Status = b.versioning; return nil })
	if err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, out)
	return nil
}

func (s *Store) setBucketVersioning(r request) error {
	var in versioningConfiguration
	if err := readXML(r, &in); err != nil {
		return err
	}
	if in.Status != "Enabled" && in.Status != "Suspended" {
		return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	err := s.withBucket(r.bucket, func(b *bucket) error { b.versioning = in.Status; return nil })
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusOK)
	return nil
}
