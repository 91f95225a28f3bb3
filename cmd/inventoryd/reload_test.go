package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

func TestSIGHUPUnderLoadPutsSettingsInForceWithoutLosingOrDoublingARow(t *testing.T) {
	t.Parallel()
	const feeds, rows = 12, 300
	w := newWorld(t)
	w.visibility = "60s"
	w.aws.Fault(fault.Rule{Service: "dynamodb", Client: "daemon", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: 100 * time.Millisecond}})
	p := w.start(t)
	eventually(t, p, 20*time.Second, func() bool { return ready(p) }, func() string { return "the daemon is not ready" })

	want := map[inventory.Key]int64{}
	for f := range feeds {
		w.feed(t, fmt.Sprintf("store %d", f), rows, want)
	}
	loading := func() bool {
		n := w.waiting(t, sandbox.EventQueue)
		return n != "0+0" && n != fmt.Sprintf("%d+0", feeds)
	}
	eventually(t, p, 20*time.Second, loading, func() string { return "nothing is being loaded" })

	p.reload(t, "configuration reloaded", "loader: {lanes: 3}", "stream: {idle_poll: 250ms}", "notifier: {message: '{{.Store}} lacks {{.Item}}'}")
	p.reload(t, "configuration not reloaded", "loader: {lanes: many}")
	p.reload(t, "changed settings need a restart", "app: another", "loader: {lanes: 5}", "notifier: {message: '{{.Store}} lacks {{.Item}}'}")
	if text := p.log.String(); !strings.Contains(text, "loader.lanes") || !strings.Contains(text, `"keys":["app"`) {
		t.Errorf("the log names neither loader.lanes as wrong nor app as waiting:\n%s", text)
	}

	told := map[string]int{}
	exact := func() bool {
		w.inbox(t, told)
		return len(told) == feeds && w.waiting(t, sandbox.EventQueue) == "0+0"
	}
	eventually(t, p, 60*time.Second, exact, func() string { return fmt.Sprintf("alerts %v", told) })
	got := w.table(t)
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %d, want %d", k, got[k], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for alert, times := range told {
		if times != 1 {
			t.Errorf("%q was told %d times", alert, times)
		}
	}

	_, metrics := p.get("/metrics") // what the table cannot tell: whether a row was written twice
	for _, line := range []string{fmt.Sprintf("files_loaded_total %d", feeds), fmt.Sprintf("rows_read_total %d", feeds*rows), fmt.Sprintf("rows_written_total %d", feeds*rows)} {
		if !strings.Contains(metrics, "\ninventoryd_loader_"+line+"\n") {
			name, _, _ := strings.Cut(line, " ")
			t.Errorf("the metrics do not say %s: %q", line, regexp.MustCompile(`(?m)^inventoryd_loader_`+name+` .*`).FindString(metrics))
		}
	}

	w.feed(t, "late store", 2, want)
	late := func() bool { w.inbox(t, told); return told["late store lacks item 0"] == 1 }
	eventually(t, p, 20*time.Second, late, func() string { return fmt.Sprintf("no alert in the new words: %v", told) })
	if code := p.terminate(t, 30*time.Second); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

func TestNewRatesAreInForceAfterAReload(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		var reads, writing, most atomic.Int64
		w.aws.Fault(fault.Rule{Service: "streams", Client: "daemon", Operation: "GetRecords", Effect: fault.Effect{Do: func() { reads.Add(1) }}})
		slow := fault.Effect{Delay: time.Second, Do: func() {
			most.Store(max(most.Load(), writing.Add(1)))
			time.AfterFunc(900*time.Millisecond, func() { writing.Add(-1) })
		}}
		w.aws.Fault(fault.Rule{Service: "dynamodb", Client: "daemon", Operation: "BatchWriteItem", Effect: slow, Match: func(c fault.Call) bool {
			return bytes.Contains(c.Body, []byte(`"Inventory":[`)) // the notifier writes its history so too
		}})
		minute := func(store string) (perMinute, lanes int64) {
			time.Sleep(time.Minute) // the stream becomes idle
			reads.Store(0)
			time.Sleep(time.Minute)
			perMinute = reads.Load()
			most.Store(0)
			w.feed(t, store, 500, map[inventory.Key]int64{})
			time.Sleep(3 * time.Minute)
			return perMinute, most.Load()
		}
		before, lanesBefore := minute("before")
		next := defaults()
		next.Stream.IdlePoll = 10 * time.Second
		next.Loader.Lanes = 3
		w.reload <- next
		after, lanesAfter := minute("after")
		if after == 0 || before < 5*after {
			t.Errorf("%d reads of the idle stream in a minute, %d with a pause of 10 s instead of 1 s", before, after)
		}
		if lanesBefore <= 3 || lanesAfter != 3 {
			t.Errorf("%d writes at a time with %d lanes, %d with 3", lanesBefore, defaults().Loader.Lanes, lanesAfter)
		}
	})
}

// A SIGHUP is never fatal, however early or late it comes: without a handler it ends a process, and systemd calls that a
// clean exit after which nothing is restarted.
func TestSIGHUPWhileTheDaemonStartsAndStopsEndsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	var first sync.Once
	metadata := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { // of the machine: where is it?
		first.Do(func() { close(asked) })
		<-answer
		rw.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
		fmt.Fprint(rw, `{"region": "us-east-1"}`)
	}))
	defer metadata.Close()
	allow := w.aws.Fault(fault.Rule{Service: "dynamodb", Client: "daemon", Operation: "DescribeTable", Effect: fault.AccessDeniedJSON})
	p := w.start(t, "AWS_EC2_METADATA_SERVICE_ENDPOINT="+metadata.URL, "AWS_EC2_METADATA_DISABLED=false", "AWS_REGION=")
	<-asked
	hangUp(t, p)
	close(answer)

	eventually(t, p, 20*time.Second, func() bool { return strings.Contains(p.log.String(), "configuration reloaded") },
		func() string {
			return "a SIGHUP from before the first line of the log is obeyed, while the tables cannot be used yet"
		})
	p.reload(t, "configuration reloaded", "log: {level: debug}")
	p.reload(t, "configuration not reloaded", "log: {level: loud}")
	allow()
	eventually(t, p, 60*time.Second, func() bool { return ready(p) }, func() string { return "the daemon is not ready" })

	for range 3 { // quickly: one reload does for all of them
		hangUp(t, p)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for p.Process.Signal(syscall.SIGHUP) == nil {
			runtime.Gosched()
		}
	}()
	err := p.Wait()
	<-ended
	if err != nil {
		t.Errorf("after SIGTERM among SIGHUPs: %v\n%s", err, p.log)
	}
}

func hangUp(t *testing.T, p *process) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// feed uploads a feed of n rows, the first of which is zero, and adds them to want.
func (w *world) feed(t *testing.T, store string, n int, want map[inventory.Key]int64) {
	t.Helper()
	body := bytes.NewBufferString("store,item,count\n")
	for i := range n {
		item := fmt.Sprintf("item %d", i)
		fmt.Fprintf(body, "%s,%s,%d\n", store, item, i)
		want[inventory.Key{Store: store, Item: item}] = int64(i)
	}
	_, err := w.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(sandbox.Bucket), Key: aws.String(store + ".csv"), Body: bytes.NewReader(body.Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reload changes sections of the configuration file, sends SIGHUP and waits for what the log says.
func (p *process) reload(t *testing.T, answer string, sections ...string) {
	t.Helper()
	kept := make([]string, 0, len(p.settings))
	for _, s := range p.settings {
		name, _, _ := strings.Cut(s, ":")
		replaced := false
		for i, n := range sections {
			if strings.HasPrefix(n, name+":") {
				// The section keeps what the daemon was started with.
				sections[i] = strings.TrimSuffix(s, "}") + "," + strings.TrimPrefix(n, name+": {")
				replaced = true
			}
		}
		if !replaced {
			kept = append(kept, s)
		}
	}
	if err := os.WriteFile(p.file, []byte(strings.Join(append(kept, sections...), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(p.log.String(), answer)
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, p, 20*time.Second, func() bool { return strings.Count(p.log.String(), answer) > before }, func() string { return "the log does not say " + answer })
}
