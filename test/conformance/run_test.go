package conformance

// The stand-ins, and the run of every case on each that has its service.

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"inventoryd/internal/sandbox"
	"inventoryd/test/standins"
)

var update = flag.Bool("update", false, "write table.md; with -run, the rows of the cases that run")

// standIn is one of the programs that answer as AWS does.
type standIn struct {
	name     string
	services []string
	// start begins the program and returns what makes a case's surroundings; n numbers the case.
	start func(t *testing.T) func(t *testing.T, n int) *Env
}

var standIns = []standIn{
	{"sandbox", []string{"dynamodb", "streams", "s3", "sqs", "sns", "sts", "cloudwatch"}, startSandbox},
	{"DynamoDB Local", []string{"dynamodb", "streams"}, startDynamoDBLocal},
	{"fauxqs", []string{"s3", "sqs", "sns", "sts"}, startFauxqs},
}

// startSandbox gives each case a sandbox of its own on a port of its own.
func startSandbox(*testing.T) func(*testing.T, int) *Env {
	return func(t *testing.T, n int) *Env {
		s := sandbox.New()
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		cfg := clientConfig(server.URL, n)
		cfg.APIOptions = append(cfg.APIOptions, watch)
		return &Env{Config: cfg, Sandbox: s}
	}
}

// startDynamoDBLocal gives each case an access key of its own, and with it a database of its own.
func startDynamoDBLocal(t *testing.T) func(*testing.T, int) *Env {
	endpoint := standins.DynamoDBLocal(t)
	return func(_ *testing.T, n int) *Env { return &Env{Config: clientConfig(endpoint, n)} }
}

func clientConfig(endpoint string, n int) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(fmt.Sprintf("case%d", n), "secret", ""),
		HTTPClient:  &http.Client{Transport: plainBody{http.DefaultTransport}, Timeout: time.Minute},
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// plainBody hides that the SDK's request bodies can write themselves: once closed they answer the end of the body, and
// net/http then takes the connection for broken, now and then while its answer is being read.
type plainBody struct{ http.RoundTripper }

func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r = r.Clone(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.RoundTripper.RoundTrip(r)
}

// What the table says, beside "differs: reason".
const (
	passed   = "pass"
	reworded = "pass, in its own words"
	skipped  = "-"
)

func TestStandInsBehaveAsDocumented(t *testing.T) {
	outcomes := make([][]string, len(standIns)) // by stand-in and case
	t.Run("on", func(t *testing.T) {
		for i, s := range standIns {
			outcomes[i] = make([]string, len(cases))
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.run(t, outcomes[i])
			})
		}
	})
	if t.Failed() {
		return
	}
	if flag.Lookup("test.run").Value.String() != "" { // not all cases ran
		if *update {
			fromTable(t, outcomes)
			compare(t, "table.md", render(outcomes)+renderReliances())
		}
		return
	}
	checkReliances(t)
	table := render(outcomes) + renderReliances()
	t.Log("\n" + table)
	compare(t, "table.md", table)
}

func (s standIn) run(t *testing.T, outcomes []string) {
	env := s.start(t)
	for n, c := range cases {
		if !s.has(c) {
			outcomes[n] = skipped
			continue
		}
		t.Run(c.Service+"/"+c.Name, func(t *testing.T) {
			outcomes[n] = s.outcome(t, c, env(t, n))
		})
	}
}

// has tells whether a case can be asked of the stand-in.
func (s standIn) has(c Case) bool {
	return slices.Contains(s.services, c.Service) && (!c.Sandbox || s.name == "sandbox")
}

// fromTable fills the outcomes of the cases that did not run with those of the table as it is.
func fromTable(t *testing.T, outcomes [][]string) {
	table, err := os.ReadFile("table.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		if len(cells) == 3+len(standIns) {
			known[cells[0]+"/"+cells[1]] = cells[3:]
		}
	}
	for i, s := range standIns {
		for n, c := range cases {
			cells := known[c.Service+"/"+c.Name]
			switch {
			case !s.has(c):
				outcomes[i][n] = skipped
			case outcomes[i][n] == "" && cells != nil:
				outcomes[i][n] = cells[i]
			case outcomes[i][n] == "":
				t.Errorf("%s/%s is new and did not run on %s", c.Service, c.Name, s.name)
			}
		}
	}
}

// outcome runs a case and judges what it found.
func (s standIn) outcome(t *testing.T, c Case, e *Env) string {
	ct := find(t, c, e, s.name == "sandbox")
	found := ct.found
	reason, listed := differences[s.name][c.Service+"/"+c.Name]
	switch {
	case found == "" && !listed && ct.reworded:
		return reworded
	case found == "" && !listed:
		return passed
	case found == "":
		t.Errorf("%s does not differ any more: take it out of the differences", s.name)
	case !listed:
		t.Errorf("%s differs from %q: %s", s.name, c.Doc, found)
	case s.name == "sandbox":
		t.Error("the sandbox is ours: mend it")
	}
	return "differs: " + reason
}

// find runs a case, in a goroutine because the case may end itself, and returns what it found.
func find(t *testing.T, c Case, e *Env, strict bool) *T {
	ct := &T{T: t, strict: strict}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil { // an answer that lacks what the documentation promises
				ct.found = fmt.Sprint(p)
			}
		}()
		c.Run(ct, e)
	}()
	<-done
	return ct
}

// render makes the table.
func render(outcomes [][]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- written by `go test ./test/conformance -update` -->\n\n%d cases, each a statement of AWS's documentation. `-`: not asked.\n\n", len(cases))
	b.WriteString("| service | case | AWS's page |")
	for _, s := range standIns {
		fmt.Fprintf(&b, " %s |", s.name)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", 3+len(standIns)) + "\n")
	for n, c := range cases {
		fmt.Fprintf(&b, "| %s | %s | %s |", c.Service, c.Name, c.Doc)
		for i := range standIns {
			fmt.Fprintf(&b, " %s |", outcomes[i][n])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// compare holds a file to its contents.
func compare(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is not up to date: run `go test ./test/conformance -update`", file)
	}
}

// Each case has one name, and each listed difference is one of a case that exists.
func TestCasesAreNamedOnce(t *testing.T) {
	names := map[string]bool{}
	for _, c := range cases {
		name := c.Service + "/" + c.Name
		if names[name] {
			t.Errorf("two cases are named %q", name)
		}
		names[name] = true
		if c.Doc == "" {
			t.Errorf("%q names no page of the documentation", name)
		}
	}
	for s, list := range differences {
		for name := range list {
			if !names[name] {
				t.Errorf("a difference of %s is listed for %q, which is no case", s, name)
			}
		}
	}
}
