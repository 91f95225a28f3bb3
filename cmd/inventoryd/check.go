package main

// The command `check`: the doctor. It looks at everything that the daemon needs, and names for each fault what mends it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/urfave/cli/v2"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "looks whether everything that the daemon needs is there, and names what mends it",
		Description: "It changes nothing, but for an empty object below loader.rejects that it deletes again, and with --live a canary.\n" +
			"The exit status is 0 where nothing failed (warnings are none), else 3. What it may do: inventoryd iam-policy --for check (--for live).\n\n" +
			"Example:\n  inventoryd check --bucket inventory\n  inventoryd check -o json",
		Flags: append(originFlags(), outputFlag(),
			&cli.StringSliceFlag{Name: "bucket", Usage: "`NAME` of a bucket with feeds; repeatable; without it, loader.objects.include is asked, else all of the account's"},
			&cli.BoolFlag{Name: "live", Usage: "also send a canary through a daemon that runs and time its way: an object with one row that is out of stock; nobody is told, and it is removed again"},
			&cli.BoolFlag{Name: "publish", Usage: "with --live: tell the topic's subscribers of the canary too"}),
		Action: func(c *cli.Context) error {
			if c.Bool("publish") && !c.Bool("live") {
				return usage(errors.New("--publish is for --live: without it nothing is sent"))
			}
			cfg, _, err := originOf(c).load()
			if err != nil {
				return usage(err)
			}
			base, _, err := awsConfig(c.Context, cfg.AWS, logging.Nop{})
			if err != nil {
				return err
			}
			d := &doctor{cfg: cfg, clients: newClients(base, cfg.AWS), who: identity(base, cfg.AWS), base: base, buckets: c.StringSlice("bucket")}
			if err := d.endpointsWork(); err != nil {
				return usage(err)
			}
			d.examine(c.Context)
			if c.Bool("live") {
				d.sendCanary(c.Context, c.Bool("publish"))
			}
			if err := d.report(c); err != nil {
				return err
			}
			if n := d.failures(); n > 0 {
				return exit{fmt.Errorf("check: %d of %d failed", n, len(d.findings)), exitFindings}
			}
			return nil
		},
	}
}

// verdict says how something is.
type verdict string

const (
	good    verdict = "pass"
	warning verdict = "warning"
	failure verdict = "failure"
)

// finding is what the doctor says of one thing.
type finding struct {
	Verdict verdict `json:"verdict"`
	Check   string  `json:"check"`
	Found   string  `json:"found"`
	Remedy  string  `json:"remedy,omitempty"` // a command line, or what to do
}

// doctor is one examination. It asks one thing after the other: what is found decides what is asked next.
type doctor struct {
	clients
	cfg     Config
	who     *sts.Client
	base    aws.Config
	buckets []string

	findings []finding
}

// examine looks at everything. What depends on something that is not there is left out.
func (d *doctor) examine(ctx context.Context) {
	if !d.identity(ctx) {
		return
	}
	if arn, ok := d.eventQueue(ctx); ok {
		d.notification(ctx, arn)
	}
	d.rejects(ctx)
	d.inventoryTable(ctx)
	d.ownTables(ctx)
	d.topic(ctx)
	d.metrics(ctx)
	d.machineClock() // by the answers that have come
}

func (d *doctor) say(v verdict, check, remedy, format string, args ...any) {
	d.findings = append(d.findings, finding{v, check, fmt.Sprintf(format, args...), remedy})
}

func (d *doctor) failures() (n int) {
	for _, f := range d.findings {
		if f.Verdict == failure {
			n++
		}
	}
	return n
}

// asked tells whether a call worked; where it did not, the finding says why.
func (d *doctor) asked(check, action string, err error) bool {
	if err == nil {
		return true
	}
	if denied(err) {
		d.say(failure, check, "allow "+action+" to this user or role: inventoryd iam-policy --for check prints all that it takes", "access denied: %s", action)
		return false
	}
	d.say(failure, check, "see whether the service can be reached from here, and whether aws.region is right", "%s: %v", action, err)
	return false
}

func denied(err error) bool {
	switch codeIn(err) {
	case "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "Forbidden", "UnauthorizedOperation":
		return true
	}
	return false
}

// codeIn is the code by which a service refused, or empty.
func codeIn(err error) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

// nameIn is the name of the queue or topic that an ARN is of.
func nameIn(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// identity looks at the credentials: without any, nothing else can be asked.
func (d *doctor) identity(ctx context.Context) bool {
	c, err := d.base.Credentials.Retrieve(ctx)
	if err != nil {
		d.say(failure, "credentials", "give the instance a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "there are none: %v", err)
		return false
	}
	until := "they do not expire"
	if c.CanExpire {
		until = "they are renewed before " + stamp(c.Expires)
	}
	who, err := d.who.GetCallerIdentity(ctx, nil)
	if err != nil && credentialsRefused(err) {
		d.say(failure, "credentials", "renew them: AWS takes them no more (or this machine's clock is wrong)", "%s refuses them: %v", c.Source, err)
		return false
	}
	if err != nil {
		d.say(warning, "credentials", "see whether STS can be reached; the daemon does not need it", "from %s, %s; who they are of cannot be told: %v", c.Source, until, err)
		return true
	}
	d.say(good, "credentials", "", "%s, from %s; %s", aws.ToString(who.Arn), c.Source, until)
	return true
}

const (
	skewWorth = 5 * time.Second // noting
	skewFatal = 4 * time.Minute // AWS refuses signatures that are 5 minutes off
)

func (d *doctor) machineClock() {
	skew, measured := d.calls.clock.Skew()
	const remedy = "timedatectl set-ntp true"
	switch off := skew.Abs(); {
	case !measured:
		d.say(warning, "clock", "", "no service has told the time")
	case off >= skewFatal:
		d.say(failure, "clock", remedy, "is %s off the services': AWS refuses what is signed with more than 5 minutes", off.Round(time.Second))
	case off >= skewWorth:
		d.say(warning, "clock", remedy, "is %s off the services'", off.Round(time.Second))
	default:
		d.say(good, "clock", "", "agrees with the services'")
	}
}

// report prints the findings.
func (d *doctor) report(c *cli.Context) error {
	w := c.App.Writer
	if format := c.String("output"); format == "table" || format == "" && onTerminal(w) {
		return d.lines(w)
	}
	t := table{head: []string{"VERDICT", "CHECK", "FOUND", "REMEDY"}, json: d.findings}
	for _, f := range d.findings {
		t.rows = append(t.rows, []string{string(f.Verdict), f.Check, f.Found, f.Remedy})
	}
	return t.print(c)
}

func (d *doctor) lines(w io.Writer) error {
	colours := map[verdict]string{good: "32", warning: "33", failure: "31"}
	for _, f := range d.findings {
		word := colour(w, colours[f.Verdict], fmt.Sprintf("%-7s", f.Verdict))
		if _, err := fmt.Fprintf(w, "%s  %-14s  %s\n", word, f.Check, visible(f.Found)); err != nil {
			return err
		}
		if f.Remedy != "" {
			if _, err := fmt.Fprintf(w, "         %-14s  → %s\n", "", visible(f.Remedy)); err != nil {
				return err
			}
		}
	}
	return nil
}
