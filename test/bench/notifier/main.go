// Command notifier measures what the notifier costs: CPU of the whole process for each change, with real SDK clients
// whose calls are answered at once by a stub in the place of the network. It prints `name value unit` lines.
package main

import (
	"bytes"
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

	"inventoryd/internal/inventory"
	"inventoryd/notifier"
	"inventoryd/test/figure"
)

const (
	runs  = 5
	batch = 1000 // changes of a call, as of a full page of the stream
)

func main() {
	if err := measure(); err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	n, err := start()
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		name       string
		old, count int64
		batches    int
	}{
		{"notifier_cpu_us_per_change_without_transition", 5, 4, 20_000},
		{"notifier_cpu_us_per_change_with_transition", 5, 0, 20},
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

func start() (*notifier.Notifier, error) {
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://stub"), HTTPClient: &http.Client{Transport: stub{}},
		Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	tables := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	c := notifier.DefaultConfig()
	c.Topic = "arn:aws:sns:us-east-1:123456789012:NoStock"
	c.App, c.StateTable, c.Table = "bench", "state", inventory.DefaultTable
	n, err := notifier.New(notifier.Clients{SNS: sns.NewFromConfig(cfg), State: tables, Table: tables}, c)
	if err != nil {
		return nil, err
	}
	return n, n.Start(context.Background())
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

// stub answers each operation with success: no alert row is there, every message is taken, every write succeeds.
type stub struct{}

var taken = func() string {
	var b strings.Builder
	b.WriteString(`<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed/><Successful>`)
	for i := range 10 {
		fmt.Fprintf(&b, `<member><Id>%d</Id><MessageId>2b2bd9b0-1a5c-5a5c-9c5c-%012d</MessageId></member>`, i, i)
	}
	b.WriteString(`</Successful></PublishBatchResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishBatchResponse>`)
	return b.String()
}()

const there = `<GetTopicAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><GetTopicAttributesResult><Attributes/>` +
	`</GetTopicAttributesResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetTopicAttributesResponse>`

func (stub) RoundTrip(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body.Close()
	body := `{"Responses":{}}`
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	if r.Header.Get("X-Amz-Target") == "" {
		header.Set("Content-Type", "text/xml")
		if body = taken; bytes.HasPrefix(asked, []byte("Action=GetTopicAttributes")) {
			body = there
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: r,
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
