package stream_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/stream"
)

// Two readers of one table, as two processes would be: with the same lease table they share its shards, and when one stops
// the other reads on where it was.
func ExampleReader_Run_twoInstances() {
	ctx := context.Background()
	cfg := standIn(ctx)
	seen := make(chan string, 10)
	start := func(name string) (stop func()) {
		reader, err := newReader(cfg, func(_ context.Context, batch []stream.Record) error {
			for _, r := range batch {
				seen <- name + " reads " + idOf(r)
			}
			return nil
		}, func(*stream.Config) {})
		if err != nil {
			panic(err)
		}
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- reader.Run(ctx) }()
		return func() { cancel(); fmt.Println(name, "stops:", <-done) }
	}
	stopFirst := start("the first")
	put(ctx, cfg, "order-1")
	fmt.Println(<-seen)
	stopSecond := start("the second")
	stopFirst()
	put(ctx, cfg, "order-2")
	fmt.Println(<-seen)
	stopSecond()
	// Output:
	// the first reads order-1
	// the first stops: <nil>
	// the second reads order-2
	// the second stops: <nil>
}

// OnGap is told of what nobody will ever read, here what changed while the stream was off, until it returns nil.
func ExampleRuntime_onGap() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := standIn(ctx)
	enable(ctx, cfg, false)
	enable(ctx, cfg, true)
	tries := 0
	reader, err := newReader(cfg, func(context.Context, []stream.Record) error { return nil }, func(c *stream.Config) {
		c.OnGap = func(_ context.Context, gap stream.Gap) error {
			if tries++; tries == 1 {
				return errors.New("nobody can look at the whole table just now")
			}
			fmt.Printf("gap %d, of the whole table: %v\n", gap.Number, gap.Shard == "")
			cancel()
			return nil
		}
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(reader.Run(ctx))
	// Output:
	// gap 1, of the whole table: true
	// <nil>
}

// Ready answers a readiness probe: it is nil while the reader reads.
func ExampleReader_Ready() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := standIn(ctx)
	put(ctx, cfg, "order-1")
	tries := 0
	var reader *stream.Reader
	reader, err := newReader(cfg, func(context.Context, []stream.Record) error {
		if tries++; tries == 1 {
			return errors.New("the shop is closed")
		}
		fmt.Println("while the handler fails it is ready:", reader.Ready() == nil)
		cancel()
		return nil
	}, func(*stream.Config) {})
	if err != nil {
		panic(err)
	}
	fmt.Println(reader.Ready())
	fmt.Println(reader.Run(ctx))
	// Output:
	// the stream is not read yet
	// while the handler fails it is ready: false
	// <nil>
}

// A record that cannot be handled is diverted, here by a function of the program's own; DeadLetters writes to a queue.
func ExampleDiverter() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := standIn(ctx)
	put(ctx, cfg, "order-1")
	reader, err := newReader(cfg, func(context.Context, []stream.Record) error {
		return stream.FailedAt(0, stream.Permanent(errors.New("it has no address")))
	}, func(c *stream.Config) {
		c.Divert = func(_ context.Context, r stream.Record, cause error) error {
			fmt.Println(idOf(r), "is put aside:", cause)
			cancel()
			return nil
		}
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(reader.Run(ctx))
	// Output:
	// order-1 is put aside: it has no address
	// <nil>
}

// newReader is a reader of the stand-in's table whose lease is short.
func newReader(cfg aws.Config, handler stream.Handler, change func(*stream.Config)) (*stream.Reader, error) {
	config := stream.DefaultConfig()
	config.App, config.LeaseDuration = "example", 2*time.Second
	change(&config)
	return stream.New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), "Orders", handler, config)
}

func idOf(r stream.Record) string {
	v, _ := r.New.Lookup("ID")
	id, _ := v.S()
	return id
}

func put(ctx context.Context, cfg aws.Config, id string) {
	_, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String("Orders"), Item: map[string]types.AttributeValue{"ID": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		panic(err)
	}
}

// enable turns the table's stream on or off.
func enable(ctx context.Context, cfg aws.Config, on bool) {
	stream := &types.StreamSpecification{StreamEnabled: aws.Bool(on)}
	if on {
		stream.StreamViewType = types.StreamViewTypeNewAndOldImages
	}
	_, err := dynamodb.NewFromConfig(cfg).UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: aws.String("Orders"), StreamSpecification: stream})
	if err != nil {
		panic(err)
	}
}
