package main

// How region, credentials and endpoints are found: by the SDK's usual chain, with what it leaves open decided.

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"go.uber.org/zap"
)

// awsConfig loads region and credentials by the SDK's usual chain; settings of the configuration file win. Its errors are
// those of usage, but for instance metadata that do not answer: that may pass.
func awsConfig(ctx context.Context, c AWS, log logging.Logger) (aws.Config, *renewed, error) {
	options := chain(c, log)
	cfg, err := search(ctx, options)
	if err != nil {
		return aws.Config{}, nil, usage(err)
	}
	if cfg.Region == "" {
		at, err := metadata(cfg).GetRegion(ctx, nil)
		if err != nil {
			return aws.Config{}, nil, fmt.Errorf("no AWS region: set aws.region or AWS_REGION; the instance metadata, which is asked last, does not tell it: %w", err)
		}
		cfg.Region = at.Region
	}
	creds := &renewed{options: options}
	creds.cache = aws.NewCredentialsCache(creds)
	cfg.Credentials = creds.cache
	cfg.APIOptions = append(cfg.APIOptions, creds.watch)
	return cfg, creds, nil
}

// connect makes the clients of a command that a person has called.
func connect(ctx context.Context, c AWS) (clients, error) {
	base, _, err := awsConfig(ctx, c, logging.Nop{})
	if err != nil {
		return clients{}, err
	}
	all := newClients(base, c)
	return all, usage(all.endpointsWork())
}

// chain is what the SDK is told for its search. A container's credentials are not fetched by way of a proxy, which could
// not reach them, or would see them.
func chain(c AWS, log logging.Logger) []func(*awsconfig.LoadOptions) error {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithLogger(log),
		awsconfig.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = direct() }),
	}
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	return options
}

// search goes through the chain.
func search(ctx context.Context, options []func(*awsconfig.LoadOptions) error) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, err
	}
	return awsconfig.LoadDefaultConfig(ctx, append(slices.Clip(options), awsconfig.WithEC2RoleCredentialOptions(
		func(o *ec2rolecreds.Options) { o.Client = metadata(cfg) }))...)
}

// metadata is the client of the instance metadata: asked by IMDSv2 alone, and by no proxy.
func metadata(cfg aws.Config) *imds.Client {
	return imds.NewFromConfig(cfg, func(o *imds.Options) { o.HTTPClient, o.EnableFallback = direct(), aws.FalseTernary })
}

// direct is a client that no proxy stands before.
func direct() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	return &http.Client{Transport: t, Timeout: 5 * time.Second}
}

// renewed are credentials that are looked for from the beginning of the chain each time they are fetched: also those of
// shared files, which the SDK would read once. They are fetched when they expire, after a reload, and when a service
// no longer takes them.
type renewed struct {
	options []func(*awsconfig.LoadOptions) error
	cache   *aws.CredentialsCache

	mu   sync.Mutex // guards last
	last time.Time  // when they were thrown away
}

// Retrieve is called by the cache.
func (r *renewed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	cfg, err := search(ctx, r.options)
	if err != nil {
		return aws.Credentials{}, err
	}
	return cfg.Credentials.Retrieve(ctx)
}

// Renew has the next call fetch them anew.
func (r *renewed) Renew() { r.cache.Invalidate() }

// renewAfter is the least time between two renewals because of answers: a key that is wrong stays so.
const renewAfter = 5 * time.Second

// watch adds the middleware that sees the answers.
func (r *renewed) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RenewCredentials",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			if credentialsRefused(err) && r.due() {
				r.Renew()
			}
			return out, metadata, err
		}), middleware.Before)
}

func (r *renewed) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) < renewAfter {
		return false
	}
	r.last = time.Now()
	return true
}

// credentialsRefused tells of codes by which services say that they do not take the credentials any more.
func credentialsRefused(err error) bool {
	switch codeIn(err) {
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken",
		"SignatureDoesNotMatch", "InvalidSignatureException":
		return true
	}
	return false
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

// endpointsWork refuses what the SDK finds out only with the first call: FIPS and dual stack are for AWS's own endpoints.
func (c clients) endpointsWork() error {
	for _, e := range c.endpoints() {
		switch {
		case e.base == "":
		case e.fips:
			return fmt.Errorf("%s has the endpoint %s, and FIPS is asked for (AWS_USE_FIPS_ENDPOINT or use_fips_endpoint): AWS's own endpoints only have it; leave one of them out", e.service, e.base)
		case e.dual:
			return fmt.Errorf("%s has the endpoint %s, and dual stack is asked for (AWS_USE_DUALSTACK_ENDPOINT or use_dualstack_endpoint): AWS's own endpoints only have it; leave one of them out", e.service, e.base)
		}
		if err := checkURL("endpoint", e.base); err != nil {
			return fmt.Errorf("the endpoint %q of %s, from the SDK's own settings (AWS_ENDPOINT_URL… or the shared configuration), is no URL such as https://host:port, or holds credentials", visible(strings.TrimSpace(e.base)), e.service)
		}
	}
	return nil
}

// endpoint is where a service is asked, if not at AWS's own.
type endpoint struct {
	service    string
	base       string
	fips, dual bool
}

func (c clients) endpoints() []endpoint {
	const fips, dual = aws.FIPSEndpointStateEnabled, aws.DualStackEndpointStateEnabled
	s3, sqs, sns, cw, tables, streams := c.S3.Options(), c.SQS.Options(), c.SNS.Options(), c.CloudWatch.Options(), c.Tables.Options(), c.Streams.Options()
	return []endpoint{
		{"S3", aws.ToString(s3.BaseEndpoint), s3.EndpointOptions.UseFIPSEndpoint == fips, s3.EndpointOptions.UseDualStackEndpoint == dual},
		{"SQS", aws.ToString(sqs.BaseEndpoint), sqs.EndpointOptions.UseFIPSEndpoint == fips, sqs.EndpointOptions.UseDualStackEndpoint == dual},
		{"SNS", aws.ToString(sns.BaseEndpoint), sns.EndpointOptions.UseFIPSEndpoint == fips, sns.EndpointOptions.UseDualStackEndpoint == dual},
		{"CloudWatch", aws.ToString(cw.BaseEndpoint), cw.EndpointOptions.UseFIPSEndpoint == fips, cw.EndpointOptions.UseDualStackEndpoint == dual},
		{"DynamoDB", aws.ToString(tables.BaseEndpoint), tables.EndpointOptions.UseFIPSEndpoint == fips, tables.EndpointOptions.UseDualStackEndpoint == dual},
		{"DynamoDB Streams", aws.ToString(streams.BaseEndpoint), streams.EndpointOptions.UseFIPSEndpoint == fips, streams.EndpointOptions.UseDualStackEndpoint == dual},
	}
}
