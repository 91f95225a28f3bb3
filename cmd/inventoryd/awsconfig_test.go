package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// alone clears what the machine has for the SDK.
func alone(t *testing.T) (credentials string) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	credentials = filepath.Join(t.TempDir(), "credentials")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", credentials)
	return credentials
}

func TestInstanceMetadataAreAskedByVersion2AloneAndByNoProxy(t *testing.T) {
	alone(t)
	var mu sync.Mutex
	var asked []string
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.Header.Get("X-Aws-Ec2-Metadata-Token"))
		w.WriteHeader(http.StatusNotFound) // as an endpoint without version 2 says
	}))
	defer metadata.Close()
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // would break every call
	if _, _, err := awsConfig(t.Context(), AWS{}, logging.Nop{}); err == nil {
		t.Error("a region was found")
	}
	cfg, _, err := awsConfig(t.Context(), AWS{Region: "us-east-1"}, logging.Nop{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Credentials.Retrieve(t.Context()); err == nil {
		t.Error("credentials were found")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) < 2 {
		t.Error("nobody was asked:", asked)
	}
	for _, a := range asked {
		if a != "PUT " {
			t.Errorf("asked without a token: %q", a)
		}
	}
}

func TestRotatedCredentialsAreFoundAfterARefusalAndAfterAReload(t *testing.T) {
	file := alone(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	w := newWorld(t)
	rotate := func(key string) {
		if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = "+key+"\naws_secret_access_key = s\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rotate("first")
	c := AWS{Region: sandbox.Region, Endpoint: *w.SQS.Options().BaseEndpoint}
	base, creds, err := awsConfig(t.Context(), c, logging.Nop{})
	if err != nil {
		t.Fatal(err)
	}
	all := newClients(base, c)
	ask := func() error {
		_, err := all.SQS.ListQueues(t.Context(), &sqs.ListQueuesInput{})
		return err
	}
	key := func() string {
		v, err := base.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v.AccessKeyID
	}
	if err := ask(); err != nil || key() != "first" {
		t.Fatal(err, key())
	}
	rotate("second")
	if key() != "first" {
		t.Error("read without need")
	}
	w.aws.Fault(fault.Rule{Client: "first", Effect: fault.Effect{Error: &fault.Error{Status: 403, Code: "ExpiredToken", Message: "expired"}}})
	if err := ask(); err == nil {
		t.Error("the first key is expired")
	}
	if err := ask(); err != nil || key() != "second" {
		t.Errorf("after a refusal: %v, key %s", err, key())
	}
	rotate("third")
	creds.Renew()
	if key() != "third" {
		t.Error("after a reload the key is", key())
	}
}

func TestTheClockIsMeasuredByTheServicesDates(t *testing.T) {
	var c clock
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	if _, measured := c.Skew(); measured {
		t.Error("measured before anybody has answered")
	}
	for i := range 20 { // dates are whole seconds, of services 90 s ahead
		came := at.Add(time.Duration(i) * 370 * time.Millisecond)
		c.observe(came.Add(90*time.Second-20*time.Millisecond).Truncate(time.Second), came)
	}
	if skew, _ := c.Skew(); skew < 89*time.Second || skew > 90*time.Second {
		t.Error(skew)
	}
	for i := range 3 { // the clock was set
		came := at.Add(time.Duration(1+i) * 2 * clockWindow)
		c.observe(came.Truncate(time.Second), came)
	}
	if skew, _ := c.Skew(); skew.Abs() > time.Second {
		t.Error("the clock was set, and yet", skew)
	}
}
