package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inventoryd/internal/health"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/pipenet"
)

// pipes is the daemon's listener and the way to it, within a bubble.
type pipes struct {
	*pipenet.Network
	end            sync.Once
	user, password string // "": none is given
}

func newPipes() *pipes { return &pipes{Network: pipenet.New()} }

func (p *pipes) Close() error { p.end.Do(p.End); return nil }

// ask returns the daemon's answer.
func (p *pipes) ask(t *testing.T, path string) (code int, body string) {
	t.Helper()
	transport := &http.Transport{DialContext: p.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.user != "" {
		r.SetBasicAuth(p.user, p.password)
	}
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// troubles are what can befall each service, or one table of it alone, and what /readyz then says. Traffic goes on
// meanwhile: an idle daemon does not call S3 or SNS.
var troubles = []struct {
	service, table string
	says           []string
}{
	{"s3", "", []string{"loader", "s3"}},
	{"sqs", "", []string{"not ready", "sqs"}},
	{"dynamodb", "", []string{"loader", "table"}},
	{"dynamodb", "Inventory", []string{"loader", "table"}},
	{"dynamodb", "inventoryd-state", []string{"notifier", "inventoryd-state"}},
	{"dynamodb", "inventoryd-leases", []string{"stream", "lease table"}},
	{"streams", "", []string{"stream"}},
	{"sns", "", []string{"notifier"}},
}

func TestOutageOfEachServiceIsNamedByReadyzWithin30s(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.service+tt.table, func(t *testing.T) {
			notReadyWithin30s(t, troubleWith(tt.service, tt.table, fault.Unavailable), tt.says)
		})
	}
}

func TestDeniedAccessToEachServiceIsNamedByReadyzWithin30s(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.service+tt.table, func(t *testing.T) {
			notReadyWithin30s(t, troubleWith(tt.service, tt.table, fault.AccessDenied), tt.says)
		})
	}
}

func TestCallsThatNeverAnswerShowInReadyzWithin30sAndNotInLivez(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.service+tt.table, func(t *testing.T) {
			notReadyWithin30s(t, troubleWith(tt.service, tt.table, fault.Effect{Hang: true}), tt.says)
		})
	}
}

// stalling lets an answer of S3 begin and not go on.
type stalling struct {
	http.RoundTripper
	on *atomic.Bool
}

func (s stalling) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err == nil && s.on.Load() && r.Method == http.MethodGet {
		res.Body = stalled{res.Body, r.Context()}
	}
	return res, err
}

type stalled struct {
	io.ReadCloser
	ctx context.Context
}

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}

func TestAnObjectThatDoesNotComeShowsInReadyzWithin30s(t *testing.T) {
	inPreparedBubble(t, func(_ *testing.T, w *world) { w.stalls = new(atomic.Bool) }, nil, func(t *testing.T, w *world) {
		notReadyWhile(t, w, func() (mend func()) {
			w.stalls.Store(true)
			return func() { w.stalls.Store(false) }
		}, []string{"loader", "bucket inventory"})
	})
}

// troubleWith breaks the daemon's calls of a service; with a table, only those that name it.
func troubleWith(service, table string, e fault.Effect) fault.Rule {
	rule := fault.Rule{Service: service, Client: "daemon", Effect: e}
	if table != "" {
		rule.Match = func(c fault.Call) bool { return bytes.Contains(c.Body, []byte(`"`+table+`"`)) }
	}
	return rule
}

// stuckLoop is a loop that does not turn, until something is over.
type stuckLoop struct {
	name  string
	until chan struct{}
}

// ticked holds up the loop that is to be stuck.
func (w *world) ticked(loop string) {
	if s := w.stuck.Load(); s != nil && s.name == loop {
		<-s.until
	}
}

// The loops are the daemon's own, and each really stands still, between two ticks. They are those that Config.Loop's
// callers name.
func TestALoopOfOurOwnThatIsStuckShowsInLivezWithin90s(t *testing.T) {
	for _, name := range loopsOf(t) {
		t.Run(name, func(t *testing.T) {
			inBubble(t, seldom, func(t *testing.T, w *world) {
				time.Sleep(time.Minute)
				stuck := &stuckLoop{name, make(chan struct{})}
				w.stuck.Store(stuck)
				time.Sleep(health.Stuck)
				code, body := w.daemon.ask(t, "/livez")
				if code != http.StatusServiceUnavailable || !strings.HasPrefix(body, "stuck: "+name+": no tick for 1m") {
					t.Errorf("/livez: %d %s", code, body)
				}
				if _, text := w.daemon.ask(t, "/metrics"); !strings.Contains(text, "\ninventoryd_loops_stuck 1\n") {
					t.Error("no metric tells of it")
				}
				w.stuck.Store(nil)
				close(stuck.until)
				time.Sleep(30 * time.Second)
				if code, body := w.daemon.ask(t, "/livez"); code != http.StatusOK {
					t.Errorf("/livez when it turns again: %d %s", code, body)
				}
			})
		})
	}
}

// Those who load an object are watched over while they do.
func TestAWorkerOrALaneThatStandsStillShowsInLivezWithin90s(t *testing.T) {
	for _, name := range []string{"loader.worker", "loader.lane"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, seldom, func(t *testing.T, w *world) {
				time.Sleep(time.Minute)
				stuck := &stuckLoop{name, make(chan struct{})}
				w.stuck.Store(stuck)
				w.upload(t)
				time.Sleep(time.Second + health.Stuck)
				if code, body := w.daemon.ask(t, "/livez"); code != http.StatusServiceUnavailable || !strings.HasPrefix(body, "stuck: "+name+": no tick for 1m") {
					t.Errorf("/livez: %d %s", code, body)
				}
				w.stuck.Store(nil)
				close(stuck.until)
				time.Sleep(5 * time.Minute)
				if code, body := w.daemon.ask(t, "/livez"); code != http.StatusOK {
					t.Errorf("/livez when it goes on: %d %s", code, body)
				}
				w.exact(t, map[string]int{}, 1)
			})
		})
	}
}

// loopsOf are the names of the loops of a daemon that does all its work.
func loopsOf(t *testing.T) (names []string) {
	inBubble(t, seldom, func(t *testing.T, w *world) {
		w.upload(t)
		time.Sleep(time.Minute)
		_, body := w.daemon.ask(t, "/status")
		var status struct{ Health health.Report }
		if err := json.Unmarshal([]byte(body), &status); err != nil {
			t.Fatal(err)
		}
		for _, l := range status.Health.Loops {
			names = append(names, l.Name)
		}
	})
	for _, want := range []string{"loader.intake", "loader.heartbeat", "notifier", "metrics.push"} {
		if !slices.Contains(names, want) {
			t.Errorf("no loop is called %s: %v", want, names)
		}
	}
	t.Log(names)
	return names
}

// notReadyWithin30s breaks a service under a running daemon and wants /readyz and the metrics to tell within 30 s, /livez to
// stay, and everything to be well again after the trouble.
func notReadyWithin30s(t *testing.T, rule fault.Rule, words []string) {
	change := seldom
	if rule.Service == "sns" || rule.Service == "streams" { // its 30 s begin when the stream is read
		change = nil
	}
	inBubble(t, change, func(t *testing.T, w *world) {
		notReadyWhile(t, w, func() (mend func()) { return w.aws.Fault(rule) }, words)
	})
}

func notReadyWhile(t *testing.T, w *world, spoil func() (mend func()), words []string) {
	time.Sleep(time.Minute)
	if code, body := w.daemon.ask(t, "/readyz"); code != http.StatusOK {
		t.Fatalf("/readyz of a healthy daemon: %d %s", code, body)
	}
	mend := spoil()
	w.upload(t)
	time.Sleep(30 * time.Second)
	code, body := w.daemon.ask(t, "/readyz")
	if code != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d %s", code, body)
	}
	says(t, strings.ToLower(body), words...)
	if _, text := w.daemon.ask(t, "/metrics"); !strings.Contains(text, "\ninventoryd_parts_unready ") || strings.Contains(text, "\ninventoryd_parts_unready 0") {
		t.Errorf("/metrics does not tell of a part that is not ready")
	}
	for range 6 { // three minutes of it, twice the time after which a loop is stuck, leave the process alive
		time.Sleep(30 * time.Second)
		if code, body := w.daemon.ask(t, "/livez"); code != http.StatusOK {
			t.Fatalf("/livez: %d %s", code, body)
		}
	}
	mend()
	time.Sleep(5 * time.Minute)
	if code, body := w.daemon.ask(t, "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz after the trouble: %d %s", code, body)
	}
	w.exact(t, map[string]int{}, 1)
}

func TestStatusTellsWhatEachPartDid(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		w.upload(t)
		time.Sleep(time.Minute)
		code, body := w.daemon.ask(t, "/status")
		if code != http.StatusOK {
			t.Fatalf("/status: %d %s", code, body)
		}
		says(t, body, `"loader"`, `"zurich.csv"`, `"stream"`, `"shards"`, `"notifier"`, `"published": 6`, `"health"`)
	})
}

// A daemon that starts in the middle of an outage says what it waits for, and begins to work when that is over.
func TestAnOutageAtTheStartIsNamedByReadyzWithin30s(t *testing.T) {
	for service, part := range map[string]string{"sqs": "loader: ", "sns": "notifier: ", "dynamodb": "tables: ", "streams": "stream: "} {
		t.Run(service, func(t *testing.T) {
			var mend func()
			spoil := func(_ *testing.T, w *world) {
				mend = w.aws.Fault(fault.Rule{Service: service, Client: "daemon", Effect: fault.Unavailable})
			}
			inPreparedBubble(t, spoil, seldom, func(t *testing.T, w *world) {
				w.upload(t)
				time.Sleep(30 * time.Second)
				code, body := w.daemon.ask(t, "/readyz")
				named := func(line string) bool {
					return strings.HasPrefix(line, part+"not ready") && strings.Contains(line, "ServiceUnavailable")
				}
				if code != http.StatusServiceUnavailable || !slices.ContainsFunc(strings.Split(body, "\n"), named) {
					t.Errorf("/readyz: %d %s", code, body)
				}
				mend()
				time.Sleep(5 * time.Minute)
				if code, body := w.daemon.ask(t, "/readyz"); code != http.StatusOK {
					t.Errorf("/readyz after the outage: %d %s", code, body)
				}
				w.exact(t, map[string]int{}, 1)
			})
		})
	}
}
