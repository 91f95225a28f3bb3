package main

// The stub: S3 and DynamoDB in a process of their own, doing no more than they must.

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// service is the stub's state of one run.
type service struct {
	mu      sync.Mutex // guards what follows
	rows    int
	latency time.Duration
	table   []int32 // count of each key, by the key's number; -1: none
	written int
	strange string       // the first call that was not as it should be
	parts   *partitioned // nil: the table takes whatever comes
	shop    *shop        // nil: the table holds nothing before
}

// serve prints where it listens: without TLS, and with it.
func serve(cert string) error {
	server := &http.Server{
		Handler: &service{}, ReadHeaderTimeout: time.Minute,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2, as DynamoDB
	}
	failed := make(chan error)
	for _, scheme := range []string{"http", "https"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(scheme + "://" + l.Addr().String())
		go func() {
			if scheme == "http" {
				failed <- server.Serve(l)
			} else {
				failed <- server.ServeTLS(l, filepath.Join(cert, certFile), filepath.Join(cert, keyFile))
			}
		}()
	}
	return <-failed
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	parts, shop := s.parts, s.shop
	s.mu.Unlock()
	target := r.Header.Get("X-Amz-Target")
	switch {
	case r.URL.Path == "/_begin":
		s.begin(r)
	case r.URL.Path == "/_partitions":
		s.divide(w, r)
	case r.URL.Path == "/_shop":
		s.stock(w, r)
	case r.URL.Path == "/_figures" && shop != nil:
		_, _ = io.WriteString(w, shop.figures())
	case r.URL.Path == "/_figures":
		_, _ = io.WriteString(w, parts.figures())
	case shop != nil && r.URL.Path == "/inventory/feed.csv" && r.Header.Get("If-None-Match") == "":
		shop.object(w)
	case shop != nil && target != "":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.note("%s: %v", target, err)
		}
		shop.answer(w, strings.TrimPrefix(target, "DynamoDB_20120810."), body)
	case target == "DynamoDB_20120810.DescribeTable" && parts != nil:
		parts.describe(w)
	case target == "DynamoDB_20120810.DescribeTable":
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"Table":{"TableName":"Inventory","TableStatus":"ACTIVE"}}`) // which does not say what it takes
	case target == "DynamoDB_20120810.BatchWriteItem" && parts != nil:
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = parts.write(w, body)
		}
		if err != nil {
			s.note("BatchWriteItem: %v", err)
		}
	case r.URL.Path == "/inventory/feed.csv" && parts != nil:
		parts.object(w)
	case r.URL.Path == "/_end":
		if problem := s.judge(r.URL.Query().Get("hash") == "true"); problem != "" {
			http.Error(w, problem, http.StatusConflict)
		}
	case target == "DynamoDB_20120810.BatchWriteItem":
		s.write(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/inventory/feed.csv":
		s.object(w, r)
	default:
		s.note("unexpected call %s %s %s", r.Method, r.URL, r.Header.Get("X-Amz-Target"))
		w.WriteHeader(http.StatusBadRequest)
	}
}

func (s *service) begin(r *http.Request) {
	rows, err := strconv.Atoi(r.URL.Query().Get("rows"))
	latency, err2 := time.ParseDuration(strings.Replace(r.URL.Query().Get("latency"), "0s", "0", 1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.latency, s.written, s.strange, s.parts, s.shop = rows, latency, 0, "", nil, nil
	if err != nil || err2 != nil {
		s.strange = fmt.Sprint(err, err2)
	}
	s.table = make([]int32, rows)
	for i := range s.table {
		s.table[i] = -1
	}
}

// divide begins a run into a table of partitions.
func (s *service) divide(w http.ResponseWriter, r *http.Request) {
	parts, err := newPartitioned(r.URL.Query().Get)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts, s.shop = parts, nil
}

// stock begins a run into a table that holds something.
func (s *service) stock(w http.ResponseWriter, r *http.Request) {
	shop, err := newShop(r.URL.Query().Get)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shop, s.parts = shop, nil
}

// judge says what is wrong with a run that has ended.
func (s *service) judge(exact bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strange != "" {
		return s.strange
	}
	if s.written < s.rows*9/10 || s.written > s.rows {
		return fmt.Sprintf("%d rows written of %d", s.written, s.rows)
	}
	if !exact {
		return ""
	}
	want := make([]int32, s.rows)
	for i := range want {
		want[i] = -1
	}
	for i := range s.rows {
		want[keyOf(i)] = int32(countOf(i))
	}
	if got, want := digest(s.table), digest(want); got != want {
		return fmt.Sprintf("the final state's hash is %x, not %x", got, want)
	}
	return ""
}

func (s *service) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strange == "" {
		s.strange = fmt.Sprintf(format, args...)
	}
}

// object streams the feed.
func (s *service) object(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	rows := s.rows
	s.mu.Unlock()
	if r.Header.Get("If-None-Match") == `"feed"` { // the last look
		w.Header().Set("Etag", `"feed"`)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Header.Get("Range") != "" || !signed(r) {
		s.note("GetObject with range %q, signed %t", r.Header.Get("Range"), signed(r))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(header)+rows*len(line(nil, 0))))
	w.Header().Set("Etag", `"feed"`)
	buf := append(make([]byte, 0, 64<<10), header...)
	for i := range rows {
		buf = line(buf, i)
		if len(buf) > 60<<10 {
			if _, err := w.Write(buf); err != nil {
				return
			}
			buf = buf[:0]
		}
	}
	_, _ = w.Write(buf)
}

// bodies are used again, so that the stub spends its time on little else than net/http.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (s *service) write(w http.ResponseWriter, r *http.Request) {
	b := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(b)
	b.Reset()
	if _, err := io.Copy(b, r.Body); err != nil || !signed(r) {
		s.note("BatchWriteItem: %v, signed %t", err, signed(r))
	}
	s.mu.Lock()
	latency := s.latency
	s.mu.Unlock()
	if latency > 0 {
		time.Sleep(latency)
	}
	s.take(b.Bytes())
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = io.WriteString(w, `{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"Inventory","CapacityUnits":25.0}]}`)
}

// take reads the rows of a batch into the table, whatever the order of their attributes.
func (s *service) take(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, put := range bytes.Split(body, []byte(`"PutRequest"`))[1:] {
		item, ok1 := number(put, `"S":"item-`)
		count, ok2 := number(put, `"N":"`)
		store, ok3 := number(put, `"S":"store-`)
		if !ok1 || !ok2 || !ok3 || item >= len(s.table) || store != item%stores {
			if s.strange == "" {
				s.strange = fmt.Sprintf("a row that was not in the feed: %.300s", put)
			}
			return
		}
		s.table[item] = int32(count)
		n++
	}
	s.written += n
	if n == 0 || n > 25 {
		s.strange = fmt.Sprintf("a batch of %d rows", n)
	}
}

// number reads the digits behind prefix.
func number(b []byte, prefix string) (int, bool) {
	i := bytes.Index(b, []byte(prefix))
	if i < 0 {
		return 0, false
	}
	n, digits := 0, 0
	for _, c := range b[i+len(prefix):] {
		if c < '0' || c > '9' {
			break
		}
		n, digits = n*10+int(c-'0'), digits+1
	}
	return n, digits > 0
}

// signed reports whether a request carries a signature of version 4 by the bench's key.
func signed(r *http.Request) bool {
	a := r.Header.Get("Authorization")
	return strings.HasPrefix(a, "AWS4-HMAC-SHA256 Credential=AKBENCH/") && strings.Contains(a, "Signature=") && r.Header.Get("X-Amz-Date") != ""
}
