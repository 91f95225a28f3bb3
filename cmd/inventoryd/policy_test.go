package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/policy"
	"inventoryd/internal/sandbox/topics"
	"inventoryd/internal/state"
)

// granted is the policy for a configuration in the sandbox's account, as its gate reads it.
func granted(t *testing.T, cfg Config, purpose string, only half) (*policy.Policy, policyDocument) {
	t.Helper()
	account := strings.Split(topics.ARN(sandbox.Topic), ":")[4]
	g := grants{cfg: cfg, only: only, place: place{"aws", sandbox.Region, account}, buckets: []string{sandbox.Bucket}}
	doc := g.policy(purpose)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p, doc
}

// deniedNothing compares what a policy was asked for with what it grants; elsewhere are the grants that other tests need.
func deniedNothing(t *testing.T, p *policy.Policy, elsewhere ...string) {
	t.Helper()
	if d := p.Denied(); len(d) > 0 {
		slices.Sort(d)
		t.Errorf("denied, and so missing in policy.go: %q", slices.Compact(d))
	}
	u := slices.DeleteFunc(p.Unused(), func(g string) bool { return slices.Contains(elsewhere, g) })
	if len(u) > 0 {
		t.Errorf("granted, and never needed: %q", u)
	}
}

func TestTheDaemonNeedsAllOfItsPolicyAndNothingElse(t *testing.T) {
	eventful := func(c *Config) {
		c.Loader.Visibility, c.Loader.MaxRejects, c.Loader.Objects.Exclude = 8*time.Second, 2, []string{"*.tmp"}
		c.Loader.Rejects = "s3://" + sandbox.Bucket + "/rejects/"
		c.Stream.DeadLetterQueue = sandbox.DeadLetterQueue
	}
	var p *policy.Policy
	prepare := func(t *testing.T, w *world) {
		cfg := defaults()
		eventful(&cfg)
		w.setUpUnderItsPolicy(t, cfg)
		p, _ = granted(t, cfg, "run", both)
		w.aws.Enforce("daemon", p)
	}
	inPreparedBubble(t, prepare, eventful, func(t *testing.T, w *world) {
		time.Sleep(10 * time.Second)
		w.upload(t)
		for _, happen := range []func(*testing.T){w.objectsOfAllFates, w.messagesOfAllKinds, w.troubleWithWrites, w.changesOfAllKinds, w.troubleWithTheStream} {
			happen(t)
			time.Sleep(time.Minute)
		}
		for _, path := range []string{"/", "/restock", "/operator", "/readyz", "/api/v1/stores", "/api/v1/items?store=store+of+again"} {
			w.daemon.ask(t, path)
		}
		if err := w.aws.Tables.DisableStream(sandbox.Table); err != nil { // the old stream is found by ListStreams
			t.Fatal(err)
		}
		if _, err := w.aws.Tables.EnableStream(sandbox.Table, "NEW_AND_OLD_IMAGES"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
	})
	deniedNothing(t, p, "KeepLeases dynamodb:DeleteItem") // of the rows of shards, two days after their end: the stream's own tests wait for it
}

// setUpUnderItsPolicy runs `setup` as a client that may do nothing else: where nothing is, where the state table lacks its
// index, and where all is there.
func (w *world) setUpUnderItsPolicy(t *testing.T, cfg Config) {
	t.Helper()
	if _, err := state.Ensure(t.Context(), w.Tables, cfg.StateTable); err != nil { // without an index
		t.Fatal(err)
	}
	p, _ := granted(t, cfg, "setup", both)
	w.aws.Enforce("setup", p)
	tables := dynamodb.NewFromConfig(w.aws.Config("setup"))
	for range 2 {
		for name, ensure := range map[string]func(context.Context, state.Creator, string) (bool, error){
			cfg.StateTable: state.EnsureState, cfg.Stream.LeaseTable: state.Ensure,
		} {
			if _, err := setup(t.Context(), tables, name, ensure); err != nil {
				t.Error(err)
			}
		}
	}
	deniedNothing(t, p)
}

// Files, an object, a prefix, an object that is gone, and reports in S3: all that the command can do.
func TestLoadsByHandNeedAllOfTheirPolicyAndNothingElse(t *testing.T) {
	s := newSandbox(t)
	cfg := defaults()
	cfg.Loader.Rejects = "s3://" + sandbox.Bucket + "/rejects/"
	p, _ := granted(t, cfg, "load", both)
	for key, body := range map[string]string{"day/good.csv": "store,item,count\nOslo,Lamp,1\n", "day/bad.csv": "store,item,count\nOslo,Lamp,x\n"} {
		if _, err := s.Objects.Put(sandbox.Bucket, key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	s.Enforce("hand", p)
	for args, want := range map[string]int{
		"s3://inventory/day/": exitFailed, "s3://inventory/day/good.csv": 0, feedFile(t, "gzip.csv.gz"): 0, "s3://inventory/gone.csv": exitFailed,
	} {
		j := loadJob{clients: newClients(s.Config("hand"), AWS{}), in: strings.NewReader(""), out: t.Output(), notes: t.Output()}
		if err := j.run(t.Context(), cfg, []string{args}); code(err) != want {
			t.Errorf("%s: exit %d, want %d: %v", args, code(err), want, err)
		}
	}
	for _, path := range []string{feedFile(t, "gzip.csv.gz"), feedFile(t, "counts.csv")} {
		j := loadJob{clients: newClients(s.Config("hand"), AWS{}), dry: true, in: strings.NewReader(""), out: t.Output(), notes: t.Output()}
		_ = j.run(t.Context(), cfg, []string{path})
	}
	deniedNothing(t, p)
}

func TestOfTwoHalvesEachHasItsOwnPolicy(t *testing.T) {
	for only, without := range map[half]string{onlyLoader: "sns:Publish", onlyNotifier: "sqs:ReceiveMessage"} {
		_, doc := granted(t, defaults(), "run", only)
		for _, s := range doc.Statement {
			if slices.Contains(s.Action, without) {
				t.Errorf("--only %s allows %s", only, without)
			}
		}
	}
}

func TestThePolicyFollowsTheConfiguration(t *testing.T) {
	sids := func(change func(*Config), purpose string) (list []string) {
		cfg := defaults()
		change(&cfg)
		_, doc := granted(t, cfg, purpose, both)
		for _, s := range doc.Statement {
			list = append(list, s.Sid)
		}
		return list
	}
	plain := sids(func(*Config) {}, "run")
	for name, c := range map[string]struct {
		change        func(*Config)
		gains, losses []string
	}{
		"topic by ARN":      {func(c *Config) { c.Notifier.Topic = topics.ARN(sandbox.Topic) }, []string{"LookAtTopic"}, []string{"FindTopic"}},
		"no page":           {func(c *Config) { c.HTTP.Listen = "off" }, nil, []string{"ShowStock"}},
		"no push":           {func(c *Config) { c.Metrics.CloudWatch.Enabled = false }, nil, []string{"PushMetrics"}},
		"reports to S3":     {func(c *Config) { c.Loader.Rejects = "s3://inventory/rejects" }, []string{"ReportRejects"}, nil},
		"a place to poison": {func(c *Config) { c.Stream.DeadLetterQueue = "dlq" }, []string{"DivertRecords"}, nil},
	} {
		got := sids(c.change, "run")
		for _, s := range c.gains {
			if slices.Contains(plain, s) || !slices.Contains(got, s) {
				t.Errorf("%s: gains no %s: %v", name, s, got)
			}
		}
		want := slices.DeleteFunc(slices.Clone(plain), func(s string) bool { return slices.Contains(c.losses, s) })
		if d := cmp.Diff(want, slices.DeleteFunc(got, func(s string) bool { return slices.Contains(c.gains, s) })); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestARNsAreThoseOfTheResources(t *testing.T) {
	g := grants{cfg: defaults(), place: place{"aws-cn", "cn-north-1", "123456789012"}, buckets: []string{"b"}}
	for got, want := range map[string]string{
		g.queues("events")[0]: "arn:aws-cn:sqs:cn-north-1:123456789012:events",
		g.queues("https://sqs.eu-west-1.amazonaws.com/999999999999/events")[0]: "arn:aws-cn:sqs:eu-west-1:999999999999:events",
		g.topic():           "arn:aws-cn:sns:cn-north-1:123456789012:NoStock",
		g.objects()[0]:      "arn:aws-cn:s3:::b/*",
		g.table("Stock")[0]: "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/Stock",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
