package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"
	"go.uber.org/zap"

	"inventoryd/internal/transport"
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

// awsConfig loads region and credentials by the SDK's usual chain; settings of the configuration file win. Its errors are
// those of usage, but for instance metadata that do not answer: that may pass.
func awsConfig(ctx context.Context, c AWS) (aws.Config, error) {
	var options []func(*awsconfig.LoadOptions) error
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, usage(err)
	}
	if cfg.Region == "" {
		at, err := imds.NewFromConfig(cfg).GetRegion(ctx, nil)
		if err != nil {
			return aws.Config{}, fmt.Errorf("no AWS region: set aws.region or AWS_REGION; the instance metadata, which is asked last, does not tell it: %w", err)
		}
		cfg.Region = at.Region
	}
	return cfg, nil
}

// remarks takes what the SDK logs on its own account, and would write to standard error otherwise.
func remarks(log *zap.Logger) logging.Logger {
	return logging.LoggerFunc(func(c logging.Classification, format string, args ...any) {
		detail := fmt.Sprintf(format, args...)
		if c == logging.Debug {
			log.Debug("remark of the AWS SDK", zap.String("detail", detail))
			return
		}
		log.Warn("remark of the AWS SDK", zap.String("detail", detail))
	})
}

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
		if endpoint = cmp.Or(endpoint, c.Endpoint); endpoint != "" {
			cfg.BaseEndpoint = &endpoint
		}
		if given, ok := base.HTTPClient.(*http.Client); ok {
			cfg.HTTPClient = transport.Client(given.Transport, p, timeout)
		} else {
			cfg.HTTPClient = transport.Client(connected(timeout, connections), p, timeout)
		}
		return cfg
	}
	return clients{
		calls: watched,
		S3: s3.NewFromConfig(with(transport.S3, standard, c.Endpoints.S3, 0, objectConnections), func(o *s3.Options) {
			o.UsePathStyle = c.Endpoints.S3 != "" || c.Endpoint != "" || base.BaseEndpoint != nil
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

// connected returns a transport with its own connections; timeout 0 bounds only the wait for an answer's header.
func connected(timeout time.Duration, connections int) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 0, connections, connections
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = max(timeout, headerTimeout)
	return t
}
