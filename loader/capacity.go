package loader

// What the table takes, as far as somebody knows.

import (
	"context"

	"go.uber.org/zap"
)

// admits asks what this instance may write, in units per second: its part of what the table takes. Where nobody says,
// the pace finds it out by being throttled.
func (l *Loader) admits(ask func(context.Context) (float64, error)) func(context.Context) (float64, error) {
	told := false
	return func(ctx context.Context) (float64, error) {
		units, err := ask(ctx)
		if err != nil && ctx.Err() == nil && !told {
			told = true
			l.log.Warn("capacity of the table not known", zap.String("remedy", "allow dynamodb:DescribeTable"), zap.Error(err))
		}
		if instances := l.cfg().Instances; instances != nil {
			units /= float64(max(1, instances()))
		}
		return units, err
	}
}
