package main

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/pipenet"
)

// pipes is the daemon's listener and the way to it, within a bubble.
type pipes struct {
	*pipenet.Network
	end sync.Once
}

func newPipes() *pipes { return &pipes{Network: pipenet.New()} }

func (p *pipes) Close() error { p.end.Do(p.End); return nil }

// ask returns the daemon's answer.
func (p *pipes) ask(t *testing.T, path string) (code int, body string) {
	t.Helper()
	transport := &http.Transport{DialContext: p.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("http://daemon" + path)
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

// troubles are what can befall each service, and what /readyz then says. Traffic goes on meanwhile: an idle daemon
// does not call S3 or SNS.
var troubles = []struct {
	service string
	says    []string
}{
	{"s3", []string{"loader", "s3"}},
	{"sqs", []string{"loader", "queue"}},
	{"dynamodb", []string{"loader", "table"}},
	{"streams", []string{"stream"}},
	{"sns", []string{"notifier"}},
}

func TestOutageOfEachServiceIsNamedByReadyzWithin30s(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.service, func(t *testing.T) {
			notReadyWithin30s(t, fault.Rule{Service: tt.service, Client: "daemon", Effect: fault.Unavailable}, tt.says)
		})
	}
}

func TestCallsThatNeverAnswerShowInReadyzWithin30sAndNotInLivez(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.service, func(t *testing.T) {
			notReadyWithin30s(t, fault.Rule{Service: tt.service, Client: "daemon", Effect: fault.Effect{Hang: true}}, tt.says)
		})
	}
}

// notReadyWithin30s breaks a service under a running daemon and wants /readyz and the metrics to tell within 30 s, /livez to
// stay, and everything to be well again after the trouble.
func notReadyWithin30s(t *testing.T, rule fault.Rule, words []string) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		time.Sleep(time.Minute)
		if code, body := w.daemon.ask(t, "/readyz"); code != http.StatusOK {
			t.Fatalf("/readyz of a healthy daemon: %d %s", code, body)
		}
		mend := w.aws.Fault(rule)
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
		for range 20 { // ten minutes of it leave the process alive
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
	})
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
