package fire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// documented are the texts of log lines that docs/logs.md explains.
var documented = func() map[string]bool {
	page, err := os.ReadFile("../../docs/logs.md")
	if err != nil {
		panic(err)
	}
	texts := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllSubmatch(page, -1) {
		texts[string(row[1])] = true
	}
	return texts
}()

// logbook is what all processes of a daemon have written: on disk, each line looked at.
type logbook struct {
	town *town
	n    int

	mu      sync.Mutex // guards what follows
	file    *os.File
	rest    []byte // a line that is not whole yet
	size    int
	tail    string // the last line
	address string // of the present process's server
	strange map[string]bool
}

func newLogbook(t *town, n int) *logbook {
	f, err := os.Create(filepath.Join(t.dir, fmt.Sprintf("daemon%d.log", n)))
	if err != nil {
		panic(err)
	}
	return &logbook{town: t, n: n, file: f, strange: map[string]bool{}}
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size += len(b)
	l.rest = append(l.rest, b...)
	for {
		at := bytes.IndexByte(l.rest, '\n')
		if at < 0 {
			break
		}
		l.line(string(l.rest[:at]))
		l.rest = l.rest[at+1:]
	}
	return l.file.Write(b)
}

func (l *logbook) line(s string) {
	l.tail = s
	var entry struct{ Level, Msg, Address string }
	if err := json.Unmarshal([]byte(s), &entry); err != nil {
		if len(l.strange) < 10 { // a panic has many
			l.town.failed("daemon %d writes what is no JSON: %q", l.n, s)
		}
		l.strange[s] = true
		return
	}
	if entry.Msg == "http server listening" {
		l.address = entry.Address
	}
	if !documented[entry.Msg] && !l.strange[entry.Msg] {
		l.strange[entry.Msg] = true
		l.town.failed("daemon %d writes a line that docs/logs.md does not explain: %q", l.n, s)
	}
}

func (l *logbook) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail
}

func (l *logbook) written() (size int, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size, l.address
}

// gauges are the daemon's metrics, the sum over all labels of each.
func (d *daemon) gauges() (map[string]float64, error) {
	_, address := d.log.written()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bufio.NewReader(res.Body))
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			sums[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sums, nil
}

// ready asks /readyz; why says what is wrong.
func (d *daemon) ready() (ok bool, why string) {
	_, address := d.log.written()
	res, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		return false, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode == http.StatusOK, string(text)
}

// idle says whether nothing is left to do, as far as this daemon knows.
func (d *daemon) idle() bool {
	g, err := d.gauges()
	return err == nil && g["inventoryd_notifier_due_alerts"] == 0 && g["inventoryd_loader_messages_in_flight"] == 0 && g["inventoryd_stream_iterator_age_seconds"] < 1
}

// What a daemon may have when it is idle: beyond that something is left behind. 64 lanes, 4 workers, a reader of each
// shard and the servers' connections come to a third of it.
const (
	mostGoroutines = 300
	mostFiles      = 250
	mostMemory     = 128 << 20 // bytes resident
	mostLog        = 5 << 20   // bytes of all its processes
)

// keepsHouse says what the daemon has left behind: books that do not balance, goroutines, files, memory, logs.
func (d *daemon) keepsHouse() {
	failed := func(format string, args ...any) { d.town.failed("daemon %d: "+format, append([]any{d.n}, args...)...) }
	g, err := d.gauges()
	if err != nil {
		failed("its metrics: %v", err)
		return
	}
	balance := func(of, all string, parts ...string) {
		sum := 0.
		for _, p := range parts {
			sum += g[p]
		}
		if g[all] != sum {
			failed("the books of the %s do not balance: %s is %v, its parts %v", of, all, g[all], sum)
		}
	}
	const rows, records = "inventoryd_loader_rows_", "inventoryd_stream_records_"
	balance("loader", rows+"read_total", rows+"written_total", rows+"unchanged_total", rows+"merged_total", rows+"rejected_total",
		rows+"resumed_total", rows+"unwritten_total", rows+"abandoned_total")
	balance("stream", records+"read_total", records+"processed_total", records+"before_start_total", records+"diverted_total", records+"returned_total")
	if n := g["inventoryd_stream_records_diverted_total"]; n > 0 {
		failed("%v records were diverted", n)
	}
	if n := g["go_goroutines"]; n > mostGoroutines {
		failed("%v goroutines", n)
	}
	if n := g["process_open_fds"]; n > mostFiles {
		failed("%v open files", n)
	}
	if n := resident(d.pid()); n > mostMemory {
		failed("%d MiB resident", n>>20)
	}
	if size, _ := d.log.written(); size > mostLog {
		failed("%d bytes of log", size)
	}
}

// resident is a process's memory in bytes.
func resident(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(kib)[0])
			return n << 10
		}
	}
	return 0
}
