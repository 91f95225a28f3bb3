package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/alecthomas/units"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"inventoryd/internal/config"
	"inventoryd/internal/lease"
)

// Config is how a Reader behaves. Begin with DefaultConfig.
type Config struct {
	// Where a table that was never read before is read from: trim_horizon (all that DynamoDB still holds), latest, or
	// an instant in RFC 3339. Stored once; without effect afterwards.
	Start Start `yaml:"start" reload:"restart"`
	// Name of the DynamoDB table of checkpoints and leases; created where it is absent and permission allows.
	LeaseTable string `yaml:"lease_table" reload:"restart"`
	// How long an instance that stopped renewing keeps its shards; others take them after it. At least 2s. Each
	// instance is judged by its own.
	LeaseDuration time.Duration `yaml:"lease_duration" reload:"restart"`
	// Directory for a file by which an instance that was killed and starts again on this host goes on at once. Empty:
	// $STATE_DIRECTORY, which systemd sets; without it a restart after a crash waits for lease_duration.
	StateDir string `yaml:"state_dir" reload:"restart"`
	// Longest pause between two reads of a quiet shard; a busy one is read every 250ms. 250ms to 1m.
	IdlePoll time.Duration `yaml:"idle_poll" reload:"now"`
	// Limit for all records in memory at once, for the whole process. At least 4MiB.
	Memory units.Base2Bytes `yaml:"memory" reload:"restart"`
	// Name or URL of the SQS queue that takes records that cannot be handled; empty: none.
	DeadLetterQueue string `yaml:"dead_letter_queue" reload:"restart"`
	// How often a record that cannot be handled is tried before on_poison decides. Outages of what the handler needs
	// do not count.
	MaxAttempts int `yaml:"max_attempts" reload:"now"`
	// What becomes of a record that cannot be handled: divert (to the dead-letter queue) or block (keep trying).
	// Empty: divert where there is a queue, else block.
	PoisonPolicy PoisonPolicy `yaml:"on_poison" reload:"now"`
	// What to do on a shard whose next records DynamoDB no longer holds: continue (record the gap and go on) or halt
	// (stop that shard until this is changed).
	GapPolicy GapPolicy `yaml:"on_gap" reload:"now" enum:"continue|halt"`

	Runtime `yaml:"-"`
}

// Runtime is the part of a Config that the program gives rather than its configuration file.
type Runtime struct {
	// App names the program in the lease table, where another name stops the start. Needed.
	App string
	// NeedImages is what a stream's records must carry, which its view type says; zero: new images.
	NeedImages Images
	// Divert takes records that cannot be handled, such as DeadLetters does; nil: nothing does.
	Divert Diverter
	// OnGap is told of gaps, one at a time, of each until it returns nil, also after a restart. It returns when its context
	// ends. Nil: nobody is told.
	OnGap func(context.Context, Gap) error
	// Shutdown is how long Run may finish what is in flight once its context ended; then come at most 5 s to say so to the
	// other instances.
	Shutdown time.Duration
	// Logger and Meter are where the reader logs and measures; nil: nowhere.
	Logger *zap.Logger
	Meter  metric.Meter
	// Loop is told of each long-running loop, which calls tick at least every 10 s as long as it turns, and done at its
	// end; nil: nobody is told.
	Loop func(name string) (tick func(), done func())
	seams
}

// seams are what tests put in the place of this machine.
type seams struct {
	wall  func() time.Time     // its clock; nil: time.Now
	slept func() time.Duration // how long it has slept; nil: as the kernel says
	name  string               // of the instances, without the random part, and the seed of all that is random; "": the host's
	lives *int                 // counts the instances of that name
	tip   int                  // how many empty pages mean the tip; 0: tipAfter
}

// newID makes the id of a new instance.
func (s seams) newID() string {
	if s.name == "" {
		return lease.NewID()
	}
	*s.lives++
	return fmt.Sprint(s.name, ".", *s.lives)
}

// random is a source of jitter, nil for one that is seeded anew.
func (s seams) random() func() float64 {
	if s.name == "" {
		return nil
	}
	h := fnv.New64a()
	fmt.Fprint(h, s.name)
	return rand.New(rand.NewPCG(h.Sum64(), 1)).Float64
}

// draw is a number in [0, 1) that spreads the n-th wait for a purpose.
func (s seams) draw(purpose string, n int) float64 {
	if s.name == "" {
		return rand.Float64()
	}
	h := fnv.New64a()
	fmt.Fprint(h, s.name, "/", purpose)
	return rand.New(rand.NewPCG(h.Sum64(), uint64(n))).Float64()
}

// Images is what the records of a table's stream must carry, which its view type says. A stream with less is refused.
type Images string

// What a handler may need.
const (
	NewImages Images = ""     // the item after the change (NEW_IMAGE, NEW_AND_OLD_IMAGES)
	AllImages Images = "all"  // before and after (NEW_AND_OLD_IMAGES)
	KeysOnly  Images = "keys" // nothing but the key: any view type will do
)

// fit is true of a view type that carries that much.
func (i Images) fit(view types.StreamViewType) bool {
	switch i {
	case KeysOnly:
		return true
	case AllImages:
		return view == types.StreamViewTypeNewAndOldImages
	default:
		return view == types.StreamViewTypeNewImage || view == types.StreamViewTypeNewAndOldImages
	}
}

// DefaultConfig returns the defaults: all that DynamoDB still holds, leases of 15 s in the table inventoryd-leases, quiet
// shards read each second, 64 MiB of records in memory, one attempt at a record that cannot be handled, which blocks its
// shard as long as there is no queue, on past gaps, 30 s to stop.
func DefaultConfig() Config {
	return Config{
		Start:         TrimHorizon,
		LeaseTable:    "inventoryd-leases",
		LeaseDuration: 15 * time.Second,
		IdlePoll:      time.Second,
		Memory:        64 * units.MiB,
		MaxAttempts:   1,
		GapPolicy:     Continue,
		Runtime:       Runtime{Shutdown: 30 * time.Second},
	}
}

// Start is where the reading of a table begins that was never read before: TrimHorizon, Latest, or an instant (StartAt).
type Start string

// Where reading may begin.
const (
	TrimHorizon Start = "trim_horizon" // with the oldest record that DynamoDB still holds
	Latest      Start = "latest"       // with what is written from now on
)

// StartAt is an instant at which reading begins, to the second.
func StartAt(at time.Time) Start { return Start(at.UTC().Format(time.RFC3339)) }

// PoisonPolicy is what becomes of a record that cannot be handled.
type PoisonPolicy string

// What may become of such a record. The zero PoisonPolicy is Divert where there is a Diverter, else Block.
const (
	Divert PoisonPolicy = "divert" // Runtime.Divert takes it, and reading goes on
	Block  PoisonPolicy = "block"  // it is tried for ever, its shard waits, and Reader.Ready says so
)

// GapPolicy is what is done on a shard whose next records DynamoDB no longer holds.
type GapPolicy string

// What may be done then. The gap is recorded in any case.
const (
	Continue GapPolicy = "continue" // reading goes on with the oldest record there is
	Halt     GapPolicy = "halt"     // the shard waits until the policy is changed
)

// Validate reports all that is wrong with the settings; each problem names its key.
func (c Config) Validate() error {
	var problems []error
	problem := func(wrong bool, key, format string, args ...any) {
		if wrong {
			problems = append(problems, config.Problemf(key, format, args...))
		}
	}
	if _, err := parseStart(c.Start); err != nil {
		problems = append(problems, config.Problemf("start", "%w", err))
	}
	problem(c.LeaseTable == "", "lease_table", "is empty; name the table of checkpoints and leases")
	problem(c.LeaseDuration < 2*time.Second, "lease_duration", "is %v; the least is 2s", c.LeaseDuration)
	problem(c.IdlePoll < minPoll || c.IdlePoll > time.Minute, "idle_poll", "is %v; it must be between %v and 1m", c.IdlePoll, minPoll)
	problem(c.Memory < 4*units.MiB, "memory", "is %v; the least is 4MiB", c.Memory)
	problem(c.MaxAttempts < 1, "max_attempts", "is %d; the least is 1", c.MaxAttempts)
	switch c.PoisonPolicy {
	case "", Block:
	case Divert:
		problem(c.DeadLetterQueue == "" && c.Divert == nil, "on_poison", "is divert, which needs dead_letter_queue")
	default:
		problem(true, "on_poison", "is %q; it must be divert or block", c.PoisonPolicy)
	}
	problem(c.GapPolicy != Continue && c.GapPolicy != Halt, "on_gap", "is %q; it must be continue or halt", c.GapPolicy)
	return errors.Join(problems...)
}

// start is where a table that was never read before is read from.
type start struct {
	latest  bool
	instant time.Time // zero: the trim horizon, or not yet known (latest)
}

func parseStart(s Start) (start, error) {
	switch s {
	case TrimHorizon:
		return start{}, nil
	case Latest:
		return start{latest: true}, nil
	}
	at, err := time.Parse(time.RFC3339, string(s))
	if err != nil {
		return start{}, fmt.Errorf("is %q; it must be trim_horizon, latest or an instant such as 2026-11-22T06:00:00Z", s)
	}
	// DynamoDB floors a record's time of creation to the second; so is the instant it is compared with.
	return start{instant: at.UTC().Truncate(time.Second)}, nil
}

// poison is the policy in force for records that cannot be handled.
func (c Config) poison() PoisonPolicy {
	switch {
	case c.PoisonPolicy != "":
		return c.PoisonPolicy
	case c.Divert != nil:
		return Divert
	default:
		return Block
	}
}
