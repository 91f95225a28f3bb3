package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rogpeppe/go-internal/testscript"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/samples"
	"inventoryd/test/loopback"
)

// What the process tests have in common: the daemon as a process of its own (this test binary run again as
// inventoryd), and a world of stand-ins on loopback that outlives it.

const asDaemon = "TEST_AS_INVENTORYD"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		os.Exit(execute(append([]string{"inventoryd"}, os.Args[1:]...)))
	}
	testscript.Main(m, map[string]func(){"inventoryd": func() { os.Exit(execute(os.Args)) }})
}

// world is the stand-ins, served on a loopback port, and clients to look at them.
type world struct {
	dir string           // of the daemons' state; "" before the first
	aws *sandbox.Sandbox // nil where the stand-ins are others'
	clients
	settings []string // what the daemon's configuration says of the endpoints
	// In virtual time: the daemon's listener, what brings it new settings, and a loop of it that is held up.
	daemon *pipes
	reload chan Config
	stuck  atomic.Pointer[stuckLoop]
	stalls *atomic.Bool // nil: never; S3's answers begin, and then nothing more comes
	only   half         // of the two lines
	// Of the messages of processes; "": 2s, so that those of who was killed come again soon. On a busy machine they may come
	// twice without that.
	visibility string
}

func newWorld(t *testing.T, before ...func(*sandbox.Sandbox)) *world {
	t.Helper()
	w := &world{aws: sandbox.New()}
	for _, f := range before { // anything is made
		f(w.aws)
	}
	if err := w.aws.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + loopback.Serve(t, w.aws)
	w.settings = []string{"aws: {endpoint: " + endpoint + "}"}
	w.clients = newClients(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("observer", "secret", ""),
	}, AWS{Endpoint: endpoint})
	return w
}

// upload puts the sample feeds into the bucket.
func (w *world) upload(t *testing.T) {
	t.Helper()
	for name, body := range samples.Feeds() {
		put, err := w.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &name, Body: bytes.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		if w.aws == nil { // these stand-ins do not tell of new objects
			event := objects.Event{
				Name: "ObjectCreated:Put", Bucket: sandbox.Bucket, Key: name, Size: int64(len(body)),
				ETag: strings.Trim(aws.ToString(put.ETag), `"`), Time: time.Now(),
			}
			_, err := w.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: w.queueURL(t, sandbox.EventQueue), MessageBody: aws.String(string(event.Direct())),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// wanted is what the sample feeds say: the table's rows, and the alerts that are due.
func wanted(t *testing.T) (rows map[inventory.Key]int64, alerts map[string]bool) {
	t.Helper()
	rows, alerts = map[inventory.Key]int64{}, map[string]bool{}
	for _, body := range samples.Feeds() {
		for _, line := range strings.Split(strings.TrimSpace(string(body)), "\n")[1:] {
			f := strings.Split(line, ",")
			var n int64
			if _, err := fmt.Sscan(f[2], &n); err != nil {
				t.Fatal(err)
			}
			rows[inventory.Key{Store: f[0], Item: f[1]}] = n
			if n == 0 {
				alerts[f[0]+" is out of stock of "+f[1]] = true
			}
		}
	}
	return rows, alerts
}

// table reads the whole table.
func (w *world) table(t *testing.T) map[inventory.Key]int64 {
	t.Helper()
	rows := map[inventory.Key]int64{}
	pages := dynamodb.NewScanPaginator(w.Tables, &dynamodb.ScanInput{TableName: aws.String("Inventory"), ConsistentRead: aws.Bool(true)})
	for failed := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			if failed++; failed > 5 { // a busy machine may need longer for a page than the client's time-out
				t.Fatal(err)
			}
			continue
		}
		for _, attributes := range page.Items {
			i, err := inventory.DefaultTable.ItemOf(attributes)
			if err != nil {
				t.Fatal(err)
			}
			rows[i.Key] = i.Count
		}
	}
	return rows
}

// putRows writes rows to the table.
func (w *world) putRows(t *testing.T, rows map[inventory.Key]int64) {
	t.Helper()
	for k, n := range rows {
		_, err := w.Tables.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("Inventory"), Item: inventory.DefaultTable.Attributes(inventory.Item{Key: k, Count: n}),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// inbox takes the alerts that have reached the subscriber and counts them into told.
func (w *world) inbox(t *testing.T, told map[string]int) {
	t.Helper()
	url := w.queueURL(t, "nostock-inbox")
	for {
		out, err := w.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return
		}
		for _, m := range out.Messages {
			var envelope struct{ Message string }
			if err := json.Unmarshal([]byte(*m.Body), &envelope); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(envelope.Message) { // a message may tell of several items
				told[strings.TrimSuffix(line, "\n")]++
			}
			if _, err := w.SQS.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (w *world) queueURL(t *testing.T, name string) *string {
	t.Helper()
	out, err := w.SQS.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

// waiting returns how many messages a queue has, visible or in flight.
func (w *world) waiting(t *testing.T, queue string) string {
	t.Helper()
	out, err := w.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: w.queueURL(t, queue), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// Exit status 2 is for wrong configurations, which the service manager does not start again; Go ends a panic with it, and
// what the watchdog aborts.
func TestACrashIsNotTakenForAWrongConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(t)
	eventually(t, d, 30*time.Second, func() bool { return strings.Contains(d.log.String(), `"daemon started"`) }, func() string { return "not started" })
	if err := d.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	_ = d.Wait()
	if s := d.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGABRT {
		t.Errorf("it ended by %v, exit status %d", s.Signal(), s.ExitStatus())
	}
}

// process is a running daemon.
type process struct {
	*exec.Cmd
	log      *lockedBuffer
	file     string   // its configuration
	settings []string // what the file says at the start, a section each
}

// start runs `inventoryd run` against the world, with the time-outs that make crashes cheap to wait for, and with further
// variables in its environment.
func (w *world) start(t *testing.T, environ ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	settings := append(w.settings[:len(w.settings):len(w.settings)],
		"loader: {visibility: "+cmp.Or(w.visibility, "2s")+"}", "stream: {lease_duration: 2s}", "http: {listen: 127.0.0.1:0}", "metrics: {cloudwatch: {enabled: false}}")
	if err := os.WriteFile(file, []byte(strings.Join(settings, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "-c", file}
	if w.only != both {
		args = append(args, "--only", string(w.only))
	}
	p := &process{Cmd: exec.Command(os.Args[0], args...), log: &lockedBuffer{}, file: file, settings: settings}
	p.Env = append([]string{
		asDaemon + "=1", "AWS_REGION=us-east-1",
		"STATE_DIRECTORY=" + w.stateDir(t), // as systemd gives it: who was killed and starts again need not wait for itself
		"AWS_ACCESS_KEY_ID=daemon", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true",
	}, environ...)
	p.Stdout, p.Stderr = p.log, p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	return p
}

// stateDir is the directory for state of all daemons of a world, which are one host's.
func (w *world) stateDir(t *testing.T) string {
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	return w.dir
}

// terminate sends SIGTERM and returns the exit code.
func (p *process) terminate(t *testing.T, patience time.Duration) int {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { p.Process.Signal(syscall.SIGABRT) })
	defer timer.Stop()
	err := p.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// eventually polls a condition until it holds; the deadline fails the test with what is said and the daemon's log.
func eventually(t *testing.T, p *process, patience time.Duration, holds func() bool, said func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s\n%s", patience, said(), p.log)
		}
		time.Sleep(20 * time.Millisecond) // polls; nothing is synchronised by it
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ io.Writer = (*lockedBuffer)(nil)

// ready asks the daemon's /readyz.
func ready(p *process) bool {
	code, _ := p.get("/readyz")
	return code == http.StatusOK
}

// get asks the daemon over HTTP, at the address that its log tells; the code is 0 where it does not answer.
func (p *process) get(path string) (code int, body string) {
	for line := range strings.Lines(p.log.String()) {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg != "http server listening" {
			continue
		}
		res, err := http.Get("http://" + entry.Address + path)
		if err != nil {
			return 0, ""
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, ""
		}
		return res.StatusCode, string(text)
	}
	return 0, ""
}
