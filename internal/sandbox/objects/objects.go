// Package objects stands in for S3, addressed path style: buckets with versions, conditions, ranges, multipart uploads
// and event notifications. The core (store.go) is a Go API over immutable object versions; the rest speaks S3's REST
// protocol on top. The rules and the words of errors are those of the Amazon S3 API Reference and User Guide; comments
// name the pages.
package objects

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/wire"
)

// Deliver brings an event notification to a queue or topic named by its ARN; an error means that there is none.
type Deliver func(target string, event []byte) error

// Store is the buckets of one account. It is an http.Handler and safe for concurrent use.
type Store struct {
	clock    *clock.Clock
	deliver  Deliver
	requests atomic.Uint64 // numbers requests, for their ids

	mu       sync.Mutex // guards what follows and the buckets; object versions are immutable. Never held over a wait
	buckets  map[string]*bucket
	uploads  map[string]*upload
	sequence uint64 // the last sequencer
	ids      uint64 // numbers versions and uploads
}

// New returns a store without buckets.
func New(c *clock.Clock, d Deliver) *Store {
	return &Store{clock: c, deliver: d, buckets: map[string]*bucket{}, uploads: map[string]*upload{}}
}

// request is one call on the wire.
type request struct {
	*http.Request
	w           http.ResponseWriter
	bucket, key string
}

type operation func(*Store, request) error

var operations = map[string]operation{
	"ListBuckets":                        (*Store).listBuckets,
	"CreateBucket":                       (*Store).createBucket,
	"HeadBucket":                         (*Store).headBucket,
	"DeleteBucket":                       (*Store).deleteBucket,
	"GetBucketLocation":                  (*Store).bucketLocation,
	"GetBucketVersioning":                (*Store).bucketVersioning,
	"PutBucketVersioning":                (*Store).setBucketVersioning,
	"GetBucketNotificationConfiguration": (*Store).bucketNotification,
	"PutBucketNotificationConfiguration": (*Store).setBucketNotification,
	"GetBucketTagging":                   (*Store).bucketTagging,
	"PutBucketTagging":                   (*Store).setBucketTagging,
	"DeleteBucketTagging":                (*Store).deleteBucketTagging,
	"ListObjects":                        (*Store).listObjects,
	"ListObjectsV2":                      (*Store).listObjects,
	"ListObjectVersions":                 (*Store).listObjectVersions,
	"GetObject":                          (*Store).getObject,
	"HeadObject":                         (*Store).getObject,
	"PutObject":                          (*Store).putObject,
	"CopyObject":                         (*Store).copyObject,
	"DeleteObject":                       (*Store).deleteObject,
	"DeleteObjects":                      (*Store).deleteObjects,
	"CreateMultipartUpload":              (*Store).createMultipartUpload,
	"UploadPart":                         (*Store).uploadPart,
	"CompleteMultipartUpload":            (*Store).completeMultipartUpload,
	"AbortMultipartUpload":               (*Store).abortMultipartUpload,
	"ListParts":                          (*Store).listParts,
}

// ServeHTTP answers one request.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hostStyle(r.Host) {
		s.Fail(w, r, wire.Errorf("InvalidRequest", "The sandbox addresses buckets by path, not by host name (%s): set the client's UsePathStyle", r.Host))
		return
	}
	bucket, key := split(r)
	name := Operation(r)
	op, ok := operations[name]
	if !ok {
		s.Fail(w, r, &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the sandbox's S3 has no operation " + name})
		return
	}
	if what := unread(r); what != "" {
		s.Fail(w, r, &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the sandbox's S3 does not have the " + what + " of " + name})
		return
	}
	w.Header().Set("X-Amz-Request-Id", s.requestID())
	err := s.misplaced(w, r, bucket)
	if err == nil {
		err = op(s, request{r, w, bucket, key})
	}
	if err == nil {
		return
	}
	var refused *wire.Error
	if !errors.As(err, &refused) { // the client's body or connection broke
		panic(http.ErrAbortHandler)
	}
	s.Fail(w, r, refused)
}

func (s *Store) requestID() string { return fmt.Sprintf("%016X", s.requests.Add(1)) }

// failure is an error answer.
type failure struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestId string
	HostId    string
}

// Fail answers an error as S3 does: a HEAD and status 304 have no body ("Error responses").
func (s *Store) Fail(w http.ResponseWriter, r *http.Request, e *wire.Error) {
	_, _ = io.Copy(io.Discard, r.Body) // a body that breaks shows when answering
	h := w.Header()
	if h.Get("X-Amz-Request-Id") == "" {
		h.Set("X-Amz-Request-Id", s.requestID())
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if r.Method == http.MethodHead || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	writeXML(w, status, failure{Code: e.Code, Message: e.Message, Resource: r.URL.Path, RequestId: h.Get("X-Amz-Request-Id"), HostId: "sandbox"})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("sandbox: encode an answer of S3: %w", err))
	}
	body = append([]byte(xml.Header), body...)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// readXML reads the request's document; decoding by local names, since clients differ in the namespace.
func readXML(r request, v any) error {
	body, err := io.ReadAll(plain(r.Request))
	if err != nil {
		return err
	}
	if xml.Unmarshal(body, v) != nil {
		return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

func notFound(code, message string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: code, Message: message}
}

var (
	errNoBucket = notFound("NoSuchBucket", "The specified bucket does not exist")
	errNoKey    = notFound("NoSuchKey", "The specified key does not exist.")
	errNoUpload = notFound("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
)

// hostStyle says whether the host names a bucket before one of the sandbox's own names.
func hostStyle(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, rest, _ := strings.Cut(host, ".")
	return rest == "sandbox" || rest == "localhost" || net.ParseIP(rest) != nil
}

// split is the bucket and key of a path.
func split(r *http.Request) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key
}
