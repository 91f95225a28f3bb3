// Command sandbox measures the sandbox as its clients meet it, over a loopback connection: requests per second by
// ready-made bodies, so that nearly all of the time is the server's, and what a million items take of memory. It
// prints `name value unit` lines.
package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/test/figure"
)

// Each rate is measured that often, for that long.
const (
	runs   = 5
	period = 2 * time.Second
)

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
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=bench/20261122/us-east-1/any/aws4_request")
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

// perSecond calls f from all connections, run after run, and prints how often it was done in a second.
func perSecond(name string, f func(n int)) {
	rates := make([]float64, runs)
	for i := range rates {
		rates[i] = rate(f)
	}
	figure.Print(name, "1/s", rates...)
}

// rate is one run.
func rate(f func(n int)) float64 {
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
