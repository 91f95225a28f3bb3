package wire

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// TestEachSignatureIsTheSDKs signs calls through seconds, days and other credentials.
func TestEachSignatureIsTheSDKs(t *testing.T) {
	for _, path := range []string{"/", "/below/a/path", "/a%20b"} {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			call := func() http.Request {
				return http.Request{
					Method: http.MethodPost, Host: "db.example:8000", URL: &url.URL{Scheme: "https", Host: "db.example:8000", Path: path},
					Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"T.W"}},
				}
			}
			s := signing{signer: v4.NewSigner(), to: &target{"https", "db.example:8000", path, "eu-west-1", "dynamodb"}, call: call()}
			creds, theirs := aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, 0
			for n := range 3000 {
				switch random.IntN(100) {
				case 0:
					time.Sleep(time.Duration(random.IntN(100)) * time.Hour)
				case 1:
					creds = aws.Credentials{AccessKeyID: fmt.Sprint("AK/", n), SecretAccessKey: fmt.Sprint("SK", n), SessionToken: strings.Repeat("t", n%3*500)}
				default:
					time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
				}
				sum := sha256.Sum256(fmt.Append(nil, n))
				got, changed, err := s.sign(context.Background(), creds, sum)
				if err != nil {
					t.Fatal(err)
				}
				if changed {
					theirs++
				}
				again := call()
				if err := v4.NewSigner().SignHTTP(context.Background(), creds, &again, fmt.Sprintf("%x", sum), "dynamodb", "eu-west-1", time.Now()); err != nil {
					t.Fatal(err)
				}
				if want := again.Header.Get("Authorization"); string(got) != want {
					t.Fatalf("%s, call %d is signed %s, not %s", path, n, got, want)
				}
				if date := s.call.Header.Get("X-Amz-Date"); date != again.Header.Get("X-Amz-Date") {
					t.Fatalf("call %d is of %s", n, date)
				}
			}
			if few := theirs < 300; few == strings.Contains(path, "%") {
				t.Errorf("%s: the SDK's signer has signed %d of 3000", path, theirs)
			}
		})
	}
}
