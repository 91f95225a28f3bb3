package main

// What loads cost into a table that takes whatever comes, and the floors beside them.

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"inventoryd/test/figure"
)

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
