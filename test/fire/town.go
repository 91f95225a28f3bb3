package fire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/dynamo"
	"inventoryd/internal/sandbox/queues"
)

// daemonName begins the access keys by which the sandbox knows the daemons' calls.
const daemonName = "daemon"

// town is the sandbox behind a port, and the daemons at work on it.
type town struct {
	dir, binary string
	config      string // the file that lists feeds; all else is flags
	box         *sandbox.Sandbox
	endpoint    string
	services    []string // settings that say where the services are
	key         string   // access key of all daemons; empty: each has its own
	tables      *dynamodb.Client
	witness     *witness
	daemons     []*daemon
	reports     string                           // directory of reports on rejected rows
	foreign     atomic.Pointer[http.HandlerFunc] // answers the daemons instead of the services
	refusable   atomic.Int32                     // reasons for which a daemon may refuse to start
	opened      time.Time                        // when the steps of the plan began, by the services' clock
	burned      time.Time                        // and when they were over; zero: they are not

	mu    sync.Mutex // guards what follows
	wrong []string   // findings by the way
}

// promised is what the daemons' settings promise.
var promised = promise{rate: 20, burst: 5}

// found takes a town without daemons into operation; they work with the binary, and all they write is below dir.
func found(ctx context.Context, dir, binary string) (*town, error) {
	t := &town{dir: dir, binary: binary, box: sandbox.New(), reports: filepath.Join(dir, "rejects"), config: filepath.Join(dir, "config.yaml")}
	t.witness = newWitness(t.box.Clock)
	t.box.Tables.OnWrite(t.witness.saw)
	t.box.Tables.LimitThroughput(dynamo.DefaultSplit)
	if err := t.box.Provision(ctx); err != nil {
		return nil, err
	}
	// Ten receives, not five: here a message may be in the hands of several daemons that are killed.
	redrive := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"10"}`, queues.ARN(sandbox.DeadLetterQueue))
	if _, err := t.box.Queues.Create(streamDeadLetters, nil); err != nil {
		return nil, err
	}
	if err := os.Mkdir(t.reports, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(t.config, configuration(), 0o600); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.endpoint = "http://" + l.Addr().String()
	t.services = []string{"aws.endpoint=" + t.endpoint, "metrics.cloudwatch.interval=10s"}
	t.box.Queues.At(t.endpoint)
	t.tables = dynamodb.NewFromConfig(t.box.Config("others"), func(o *dynamodb.Options) { o.RetryMaxAttempts = 20 }) // a kiosk's partition may be full
	_, err = sqs.NewFromConfig(t.box.Config("others")).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(t.endpoint + "/" + sandbox.Account + "/" + sandbox.EventQueue), Attributes: map[string]string{"RedrivePolicy": redrive},
	})
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: t, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	context.AfterFunc(ctx, func() { _ = server.Close() })
	for n := range daemons {
		t.daemons = append(t.daemons, newDaemon(t, n))
	}
	return t, nil
}

const streamDeadLetters = "stream-dlq"

// ServeHTTP is the sandbox, or who answers in its stead; only daemons are fooled.
func (t *town) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := t.foreign.Load(); f != nil && strings.Contains(r.Header.Get("Authorization"), "Credential="+daemonName) {
		(*f)(w, r)
		return
	}
	t.box.ServeHTTP(w, r)
}

func (t *town) failed(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.wrong) < 100 {
		t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
	}
}

// collect takes what reached the subscriber.
func (t *town) collect() {
	for _, m := range t.box.Queues.Drain(sandbox.Inbox) {
		if err := t.witness.received(m.Body); err != nil {
			t.failed("the subscriber cannot read %q: %v", m.Body, err)
		}
	}
}

// evidence is how things stand.
func (t *town) evidence(ctx context.Context) (evidence, error) {
	t.collect()
	e := evidence{witness: t.witness, promise: promised, opened: t.opened, burned: t.burned}
	e.waiting, e.dead = t.lying(sandbox.EventQueue), t.lying(sandbox.DeadLetterQueue)
	var err error
	e.table, err = t.rows(ctx)
	return e, err
}

// rows is the table.
func (t *town) rows(ctx context.Context) (map[known]int64, error) {
	rows := map[known]int64{}
	pages := dynamodb.NewScanPaginator(t.tables, &dynamodb.ScanInput{TableName: aws.String(sandbox.Table), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, attributes := range page.Items {
			if i, err := inventory.DefaultTable.ItemOf(attributes); err == nil { // others write what is none
				rows[i.Key] = i.Count
			}
		}
	}
	return rows, nil
}

// lying are the bodies of all messages of a queue.
func (t *town) lying(queue string) (bodies []string) {
	c := t.box.Queues.Contents(queue)
	for _, m := range slices.Concat(c.Visible, c.InFlight, c.Delayed) {
		bodies = append(bodies, m.Body)
	}
	return bodies
}

// command runs one of inventoryd's as a person would.
func (w *town) command(name string, args ...string) ([]byte, error) {
	flags := []string{name, "-c", w.config}
	for _, set := range w.services {
		flags = append(flags, "--set", set)
	}
	cmd := exec.Command(w.binary, append(flags, args...)...)
	cmd.Env = []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + cmp.Or(w.key, "people"), "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true"}
	return cmd.CombinedOutput()
}

// daemon is a process that is started again when it ends, as systemd does.
type daemon struct {
	town *town
	n    int
	log  *logbook
	done chan struct{} // closed when it is not started any more

	mu     sync.Mutex // guards what follows
	cmd    *exec.Cmd  // nil: it does not run
	killed bool       // the present process was told to end, or killed
	sets   []string   // settings of the next start
	rest   time.Duration
	end    bool
}

func newDaemon(t *town, n int) *daemon {
	return &daemon{town: t, n: n, done: make(chan struct{}), log: newLogbook(t, n)}
}

// restart is systemd's RestartSec= of the unit.
const restart = time.Second

// supervise runs the daemon until end is called.
func (d *daemon) supervise() {
	defer close(d.done)
	for d.start() {
		err := d.cmd.Wait()
		d.mu.Lock()
		code, killed, rest := d.cmd.ProcessState.ExitCode(), d.killed, d.rest
		d.cmd, d.killed, d.rest = nil, false, 0
		d.mu.Unlock()
		switch {
		case killed && code <= 0:
		case code == 2 && d.town.refusable.Load() > 0: // the directory of reports cannot be written: it says so and does not start
		default:
			d.town.failed("daemon %d ended by itself at %s: %v; the end of its log: %s", d.n, clockTime(time.Now()), err, d.log.last())
		}
		time.Sleep(max(rest, restart))
	}
}

// start starts the process; false: it is to run no more.
func (d *daemon) start() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.end {
		return false
	}
	args := []string{"run", "-c", d.town.config}
	for _, set := range append([]string{
		"http.listen=127.0.0.1:0", "log.format=json", "shutdown_timeout=15s",
		"loader.visibility=5s", "loader.rejects=" + d.town.reports,
		"stream.lease_duration=3s", "stream.dead_letter_queue=" + streamDeadLetters,
		"notifier.rate=" + fmt.Sprint(promised.rate), "notifier.group_wait=200ms", "notifier.group_interval=2s", "notifier.format=json", "notifier.restocked=true",
	}, slices.Concat(d.town.services, d.sets)...) {
		args = append(args, "--set", set)
	}
	state := filepath.Join(d.town.dir, fmt.Sprint("state", d.n))
	if err := os.MkdirAll(state, 0o700); err != nil {
		d.town.failed("%v", err)
	}
	d.cmd = exec.Command(d.town.binary, args...)
	d.cmd.Env = []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + cmp.Or(d.town.key, daemonName+fmt.Sprint(d.n)), "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true",
		"STATE_DIRECTORY=" + state,
	}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		d.town.failed("daemon %d: %v", d.n, err)
		return false
	}
	d.town.witness.started()
	return true
}

func (d *daemon) signal(s syscall.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return
	}
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		d.killed = true
	}
	if err := d.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.town.failed("signal daemon %d: %v", d.n, err)
	}
}

// stop ends the process in order; after rest it is started again with these settings.
func (d *daemon) stop(settings string, rest time.Duration) {
	d.signal(syscall.SIGCONT)
	d.signal(syscall.SIGTERM)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sets, d.rest = strings.Fields(settings), rest
}

// retire ends the daemon for good.
func (d *daemon) retire(patience time.Duration) {
	d.mu.Lock()
	d.end = true
	d.mu.Unlock()
	d.signal(syscall.SIGCONT)
	d.signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(patience):
		d.town.failed("daemon %d does not stop within %s", d.n, patience)
		d.signal(syscall.SIGKILL)
		<-d.done
	}
}

// pid is the process's number; 0: it does not run.
func (d *daemon) pid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return 0
	}
	return d.cmd.Process.Pid
}
