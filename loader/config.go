package loader

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/units"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
	"inventoryd/loader/lanes"
)

// Config is the section `loader` of the configuration, and what surrounds the loader.
type Config struct {
	Intake  `yaml:",inline"`
	Format  `yaml:",inline"`
	Bad     `yaml:",inline"`
	Writing `yaml:",inline"`
	// Feeds of senders whose files are written in another way than the keys above say.
	Feeds []Feed `yaml:"feeds" reload:"object"`
	// Which objects are loaded. In patterns, * stands for any text, / included, and ? for one character.
	Objects Objects `yaml:"objects"`

	Surroundings `yaml:"-"`
}

// Intake says where messages come from and how they are held.
type Intake struct {
	// Name or URL of the SQS queue that receives the bucket's events.
	Queue string `yaml:"queue" reload:"restart"`
	// How many objects are loaded at once, 1 to 64.
	Workers int `yaml:"workers" reload:"restart"`
	// For how long a message stays invisible to others without a sign of life of this instance; renewed at half of it.
	// 2s to 1h.
	Visibility time.Duration `yaml:"visibility" reload:"restart"`
	// What becomes of the message of an object that cannot be loaded: redrive leaves it to the queue's redrive policy,
	// drop deletes it.
	OnBadObject string `yaml:"on_bad_object" reload:"object" enum:"redrive|drop"`
	// What becomes of the message of an object that is not there any more when its turn comes: ack deletes it, redrive
	// leaves it to the queue's redrive policy.
	OnMissing string `yaml:"on_missing" reload:"object" enum:"ack|redrive"`
}

// Bad says what becomes of rows that cannot be used.
type Bad struct {
	// continue loads the other rows. reject_object reads each object twice, first to check it, and writes all of it or
	// nothing.
	OnBadRow string `yaml:"on_bad_row" reload:"object" enum:"continue|reject_object"`
	// An object with more rejected rows than this fails, and the rest of it is not written; 0: no limit.
	MaxRejects int64 `yaml:"max_rejects" reload:"object"`
	// An object of which more than this part of the rows is rejected fails; looked at every 10,000 rows and at the
	// end; 0: no limit.
	MaxRejectsPercent float64 `yaml:"max_rejects_percent" reload:"object"`
	// Where reports of rejected rows go: a directory, or s3://bucket/prefix/, whose objects are never loaded. Empty:
	// nowhere.
	Rejects string `yaml:"rejects" reload:"object"`
}

// Writing says how rows are written.
type Writing struct {
	// put writes every row. delta reads first what the table holds, and writes only the rows that differ: a tenth of the
	// write units where a tenth has changed, for a few read units, and the items that are not written keep all they have.
	Mode string `yaml:"mode" reload:"object" enum:"put|delta"`
	// What becomes of an item's other attributes where its count is written: replace loses them, as a put does; keep
	// leaves them, at the price of one call a row, and with mode delta only.
	Attributes string `yaml:"attributes" reload:"object" enum:"replace|keep"`
	// Memory in which all loads together may keep, with mode delta, what they have read of large stores, 1MiB to 4GiB; 8
	// bytes an item and a little air. Items that do not fit are read again, and so are those with counts below -1048576 or
	// above 15728638.
	DeltaMemory units.Base2Bytes `yaml:"delta_memory" reload:"restart"`
	// Whether batches go to DynamoDB over connections of the loader's own, for a fraction of the CPU. What does not succeed
	// there is done again as everything else is; where a proxy is set, all of it is.
	FastPath bool `yaml:"fast_path" reload:"restart"`
	// How many batches of one object are written at once, 1 to 1024.
	Lanes int `yaml:"lanes" reload:"object"`
}

// Objects says which objects are loaded. In patterns, * stands for any text, / included, and ? for one character.
type Objects struct {
	// Patterns on bucket/key of the objects to load; * stands for any text, ? for one character. None: all.
	Include []string `yaml:"include" reload:"object"`
	// Patterns on bucket/key of objects to ignore, although included.
	Exclude []string `yaml:"exclude" reload:"object"`
}

// Surroundings are what belongs to all components and is filled in by the program.
type Surroundings struct {
	App        string
	StateTable string // holds the ledger, and messages that failed for good
	Instance   string // names this process in the ledger
	Table      inventory.Table
	Logger     *zap.Logger                           // nil: none
	Meter      metric.Meter                          // nil: none
	Loop       func(name string) (tick, done func()) // nil: none; registers a loop with what watches over liveness
	Work       func(name string) lanes.Pulse         // nil: none; registers who is a loop while it does not wait for others
	// Tell writes down what people are to be told of a feed; nil: nobody is. The same event again changes nothing.
	Tell func(context.Context, FeedEvent) error
	// Lead calls f while this instance is the one that watches for late feeds, again and again until its context ends; nil: it
	// always is.
	Lead      func(ctx context.Context, f func(context.Context) error) error
	Instances func() int // nil: one; how many share what the table takes
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config {
	return Config{
		Intake: Intake{Queue: "inventory-events", Workers: 4, Visibility: 2 * time.Minute, OnBadObject: "redrive", OnMissing: "ack"},
		Format: Format{
			Columns:   map[string][]string{"store": {"store"}, "item": {"item"}, "count": {"count"}},
			Delimiter: "auto", Encoding: "utf-8", Thousands: "unset", Negative: "accept",
			MaxExpanded: 64 * units.GiB, MaxRatio: 300, MaxWindow: 8 * units.MiB,
		},
		Bad:     Bad{OnBadRow: "continue"},
		Writing: Writing{Mode: "put", Attributes: "replace", DeltaMemory: 32 * units.MiB, FastPath: true, Lanes: 64},
		Surroundings: Surroundings{
			App: "inventoryd", StateTable: "inventoryd-state", Table: inventory.DefaultTable,
		},
	}
}

// Validate names everything that is wrong.
func (c Config) Validate() error {
	var problems []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			problems = append(problems, config.Problemf(key, format, args...))
		}
	}
	oneOf := func(key, value string, known ...string) {
		check(slices.Contains(known, value), key, "%q is none of %s", value, strings.Join(known, ", "))
	}
	check(c.Queue != "", "queue", "must name the SQS queue that receives the bucket's events")
	check(c.Workers >= 1 && c.Workers <= 64, "workers", "%d is not from 1 to 64", c.Workers)
	check(c.Visibility >= 2*time.Second && c.Visibility <= time.Hour, "visibility", "%v is not from 2s to 1h", c.Visibility)
	oneOf("on_bad_object", c.OnBadObject, "redrive", "drop")
	oneOf("on_missing", c.OnMissing, "ack", "redrive")
	check(c.MaxExpanded >= units.MiB, "max_expanded", "%v is less than 1MiB", c.MaxExpanded)
	check(c.MaxRatio >= 10, "max_ratio", "%d is less than 10", c.MaxRatio)
	check(c.MaxWindow >= units.MiB && c.MaxWindow <= 128*units.MiB, "max_window", "%v is not from 1MiB to 128MiB", c.MaxWindow)
	check(c.MaxRejects >= 0, "max_rejects", "%d is below 0", c.MaxRejects)
	check(c.MaxRejectsPercent >= 0 && c.MaxRejectsPercent <= 100, "max_rejects_percent", "%v is not from 0 to 100", c.MaxRejectsPercent)
	oneOf("mode", c.Mode, "put", "delta")
	oneOf("attributes", c.Attributes, "replace", "keep")
	check(c.Attributes != "keep" || c.Mode == "delta", "attributes", "keep needs loader.mode: delta, since it writes each row by a call of its own")
	check(c.DeltaMemory >= units.MiB && c.DeltaMemory <= 4*units.GiB, "delta_memory", "%v is not from 1MiB to 4GiB", c.DeltaMemory)
	check(c.Lanes >= 1 && c.Lanes <= 1024, "lanes", "%d is not from 1 to 1024", c.Lanes)
	if _, err := parseTarget(c.Rejects); err != nil {
		problems = append(problems, config.Problemf("rejects", "%w", err))
	}
	return errors.Join(slices.Concat(problems, c.formProblems(""), c.feedProblems())...)
}

// wanted reports whether the configuration lets an object be loaded, else why not.
func (c Config) wanted(bucket, key string, size int64) (ok bool, reason string) {
	name := bucket + "/" + key
	matches := func(pattern string) bool { return match(pattern, name) }
	switch t, _ := parseTarget(c.Rejects); {
	case t.holds(bucket, key):
		return false, "it is a report of rejected rows (loader.rejects)"
	case size <= 0 && (strings.HasSuffix(key, "/") || strings.HasSuffix(key, "_$folder$")):
		return false, "it is a folder, as consoles make them"
	case len(c.Objects.Include) > 0 && !slices.ContainsFunc(c.Objects.Include, matches):
		return false, "no pattern of loader.objects.include matches"
	case slices.ContainsFunc(c.Objects.Exclude, matches):
		return false, "a pattern of loader.objects.exclude matches"
	}
	return true, ""
}

// probe tries, on the machine that is to do the loading, what Validate cannot.
func (c Config) probe() error {
	t, err := parseTarget(c.Rejects)
	if err == nil {
		err = t.probe()
	}
	if err != nil {
		return config.Problemf("rejects", "%w", err)
	}
	return nil
}

// match reports whether name is of the pattern, in which * stands for any text and ? for one character.
func match(pattern, name string) bool {
	star, back := -1, 0 // where to go on when a guess about the last * was wrong
	p, n := 0, 0
	for n < len(name) {
		_, size := utf8.DecodeRuneInString(name[n:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, n
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			n += size
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			back++
			p, n = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// adopt returns c with those keys of new that take effect without a restart.
func (c Config) adopt(next Config) Config {
	c.OnBadObject, c.OnMissing = next.OnBadObject, next.OnMissing
	memory := c.DeltaMemory
	c.Format, c.Bad, c.Feeds, c.Writing, c.Objects = next.Format, next.Bad, next.Feeds, next.Writing, next.Objects
	c.DeltaMemory = memory
	return c
}
