// Command sandbox measures the sandbox as its clients meet it, over a loopback connection: requests per second by
// ready-made bodies, so that nearly all of the time is the server's, and what a million items take of memory. It
// prints one figure a line: name, value, unit.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"inventoryd/internal/sandbox"
)

// period is how long each figure is measured.
const period = 3 * time.Second

// connections is how many clients call at once.
const connections = 4

// server is a sandbox that listens.
type server struct {
	*sandbox.Sandbox
	url  string
	http *http.Client
}

func main() {
	log.SetFlags(0)
	for _, measure := range []func(){batchWriteItem, getRecords, receiveMessage, millionItems} {
		measure()
	}
}

func figure(name string, value float64, unit string) { fmt.Printf("%s %.0f %s\n", name, value, unit) }

// serve starts a sandbox with an empty inventory; end stops it.
func serve() (s *server, end func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	s = &server{Sandbox: sandbox.New(), url: "http://" + l.Addr().String()}
	s.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: time.Minute}
	h := &http.Server{Handler: s.Sandbox, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { // main waits for it in end
		defer close(ended)
		_ = h.Serve(l) // ends with ErrServerClosed
	}()
	s.call("DynamoDB_20120810.CreateTable", []byte(`{"TableName":"Inventory","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"Store","AttributeType":"S"},{"AttributeName":"Item","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"Store","KeyType":"HASH"},{"AttributeName":"Item","KeyType":"RANGE"}],
		"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`))
	return s, func() {
		s.http.CloseIdleConnections()
		check(h.Close())
		<-ended
	}
}

// call makes one request in the JSON protocol and returns the answer.
func (s *server) call(target string, body []byte) []byte {
	r, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
	check(err)
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	res, err := s.http.Do(r)
	check(err)
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	check(err)
	if res.StatusCode != http.StatusOK {
		log.Fatalf("%s: %s", target, out)
	}
	return out
}

// perSecond calls f from all connections for the period and returns how often it was done in a second.
func perSecond(f func(n int)) float64 {
	var calls atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range connections {
		wg.Go(func() {
			for time.Since(begin) < period {
				f(int(calls.Add(1)))
			}
		})
	}
	wg.Wait()
	return float64(calls.Load()) / time.Since(begin).Seconds()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
