// Command notifier measures what alerts cost and how long they take: the CPU of the whole process for each change and for
// each transition, and transitions a second, with real SDK clients whose calls a stub in the place of the network answers; and
// the latency of the daemon itself (bin/inventoryd) beside a sandbox. It prints `name value unit` lines.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/collector"
	"inventoryd/internal/inventory"
	"inventoryd/notifier"
	"inventoryd/test/figure"
)

const (
	runs  = 5
	batch = 1000 // changes of a call, as of a full page of the stream
)

func main() {
	collector.Tune() // as the daemon does
	for _, measure := range []func() error{measureCPU, measureRate, measureDaemon} {
		if err := measure(); err != nil {
			log.Fatal(err)
		}
	}
}

// measureCPU: what Handle costs.
func measureCPU() error {
	n, err := start(0)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		name       string
		old, count int64
		batches    int
	}{
		{"notifier_cpu_us_per_change", 5, 4, 20_000},
		{"notifier_cpu_us_per_transition", 5, 0, 20},
	} {
		changes := changesOf(kind.old, kind.count)
		if err := n.Handle(context.Background(), changes); err != nil { // warms up
			return err
		}
		costs := make([]float64, runs)
		for i := range costs {
			before := cpu()
			for range kind.batches {
				if err := n.Handle(context.Background(), changes); err != nil {
					return err
				}
			}
			costs[i] = (cpu() - before).Seconds() * 1e6 / float64(kind.batches*batch)
		}
		figure.Print(kind.name, "us", costs...)
	}
	return nil
}

// measureRate: how many transitions one instance writes a second where a call takes 5 ms.
func measureRate() error {
	n, err := start(5 * time.Millisecond)
	if err != nil {
		return err
	}
	changes := changesOf(5, 0)
	rates := make([]float64, runs)
	for i := range rates {
		began := time.Now()
		for range 4 {
			if err := n.Handle(context.Background(), changes); err != nil {
				return err
			}
		}
		rates[i] = 4 * batch / time.Since(began).Seconds()
	}
	figure.Print("transitions_per_s", "1/s", rates...)
	return nil
}

// start makes a notifier whose calls take that long.
func start(latency time.Duration) (*notifier.Notifier, error) {
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://stub"), HTTPClient: &http.Client{Transport: stub{latency}},
		Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	tables := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	c := notifier.DefaultConfig()
	c.Topic = "arn:aws:sns:us-east-1:123456789012:NoStock"
	c.App, c.StateTable, c.Table = "bench", "state", inventory.DefaultTable
	return notifier.New(notifier.Clients{SNS: sns.NewFromConfig(cfg), State: tables, Table: tables}, c)
}

func changesOf(old, count int64) []inventory.Change {
	changes := make([]inventory.Change, batch)
	for i := range changes {
		k := inventory.Key{Store: fmt.Sprintf("Store %d", i%20), Item: fmt.Sprintf("Item %d", i)}
		changes[i] = inventory.Change{
			Key: k, Old: &inventory.Item{Key: k, Count: old}, New: &inventory.Item{Key: k, Count: count},
			ID: fmt.Sprintf("%032x", i), Position: fmt.Sprintf("2026-11-22T10:00:00.000#%040d", 100000000+i), Created: time.Now(),
		}
	}
	return changes
}

// stub takes every write, after some time.
type stub struct{ latency time.Duration }

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	r.Body.Close()
	time.Sleep(s.latency)
	const body = "{}"
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// cpu is what the process has used: user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // RUSAGE_SELF is always there
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
