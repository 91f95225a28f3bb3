package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/transport"
)

// The plain transport is not asserted to lose connections: it is the SDK's to mend.
func TestAllCallsShareOneConnection(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte("{}"))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	base := &http.Transport{}
	client := dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
		HTTPClient:  &http.Client{Transport: transport.PlainBody(base)},
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	for range 500 {
		if _, err := client.ListTables(context.Background(), &dynamodb.ListTablesInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("500 calls took %d connections", n)
	}
}

type bodySpy struct{ body io.ReadCloser }

func (s *bodySpy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.body = r.Body
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
}

type writerTo struct{ io.ReadCloser }

func (writerTo) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }

func TestBodyIsNoWriterTo(t *testing.T) {
	spy := &bodySpy{}
	original := writerTo{http.NoBody}
	r, _ := http.NewRequest(http.MethodPut, "http://sandbox/", original)
	if _, err := transport.PlainBody(spy).RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	if _, ok := spy.body.(io.WriterTo); ok || spy.body == nil {
		t.Errorf("the base transport got %T", spy.body)
	}
	if r.Body != original {
		t.Error("the request itself was changed")
	}
}
