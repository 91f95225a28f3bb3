package loader

// The watch over feeds that are expected. One instance watches; what it has found stands in the feed's row, so that another one that
// takes over tells nothing twice.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/zap"

	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

// Deadlines are whole minutes, so they are looked for once a minute, soon after its beginning: by then each of DynamoDB's clocks, whose
// answers tell whole seconds, says that it has begun.
const (
	watchEvery = time.Minute
	watchAfter = 2 * time.Second
)

// watchFeeds watches while this instance is the one that does, until ctx ends.
func (l *Loader) watchFeeds(ctx context.Context) {
	lead := l.cfg().Lead
	if lead == nil {
		lead = func(ctx context.Context, f func(context.Context) error) error { return f(ctx) }
	}
	for ctx.Err() == nil {
		err := lead(ctx, func(good context.Context) error { return l.watchWhile(good) })
		if err != nil && ctx.Err() == nil {
			l.log.Warn("this instance stops watching for late feeds", zap.Error(err))
		}
		_ = sleep.For(ctx, time.Second)
	}
}

// watchWhile looks at all feeds each minute, until ctx ends. It has no pulse: all it does is to wait for others.
func (l *Loader) watchWhile(ctx context.Context) error {
	w := &watch{l: l, feeds: map[string]*watched{}, forgets: true}
	for {
		if err := w.all(ctx); err != nil && ctx.Err() == nil {
			l.log.Warn("late feeds not looked for", zap.Error(err), zap.Duration("retry_in", watchEvery))
		}
		if err := sleep.For(ctx, w.rest()); err != nil {
			return err
		}
	}
}

// rest is for how long there is nothing to look for.
func (w *watch) rest() time.Duration {
	now := time.Now().Add(w.ahead)
	return now.Truncate(watchEvery).Add(watchEvery + watchAfter).Sub(now)
}

// watch is one instance's, for as long as it watches.
type watch struct {
	l       *Loader
	feeds   map[string]*watched // that are expected
	forgets bool                // somebody may have expected others
	ahead   time.Duration       // of the service's clock
}

// watched is what the watch knows of one feed without asking.
type watched struct {
	rule   string
	since  time.Time // when the rule was first seen
	judged time.Time // the last deadline
}

// all looks at all feeds; one that cannot be judged keeps no other from being. The error is the first one.
func (w *watch) all(ctx context.Context) (first error) {
	expected := map[string]bool{}
	for _, f := range w.l.cfg().Feeds {
		s, problems := f.Expect.schedule(f.Pattern)
		if s == nil || len(problems) > 0 {
			continue
		}
		if len(expected) == 0 { // the clocks are compared each time: a host's may be set, and it would look for the deadlines of another hour
			if _, _, err := w.row(ctx, f); err != nil {
				return err
			}
		}
		expected[f.Name] = true
		if err := w.feed(ctx, f, s); err != nil && first == nil {
			first = fmt.Errorf("feed %s: %w", f.Name, err)
		}
		if ctx.Err() != nil {
			return first
		}
	}
	return errors.Join(first, w.forget(ctx, expected))
}

// forget takes back what is known of feeds that nobody expects any more: a rule that is set again begins anew, and its first
// deadline is the first one after that.
func (w *watch) forget(ctx context.Context, expected map[string]bool) error {
	for name := range w.feeds {
		if !expected[name] {
			delete(w.feeds, name)
			w.forgets = true
		}
	}
	if !w.forgets {
		return nil
	}
	cfg := w.l.cfg()
	asking, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	feeds, err := state.Feeds(asking, w.l.clients.State, cfg.StateTable, cfg.App)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		if f.Rule == "" || expected[f.Name] {
			continue
		}
		if _, err := w.update(ctx, state.ForgetRule(cfg.StateTable, cfg.App, f.Name, f.Rule, time.Now())); err != nil {
			return fmt.Errorf("feed %s: %w", f.Name, err)
		}
		w.l.log.Info("feed is not expected any more", zap.String("feed", f.Name), zap.String("rule", f.Rule))
	}
	w.forgets = false
	return nil
}

// feed judges the last deadline of a feed, once it is over.
func (w *watch) feed(ctx context.Context, f Feed, s *schedule) error {
	known := w.feeds[f.Name]
	if known == nil || known.rule != s.rule {
		var err error
		if known, err = w.begin(ctx, f, s); err != nil {
			return err
		}
		w.feeds[f.Name] = known
	}
	due, ok := s.last(time.Now().Add(w.ahead))
	if !ok || !due.by.After(known.since) || !due.by.After(known.judged) {
		return nil
	}
	row, now, err := w.row(ctx, f)
	if err != nil || now.Before(due.by) {
		return err
	}
	if row.Judged.Before(due.by) {
		if err := w.judge(ctx, f, s, due, row); err != nil {
			return err
		}
	}
	known.judged = due.by
	return nil
}

// begin notes since when a feed is expected by this rule: the first deadline is the first one after that.
func (w *watch) begin(ctx context.Context, f Feed, s *schedule) (*watched, error) {
	row, now, err := w.row(ctx, f)
	if err != nil {
		return nil, err
	}
	if row.Rule != s.rule {
		cfg := w.l.cfg()
		if _, err := w.update(ctx, state.SeeRule(cfg.StateTable, cfg.App, f.Name, s.rule, now)); err != nil {
			return nil, err
		}
		if row, _, err = w.row(ctx, f); err != nil {
			return nil, err
		}
	}
	return &watched{rule: s.rule, since: row.RuleSince, judged: row.Judged}, nil
}

// row reads the feed's row, and by its answer the service's clock.
func (w *watch) row(ctx context.Context, f Feed) (state.Feed, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cfg := w.l.cfg()
	row, now, err := state.FeedNamed(ctx, w.l.clients.State, cfg.StateTable, cfg.App, f.Name)
	if err == nil {
		w.ahead = time.Until(now)
	}
	return row, now, err
}

// update changes the feed's row, unless another instance has: then the answer is nil.
func (w *watch) update(ctx context.Context, in *dynamodb.UpdateItemInput) (*state.Feed, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := w.l.clients.State.UpdateItem(ctx, in)
	var noted *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &noted):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("note it in table %s: %w", aws.ToString(in.TableName), err)
	}
	row, err := state.FeedOf(out.Attributes)
	return &row, err
}

// judge tells that a feed is late, unless something of it has come since the window began: what we have not loaded yet is not late,
// and what has come while nobody watched needs no message any more.
func (w *watch) judge(ctx context.Context, f Feed, s *schedule, due window, row state.Feed) error {
	cfg := w.l.cfg()
	come := !row.Came.Before(due.from)
	if !come {
		var err error
		if come, err = w.listed(ctx, f, s, due); err != nil {
			return err
		}
	}
	if !come {
		now, err := w.update(ctx, state.LateFeed(cfg.StateTable, cfg.App, f.Name, due.by, time.Now()))
		if err != nil || now == nil {
			return err
		}
		if now.Came.Before(due.from) {
			err = w.late(ctx, f, s, due, *now)
		} else { // it has come meanwhile, and whoever brought it saw nothing of this
			_, err = w.update(ctx, state.FeedCame(cfg.StateTable, cfg.App, f.Name, due.by, time.Now()))
		}
		if err != nil {
			return err
		}
	}
	_, err := w.update(ctx, state.JudgeFeed(cfg.StateTable, cfg.App, f.Name, due.by, time.Now()))
	return err
}

// late tells people.
func (w *watch) late(ctx context.Context, f Feed, s *schedule, due window, row state.Feed) error {
	last := "Nothing of it was ever loaded."
	if row.Good != nil {
		last = fmt.Sprintf("The last one that was loaded is s3://%s/%s of %s.", row.Good.Bucket, row.Good.Key, row.Good.Version.Modified.UTC().Format(timeForm))
	}
	if tell := w.l.cfg().Tell; tell != nil {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		err := tell(ctx, FeedEvent{
			Kind: "feed_late", Feed: f.Name, ID: instantID(due.by), At: due.by,
			Reason: fmt.Sprintf("No file that fits %s came from %s to %s (%s).\n%s",
				f.Pattern, due.from.In(s.zone).Format("2006-01-02 15:04"), due.by.In(s.zone).Format("2006-01-02 15:04"), s.zone, last),
			Remedy: "Ask its sender. What it has brought so far: inventoryd loads --feeds",
		})
		if err != nil {
			return err
		}
	}
	w.l.metrics.count(w.l.metrics.late, 1)
	w.l.log.Warn("feed is late", zap.String("feed", f.Name), zap.Time("by", due.by))
	return nil
}

// listed asks S3 whether an object of the feed is there that came since the window began.
func (w *watch) listed(ctx context.Context, f Feed, s *schedule, due window) (bool, error) {
	cfg := w.l.cfg()
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix}
	for {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		out, err := w.l.clients.S3.ListObjectsV2(call, in, inRegion(w.l.buckets.region(s.bucket, ""))...)
		cancel()
		if err != nil {
			return false, fmt.Errorf("list s3://%s/%s (s3:ListBucket): %w", s.bucket, s.prefix, err)
		}
		for _, o := range out.Contents {
			key := aws.ToString(o.Key)
			if aws.ToTime(o.LastModified).Before(due.from) || !match(f.Pattern, s.bucket+"/"+key) {
				continue
			}
			first, _ := cfg.feed(s.bucket, key)
			if wanted, _ := cfg.wanted(s.bucket, key, aws.ToInt64(o.Size)); wanted && first.Name == f.Name {
				return true, nil
			}
		}
		if in.ContinuationToken = out.NextContinuationToken; out.NextContinuationToken == nil {
			return false, nil
		}
	}
}
