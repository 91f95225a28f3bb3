// Command audit prints each change of a DynamoDB table as a line of JSON. It shows how a module outside uses
// inventoryd/stream: the `replace` in go.mod is all that is special about it. Run as many as you like for one table: they
// share its shards.
//
//	audit Orders
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"inventoryd/stream"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
}

// leaseDuration is how long a process that was killed keeps its shards.
const leaseDuration = 5 * time.Second

func run(ctx context.Context, args []string, out, remarks io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("name one table")
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	lines := &lines{out: json.NewEncoder(out)}
	config := stream.DefaultConfig()
	config.App, config.LeaseTable, config.LeaseDuration = "audit", "audit-leases", leaseDuration
	config.OnGap = lines.gap
	reader, err := stream.New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), args[0], lines.handle, config)
	if err != nil {
		return err
	}
	// A service would answer its readiness probe with Ready; here it is told when it changes.
	watching, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { tellReadiness(watching, reader, remarks) })
	defer watch.Wait()
	defer end()
	return reader.Run(ctx)
}

// tellReadiness prints whether the reader reads, and why it does not, whenever that changes.
func tellReadiness(ctx context.Context, reader *stream.Reader, remarks io.Writer) {
	last := ""
	for ctx.Err() == nil {
		now := "ready"
		if err := reader.Ready(); err != nil {
			now = "not ready: " + err.Error()
		}
		if now != last {
			fmt.Fprintln(remarks, now)
			last = now
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// line is what is printed of a change, or of changes that nobody will ever see.
type line struct {
	ID       string          `json:"id,omitempty"`
	Kind     stream.Kind     `json:"kind,omitempty"`
	Position string          `json:"position,omitempty"`
	Old      json.RawMessage `json:"old,omitempty"`
	New      json.RawMessage `json:"new,omitempty"`
	Lost     string          `json:"lost,omitempty"` // why changes are missing here
}

// lines are printed by many goroutines: one for each shard, one for gaps.
type lines struct {
	mu  sync.Mutex // guards out
	out *json.Encoder
}

func (l *lines) handle(_ context.Context, batch []stream.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range batch {
		one := line{r.ID, r.Kind, r.Position(), json.RawMessage(r.Old.JSON()), json.RawMessage(r.New.JSON()), ""}
		if err := l.out.Encode(one); err != nil {
			return stream.FailedAt(i, err) // batch[:i] is printed; the rest comes again
		}
	}
	return nil
}

// gap is told of a loss until it returns nil, also after a restart: so that an audit says what it lacks.
func (l *lines) gap(_ context.Context, g stream.Gap) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Encode(line{Lost: g.Reason})
}
