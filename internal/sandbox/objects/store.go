package objects

// The core: buckets and the versions of their objects.

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"inventoryd/internal/sandbox/wire"
)

type bucket struct {
	name          string
	created       time.Time
	region        string // "": that of whoever asks
	versioning    string // "", "Enabled", "Suspended"
	versions      map[string][]*object
	notifications notifications
	tags          []tag
}

// object is one version of one key. It does not change once it is in a bucket.
type object struct {
	key      string
	version  string // "null" where versioning was not enabled
	body     []byte
	etag     string            // without quotes
	headers  map[string]string // what is stored with it and answered: Content-Type, X-Amz-Meta-..., checksums
	modified time.Time
	marker   bool // a delete marker
	archived bool
}

const nullVersion = "null"

// newObject completes an object; etag may be given (multipart).
func newObject(key string, body []byte, etag string, headers map[string]string) *object {
	if etag == "" {
		sum := md5.Sum(body)
		etag = hex.EncodeToString(sum[:])
	}
	return &object{key: key, body: body, etag: etag, headers: headers}
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// CreateBucket makes a bucket; one that exists stays as it is, as S3 does it in us-east-1.
func (s *Store) CreateBucket(name string) error {
	if !bucketName.MatchString(name) {
		return wire.Errorf("InvalidBucketName", "The specified bucket is not valid.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] == nil {
		s.buckets[name] = &bucket{name: name, created: s.clock.Now(), versions: map[string][]*object{}}
	}
	return nil
}

// locate finds a bucket; the caller holds mu.
func (s *Store) locate(name string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, errNoBucket
}

// current is a key's newest version that is no delete marker; nil: there is none.
func (b *bucket) current(key string) *object {
	list := b.versions[key]
	if len(list) == 0 || list[len(list)-1].marker {
		return nil
	}
	return list[len(list)-1]
}

// find is a version of a key, the newest where version is "". A delete marker is found too.
func (b *bucket) find(key, version string) (*object, error) {
	list := b.versions[key]
	if version == "" {
		if len(list) == 0 {
			return nil, errNoKey
		}
		return list[len(list)-1], nil
	}
	for _, o := range list {
		if o.version == version {
			return o, nil
		}
	}
	if version != nullVersion && !versionID.MatchString(version) {
		return nil, wire.Errorf("InvalidArgument", "Invalid version id specified")
	}
	return nil, notFound("NoSuchVersion", "The specified version does not exist.")
}

var versionID = regexp.MustCompile(`^[0-9A-Za-z._+/-]{32}$`)

// condition says whether a write may replace the current version (nil: there is none).
type condition func(current *object) error

// Put stores an object, as PutObject does, and notifies. The store keeps the body.
func (s *Store) Put(bucket, key string, body []byte) (Event, error) {
	return s.store(bucket, newObject(key, body, "", map[string]string{}), "ObjectCreated:Put", nil)
}

// store makes o the newest version of its key, if the condition holds, and tells of it.
func (s *Store) store(bucket string, o *object, event string, allowed condition) (Event, error) {
	if len(o.key) > 1024 {
		return Event{}, wire.Errorf("KeyTooLongError", "Your key is too long")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(bucket)
	if err != nil {
		return Event{}, err
	}
	if allowed != nil {
		if err := allowed(b.current(o.key)); err != nil {
			return Event{}, err
		}
	}
	o.modified = s.clock.Now()
	s.push(b, o)
	return s.tell(b, o, event), nil
}

// push puts a version on top of its key's. Without versioning it replaces the version "null".
func (s *Store) push(b *bucket, o *object) {
	o.version = nullVersion
	if b.versioning == "Enabled" {
		o.version = s.newID()
	} else {
		b.versions[o.key] = slices.DeleteFunc(b.versions[o.key], func(old *object) bool { return old.version == nullVersion })
	}
	b.versions[o.key] = append(b.versions[o.key], o)
}

// newID makes the id of a version or an upload: 32 characters. The caller holds mu.
func (s *Store) newID() string {
	s.ids++
	sum := md5.Sum(fmt.Append(nil, "sandbox ", s.ids))
	return hex.EncodeToString(sum[:])
}

// removed is what a delete did.
type removed struct {
	version string // of the version removed or of the marker made; "" where there is no versioning
	marker  bool
}

// remove deletes a version, or, where version is "" and versioning is on, puts a delete marker on top ("Deleting
// object versions").
func (s *Store) remove(bucket, key, version string) (removed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.locate(bucket)
	if err != nil {
		return removed{}, err
	}
	if version == "" && b.versioning != "" {
		m := &object{key: key, marker: true, modified: s.clock.Now(), etag: "d41d8cd98f00b204e9800998ecf8427e"}
		s.push(b, m)
		s.tell(b, m, "ObjectRemoved:DeleteMarkerCreated")
		return removed{m.version, true}, nil
	}
	answer := removed{version: version}
	if version == "" {
		version = nullVersion
	}
	list := b.versions[key]
	i := slices.IndexFunc(list, func(o *object) bool { return o.version == version })
	if i < 0 {
		return answer, nil // deleting what is not there succeeds
	}
	o := list[i]
	answer.marker = o.marker
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(b.versions, key)
	} else {
		b.versions[key] = list
	}
	s.tell(b, o, "ObjectRemoved:Delete")
	return answer, nil
}

// Object returns the body and the ETag (without quotes) of a key's newest version; ok is false where there is none.
func (s *Store) Object(bucket, key string) (body []byte, etag string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil || b.current(key) == nil {
		return nil, "", false
	}
	o := b.current(key)
	return o.body, o.etag, true
}

var errPrecondition = &wire.Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"}
