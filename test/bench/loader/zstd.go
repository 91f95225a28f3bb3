package main

// The memory that four workers take for feeds whose windows are as large as they may be.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/klauspost/compress/zstd"

	"inventoryd/internal/sandbox"
	"inventoryd/test/figure"
)

const (
	workers  = 4 // the default of loader.workers
	window   = 8 << 20
	wide     = 9 << 10 // rows of a KiB that fill the window
	narrow   = 100_000 // rows behind them
	patience = 5 * time.Minute
)

// zstdFeed is a feed whose decoder must keep 8 MiB of text that does not repeat.
func zstdFeed(number int) ([]byte, error) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(uint64(number), 1))
	write := func(format string, values ...any) {
		_, problem := fmt.Fprintf(z, format, values...)
		err = errors.Join(err, problem)
	}
	write("store,item,count,note\n")
	for i := range wide {
		write("store-%d-%02d,wide-%d,%d,%0512x%0512x\n", number, i%50, i, i, random.Uint64(), random.Uint64())
	}
	for i := range narrow {
		write("store-%d-%02d,item-%d,%d,\n", number, i%50, i, i)
	}
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

func zstdMemory(bin string) error {
	mib, err := zstdPeak(bin)
	if err == nil {
		figure.Print("load_rss_mib_zstd4", "MiB", mib)
	}
	return err
}

// zstdPeak is the largest memory, in MiB, of a daemon that loads as many such feeds at once as it has workers.
func zstdPeak(bin string) (float64, error) {
	world, err := startStub("zstd")
	if err != nil {
		return 0, err
	}
	defer world.stop()
	cmd := exec.Command(bin, "run", "--only", "loader", "--set", "http.listen=off", "--set", "log.level=warn")
	cmd.Env = append(os.Environ(), sandbox.Environment(world.url, "AKBENCH")...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = world.line() // all is loaded
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return 0, err
	}
	return peakOf(cmd.ProcessState)
}

// serveZstd is the child in the place of AWS: it says where it listens, and then that all feeds are loaded.
func serveZstd() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	world := sandbox.New()
	if err := world.Provision(ctx); err != nil {
		return err
	}
	go func() { _ = world.Serve(ctx, l) }() // until the end of ctx
	for i := range workers {
		text, err := zstdFeed(i)
		if err != nil {
			return err
		}
		if _, err := world.Objects.Put(sandbox.Bucket, fmt.Sprintf("%d.csv.zst", i), text); err != nil {
			return err
		}
	}
	fmt.Println(l.Addr())
	if err := loaded(ctx, world); err != nil {
		return err
	}
	fmt.Println("loaded")
	<-ctx.Done() // whoever waits for it ends this process
	return nil
}

// loaded waits until no event is left, and none has failed.
func loaded(ctx context.Context, world *sandbox.Sandbox) error {
	client := sqs.NewFromConfig(world.Config("bench"))
	for {
		left, failed := 0, 0
		for name, n := range map[string]*int{sandbox.EventQueue: &left, sandbox.DeadLetterQueue: &failed} {
			queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
			if err != nil {
				return err
			}
			out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
			if err != nil {
				return err
			}
			for _, key := range []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible} {
				var messages int
				if _, err := fmt.Sscan(out.Attributes[string(key)], &messages); err != nil {
					return err
				}
				*n += messages
			}
		}
		switch {
		case failed > 0:
			return fmt.Errorf("%d feeds of a large window cannot be loaded", failed)
		case left == 0:
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
