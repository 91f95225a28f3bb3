// Package browser holds the tests of the page in a real browser: Debian's Chromium without a screen, driven by chromedp,
// in front of the real HTTP server, which reads the sandbox's table.
package browser

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"inventoryd/internal/health"
	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/web"
	"inventoryd/internal/web/page"
	"inventoryd/internal/web/stock"
	"inventoryd/samples"
)

// shop is a daemon's page with the table behind it.
type shop struct {
	t       *testing.T
	box     *sandbox.Sandbox
	table   *dynamodb.Client
	reader  *stock.Reader
	address string // http://host:port/
}

// open makes an empty shop. Its page ends with the test.
func open(t *testing.T, change func(*page.Config, *stock.Config)) *shop {
	t.Helper()
	return openServed(t, change, nil)
}

// openServed is open with a server of its own kind.
func openServed(t *testing.T, change func(*page.Config, *stock.Config), serve func(*web.Config)) *shop {
	t.Helper()
	box := sandbox.New()
	if err := box.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, box: box, table: dynamodb.NewFromConfig(box.Config("feed"))}
	reading := stock.Config{Table: inventory.DefaultTable, Units: 500, Threshold: func() int64 { return 3 }}
	shown := page.Config{App: "inventoryd", Version: "test"}
	if change != nil {
		change(&shown, &reading)
	}
	shown.Reader = stock.New(dynamodb.NewFromConfig(box.Config("page")), reading)
	s.reader = shown.Reader
	p := page.New(shown)
	c := web.DefaultConfig()
	c.Listen = "127.0.0.1:0"
	if serve != nil {
		serve(&c)
	}
	server, err := web.New(c, web.Parts{
		Health: health.New(), Metrics: http.NotFoundHandler(), Status: func() any { return nil }, Page: p,
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	s.address = "http://" + listener.Addr().String() + "/"
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	running.Go(func() {
		if err := server.Run(ctx, listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

func (s *shop) put(store, item string, count int64) {
	s.t.Helper()
	s.write([]inventory.Item{{Key: inventory.Key{Store: store, Item: item}, Count: count}})
}

func (s *shop) write(rows []inventory.Item) {
	s.t.Helper()
	for len(rows) > 0 {
		n := min(25, len(rows))
		batch := make([]types.WriteRequest, n)
		for i, row := range rows[:n] {
			batch[i].PutRequest = &types.PutRequest{Item: inventory.DefaultTable.Attributes(row)}
		}
		_, err := s.table.BatchWriteItem(context.Background(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{sandbox.Table: batch}})
		if err != nil {
			s.t.Fatal(err)
		}
		rows = rows[n:]
	}
}

func (s *shop) remove(store, item string) {
	s.t.Helper()
	_, err := s.table.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: aws.String(sandbox.Table), Key: inventory.DefaultTable.KeyAttributes(inventory.Key{Store: store, Item: item}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// loadSamples puts the rows of the sample feeds.
func (s *shop) loadSamples() (rows []inventory.Item) {
	s.t.Helper()
	for name, body := range samples.Feeds() {
		lines, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err != nil {
			s.t.Fatal(name, err)
		}
		for _, line := range lines[1:] {
			n, err := strconv.ParseInt(line[2], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			rows = append(rows, inventory.Item{Key: inventory.Key{Store: line[0], Item: line[1]}, Count: n})
		}
	}
	s.write(rows)
	return rows
}

// at is the address of a page of the shop.
func (s *shop) at(path string, query ...string) string {
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	if len(q) == 0 {
		return s.address + path
	}
	return s.address + path + "?" + q.Encode()
}

// chromium is the browser, which all tests share; each has a tab with a profile of its own.
var chromium struct {
	once sync.Once
	ctx  context.Context
	end  func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.end != nil {
		chromium.end()
	}
	os.Exit(code)
}

func start() {
	path, err := exec.LookPath("chromium")
	if err != nil {
		chromium.err = fmt.Errorf("there is no chromium; `make browser` installs it where there is apt-get")
		return
	}
	profile, err := os.MkdirTemp("", "inventoryd-browser-")
	if err != nil {
		chromium.err = err
		return
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Headless, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Env("TZ=Europe/Berlin"), chromedp.WSURLReadTimeout(time.Minute),
	}
	all, endAll := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(all)
	chromium.ctx, chromium.err = ctx, chromedp.Do(ctx)
	chromium.end = func() { end(); endAll(); os.RemoveAll(profile) }
}

// tab is a page of the browser, and what it did that it must not.
type tab struct {
	context.Context
	t *testing.T

	mu       sync.Mutex // guards what follows
	requests []string   // addresses asked for
	errors   []string   // of scripts, and of the Content-Security-Policy
	answers  []answered
}

// look opens a tab; what does not fit the policy or leaves the host fails the test at its end.
func (s *shop) look(before ...step) *tab {
	s.t.Helper()
	chromium.once.Do(start)
	if chromium.err != nil {
		s.t.Skip(chromium.err)
	}
	ctx, end := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	v := &tab{t: s.t}
	if err := chromedp.Listen(ctx, v.note); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	v.Context = ctx
	s.t.Cleanup(func() {
		cancel()
		end()
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, r := range v.requests {
			if !strings.HasPrefix(r, s.address) && !strings.HasPrefix(r, "data:") && !strings.HasPrefix(r, "about:") {
				s.t.Errorf("the page asks another host: %s", r)
			}
		}
		for _, e := range v.errors {
			s.t.Error(e)
		}
	})
	v.do(call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), chromedp.EmulateViewport(1280, 900))
	v.do(before...)
	return v
}

func (v *tab) note(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		v.requests = append(v.requests, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Response.Headers != nil {
			v.answers = append(v.answers, answered{e.Response})
		}
	case *runtime.EventExceptionThrown:
		v.errors = append(v.errors, fmt.Sprintf("script: %s in line %d: %s", e.ExceptionDetails.Text, e.ExceptionDetails.LineNumber, e.ExceptionDetails.Exception.Description))
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork && e.Entry.Level == log.EntryLevelError {
			v.errors = append(v.errors, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

// step is something to do in a tab that brings no value.
type step = chromedp.Action[chromedp.Void]

// call is a command of the protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func (v *tab) do(steps ...step) {
	v.t.Helper()
	if err := chromedp.Do(v, steps...); err != nil {
		v.t.Fatal(err)
	}
}

// open shows a page and waits until its script has run.
func (v *tab) open(address string) {
	v.t.Helper()
	v.do(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("footer")))
}

// eval is the value of an expression of the page.
func eval[T any](v *tab, expression string) T {
	v.t.Helper()
	value, err := chromedp.Run(v, chromedp.Evaluate[T](expression))
	if err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for an expression to be true, at most patience, and returns how long that took.
func (v *tab) until(patience time.Duration, expression string) time.Duration {
	v.t.Helper()
	begin := time.Now()
	for {
		true, err := chromedp.Run(v, chromedp.Evaluate[bool]("!!("+expression+")"))
		took := time.Since(begin)
		if true && err == nil {
			return took
		}
		if took > patience { // an error may come of a page that is being left
			v.t.Fatalf("%s is not true within %v: %v\n%s", expression, patience, err, eval[string](v, "document.body.innerText"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// table is the text of the rows: each cell that is shown, by blanks.
func (v *tab) table() []string {
	v.t.Helper()
	return eval[[]string](v, `[...document.querySelectorAll("#rows tr")].map(r => [...r.cells].filter(c => !c.matches(".chart")).map(c => c.textContent).join(" | "))`)
}
