package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/logging"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/sandbox"
)

// says fails the test where text lacks one of the words that an operator needs.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

func TestUnknownKeyIsRefusedWithItsPlaceAndTheNearestName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("loader:\n  workrs: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := origin{path: file}.load()
	if err == nil {
		t.Fatal("the key was taken")
	}
	says(t, err.Error(), file+":2:3", "workrs", "workers")
}

// A prerequisite that is absent or wrong stops the start with exit code 2; the message names the place and the remedy.
func TestStartIsRefusedWithTheRemedy(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, w *world, cfg *Config)
		says  []string
	}{
		"missing queue": {
			func(_ *testing.T, _ *world, cfg *Config) { cfg.Loader.Queue = "elsewhere" },
			[]string{"elsewhere", "loader.queue"},
		},
		"missing password": {
			func(_ *testing.T, _ *world, cfg *Config) {
				cfg.HTTP.Auth.User, cfg.HTTP.Auth.HashFile = "op", "/nowhere/hash"
			},
			[]string{"http.auth.hash_file", "/nowhere/hash"},
		},
		"missing table": {
			func(_ *testing.T, _ *world, cfg *Config) { cfg.Table.Name = "Stock" },
			[]string{"Stock", "table.name"},
		},
		"table without stream": {
			func(t *testing.T, w *world, _ *Config) {
				_, err := w.Tables.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
					TableName: aws.String(sandbox.Table), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)},
				})
				if err != nil {
					t.Fatal(err)
				}
				w.replaceTable(t)
			},
			[]string{"Inventory", "stream", "aws dynamodb update-table", "NEW_AND_OLD_IMAGES"},
		},
		"a name that fits several topics": {
			func(t *testing.T, w *world, cfg *Config) {
				if _, err := w.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("nostock")}); err != nil {
					t.Fatal(err)
				}
				cfg.Notifier.Topic = "NOSTOCK"
			},
			[]string{"NOSTOCK", "notifier.topic", "2 topics", "give the ARN of one"},
		},
		"other keys": {
			func(_ *testing.T, _ *world, cfg *Config) { cfg.Table.Item = "Article" },
			[]string{"Inventory", "[Store Item]", "table.item"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorldHere(t)
				cfg := defaults()
				tt.spoil(t, w, &cfg)
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
				defer stop()
				err := run(ctx, cfg, newClients(w.aws.Config("daemon"), cfg.AWS), host{listener: w.daemon, log: zap.NewNop(), started: func() {}})
				if err == nil {
					t.Fatal("the daemon ran")
				}
				says(t, err.Error(), tt.says...)
				if code := codeOf(err); code != exitUsage {
					t.Errorf("exit code %d for %v", code, err)
				}
			})
		})
	}
}

// A fatal error is one line of the log, and nothing on standard error.
func TestAFatalErrorIsOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "config.yaml")
	settings := append(w.settings[:len(w.settings):len(w.settings)], "loader: {queue: elsewhere}", "http: {listen: 127.0.0.1:0}")
	if err := os.WriteFile(file, []byte(strings.Join(settings, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "run", "-c", file)
	cmd.Env = []string{asDaemon + "=1", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=daemon", "AWS_SECRET_ACCESS_KEY=secret"}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != exitUsage || stderr.Len() > 0 {
		t.Errorf("%v, standard error %q", err, &stderr)
	}
	var errs []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, `"level":"info"`) {
			errs = append(errs, line)
		}
	}
	if len(errs) != 1 {
		t.Fatalf("%d lines of trouble: %q", len(errs), errs)
	}
	says(t, errs[0], `"level":"error"`, `"msg":"daemon failed"`, "queue elsewhere does not exist (loader.queue)")
}

// replaceTable makes the inventory's table anew, without a stream.
func (w *world) replaceTable(t *testing.T) {
	t.Helper()
	old, err := w.Tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(sandbox.Table)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(sandbox.Table)}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	_, err = w.Tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(sandbox.Table), KeySchema: old.Table.KeySchema,
		AttributeDefinitions: old.Table.AttributeDefinitions, BillingMode: types.BillingModePayPerRequest,
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

// A file that cannot be used, or a row, is told with its place; the daemon goes on.
func TestBadFilesAreToldWithTheirPlace(t *testing.T) {
	tests := map[string]struct {
		body string
		says []string // in one log entry
	}{
		"no count column": {"store,item,amount\nLisbon,Kettle,3\n", []string{"inventory", "bad.csv", "missing count", "amount", "loader.columns"}},
		"count abc":       {"store,item,count\nLisbon,Kettle,abc\nLisbon,Lamp,3\n", []string{"bad.csv", "rejected:1", "reject_line:2", "reject_code:count_invalid"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			logged, entries := observer.New(zap.InfoLevel)
			synctest.Test(t, func(t *testing.T) {
				w := newWorldHere(t)
				cfg := defaults()
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() {
					ended <- run(ctx, cfg, newClients(w.aws.Config("daemon"), cfg.AWS), host{listener: w.daemon, log: zap.New(logged), started: func() {}})
				}()
				_, err := w.S3.PutObject(t.Context(), &s3.PutObjectInput{
					Bucket: aws.String(sandbox.Bucket), Key: aws.String("bad.csv"), Body: strings.NewReader(tt.body),
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
			for _, e := range entries.All() {
				text := fmt.Sprint(e.Message, " ", e.ContextMap())
				if !slices.ContainsFunc(tt.says, func(word string) bool { return !strings.Contains(text, word) }) {
					return
				}
			}
			t.Errorf("no log entry says %q:\n%v", tt.says, entries.All())
		})
	}
}

func TestWithoutARegionTheRemedyIsNamed(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, filepath.Join(t.TempDir(), "none"))
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true") // as on a machine that is not of EC2
	_, _, err := awsConfig(t.Context(), AWS{}, logging.Nop{})
	if err == nil {
		t.Fatal("a region was found")
	}
	says(t, err.Error(), "no AWS region", "aws.region", "AWS_REGION")
	if code := codeOf(err); code != exitFailed {
		t.Errorf("exit code %d: metadata may answer the next time", code)
	}
	if cfg, _, err := awsConfig(t.Context(), AWS{Region: "eu-central-1"}, logging.Nop{}); err != nil || cfg.Region != "eu-central-1" {
		t.Errorf("%v, region %q", err, cfg.Region)
	}
}
