package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"inventoryd/internal/health"
)

// part is what the frame sees of a component: whether it can work, a snapshot for /status, and where new settings go.
type part struct {
	name   string
	ready  func() error
	status func() any
	apply  func(Config)
}

// watchOver has the parts asked whether they are ready.
func watchOver(h *health.Health, parts []part) {
	for _, p := range parts {
		if p.ready != nil {
			h.Part(p.name, p.ready)
		}
	}
}

// after makes a line of a preparation and what runs once it has succeeded, together until ctx ends or one fails.
func after(start func(context.Context) error, runs ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := start(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
		group, ctx := errgroup.WithContext(ctx)
		for _, run := range runs {
			group.Go(func() error { return run(ctx) })
		}
		return group.Wait()
	}
}

// ignoreEnd returns nil where err comes of the end of ctx.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
