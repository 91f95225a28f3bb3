// Command stream measures the stream reader: CPU for each record beside that of the plain SDK, memory and goroutines of
// idle shards, the time from a write's commit to the handler's call, what several processes handle together, and the
// requests of readers that have nothing to do. The server is a process of its own, and so is
// each client whose CPU or memory is measured. It prints `name value unit` lines.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"inventoryd/internal/collector"
	"inventoryd/test/figure"
)

const runs = 5

// roles are what a process of this command may be told to be; none is the one that starts the others.
var roles = map[string]func(args []string) error{
	"":        func([]string) error { return measure() },
	"serve":   serve,
	"sdk":     readBySDK,
	"reader":  readByReader,
	"idle":    idle,
	"latency": latency,
	"worker":  worker,
	"scale":   func([]string) error { return scaleOut() },
}

func main() {
	log.SetFlags(0)
	role, args := "", os.Args[1:]
	if len(args) > 0 {
		role, args = args[0], args[1:]
	}
	collector.Tune() // as the daemon does
	if err := roles[role](args); err != nil {
		log.Fatal(role, ": ", err)
	}
}

func measure() error {
	if err := against([]string{strconv.Itoa(costShards), strconv.Itoa(costRecords)}, "sdk", "reader"); err != nil {
		return err
	}
	if err := against([]string{strconv.Itoa(idleShards), "0"}, "idle"); err != nil {
		return err
	}
	if err := report("latency"); err != nil {
		return err
	}
	return errors.Join(atRest(), scaleOut()) // the latter last: it fails where the machine has too much else to do
}

// against measures clients in turn, run by run, with one server.
func against(server []string, clients ...string) error {
	cmd, out, err := spawn(append([]string{"serve"}, server...)...)
	if err != nil {
		return err
	}
	defer cmd.Wait() // its end is of no interest
	defer cmd.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the server did not start: %w", err)
	}
	figures := figures{}
	for range runs {
		for _, client := range clients {
			if err := figures.take(client, strings.TrimSpace(address)); err != nil {
				return err
			}
		}
	}
	figures.print()
	return nil
}

// report measures a client that needs no server.
func report(client string) error {
	figures := figures{}
	for range runs {
		if err := figures.take(client); err != nil {
			return err
		}
	}
	figures.print()
	return nil
}

func spawn(args ...string) (*exec.Cmd, io.Reader, error) {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, out, cmd.Start()
}

// figures are the values of each name and unit, one for each run.
type figures map[[2]string][]float64

// take runs a client and reads its `name value unit` lines.
func (f figures) take(args ...string) error {
	cmd, out, err := spawn(args...)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var name, unit string
		var value float64
		if _, err := fmt.Sscan(lines.Text(), &name, &value, &unit); err != nil {
			return fmt.Errorf("%q is no figure: %w", lines.Text(), err)
		}
		f[[2]string{name, unit}] = append(f[[2]string{name, unit}], value)
	}
	return cmd.Wait()
}

func (f figures) print() {
	var names [][2]string
	for name := range f {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	for _, name := range names {
		figure.Print(name[0], name[1], f[name]...)
	}
}
