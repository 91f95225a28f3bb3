package main

// The progress of a load: one line that is written over on a terminal, a line now and then elsewhere.

import (
	"fmt"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"inventoryd/internal/logs"
	"inventoryd/loader"
)

const (
	overEvery = 200 * time.Millisecond
	lineEvery = 10 * time.Second
)

// loadProgress shows one load while it goes on.
type loadProgress struct {
	out   io.Writer
	over  bool // out is a terminal, whose last line is written over
	name  string
	ended chan struct{}
	shown sync.WaitGroup // the goroutine that shows it; stop waits

	mu sync.Mutex // guards out: rejects are said by several goroutines
}

// newLoadProgress makes the progress of a feed.
func newLoadProgress(out io.Writer, terminal bool, name string) *loadProgress {
	return &loadProgress{out: out, over: terminal, name: name, ended: make(chan struct{})}
}

// start follows a load until stop.
func (p *loadProgress) start(load *loader.Load) {
	every := lineEvery
	if p.over {
		every = overEvery
	}
	p.shown.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-p.ended:
				return
			case <-ticker.C:
				p.show(load)
			}
		}
	})
}

func (p *loadProgress) show(load *loader.Load) {
	b := load.Books()
	rate := float64(b.Read) / max(time.Since(load.Started).Seconds(), 0.001)
	line := fmt.Sprintf("%s: %s, %d rows read, %.0f rows/s, %d rejected%s", p.name, portion(load.Bytes(), load.Size), b.Read, rate, b.Rejected,
		left(load, time.Now()))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		writeOver(p.out, line)
		return
	}
	fmt.Fprintln(p.out, line)
}

// portion is how much of a feed has been read.
func portion(bytes, size int64) string {
	if size <= 0 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d of %d bytes", bytes, size)
}

// left estimates the time left, once there is something to go by.
func left(load *loader.Load, now time.Time) string {
	bytes := load.Bytes()
	if load.Size <= 0 || bytes == 0 {
		return ""
	}
	rest := float64(now.Sub(load.Started)) * float64(load.Size-bytes) / float64(bytes)
	return fmt.Sprintf(", about %v left", time.Duration(max(0, rest)).Round(time.Second))
}

// say prints a line above the one that is written over.
func (p *loadProgress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		writeOver(p.out, "")
	}
	fmt.Fprintln(p.out, line)
}

// stop ends the display.
func (p *loadProgress) stop() {
	close(p.ended)
	p.shown.Wait()
	if p.over {
		writeOver(p.out, "")
	}
}

// troubleLogger shows warnings about services that the loader waits for; what the command prints itself is left out.
func troubleLogger(out io.Writer) *zap.Logger {
	l := logs.New(logs.Config{Level: "warn", Format: "console"}, out, true).Logger
	return l.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return &troubleCore{core} }))
}

// troubleCore passes on what is about a dependency.
type troubleCore struct{ zapcore.Core }

func (c *troubleCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message != "dependency failing" && e.Message != "dependency recovered" {
		return checked
	}
	return c.Core.Check(e, checked)
}
