// Command audit prints each change of a DynamoDB table as a line of JSON. It shows how a module outside uses
// inventoryd/stream: the `replace` in go.mod is all that is special about it.
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

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("name one table")
	}
	// The reader retries by itself, each error in its own way: its clients must not.
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return err
	}
	config := stream.DefaultConfig()
	config.App, config.LeaseTable = "audit", "audit-leases"
	reader, err := stream.New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), args[0], printer(out), config)
	if err != nil {
		return err
	}
	return reader.Run(ctx)
}

// line is what is printed of a change.
type line struct {
	ID       string          `json:"id"`
	Kind     stream.Kind     `json:"kind"`
	Position string          `json:"position"`
	Old      json.RawMessage `json:"old,omitempty"`
	New      json.RawMessage `json:"new,omitempty"`
}

// printer makes a handler; it is called for many shards at once, so that it locks.
func printer(out io.Writer) stream.Handler {
	var mu sync.Mutex
	lines := json.NewEncoder(out)
	return func(_ context.Context, batch []stream.Record) error {
		mu.Lock()
		defer mu.Unlock()
		for i, r := range batch {
			l := line{r.ID, r.Kind, r.Position(), json.RawMessage(r.Old.JSON()), json.RawMessage(r.New.JSON())}
			if err := lines.Encode(l); err != nil {
				return stream.FailedAt(i, err)
			}
		}
		return nil
	}
}
