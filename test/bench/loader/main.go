// Command loader measures what loading a feed costs. It prints `name value unit` lines, each the median of several runs,
// and the spread of the runs on standard error.
//
// The loader is the daemon's own binary, `inventoryd load`, as a child process: its CPU and memory come from its
// rusage. S3 and DynamoDB are another process that answers at once, or after 5 ms: it checks that calls are signed,
// counts the rows, and keeps the table's final state. A tenth of the keys come again in later batches with another
// count, and the final state must be right, else the run fails.
//
// The floor is the same BatchWriteItem bodies, made ready beforehand, sent by net/http alone.
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
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"
)

func main() {
	var (
		bin  = flag.String("bin", "bin/inventoryd", "the daemon's binary")
		rows = flag.Int("rows", 1_000_000, "rows of the feed")
		runs = flag.Int("runs", 5, "runs of each kind")
		peak = flag.Bool("peak", false, "only the memory for one feed of 10 million rows")
		role = flag.String("role", "", "for the children: stub or floor")
		at   = flag.String("at", "", "for the children: where the stub listens")
	)
	flag.Parse()
	var err error
	switch {
	case *role == "stub":
		err = serve()
	case *role == "floor":
		err = replay(*at, *rows)
	case *peak:
		err = measurePeak(*bin, 10_000_000)
	default:
		err = measure(*bin, *rows, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench loader:", err)
		os.Exit(1)
	}
}

// measure runs everything and prints the medians.
func measure(bin string, rows, runs int) error {
	s, err := startStub()
	if err != nil {
		return err
	}
	defer s.stop()
	var cpu, floor, fast, slow, slowCPU, peak []float64
	for range runs {
		atOnce, err := s.load(bin, rows, 0)
		if err != nil {
			return err
		}
		late, err := s.load(bin, rows, 5*time.Millisecond)
		if err != nil {
			return err
		}
		f, err := s.floor(rows)
		if err != nil {
			return err
		}
		cpu, fast = append(cpu, atOnce.cpu), append(fast, atOnce.perSecond)
		slow, slowCPU = append(slow, late.perSecond), append(slowCPU, late.cpu)
		floor = append(floor, f)
		peak = append(peak, max(atOnce.peak, late.peak))
	}
	show("load_cpu_us_per_row", cpu, "us")
	show("load_cpu_us_per_row_5ms", slowCPU, "us")
	show("load_floor_cpu_us_per_row", floor, "us")
	show("load_rows_per_s_0ms", fast, "rows/s")
	show("load_rows_per_s_5ms", slow, "rows/s")
	show("load_rss_mib", peak, "MiB")
	return nil
}

func measurePeak(bin string, rows int) error {
	s, err := startStub()
	if err != nil {
		return err
	}
	defer s.stop()
	r, err := s.load(bin, rows, 0)
	if err != nil {
		return err
	}
	show("load_peak_rss_mib", []float64{r.peak}, "MiB")
	return nil
}

// show prints the median, and the spread on standard error.
func show(name string, values []float64, unit string) {
	slices.Sort(values)
	fmt.Printf("%s %.4g %s\n", name, values[len(values)/2], unit)
	fmt.Fprintf(os.Stderr, "%s: %.4g … %.4g (%d runs)\n", name, values[0], values[len(values)-1], len(values))
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
	url string
}

func startStub() (*stub, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-role", "stub")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the stub does not start: %w", err)
	}
	return &stub{cmd, line[:len(line)-1]}, nil
}

func (s *stub) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// load runs the loader once.
func (s *stub) load(bin string, rows int, latency time.Duration) (result, error) {
	if err := s.ask(fmt.Sprintf("/_begin?rows=%d&latency=%v", rows, latency)); err != nil {
		return result{}, err
	}
	cmd := exec.Command(bin, "load", "s3://inventory/feed.csv")
	cmd.Env = append(os.Environ(), "INVENTORYD_AWS_ENDPOINT="+s.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKBENCH", "AWS_SECRET_ACCESS_KEY=secret")
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
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return result{cpuPerRow(cmd.ProcessState, rows), float64(rows) / took.Seconds(), float64(usage.Maxrss) / 1024}, nil
}

// floor replays ready-made bodies once; the child prints its CPU for that part.
func (s *stub) floor(rows int) (float64, error) {
	if err := s.ask(fmt.Sprintf("/_begin?rows=%d&latency=0", rows)); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, "-role", "floor", "-at", s.url, "-rows", strconv.Itoa(rows))
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
