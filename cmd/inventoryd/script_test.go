package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
)

// The commands as a shell sees them: a script each in testdata/script, in a world of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"upload": uploadOf, "heard": heardBy, "deadline": deadlineIn},
		Setup: func(e *testscript.Env) error {
			world := sandbox.New()
			if err := world.Provision(context.Background()); err != nil {
				return err
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- world.Serve(ctx, l) }()
			e.Defer(func() { stop(); <-ended })
			e.Vars = append(e.Vars, sandbox.Environment(l.Addr().String(), "script")...)
			e.Values[theWorld{}] = world
			if err := ownPeople(world); err != nil {
				return err
			}
			e.Vars = append(e.Vars, "ENDPOINT=http://"+l.Addr().String(), "TOP="+absolute(top))
			return nil
		},
	})
}

// theWorld is where a script's stand-ins are among its values.
type theWorld struct{}

// ownQueue is that of the people of the feed berlin, who hear of their own by a filter policy.
const ownQueue = "berlin-people"

func ownPeople(world *sandbox.Sandbox) error {
	ctx := context.Background()
	_, err := sqs.NewFromConfig(world.Config("script")).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(ownQueue)})
	if err != nil {
		return err
	}
	topics := sns.NewFromConfig(world.Config("script"))
	list, err := topics.ListTopics(ctx, nil)
	if err != nil {
		return err
	}
	arn := queues.ARN(ownQueue)
	_, err = topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: list.Topics[0].TopicArn, Protocol: aws.String("sqs"), Endpoint: &arn, Attributes: map[string]string{"FilterPolicy": `{"feed":["berlin"]}`},
	})
	return err
}

// uploadOf is the command `upload KEY FILE`.
func uploadOf(ts *testscript.TestScript, _ bool, args []string) {
	world := ts.Value(theWorld{}).(*sandbox.Sandbox)
	_, err := world.Objects.Put(sandbox.Bucket, args[0], []byte(ts.ReadFile(args[1])))
	ts.Check(err)
}

// deadlineIn is the command `deadline IN FROM TO`: it moves the services' clock to so long before the beginning of a minute, which it
// puts for BY in a copy of a file.
func deadlineIn(ts *testscript.TestScript, _ bool, args []string) {
	clock := ts.Value(theWorld{}).(*sandbox.Sandbox).Clock
	in, err := time.ParseDuration(args[0])
	ts.Check(err)
	now := clock.Now()
	by := now.Add(in).Truncate(time.Minute).Add(time.Minute)
	clock.Advance(by.Sub(now) - in)
	text := strings.ReplaceAll(ts.ReadFile(args[1]), "BY", by.UTC().Format("15:04"))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}

// heardBy is the command `heard QUEUE`: the events and feeds of the messages in a subscriber's queue.
func heardBy(ts *testscript.TestScript, _ bool, args []string) {
	world := ts.Value(theWorld{}).(*sandbox.Sandbox)
	for _, m := range world.Queues.Drain(args[0]) {
		var note struct {
			MessageAttributes map[string]struct{ Value string }
		}
		ts.Check(json.Unmarshal([]byte(m.Body), &note))
		fmt.Fprintln(ts.Stdout(), note.MessageAttributes["event"].Value, note.MessageAttributes["feed"].Value)
	}
}

func absolute(path string) string {
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return here + "/" + path
}

func TestEachHelpHasAnExampleThatIsACommandLine(t *testing.T) {
	app := application()
	each(app.Commands, []string{"inventoryd"}, func(c *cli.Command, words []string) {
		_, example, ok := strings.Cut(c.Description, "Example:\n  ")
		if !ok || !strings.HasPrefix(example, "inventoryd ") {
			t.Errorf("%s has no example", strings.Join(words, " "))
		}
		for line := range strings.Lines(example) {
			if len(c.Subcommands) == 0 && !strings.Contains(line, strings.Join(words, " ")) {
				t.Errorf("an example of %s is %q", words, line)
			}
		}
	})
}

func TestWrongUsageOfEachCommandExitsWith2OnStandardError(t *testing.T) {
	each(application().Commands, nil, func(c *cli.Command, words []string) {
		lines := [][]string{append(words, "--no-such-flag")}
		if c.ArgsUsage == "" {
			lines = append(lines, append(words[:len(words):len(words)], "stray"))
		}
		for _, line := range lines {
			var out, wrong strings.Builder
			app := application()
			app.Writer, app.ErrWriter = &out, &wrong
			code := tell(app.RunContext(t.Context(), append([]string{"inventoryd"}, line...)), &wrong)
			if code != exitUsage || out.Len() > 0 || !strings.Contains(wrong.String(), "--help") {
				t.Errorf("%s: exit %d, standard output %q, standard error %q", line, code, out.String(), wrong.String())
			}
		}
	})
}

func TestWhatComesFromOutsideCannotSteerATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"Zürich, 北京, 🍏":       "Zürich, 北京, 🍏",
		"a\x1b[2Jb":           `a\x1b[2Jb`,
		"tab\tnew\nline\r":    `tab\x09new\x0aline\x0d`,
		"bell\a\x7f":          `bell\x07\x7f`,
		"\u202etxt.csv":       `\u202etxt.csv`,
		"c1 \u009b31m":        `c1 \u009b31m`,
		"bad \xff utf8":       `bad \xff utf8`,
		"truncated \xe2\x82":  `truncated \xe2\x82`,
		"own \ufffd":          `own \ufffd`,
		"line\u2028separator": `line\u2028separator`,
	} {
		if got := visible(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}
