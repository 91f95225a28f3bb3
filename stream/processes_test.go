package stream

// This file: instances as processes that are killed, stopped, paused and started again. Each writes down what it handles, all into
// one file: there the changes of an item must have their order, whoever handled them.

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/internal/sandbox"
	"inventoryd/test/loopback"
)

// asInstance makes a process of the tests an instance: name, address of the services, file.
const asInstance = "STREAM_TEST_INSTANCE"

// runAs reads the stream until it is told to stop.
func runAs(as string) error {
	words := strings.Fields(as)
	name, address := words[0], words[1]
	file, err := os.OpenFile(words[2], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	cfg := aws.Config{
		Region: sandbox.Region, BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider(name, "secret", ""),
		HTTPClient: &http.Client{Timeout: 10 * time.Second}, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	config := DefaultConfig()
	config.App, config.LeaseDuration = "processes", 2*time.Second
	r, err := New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), table, func(_ context.Context, batch []Record) error {
		var lines []byte
		for _, r := range batch {
			id, _ := r.New.Lookup("ID")
			n, _ := r.New.Lookup("N")
			item, _ := id.S()
			count, _ := n.N()
			lines = fmt.Appendf(lines, "%s %s %s\n", name, item, count)
		}
		_, err := file.Write(lines) // in one piece, behind what others have written
		return err
	}, config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return r.Run(ctx)
}

// crew is instances and the changes that they are given.
type crew struct {
	*testing.T
	db            *dynamodb.Client
	address, file string
	instances     map[string]*exec.Cmd
	mu            sync.Mutex     // guards what follows
	written       map[string]int // the last change of each item
}

func newCrew(t *testing.T) *crew {
	s := sandbox.New()
	c := &crew{
		T: t, db: dynamodb.NewFromConfig(s.Config("writer")),
		file: filepath.Join(t.TempDir(), "handled"), instances: map[string]*exec.Cmd{}, written: map[string]int{},
	}
	s.Tables.SetShards(8)
	s.Tables.SetRollover(4 * time.Second) // so that items pass from shards to their children all the time
	(&world{TB: t, db: c.db}).createTable(bothImages)
	if err := os.WriteFile(c.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.address = "http://" + loopback.Serve(t, s)
	return c
}

// start starts an instance and waits until it handles something.
func (c *crew) start(name string) {
	c.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", asInstance, name, c.address, c.file))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	c.instances[name] = cmd
	c.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	before := len(c.handled())
	c.eventually(name+" handles something", func() bool {
		return bytes.Contains(c.handled()[before:], []byte("\n"+name+" "))
	})
}

func (c *crew) signal(name string, s syscall.Signal) {
	c.Helper()
	if err := c.instances[name].Process.Signal(s); err != nil {
		c.Fatal(err)
	}
}

// end waits for an instance that was told to stop.
func (c *crew) end(name string) {
	c.Helper()
	if err := c.instances[name].Wait(); err != nil {
		c.Errorf("%s: %v", name, err)
	}
}

func (c *crew) handled() []byte {
	text, err := os.ReadFile(c.file)
	if err != nil {
		c.Fatal(err)
	}
	return text
}

func (c *crew) eventually(what string, holds func() bool) {
	c.Helper()
	for until := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) { // a poll of other processes
		if time.Now().After(until) {
			c.Fatalf("not within a minute: %s\n%.2000s", what, c.handled())
		}
	}
}

// change changes items in turn until ctx ends.
func (c *crew) change(ctx context.Context) {
	for n := 1; ; n++ {
		for i := range 40 {
			id := fmt.Sprint("item-", i)
			_, err := c.db.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: map[string]types.AttributeValue{
				"ID": &types.AttributeValueMemberS{Value: id}, "N": &types.AttributeValueMemberN{Value: strconv.Itoa(n)},
			}})
			if err != nil {
				c.Error(err)
				return
			}
			c.mu.Lock()
			c.written[id] = n
			c.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-time.After(3 * time.Millisecond):
			}
		}
	}
}

// judge reads the file: each change of an item comes, the first time, behind the one before it. It returns the last change of each
// item that was handled, and counts what was handled again.
func (c *crew) judge() (last map[string]int, again int) {
	c.Helper()
	last = map[string]int{}
	for line := range strings.Lines(string(c.handled())) {
		var name, item string
		var n int
		if _, err := fmt.Sscan(line, &name, &item, &n); err != nil {
			c.Fatalf("%q: %v", line, err)
		}
		switch {
		case n <= last[item]:
			again++
		case n != last[item]+1:
			c.Fatalf("%s handles change %d of %s behind change %d", name, n, item, last[item])
		default:
			last[item] = n
		}
	}
	return last, again
}

// all waits until all that is written at this moment is handled.
func (c *crew) all(event string) {
	c.Helper()
	c.mu.Lock()
	due := maps.Clone(c.written)
	c.mu.Unlock()
	begun, again := time.Now(), 0
	c.eventually("all is handled after "+event, func() bool {
		var last map[string]int
		last, again = c.judge()
		for item, n := range due {
			if last[item] < n {
				return false
			}
		}
		return true
	})
	c.Logf("%s: all is handled after %v, %d changes were handled again so far", event, time.Since(begun).Round(10*time.Millisecond), again)
}

func TestProcessesKeepTheOrderOfEachItem(t *testing.T) {
	c := newCrew(t)
	ctx, enough := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() { c.change(ctx) })
	defer writing.Wait()
	defer enough()
	for _, name := range []string{"a", "b", "c", "d"} {
		c.start(name)
	}
	c.all("four have started")
	c.signal("b", syscall.SIGKILL)
	if err := c.instances["b"].Wait(); err == nil {
		t.Error("b ends well")
	}
	c.all("kill -9")
	c.signal("c", syscall.SIGTERM)
	c.end("c")
	c.all("SIGTERM")
	c.signal("d", syscall.SIGSTOP)
	c.all("SIGSTOP")
	c.start("b")
	c.signal("d", syscall.SIGCONT)
	c.all("SIGCONT")
	for _, name := range []string{"a", "d"} { // a leads
		c.signal(name, syscall.SIGTERM)
		c.end(name)
	}
	enough()
	writing.Wait()
	c.all("SIGTERM of all but one") // to the last change
	c.signal("b", syscall.SIGTERM)
	c.end("b")
}
