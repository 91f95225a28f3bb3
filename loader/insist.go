package loader

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"
)

// insist calls f, which has that long each time, until it succeeds or ctx ends, whose cause it returns: a dependency
// that fails is no message's fault. f's errors are all taken for the dependency's.
func (l *Loader) insist(ctx context.Context, dependency string, limit time.Duration, f func(context.Context) error) error {
	for failures := 0; ; failures++ {
		call, cancel := context.WithTimeout(ctx, limit)
		err := f(call)
		cancel()
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			l.recovered(dependency)
			return nil
		}
		l.failing(dependency, true, err)
		if err := sleep(ctx, pause(err, failures)); err != nil {
			return err
		}
	}
}

// failing notes that a dependency is in trouble; stops says that the intake waits for it.
func (l *Loader) failing(dependency string, stops bool, err error) {
	if l.troubles.report(dependency, stops, err) {
		l.log.Warn("dependency failing", zap.String("dependency", dependency), zap.Error(err))
	}
}

// recovered notes that a dependency answers.
func (l *Loader) recovered(dependency string) {
	if lasted := l.troubles.clear(dependency); lasted > troubleShown {
		l.log.Info("dependency recovered", zap.String("dependency", dependency), zap.Duration("after", lasted.Round(time.Millisecond)))
	}
}

// clip cuts s to limit bytes of valid text.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
