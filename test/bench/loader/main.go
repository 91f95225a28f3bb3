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
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
