package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/transport"
	"inventoryd/loader"
	"inventoryd/loader/wire"
	"inventoryd/notifier"
)

// clients are the AWS clients of the process: built once, shared by all parts.
type clients struct {
	S3         *s3.Client
	SQS        *sqs.Client
	SNS        *sns.Client
	CloudWatch *cloudwatch.Client
	// Tables and Streams come without the SDK's retries: which calls are repeated, and when, is the parts' own business.
	Tables  *dynamodb.Client
	Streams *dynamodbstreams.Client
	// Wire is the short way to the tables, for batches that succeed; nil where a test answers in the same process.
	Wire *wire.Wire

	calls *calls // those of all of them that are under way
}

const (
	callTimeout    = 10 * time.Second // of a whole call
	receiveTimeout = 25 * time.Second // of a ReceiveMessage, which waits 20 s for messages
	headerTimeout  = 10 * time.Second // until S3 answers; the body may take as long as it flows

	// Connections to S3: one for each object that can be loaded at once (loader.workers, 64 at most), and 8 for last looks,
	// reports and listings, so that these never wait for a body to end.
	objectConnections = 64 + 8
)

// newClients builds the clients, each service's with its own connections and time-outs. The transport of an
// http.Client in base is kept: tests answer in the same process.
func newClients(base aws.Config, c AWS) clients {
	standard := func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, 5*time.Second })
	}
	none := func() aws.Retryer { return aws.NopRetryer{} }
	watched := newCalls()
	with := func(p transport.Protocol, retryer func() aws.Retryer, endpoint string, timeout time.Duration, connections int) aws.Config {
		cfg := base.Copy()
		cfg.Retryer = retryer
		cfg.APIOptions = append(slices.Clip(base.APIOptions), watched.watch)
		if endpoint = cmp.Or(endpoint, c.Endpoint); endpoint != "" { // over the SDK's own settings, which would win else
			cfg.BaseEndpoint, cfg.ConfigSources = &endpoint, append([]any{ignoreEndpoints{}}, base.ConfigSources...)
		}
		if given, ok := base.HTTPClient.(*http.Client); ok {
			cfg.HTTPClient = transport.Client(given.Transport, p, timeout)
		} else {
			cfg.HTTPClient = transport.Client(connected(base.HTTPClient, timeout, connections), p, timeout)
		}
		return cfg
	}
	return clients{
		calls: watched, Wire: newWire(base),
		S3: s3.NewFromConfig(with(transport.S3, standard, c.Endpoints.S3, 0, objectConnections), func(o *s3.Options) {
			o.UsePathStyle = o.BaseEndpoint != nil // whoever names it: stand-ins know no host per bucket
			o.DisableLogOutputChecksumValidationSkipped = true
		}),
		SQS: sqs.NewFromConfig(with(transport.JSON, standard, c.Endpoints.SQS, receiveTimeout, 16)),
		SNS: sns.NewFromConfig(with(transport.Query, standard, c.Endpoints.SNS, callTimeout, 16)),
		CloudWatch: cloudwatch.NewFromConfig(with(transport.CBOR, standard, c.Endpoints.CloudWatch, callTimeout, 2), func(o *cloudwatch.Options) {
			o.APIOptions = base.APIOptions // not watched: no part needs its answers
		}),
		Tables: dynamodb.NewFromConfig(with(transport.JSON, none, c.Endpoints.DynamoDB, callTimeout, 256), func(o *dynamodb.Options) {
			o.DisableValidateResponseChecksum = true
		}),
		Streams: dynamodbstreams.NewFromConfig(with(transport.JSON, none, c.Endpoints.Streams, callTimeout, 128)),
	}
}

func (c clients) loader() loader.Clients {
	return loader.Clients{SQS: c.SQS, S3: c.S3, Tables: c.Tables, State: c.Tables, Wire: c.Wire}
}

func (c clients) notifier() notifier.Clients {
	return notifier.Clients{SNS: c.SNS, State: c.Tables, Table: c.Tables}
}

// queueURL is where a queue is that is named by its name or its URL.
func (c clients) queueURL(ctx context.Context, named string) (string, error) {
	if strings.Contains(named, "://") {
		return named, nil
	}
	out, err := c.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &named})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.QueueUrl), nil
}

// newWire makes the short way to DynamoDB.
func newWire(base aws.Config) *wire.Wire {
	if _, given := base.HTTPClient.(*http.Client); given || base.Credentials == nil {
		return nil
	}
	t := connected(base.HTTPClient, callTimeout, 1)
	return wire.New(wire.Config{
		Credentials: base.Credentials, TLS: t.TLSClientConfig, Dial: t.DialContext,
		Proxied: func(u *url.URL) bool {
			by, err := t.Proxy(&http.Request{URL: u})
			return by != nil || err != nil
		},
	})
}

// ignoreEndpoints, as a source of the SDK's settings, keeps it from looking for endpoints in the others.
type ignoreEndpoints struct{}

// GetIgnoreConfiguredEndpoints is how the SDK asks.
func (ignoreEndpoints) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return true, true, nil
}

// connected returns a transport with its own connections; timeout 0 bounds only the wait for an answer's header. The
// authorities of AWS_CA_BUNDLE, which the SDK puts into its own client, are taken over.
func connected(of aws.HTTPClient, timeout time.Duration, connections int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if b, ok := of.(*awshttp.BuildableClient); ok {
		if c := b.GetTransport().TLSClientConfig; c != nil && c.RootCAs != nil {
			t.TLSClientConfig = &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
		}
	}
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 0, connections, connections
	t.WriteBufferSize = transport.WriteBuffer
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = max(timeout, headerTimeout)
	return t
}
