package objects

// Objects in an archive, and buckets in other regions: what may be asked of them, and how S3 says so.

import (
	"net/http"
	"strings"

	"inventoryd/internal/sandbox/wire"
)

// Archive moves the newest version of a key to an archive, as a lifecycle rule does: its body cannot be read ("Working with
// archived objects").
func (s *Store) Archive(bucket, key string) error {
	_, err := s.freeze(bucket, key, true)
	return err
}

// Restore brings it back, and returns the event ObjectRestore:Completed of it, which it sends to whom it concerns.
func (s *Store) Restore(bucket, key string) (Event, error) { return s.freeze(bucket, key, false) }

func (s *Store) freeze(bucket, key string, archived bool) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(bucket)
	if err != nil {
		return Event{}, err
	}
	o := b.current(key)
	if o == nil {
		return Event{}, errNoKey
	}
	changed := *o // versions are immutable
	changed.archived = archived
	b.versions[key][len(b.versions[key])-1] = &changed
	if archived {
		return Event{}, nil
	}
	return s.tell(b, &changed, "ObjectRestore:Completed"), nil
}

var errArchived = &wire.Error{Status: http.StatusForbidden, Code: "InvalidObjectState", Message: "The operation is not valid for the object's storage class"}

// Place puts a bucket into a region; before, it is in that of whoever asks.
func (s *Store) Place(bucket, region string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(bucket)
	if err == nil {
		b.region = region
	}
	return err
}

// misplaced refuses requests that are signed for another region than the bucket's, and names the bucket's ("Redirecting
// requests").
func (s *Store) misplaced(w http.ResponseWriter, r *http.Request, bucket string) error {
	_, credential, signed := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope := strings.Split(credential, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil || b.region == "" || !signed || len(scope) < 3 || scope[2] == b.region {
		return nil
	}
	w.Header().Set("X-Amz-Bucket-Region", b.region)
	return &wire.Error{
		Status: http.StatusMovedPermanently, Code: "PermanentRedirect",
		Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
	}
}
