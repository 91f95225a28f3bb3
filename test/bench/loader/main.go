// Command loader measures what loading a feed costs. It prints `name value unit` lines.
//
// The loader is the daemon's own binary, `inventoryd load`, as a child process: its CPU and memory come from its
// rusage. S3 and DynamoDB are another process that answers at once, or after 5 ms: it checks that calls are signed,
// counts the rows, and keeps the table's final state. A tenth of the keys come again in later batches with another
// count, and the final state must be right, else the run fails.
//
// The floors are the same BatchWriteItem bodies, made ready beforehand: sent by net/http alone, and over a connection of
// its own for each sender, without signatures and with them. Subject, also by TLS, SDK path (loader.fast_path: false) and
// floors take turns in one run. compare.sh has two binaries take turns.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"inventoryd/test/figure"
)

func main() {
	var (
		bin  = flag.String("bin", "bin/inventoryd", "the daemon's binary")
		rows = flag.Int("rows", 1_000_000, "rows of the feed")
		runs = flag.Int("runs", 5, "runs of each kind")
		huge = flag.Int("huge", 10_000_000, "rows of the feed whose load shows that memory does not depend on the size; 0: none")
		part = flag.String("part", "", "load, zstd, capacity or delta: that part alone")
		sdk  = flag.Bool("sdk", true, "measure loader.fast_path: false too; a binary from before it does not know it")
		role = flag.String("role", "", "for the children: stub, floor or zstd")
		by   = flag.String("by", "", "for the floor: http, own (connections of its own) or signed (likewise, and signatures)")
		cert = flag.String("cert", "", "for the stub: a directory with a certificate")
		at   = flag.String("at", "", "for the children: where the stub listens")
	)
	flag.Parse()
	var err error
	switch {
	case *role == "stub":
		err = serve(*cert)
	case *role == "zstd":
		err = serveZstd()
	case *role == "floor":
		err = replay(*at, *rows, *by)
	default:
		err = measure(*bin, *part, *rows, *runs, *huge, *sdk)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench loader:", err)
		os.Exit(1)
	}
}

// measure runs everything and prints the medians.
func measure(bin, part string, rows, runs, huge int, withSDK bool) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := certify(dir); err != nil {
		return err
	}
	s, err := startStub("stub", "-cert", dir)
	if err != nil {
		return err
	}
	defer s.stop()
	if s.secure, err = s.line(); err != nil {
		return err
	}
	s.authority = filepath.Join(dir, certFile)
	for _, p := range []struct {
		name    string
		measure func() error
	}{
		{"load", func() error { return s.loads(bin, rows, runs, huge, withSDK) }},
		{"zstd", func() error { return zstdMemory(bin) }},
		{"capacity", func() error { return s.capacities(bin, runs) }},
		{"delta", func() error { return s.deltas(bin, rows, runs) }},
	} {
		if part != "" && part != p.name {
			continue
		}
		if err := p.measure(); err != nil {
			return err
		}
	}
	return nil
}

// loads measures what loads into a table cost that takes whatever comes.
func (s *stub) loads(bin string, rows, runs, huge int, withSDK bool) error {
	var cpu, sdk, sdkFast, floor, own, signed, fast, slow, slowCPU, secure, peak []float64
	for range runs {
		atOnce, err := s.load(bin, rows, 0)
		if err != nil {
			return err
		}
		if withSDK {
			r, err := s.load(bin, rows, 0, "INVENTORYD_LOADER_FAST_PATH=false")
			if err != nil {
				return err
			}
			sdk, sdkFast = append(sdk, r.cpu), append(sdkFast, r.perSecond)
		}
		late, err := s.load(bin, rows, 5*time.Millisecond)
		if err != nil {
			return err
		}
		t, err := s.load(bin, rows, 0, "INVENTORYD_AWS_ENDPOINT="+s.secure, "AWS_CA_BUNDLE="+s.authority)
		if err != nil {
			return err
		}
		for by, figures := range map[string]*[]float64{"http": &floor, "own": &own, "signed": &signed} {
			f, err := s.floor(rows, by)
			if err != nil {
				return err
			}
			*figures = append(*figures, f)
		}
		cpu, fast = append(cpu, atOnce.cpu), append(fast, atOnce.perSecond)
		slow, slowCPU = append(slow, late.perSecond), append(slowCPU, late.cpu)
		secure = append(secure, t.cpu)
		peak = append(peak, max(atOnce.peak, late.peak, t.peak))
	}
	if withSDK {
		figure.Print("load_cpu_us_per_row_sdk", "us", sdk...)
		figure.Print("load_rows_per_s_0ms_sdk", "rows/s", sdkFast...)
	}
	figure.Print("load_own_connection_floor_us", "us", own...)
	figure.Print("load_own_signed_floor_us", "us", signed...)
	figure.Print("load_cpu_us_per_row", "us", cpu...)
	figure.Print("load_cpu_us_per_row_tls", "us", secure...)
	figure.Print("load_cpu_us_per_row_5ms", "us", slowCPU...)
	figure.Print("load_floor_cpu_us_per_row", "us", floor...)
	figure.Print("load_rows_per_s_0ms", "rows/s", fast...)
	figure.Print("load_rows_per_s_5ms", "rows/s", slow...)
	figure.Print("load_rss_mib", "MiB", peak...)
	if huge > 0 {
		r, err := s.load(bin, huge, 0)
		if err != nil {
			return err
		}
		figure.Print("load_peak_rss_mib", "MiB", r.peak)
	}
	return nil
}

// result is one run of the loader.
type result struct {
	cpu       float64 // µs per row, user and system
	perSecond float64 // rows
	peak      float64 // MiB
}

// stub is the process in the place of S3 and DynamoDB.
type stub struct {
	cmd *exec.Cmd
	out *bufio.Reader
	url string

	secure, authority string // its URL by TLS, and a file with who certifies it
}

// startStub starts a child of that role, whose first line says where it listens.
func startStub(role string, args ...string) (*stub, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"-role", role}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &stub{cmd: cmd, out: bufio.NewReader(out)}
	if s.url, err = s.line(); err != nil {
		s.stop()
		return nil, fmt.Errorf("the stub does not start: %w", err)
	}
	return s, nil
}

// line waits for the next line that the child prints.
func (s *stub) line() (string, error) {
	line, err := s.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (s *stub) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// load runs the loader once, with further variables in its environment.
func (s *stub) load(bin string, rows int, latency time.Duration, env ...string) (result, error) {
	if err := s.ask(fmt.Sprintf("/_begin?rows=%d&latency=%v", rows, latency)); err != nil {
		return result{}, err
	}
	cmd := exec.Command(bin, "load", "s3://inventory/feed.csv")
	cmd.Env = append(os.Environ(), "INVENTORYD_AWS_ENDPOINT="+s.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKBENCH", "AWS_SECRET_ACCESS_KEY=secret")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("%s: %w: %s", bin, err, out)
	}
	took, err := duration(string(out))
	if err != nil {
		return result{}, err
	}
	if err := s.ask("/_end?hash=true"); err != nil {
		return result{}, err
	}
	peak, err := peakOf(cmd.ProcessState)
	return result{cpuPerRow(cmd.ProcessState, rows), float64(rows) / took.Seconds(), peak}, err
}

// peakOf is the largest memory of a child, in MiB. What its parent had when it started it counts as the child's (getrusage(2)):
// so this process has to stay smaller.
func peakOf(p *os.ProcessState) (float64, error) {
	child := p.SysUsage().(*syscall.Rusage).Maxrss
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, err
	}
	if own.Maxrss >= child {
		return 0, fmt.Errorf("the child's memory is not known: this process has taken %d KiB itself", own.Maxrss)
	}
	return float64(child) / 1024, nil
}

// floor replays ready-made bodies once; the child prints its CPU for that part.
func (s *stub) floor(rows int, by string) (float64, error) {
	if err := s.ask(fmt.Sprintf("/_begin?rows=%d&latency=0", rows)); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, "-role", "floor", "-at", s.url, "-rows", strconv.Itoa(rows), "-by", by)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	if err := s.ask("/_end?hash=false"); err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(out), 64)
}

// ask tells the stub that a run begins, or asks whether it was right.
func (s *stub) ask(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the run is void: %s", text)
	}
	return err
}

var tookPattern = regexp.MustCompile(`loaded in ([0-9a-zµ.]+):`)

// duration reads how long the load took from the loader's line.
func duration(out string) (time.Duration, error) {
	m := tookPattern.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("the loader said %q", out)
	}
	return time.ParseDuration(m[1])
}

func cpuPerRow(p *os.ProcessState, rows int) float64 {
	return float64((p.UserTime() + p.SystemTime()).Microseconds()) / float64(rows)
}
