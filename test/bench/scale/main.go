// Command scale measures how far several daemons carry further than one: files and rows a second of 1, 2 and 4 processes of
// bin/inventoryd that load 400 files from a sandbox in this one, each of whose calls takes 5 ms; and changes a second that as many read
// from a stream of eight shards. It prints `name value unit` lines.
//
// All processes share this machine's processors, and so does the sandbox: beside each rate stands what part of the processors the bench
// took, how much of that was the daemons', and what part was busy with anything. Where most was busy, the processors were the limit
// and not the daemons' number.
package main

import (
	"context"
	"fmt"
	"log"
	"runtime"

	"inventoryd/test/figure"
)

func main() {
	for _, n := range []int{1, 2, 4} {
		for _, measure := range []func(context.Context, int) error{measureLoads, measureChanges} {
			if err := measure(context.Background(), n); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// print prints a figure of n daemons.
func print(name, unit string, n int, value float64) {
	figure.Print(fmt.Sprintf("scale_%s_%d", name, n), unit, value)
}

// printLoad prints what was busy in a span: of all processors, and the daemons' part of it.
func printLoad(what string, n int, s spent) {
	all := s.wall * float64(runtime.NumCPU())
	print(what+"_taken_percent", "%", n, 100*(s.daemons+s.own)/all)
	print(what+"_daemons_part_percent", "%", n, 100*s.daemons/(s.daemons+s.own))
	print(what+"_busy_percent", "%", n, 100*s.machine/all)
}
