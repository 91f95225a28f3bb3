package main

// The command `iam-policy`: the least that a command may do under this very configuration.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/urfave/cli/v2"

	"inventoryd/internal/state"
	"inventoryd/internal/web"
	"inventoryd/loader"
)

// purposes are what a policy can be for.
var purposes = []string{"run", "check", "live", "setup", "load", "alerts", "resync", "audit", "dead", "explain", "loads", "release", "shards"}

func policyCommand() *cli.Command {
	return &cli.Command{
		Name:  "iam-policy",
		Usage: "prints the least-privilege policy for this very configuration",
		Description: "Permissions follow the configuration: a notifier alone reads no queue. Where account or region are unknown they\n" +
			"are *, which matches more than it should.\n\n" +
			"Example:\n  inventoryd iam-policy --bucket inventory > policy.json\n  inventoryd iam-policy --for setup",
		Flags: append(originFlags(),
			&cli.StringFlag{Name: "for", Value: "run", Usage: "the command that is to be allowed: `COMMAND` is run, check, live (check --live), setup, load, alerts, resync, audit, dead, explain, loads, release or shards (and shards reset)"},
			&cli.StringFlag{Name: "only", Usage: "for run: one `HALF`, loader or notifier"},
			&cli.StringSliceFlag{Name: "bucket", Usage: "`NAME` of a bucket with feeds; repeatable; without it, loader.objects.include is asked"},
			&cli.StringFlag{Name: "account", Usage: "`ID` of the account; without it, AWS is asked who calls", DefaultText: "the caller's"}),
		Action: func(c *cli.Context) error {
			cfg, _, err := originOf(c).load()
			if err != nil {
				return usage(err)
			}
			purpose := c.String("for")
			if !slices.Contains(purposes, purpose) {
				return usage(fmt.Errorf("--for %s: there are %s", quoted(purpose), strings.Join(purposes, ", ")))
			}
			only, err := halfOf(c)
			if err != nil {
				return err
			}
			g := grants{cfg: cfg, only: only, place: whereabouts(c.Context, cfg.AWS, c.String("account")), buckets: c.StringSlice("bucket")}
			if len(g.buckets) == 0 {
				g.buckets = bucketsOf(cfg)
			}
			if len(g.buckets) == 0 && slices.Contains([]string{"run", "check", "live", "load"}, purpose) && only != onlyNotifier {
				fmt.Fprintln(c.App.ErrWriter, "inventoryd: the configuration names no bucket, so this allows all: name it by --bucket")
				g.buckets = []string{"*"}
			}
			return printJSON(c.App.Writer, g.policy(purpose))
		},
	}
}

// place is the part of an ARN that says where.
type place struct{ partition, region, account string }

// whereabouts finds out as much as it can: without an account a policy can still be written.
func whereabouts(ctx context.Context, c AWS, account string) place {
	p := place{"aws", "*", account}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	base, _, err := awsConfig(ctx, c, logging.Nop{})
	if err == nil {
		p.region = base.Region
	}
	if prefix, _, _ := strings.Cut(p.region, "-"); prefix == "cn" {
		p.partition = "aws-cn"
	} else if strings.HasPrefix(p.region, "us-gov-") {
		p.partition = "aws-us-gov"
	}
	if p.account == "" && err == nil {
		if who, err := identity(base, c).GetCallerIdentity(ctx, nil); err == nil {
			p.account = aws.ToString(who.Account)
		}
	}
	if p.account == "" {
		p.account = "*"
	}
	return p
}

// identity is the client that knows who calls. It takes aws.endpoint for its own, since stand-ins know all services.
func identity(base aws.Config, c AWS) *sts.Client {
	return sts.NewFromConfig(base, func(o *sts.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
	})
}

// bucketsOf are the buckets that the patterns of objects name.
func bucketsOf(c Config) []string {
	var names []string
	for _, pattern := range c.Loader.Objects.Include {
		name, _, _ := strings.Cut(pattern, "/")
		if name == "" || strings.ContainsAny(name, "*?") {
			return nil // some pattern is for any bucket
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// policyDocument is a document as IAM takes it.
type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid, Effect string
	Action      []string
	Resource    []string
	Condition   map[string]map[string]string `json:",omitempty"`
}

// grants writes policies for one configuration.
type grants struct {
	cfg     Config
	only    half
	place   place
	buckets []string
}

func (g grants) policy(purpose string) policyDocument {
	d := policyDocument{Version: "2012-10-17"}
	d.Statement = map[string]func() []policyStatement{
		"run": g.run, "check": g.check, "live": g.live, "setup": g.setup, "load": g.load,
		"alerts": g.alerts, "resync": g.resync, "audit": g.audit, "dead": g.dead, "explain": g.explain,
		"loads": g.loads, "release": g.release, "shards": g.shards,
	}[purpose]()
	return d
}

// run is what the daemon does.
func (g grants) run() (all []policyStatement) {
	c := g.cfg
	if g.only != onlyNotifier {
		all = append(all,
			allow("ReceiveEvents", g.queues(c.Loader.Queue), "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"))
		all = append(all, g.reading()...)
		all = append(all, g.reports()...)
		all = append(all, allow("WriteRows", g.table(c.Table.Name), g.writing()...))
		all = append(all, allow("KnowFeedsOfStores", g.table(c.StateTable), "dynamodb:BatchWriteItem"))
		if slices.ContainsFunc(c.Loader.Feeds, func(f loader.Feed) bool { return f.Absent == "zero" }) {
			all = append(all, allow("FindAbsentItems", g.table(c.Table.Name), "dynamodb:Query"))
		}
	}
	all = append(all,
		allow("KnowTable", g.table(c.Table.Name), "dynamodb:DescribeTable"),
		allow("KeepState", g.table(c.StateTable), "dynamodb:DescribeTable", "dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
			"dynamodb:UpdateTimeToLive"))
	if g.only != onlyLoader {
		all = append(all, g.alerting()...)
	}
	if c.HTTP.Listen != web.Off {
		actions := []string{"dynamodb:Query"}
		if g.only == onlyLoader { // else VerifyAlerts has them
			actions = append(actions, "dynamodb:Scan", "dynamodb:BatchGetItem")
		}
		all = append(all, allow("ShowStock", g.table(c.Table.Name), actions...))
	}
	return append(all, g.metrics()...)
}

// reading is what feeds need; without s3:ListBucket an object that is gone looks like one that is denied.
func (g grants) reading() []policyStatement {
	return []policyStatement{
		allow("ReadFeeds", g.objects(), "s3:GetObject"),
		allow("TellGoneFromDenied", g.bucketARNs(), "s3:ListBucket"),
	}
}

// reports is where rejected rows are told of.
func (g grants) reports() []policyStatement {
	rest, ok := strings.CutPrefix(g.cfg.Loader.Rejects, "s3://")
	if !ok {
		return nil
	}
	return []policyStatement{allow("ReportRejects", []string{g.global("s3", strings.TrimRight(rest, "/")+"/*")}, "s3:PutObject")}
}

// alerting is the way from the table's stream to the topic.
func (g grants) alerting() []policyStatement {
	c := g.cfg
	all := []policyStatement{
		allow("ReadStream", []string{g.in("dynamodb", "table/"+c.Table.Name+"/stream/*")}, "dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"),
		allow("FindStreams", []string{"*"}, "dynamodb:ListStreams"), // it takes no resource
		allow("KeepLeases", g.table(c.Stream.LeaseTable), "dynamodb:DescribeTable", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:UpdateTimeToLive"),
		allow("VerifyAlerts", g.table(c.Table.Name), "dynamodb:BatchGetItem", "dynamodb:Scan"),
		allow("RememberAlerts", g.table(c.StateTable), "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"),
		allow("FindAlerts", []string{g.in("dynamodb", "table/"+c.StateTable+"/index/"+state.LookIndex)}, "dynamodb:Query"),
		allow("Alert", []string{g.topic()}, "sns:Publish"),
	}
	if strings.HasPrefix(c.Notifier.Topic, "arn:") {
		all = append(all, allow("LookAtTopic", []string{g.topic()}, "sns:GetTopicAttributes"))
	} else {
		all = append(all, allow("FindTopic", []string{"*"}, "sns:ListTopics")) // it takes no resource
	}
	if q := c.Stream.DeadLetterQueue; q != "" {
		all = append(all, allow("DivertRecords", g.queues(q), "sqs:GetQueueUrl", "sqs:SendMessage"))
	}
	return all
}

func (g grants) metrics() []policyStatement {
	c := g.cfg.Metrics.CloudWatch
	if !c.Enabled {
		return nil
	}
	s := allow("PushMetrics", []string{"*"}, "cloudwatch:PutMetricData") // it takes no resource
	s.Condition = map[string]map[string]string{"StringEquals": {"cloudwatch:namespace": c.Namespace}}
	return []policyStatement{s}
}

// load is the pipeline without its queue.
func (g grants) load() []policyStatement {
	all := append(g.reading(), g.reports()...)
	return append(all,
		allow("WriteRows", g.table(g.cfg.Table.Name), append(g.writing(), "dynamodb:DescribeTable")...),
		allow("KnowLoads", g.table(g.cfg.StateTable), "dynamodb:GetItem"),
		allow("ForetellRows", g.table(g.cfg.Table.Name), "dynamodb:BatchGetItem", "dynamodb:Query"))
}

// writing is how rows come into the table.
func (g grants) writing() []string {
	actions := []string{"dynamodb:BatchWriteItem"}
	if g.cfg.Loader.Attributes == "keep" {
		actions = []string{"dynamodb:UpdateItem"}
	}
	if g.cfg.Loader.Mode == "delta" {
		actions = append(actions, "dynamodb:BatchGetItem", "dynamodb:Query")
	}
	return actions
}

// setup makes the daemon's own tables.
func (g grants) setup() []policyStatement {
	own := append(g.table(g.cfg.StateTable), g.table(g.cfg.Stream.LeaseTable)...)
	return []policyStatement{
		allow("MakeTables", own, "dynamodb:DescribeTable", "dynamodb:CreateTable", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"),
	}
}

// check only looks.
func (g grants) check() []policyStatement {
	c := g.cfg
	tables := slices.Concat(g.table(c.Table.Name), g.table(c.StateTable), g.table(c.Stream.LeaseTable))
	all := []policyStatement{
		allow("LookAtQueues", []string{g.in("sqs", "*")}, "sqs:GetQueueUrl", "sqs:GetQueueAttributes"), // the dead-letter queue has any name
		allow("LookAtBuckets", g.bucketARNs(), "s3:GetBucketNotification", "s3:ListBucket"),
		allow("LookAtTables", tables, "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"),
		allow("LookAtRows", g.table(c.Table.Name), "dynamodb:Scan"),
		allow("LookAtStream", []string{g.in("dynamodb", "table/"+c.Table.Name+"/stream/*")}, "dynamodb:DescribeStream"),
		allow("LookAtTopic", []string{g.topic()}, "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"),
		allow("FindTopicAndBuckets", []string{"*"}, "sns:ListTopics", "s3:ListAllMyBuckets"),
	}
	if tried := g.reports(); tried != nil { // by an object that is deleted again
		tried[0].Action = append(tried[0].Action, "s3:DeleteObject")
		all = append(all, tried...)
	}
	return append(all, g.metrics()...)
}

// live is check, and what sends a canary and removes it.
func (g grants) live() []policyStatement {
	c := g.cfg
	return append(g.check(),
		allow("SendCanary", g.objects(), "s3:PutObject", "s3:DeleteObject"),
		allow("FollowCanary", g.table(c.Table.Name), "dynamodb:GetItem", "dynamodb:DeleteItem"),
		allow("FollowCanaryToTeller", g.table(c.StateTable), "dynamodb:GetItem", "dynamodb:Query", "dynamodb:DeleteItem"))
}
