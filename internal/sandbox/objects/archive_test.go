package objects_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sandbox"
)

// get reads an object in a region; it returns the status, the code, and the region that the answer names.
func get(t *testing.T, s *sandbox.Sandbox, key, region string) (status int, code, hint string) {
	t.Helper()
	client := s3.NewFromConfig(s.Config("test"), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &key}, func(o *s3.Options) { o.Region = region })
	if err == nil {
		return 200, "", "" // the body ends with the client
	}
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatal(err)
	}
	return response.HTTPStatusCode(), api.ErrorCode(), response.Response.Header.Get("X-Amz-Bucket-Region")
}

func provisioned(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s := sandbox.New()
	if err := s.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Objects.Put(sandbox.Bucket, "a.csv", []byte("x")); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnArchivedObjectIsReadOnceItIsRestored(t *testing.T) {
	s := provisioned(t)
	if err := s.Objects.Archive(sandbox.Bucket, "a.csv"); err != nil {
		t.Fatal(err)
	}
	if status, code, _ := get(t, s, "a.csv", sandbox.Region); status != 403 || code != "InvalidObjectState" {
		t.Errorf("archived: %d %s", status, code)
	}
	e, err := s.Objects.Restore(sandbox.Bucket, "a.csv")
	if err != nil || e.Name != "ObjectRestore:Completed" || e.Key != "a.csv" {
		t.Errorf("%+v, %v", e, err)
	}
	if status, code, _ := get(t, s, "a.csv", sandbox.Region); status != 200 {
		t.Errorf("restored: %d %s", status, code)
	}
	if _, err := s.Objects.Restore(sandbox.Bucket, "none"); err == nil {
		t.Error("what is not there was restored")
	}
}

func TestABucketOfAnotherRegionSaysWhere(t *testing.T) {
	s := provisioned(t)
	if err := s.Objects.Place(sandbox.Bucket, "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	if status, code, hint := get(t, s, "a.csv", sandbox.Region); status != 301 || code != "PermanentRedirect" || hint != "eu-west-1" {
		t.Errorf("moved: %d %s, %q", status, code, hint)
	}
	if status, code, _ := get(t, s, "a.csv", "eu-west-1"); status != 200 {
		t.Errorf("asked where it is: %d %s", status, code)
	}
}
