package objects

// Multipart uploads.

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// minPart is the least size of a part but the last ("Amazon S3 multipart upload limits").
const minPart = 5 << 20

// upload is guarded by the store's lock.
type upload struct {
	bucket, key string
	headers     map[string]string
	parts       map[int]part
}

type part struct {
	body     []byte
	sum      [md5.Size]byte
	modified time.Time
}

func (p part) etag() string { return hex.EncodeToString(p.sum[:]) }

type createMultipartUploadResult struct {
	XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Bucket, Key, UploadId string
}

func (s *Store) createMultipartUpload(r request) error {
	var id string
	err := s.withBucket(r.bucket, func(*bucket) error {
		id = s.newID()
		s.uploads[id] = &upload{r.bucket, r.key, keptHeaders(r.Header), map[int]part{}}
		return nil
	})
	if err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, createMultipartUploadResult{Xmlns: namespace, Bucket: r.bucket, Key: r.key, UploadId: id})
	return nil
}

// upload finds the upload of a request; the caller holds mu.
func (s *Store) upload(r request) (*upload, error) {
	u := s.uploads[r.URL.Query().Get("uploadId")]
	if u == nil || u.bucket != r.bucket || u.key != r.key {
		return nil, errNoUpload
	}
	return u, nil
}

func (s *Store) uploadPart(r request) error {
	number, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		return wire.Errorf("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	body, checksum, err := readBody(r.Request)
	if err != nil {
		return err
	}
	p := part{body, md5.Sum(body), s.clock.Now()}
	s.mu.Lock()
	u, err := s.upload(r)
	if err == nil {
		u.parts[number] = p
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for name, value := range checksum {
		r.w.Header().Set(name, value)
	}
	r.w.Header().Set("Etag", `"`+p.etag()+`"`)
	r.w.WriteHeader(http.StatusOK)
	return nil
}

type completeMultipartUpload struct {
	Parts []struct {
		PartNumber int
		ETag       string
	} `xml:"Part"`
}

type completeMultipartUploadResult struct {
	XMLName                     xml.Name `xml:"CompleteMultipartUploadResult"`
	Xmlns                       string   `xml:"xmlns,attr"`
	Location, Bucket, Key, ETag string
}

func (s *Store) completeMultipartUpload(r request) error {
	var in completeMultipartUpload
	if err := readXML(r, &in); err != nil {
		return err
	}
	s.mu.Lock()
	u, err := s.upload(r)
	var o *object
	if err == nil {
		o, err = u.assemble(in)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	e, err := s.store(r.bucket, o, "ObjectCreated:CompleteMultipartUpload", writeCondition(r.Header))
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.uploads, r.URL.Query().Get("uploadId"))
	s.mu.Unlock()
	r.answerWrite(e)
	writeXML(r.w, http.StatusOK, completeMultipartUploadResult{Xmlns: namespace, Location: r.URL.Path, Bucket: r.bucket, Key: r.key, ETag: `"` + e.ETag + `"`})
	return nil
}

// assemble joins the parts that the client names. The ETag is the MD5 of the parts' MD5s and their number.
func (u *upload) assemble(in completeMultipartUpload) (*object, error) {
	if len(in.Parts) == 0 {
		return nil, wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	var body []byte
	sums := md5.New()
	last := 0
	for i, named := range in.Parts {
		p, ok := u.parts[named.PartNumber]
		switch {
		case named.PartNumber <= last:
			return nil, wire.Errorf("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		case !ok || unquoted(named.ETag) != p.etag():
			return nil, wire.Errorf("InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case len(p.body) < minPart && i < len(in.Parts)-1:
			return nil, wire.Errorf("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		last = named.PartNumber
		body = append(body, p.body...)
		sums.Write(p.sum[:])
	}
	etag := fmt.Sprintf("%x-%d", sums.Sum(nil), len(in.Parts))
	return newObject(u.key, body, etag, u.headers), nil
}

func (s *Store) abortMultipartUpload(r request) error {
	s.mu.Lock()
	_, err := s.upload(r)
	delete(s.uploads, r.URL.Query().Get("uploadId"))
	s.mu.Unlock()
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

type listPartsResult struct {
	XMLName               xml.Name `xml:"ListPartsResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Bucket, Key, UploadId string
	MaxParts              int
	IsTruncated           bool
	Parts                 []partItem `xml:"Part"`
}

type partItem struct {
	PartNumber         int
	LastModified, ETag string
	Size               int
}

// listParts answers all parts on one page.
func (s *Store) listParts(r request) error {
	id := r.URL.Query().Get("uploadId")
	out := listPartsResult{Xmlns: namespace, Bucket: r.bucket, Key: r.key, UploadId: id, MaxParts: 1000}
	s.mu.Lock()
	u, err := s.upload(r)
	if err == nil {
		for _, number := range slices.Sorted(maps.Keys(u.parts)) {
			p := u.parts[number]
			out.Parts = append(out.Parts, partItem{number, stamp(p.modified), `"` + p.etag() + `"`, len(p.body)})
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, out)
	return nil
}
