package loader

// What is known of buckets: where they are, whether they can be read, and when an object of theirs was.

import (
	"context"
	"errors"
	"sync"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// buckets are all that events have told of. It is safe for concurrent use.
type buckets struct {
	mu sync.Mutex // guards of and what is in it
	of map[string]*bucket
}

type bucket struct {
	region string   // learned from S3; empty: as events say; inOurs: the client's own
	read   exchange // by which an object was opened last

	// While the bucket is in trouble one message at a time asks it, and the others wait for how that goes.
	failures int // in a row; 0: it is not in trouble
	next     time.Time
	asking   bool
	news     chan struct{} // closed when one of these changes
}

// exchange is a request that was answered.
type exchange struct{ sent, answered time.Time }

// inOurs stands for the region of the client in the place of one that was told wrongly.
const inOurs = "-"

func (b *buckets) find(name string) *bucket {
	if b.of == nil {
		b.of = map[string]*bucket{}
	}
	if b.of[name] == nil {
		b.of[name] = &bucket{news: make(chan struct{})}
	}
	return b.of[name]
}

func (k *bucket) tell() {
	close(k.news)
	k.news = make(chan struct{})
}

// enter waits until the bucket may be asked: at once, unless it is in trouble. wait is called before it has to wait. probe says
// that others wait for how this goes: left or abandon must follow. The error is the cause of the end of ctx.
func (b *buckets) enter(ctx context.Context, name string, wait func()) (probe bool, err error) {
	for waited := false; ; waited = true {
		b.mu.Lock()
		k := b.find(name)
		due := time.Until(k.next)
		if k.failures == 0 || !k.asking && due <= 0 {
			probe := k.failures > 0
			k.asking = probe
			b.mu.Unlock()
			return probe, nil
		}
		asking, news := k.asking, k.news
		b.mu.Unlock()
		if !waited {
			wait()
		}
		if err := await(ctx, news, due, asking); err != nil {
			return false, err
		}
	}
}

// await waits for news, or, while nobody asks, until it is due.
func await(ctx context.Context, news <-chan struct{}, due time.Duration, asking bool) error {
	var turn <-chan time.Time
	if !asking {
		timer := time.NewTimer(due)
		defer timer.Stop()
		turn = timer.C
	}
	select {
	case <-turn:
	case <-news:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

// well tells that S3 answers for the bucket, whatever it says.
func (b *buckets) well(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.find(name); k.failures > 0 {
		k.failures, k.asking = 0, false
		k.tell()
	}
}

// failed puts the bucket in trouble, and says when it is to be asked again. Who does not probe has asked before it was in
// trouble, and makes it no worse.
func (b *buckets) failed(name string, probe bool, f *failure) (again time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.find(name)
	if k.failures > 0 && !probe {
		return max(0, time.Until(k.next))
	}
	again = f.pause(k.failures)
	k.failures++
	k.next, k.asking = time.Now().Add(again), false
	k.tell()
	return again
}

// abandon tells that who probed was cut short.
func (b *buckets) abandon(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.find(name); k.asking {
		k.asking = false
		k.tell()
	}
}

// opened notes that an object could be opened.
func (b *buckets) opened(name string, by exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.find(name).read = by
}

// readBetween reports whether an object was opened by an exchange wholly between two moments.
func (b *buckets) readBetween(name string, from, to time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	by := b.find(name).read
	return by.sent.After(from) && by.answered.Before(to)
}

// region is where a bucket is to be asked: as S3 said, else as the event did; empty is the client's own region.
func (b *buckets) region(name, told string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch k := b.find(name); k.region {
	case "":
		return told
	case inOurs:
		return ""
	default:
		return k.region
	}
}

// relocate learns from an error where the bucket is, which was asked in a region; false: it leads nowhere new.
func (b *buckets) relocate(name, asked string, err error) bool {
	hint := ""
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		hint = response.Response.Header.Get("X-Amz-Bucket-Region")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.find(name)
	switch {
	case hint != "" && hint != asked && hint != k.region:
		k.region = hint
	case hint == "" && asked != "" && k.region == "": // the event told it, and wrongly
		k.region = inOurs
	default:
		return false
	}
	return true
}

// inRegion makes the options of a call in a region.
func inRegion(region string) []func(*s3.Options) {
	if region == "" {
		return nil
	}
	return []func(*s3.Options){func(o *s3.Options) { o.Region = region }}
}
