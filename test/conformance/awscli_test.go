package conformance

// Debian's AWS command line as a client that nobody here wrote: another language, another SDK. It is of 2022 and speaks
// the Query protocol to SQS, which AWS has since left and the sandbox does not know: it must be told so.

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/test/loopback"
)

// awscli is the command line with a sandbox of its own.
type awscli struct {
	*testing.T
	*sandbox.Sandbox
	environment []string
	home        string
}

const debianAWS = "/usr/bin/aws"

func newAWSCLI(t *testing.T) awscli {
	t.Helper()
	if _, err := os.Stat(debianAWS); err != nil {
		t.Fatalf("there is no %s, Debian's awscli: run `make standins`", debianAWS)
	}
	box := sandbox.New()
	if err := box.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	environment := append(sandbox.Environment(loopback.Serve(t, box), "awscli"), "HOME="+home, "PATH=/usr/bin:/bin", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "LC_ALL=C.UTF-8")
	return awscli{t, box, environment, home}
}

// run runs one command. The endpoint is given as an option, too: this version does not know AWS_ENDPOINT_URL.
func (a awscli) run(arguments ...string) (out string, err error) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), time.Minute)
	defer cancel()
	endpoint, _ := strings.CutPrefix(a.environment[0], "AWS_ENDPOINT_URL=")
	cmd := exec.CommandContext(ctx, debianAWS, append([]string{"--endpoint-url", endpoint, "--output", "json"}, arguments...)...)
	cmd.Env, cmd.Dir = a.environment, a.home
	all, err := cmd.CombinedOutput()
	return string(all), err
}

// says runs a command and reads its JSON.
func (a awscli) says(into any, arguments ...string) {
	a.Helper()
	out, err := a.run(arguments...)
	if err != nil {
		a.Fatalf("aws %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		a.Fatalf("aws %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

func (a awscli) file(name, body string) {
	a.Helper()
	if err := os.WriteFile(filepath.Join(a.home, name), []byte(body), 0o600); err != nil {
		a.Fatal(err)
	}
}

func (a awscli) reads(name, want string) {
	a.Helper()
	got, err := os.ReadFile(filepath.Join(a.home, name))
	if err != nil || string(got) != want {
		a.Fatalf("%s holds %d bytes %.60q, want %d bytes %.60q: %v", name, len(got), got, len(want), want, err)
	}
}

// step is a sub-test with the same sandbox.
func (a awscli) step(name string, f func(a awscli)) {
	a.Run(name, func(t *testing.T) {
		a.T = t
		f(a)
	})
}

func TestDebiansAWSCommandLineWorksWithTheSandbox(t *testing.T) {
	a := newAWSCLI(t)
	a.usesS3()
	a.usesDynamoDB()
	a.usesSNSAndSTS()
	a.usesCloudWatch()
	a.readsErrors()
}

func (a awscli) usesS3() {
	a.Helper()
	a.step("s3 cp there and back", func(a awscli) {
		a.file("feed.csv", "store,item,count\nBerlin,Echo,0\n")
		a.says(nil, "s3", "cp", "feed.csv", "s3://inventory/in/Zürich a+b.csv")
		a.says(nil, "s3", "cp", "s3://inventory/in/Zürich a+b.csv", "back.csv")
		a.reads("back.csv", "store,item,count\nBerlin,Echo,0\n")
		events := a.Queues.Drain(sandbox.EventQueue)
		if len(events) != 2 || !strings.Contains(events[1].Body, `"key":"in/Z%C3%BCrich+a%2Bb.csv"`) {
			a.Errorf("events: %+v", events)
		}
	})
	a.step("s3 cp of a large file, in parts", func(a awscli) {
		body := strings.Repeat("Berlin,Echo,12\n", 1_200_000) // 18 MB: above the 8 MB from which it uploads in parts
		a.file("large.csv", body)
		a.says(nil, "s3", "cp", "large.csv", "s3://inventory/large.csv")
		_, etag, _ := a.Objects.Object(sandbox.Bucket, "large.csv")
		if !strings.HasSuffix(etag, "-3") {
			a.Errorf("the ETag is %s", etag)
		}
		a.says(nil, "s3", "cp", "s3://inventory/large.csv", "large-back.csv")
		a.reads("large-back.csv", body)
	})
	a.step("s3api get-object --range", func(a awscli) {
		if _, err := a.Objects.Put(sandbox.Bucket, "digits", []byte("0123456789")); err != nil {
			a.Fatal(err)
		}
		var got struct{ ContentRange, ETag string }
		a.says(&got, "s3api", "get-object", "--bucket", "inventory", "--key", "digits", "--range", "bytes=3-5", "part")
		a.reads("part", "345")
		if got.ContentRange != "bytes 3-5/10" || got.ETag != `"781e5e245d69b566979b86e28d23f2c7"` {
			a.Errorf("got %+v", got)
		}
	})
	a.step("s3 presign", func(a awscli) {
		url, err := a.run("s3", "presign", "s3://inventory/digits")
		if err != nil {
			a.Fatalf("%v\n%s", err, url)
		}
		res, err := http.Get(strings.TrimSpace(url))
		if err != nil {
			a.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if body, _ := io.ReadAll(res.Body); string(body) != "0123456789" {
			a.Errorf("%s: %s", res.Status, body)
		}
	})
	a.step("s3 ls", func(a awscli) {
		out, err := a.run("s3", "ls", "s3://inventory/")
		if err != nil || !strings.Contains(out, "PRE in/") || !strings.Contains(out, "10 digits") {
			a.Errorf("%v\n%s", err, out)
		}
	})
	a.step("s3api list-objects-v2 decodes the keys", func(a awscli) {
		var got struct{ Contents []struct{ Key string } }
		a.says(&got, "s3api", "list-objects-v2", "--bucket", "inventory", "--prefix", "in/")
		if len(got.Contents) != 1 || got.Contents[0].Key != "in/Zürich a+b.csv" {
			a.Errorf("got %+v", got)
		}
	})
}

func (a awscli) usesDynamoDB() {
	a.Helper()
	a.step("dynamodb put-item, scan", func(a awscli) {
		a.says(nil, "dynamodb", "put-item", "--table-name", "Inventory", "--item", `{"Store":{"S":"Berlin"},"Item":{"S":"Echo"},"Count":{"N":"0"}}`)
		var got struct {
			Count int
			Items []map[string]map[string]string
		}
		a.says(&got, "dynamodb", "scan", "--table-name", "Inventory")
		if got.Count != 1 || got.Items[0]["Count"]["N"] != "0" {
			a.Errorf("got %+v", got)
		}
	})
	a.step("dynamodbstreams describe-stream", func(a awscli) {
		var list struct{ Streams []struct{ StreamArn string } }
		a.says(&list, "dynamodbstreams", "list-streams", "--table-name", "Inventory")
		if len(list.Streams) != 1 {
			a.Fatalf("got %+v", list)
		}
		var got struct {
			StreamDescription struct {
				StreamViewType string
				Shards         []struct{ ShardID string }
			}
		}
		a.says(&got, "dynamodbstreams", "describe-stream", "--stream-arn", list.Streams[0].StreamArn)
		if d := got.StreamDescription; d.StreamViewType != "NEW_AND_OLD_IMAGES" || len(d.Shards) != 4 {
			a.Errorf("got %+v", d)
		}
	})
}

func (a awscli) usesSNSAndSTS() {
	a.Helper()
	a.step("sns list-topics, publish", func(a awscli) {
		var got struct{ Topics []struct{ TopicArn string } }
		a.says(&got, "sns", "list-topics")
		if len(got.Topics) != 1 || got.Topics[0].TopicArn != "arn:aws:sns:us-east-1:123456789012:NoStock" {
			a.Fatalf("got %+v", got)
		}
		a.says(nil, "sns", "publish", "--topic-arn", got.Topics[0].TopicArn, "--message", "hello", "--message-attributes", `{"store":{"DataType":"String","StringValue":"Berlin"}}`)
		if inbox := a.Queues.Drain(sandbox.Inbox); len(inbox) != 1 || !strings.Contains(inbox[0].Body, `"Message":"hello"`) {
			a.Errorf("the inbox holds %+v", inbox)
		}
	})
	a.step("sts get-caller-identity", func(a awscli) {
		var got struct{ Account, Arn string }
		a.says(&got, "sts", "get-caller-identity")
		if got.Account != sandbox.Account || got.Arn != "arn:aws:iam::123456789012:user/awscli" {
			a.Errorf("got %+v", got)
		}
	})
}

func (a awscli) usesCloudWatch() {
	a.Helper()
	a.step("cloudwatch put-metric-data, list-metrics, get-metric-statistics", func(a awscli) {
		a.says(nil, "cloudwatch", "put-metric-data", "--namespace", "shops", "--metric-name", "Sold", "--unit", "Count", "--value", "3", "--dimensions", "Store=Berlin")
		var list struct {
			Metrics []struct {
				Namespace, MetricName string
				Dimensions            []struct{ Name, Value string }
			}
		}
		a.says(&list, "cloudwatch", "list-metrics", "--namespace", "shops")
		if len(list.Metrics) != 1 || list.Metrics[0].MetricName != "Sold" || list.Metrics[0].Dimensions[0].Value != "Berlin" {
			a.Errorf("got %+v", list)
		}
		var got struct{ Datapoints []struct{ Sum float64 } }
		now := time.Now()
		a.says(&got, "cloudwatch", "get-metric-statistics", "--namespace", "shops", "--metric-name", "Sold", "--dimensions", "Name=Store,Value=Berlin", "--statistics", "Sum", "--period", "86400",
			"--start-time", now.Add(-48*time.Hour).UTC().Format(time.RFC3339), "--end-time", now.Add(48*time.Hour).UTC().Format(time.RFC3339))
		if len(got.Datapoints) != 1 || got.Datapoints[0].Sum != 3 {
			a.Errorf("got %+v", got)
		}
		if out, err := a.run("cloudwatch", "put-metric-data", "--namespace", "AWS/EC2", "--metric-name", "m", "--value", "1"); err == nil || !strings.Contains(out, "(InvalidParameterValue)") {
			a.Errorf("%v\n%s", err, out)
		}
	})
}

func (a awscli) readsErrors() {
	a.Helper()
	a.step("errors are told by their codes", func(a awscli) {
		if out, err := a.run("s3api", "get-object", "--bucket", "inventory", "--key", "nothing", "x"); err == nil || !strings.Contains(out, "(NoSuchKey)") {
			a.Errorf("%v\n%s", err, out)
		}
		if out, err := a.run("sqs", "list-queues"); err == nil || !strings.Contains(out, "(InvalidAction)") || !strings.Contains(out, "JSON protocol") {
			a.Errorf("%v\n%s", err, out)
		}
	})
}
