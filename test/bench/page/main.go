// Command page measures what looking costs: in Chromium, the time until a store of 10,000 items is painted, and until all of it
// is counted and sorted; the size of its HTML; and the memory of a process that shows a million items to 50 lookers, once
// each has seen its store whole and asked for its rows. DynamoDB is a stub in another process that makes its answers up; the
// page, its server, the SDK's client and the garbage collector's settings are the daemon's. It prints `name value unit` lines.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/chromedp/chromedp"

	"inventoryd/internal/collector"
	"inventoryd/internal/health"
	"inventoryd/internal/inventory"
	"inventoryd/internal/transport"
	"inventoryd/internal/web"
	"inventoryd/internal/web/page"
	"inventoryd/internal/web/stock"
	"inventoryd/test/figure"
)

const (
	paints  = 5  // of a store each
	stores  = 20 // with 50,000 items each: a million
	items   = 50_000
	lookers = 50
)

func main() {
	var err error
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		err = serve(os.Args[2], os.Args[3])
	} else {
		err = measure()
	}
	if err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	if err := measurePaint(); err != nil {
		return err
	}
	return measureMemory()
}

// serve is the process that is measured: the page in front of the table at endpoint, with a budget of units. It prints its
// address and ends with its standard input.
func serve(endpoint, units string) error {
	n, err := strconv.Atoi(units)
	if err != nil {
		return err
	}
	collector.Tune()
	table := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
		Retryer: aws.NopRetryer{}, DisableValidateResponseChecksum: true,
		HTTPClient: transport.Client(http.DefaultTransport, transport.JSON, 10*time.Second), // the SDK alone breaks its connections
	})
	p := page.New(page.Config{App: "bench", Reader: stock.New(table, stock.Config{Table: inventory.DefaultTable, Units: n})})
	server, err := web.New(web.Config{Listen: "127.0.0.1:0"}, web.Parts{
		Health: health.New(), Metrics: http.NotFoundHandler(), Status: func() any { return nil }, Page: p,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String() + "/")
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	running.Go(func() { err = server.Run(ctx, listener) })
	_, _ = io.Copy(io.Discard, os.Stdin)
	end()
	running.Wait()
	return err
}

// served is a process that serves.
type served struct {
	*exec.Cmd
	address string
	input   io.Closer
}

// begin starts a table of so many items a store, and a process that shows it.
func begin(perStore, units int) (*served, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { log.Fatal(http.Serve(listener, stub{perStore})) }() // ends with the benchmark
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &served{Cmd: exec.Command(self, "serve", "http://"+listener.Addr().String(), strconv.Itoa(units))}
	s.Stderr = os.Stderr
	if s.input, err = s.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	s.address = strings.TrimSpace(line)
	return s, err
}

func (s *served) end() error {
	s.input.Close()
	return s.Wait()
}

// seen is when the page was first painted, when all 10,000 items were in it (with the first paint, if the page came so), and
// how many bytes it has.
const seen = `(async () => {
	const wait = () => new Promise(done => setTimeout(done, 5));
	const all = () => document.getElementById("n-items")?.textContent === "10,000" && document.getElementById("reading")?.hidden;
	const atOnce = all();
	let paint;
	while (!(paint = performance.getEntriesByName("first-contentful-paint")[0])) await wait();
	while (!all()) await wait();
	return [paint.startTime, atOnce ? paint.startTime : performance.now(), performance.getEntriesByType("navigation")[0].decodedBodySize];
})()`

// measurePaint takes the browser's own figure: from the beginning of the navigation to the first contentful paint, of
// stores that nobody has looked at before.
func measurePaint() error {
	path, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintln(os.Stderr, "page_first_paint_ms: not measured, there is no chromium (make browser)")
		return nil
	}
	s, err := begin(10_000, 50)
	if err != nil {
		return err
	}
	all, endAll := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	defer endAll()
	ctx, end := chromedp.NewContext(all)
	defer end()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return err
	}
	var painted, whole, size []float64
	atOnce := 0
	for i := range paints {
		time.Sleep(5 * time.Second) // what is put by for who comes has come in again
		if err := chromedp.Do(ctx, chromedp.Navigate(fmt.Sprintf("%s?store=Store+%02d", s.address, i))); err != nil {
			return err
		}
		f, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](seen, chromedp.EvalAwaitPromise))
		if err != nil {
			return err
		}
		painted, whole, size = append(painted, f[0]), append(whole, f[1]), append(size, f[2]/1024)
		if f[1] == f[0] {
			atOnce++
		}
	}
	figure.Print("page_first_paint_ms", "ms", painted...)
	figure.Print("page_all_items_ms", "ms", whole...)
	figure.Print("page_html_kib", "KiB", size...)
	fmt.Fprintf(os.Stderr, "page_first_paint_ms: %d of %d first paints were of all 10,000 items\n", atOnce, paints)
	return s.end()
}

// measureMemory takes the most that the process ever had, once every looker of a store has seen it whole.
func measureMemory() error {
	s, err := begin(items, 50_000) // so that a million items pass in a minute; the bound does not depend on the pace
	if err != nil {
		return err
	}
	idle, err := resident(s.Process.Pid)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	failed := make(chan error, lookers)
	for i := range lookers {
		query, enough := fmt.Sprintf("?store=Store+%02d", i%stores), `"whole":true`
		if i%10 == 9 {
			query, enough = "", `data: ` // the sums: one page in 21 calls is theirs, so not the whole
		}
		all.Go(func() {
			if err := look(ctx, s.address, query, enough); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	peak, err := resident(s.Process.Pid)
	if err != nil {
		return err
	}
	figure.Print("page_rss_mib", "MiB", peak)
	fmt.Fprintf(os.Stderr, "page_rss_mib: of which %.1f MiB before anybody looked\n", idle)
	return s.end()
}

// look does what a browser does: it gets the page, takes events until one has what is enough, and asks for the rows.
func look(ctx context.Context, address, query, enough string) error {
	return errors.Join(
		get(ctx, address+query, ""),
		get(ctx, address+"api/v1/events"+query, enough),
		get(ctx, address+"api/v1/items"+cmp.Or(query, "?")+"&sort=need&limit=1000", ""))
}

// get reads an answer, up to the line that has what is enough; "": whole.
func get(ctx context.Context, address, enough string) error {
	r, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	for lines := bufio.NewReader(a.Body); ; {
		line, err := lines.ReadString('\n')
		switch {
		case enough != "" && strings.Contains(line, enough), enough == "" && err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%s: the answer ended early: %w", address, err)
		}
	}
}

// resident is the most memory in MiB that a process ever had resident.
func resident(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", pid)
}
