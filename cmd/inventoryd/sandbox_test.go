package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/urfave/cli/v2"
)

func TestTheSandboxCommandServesWhatItsVariablesName(t *testing.T) {
	t.Parallel()
	p := &process{Cmd: exec.Command(os.Args[0], "sandbox", "--listen", "127.0.0.1:0"), log: &lockedBuffer{}}
	p.Env = []string{asDaemon + "=1"}
	p.Stdout, p.Stderr = p.log, p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	variable := func(name string) string {
		_, rest, _ := strings.Cut(p.log.String(), "export "+name+"=")
		value, _, whole := strings.Cut(rest, "\n")
		if !whole {
			return ""
		}
		return value
	}
	eventually(t, p, 20*time.Second, func() bool { return variable("AWS_DEFAULT_REGION") != "" }, func() string { return "no variables were printed" })
	cfg := aws.Config{
		Region: variable("AWS_REGION"), BaseEndpoint: aws.String(variable("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), ""),
	}
	out, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(out.QueueUrls) != 3 {
		t.Errorf("queues %v, %v", out, err)
	}
	if code := p.terminate(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

func TestTheSandboxServesLoopbackOnly(t *testing.T) {
	out, err := runCLI(t, "sandbox", "--listen", "0.0.0.0:0")
	if err == nil || !strings.Contains(err.Error(), "loopback addresses only") || out != "" {
		t.Error(out, err)
	}
}

func TestWrongUsageExitsWith2AndNamesTheWord(t *testing.T) {
	for _, args := range [][]string{{"runn"}, {"config", "shw"}, {"run", "--only", "loadr"}, {"run", "--confg", "x"}, {"load"}, {"config", "show", "--output", "xml"}} {
		_, err := runCLI(t, args...)
		var coded cli.ExitCoder
		if !errors.As(err, &coded) || coded.ExitCode() != exitUsage {
			t.Errorf("%v: %v", args, err)
		}
	}
}
