package main

// What readers ask for that have nothing to do, in virtual time, and what an event costs the coordinator, inside of the
// package: both are measured by its tests.

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
)

var figureLine = regexp.MustCompile(`(?m)^\s*\S+_test\.go:\d+: (stream_\S+ .*)$`)

func atRest() error {
	cmd := exec.Command("go", "test", "./stream", "-count=1", "-v", "-timeout", "30m", "-run", "TestCostAtRest|TestAnEventCosts")
	cmd.Env = append(os.Environ(), "STREAM_COST=all")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	for _, line := range figureLine.FindAllSubmatch(out, -1) {
		fmt.Printf("%s\n", line[1])
	}
	return nil
}
