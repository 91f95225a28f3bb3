package main

// The tables, the stream, the topic and the metrics.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/state"
)

// describe returns the table, or nil where there is none or it could not be asked; absent tells which.
func (d *doctor) describe(ctx context.Context, check, name string) (table *types.TableDescription, absent bool) {
	out, err := d.Tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return nil, true
	}
	if !d.asked(check, "dynamodb:DescribeTable on "+name, err) {
		return nil, false
	}
	return out.Table, false
}

// inventoryTable looks at the table of the counts.
func (d *doctor) inventoryTable(ctx context.Context) {
	c := d.cfg.Table
	table, absent := d.describe(ctx, "table", c.Name)
	if absent {
		create := fmt.Sprintf("aws dynamodb create-table --table-name %s --attribute-definitions AttributeName=%s,AttributeType=S AttributeName=%s,AttributeType=S"+
			" --key-schema AttributeName=%s,KeyType=HASH AttributeName=%s,KeyType=RANGE --billing-mode PAY_PER_REQUEST --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES",
			shell(c.Name), shell(c.Store), shell(c.Item), shell(c.Store), shell(c.Item))
		d.say(failure, "table", create, "there is no table %s in this account and region (table.name)", c.Name)
	}
	if table == nil {
		return
	}
	if err := checkKeys(c, table); err != nil {
		d.say(failure, "table", "set table.store and table.item to the names of its keys, or table.name to another table", "table %s %v", c.Name, err)
	} else {
		d.say(good, "table", "", "%s has the keys %s and %s", c.Name, c.Store, c.Item)
	}
	d.attributes(ctx)
	d.capacity(table)
	d.stream(ctx, table)
}

// attributes looks at a sample of the rows for what a load would remove: it writes whole rows.
func (d *doctor) attributes(ctx context.Context) {
	c := d.cfg.Table
	out, err := d.Tables.Scan(ctx, &dynamodb.ScanInput{TableName: &c.Name, Limit: aws.Int32(100)})
	if !d.asked("attributes", "dynamodb:Scan on "+c.Name, err) {
		return
	}
	others := map[string]bool{}
	for _, row := range out.Items {
		for name := range row {
			if name != c.Store && name != c.Item && name != c.Count {
				others[name] = true
			}
		}
	}
	if len(others) == 0 {
		d.say(good, "attributes", "", "%d rows looked at have keys and count only", len(out.Items))
		return
	}
	d.say(warning, "attributes", "keep what is not of the feeds in a table of its own, by the same keys",
		"rows have %s too: a load writes whole rows, so they lose it", strings.Join(slices.Sorted(maps.Keys(others)), ", "))
}

// fewUnits is a provisioned capacity that a feed of some thousand rows has to wait for.
const fewUnits = 100

func (d *doctor) capacity(table *types.TableDescription) {
	units := int64(0)
	if table.ProvisionedThroughput != nil {
		units = aws.ToInt64(table.ProvisionedThroughput.WriteCapacityUnits)
	}
	name := aws.ToString(table.TableName)
	switch {
	case units == 0:
		d.say(good, "capacity", "", "on demand")
	case units < fewUnits:
		d.say(warning, "capacity", "aws dynamodb update-table --table-name "+shell(name)+" --billing-mode PAY_PER_REQUEST", "%d write units are provisioned: at most so many rows a second", units)
	default:
		d.say(good, "capacity", "", "%d write units are provisioned", units)
	}
}

// stream looks at the table's stream, from which alerts come.
func (d *doctor) stream(ctx context.Context, table *types.TableDescription) {
	change := "aws dynamodb update-table --table-name " + shell(aws.ToString(table.TableName)) + " --stream-specification StreamEnabled="
	enable := change + "true,StreamViewType=NEW_AND_OLD_IMAGES"
	s := table.StreamSpecification
	if s == nil || !aws.ToBool(s.StreamEnabled) {
		d.say(failure, "stream", enable, "table %s has no stream: nobody is alerted", aws.ToString(table.TableName))
		return
	}
	switch s.StreamViewType {
	case types.StreamViewTypeNewAndOldImages:
	case types.StreamViewTypeNewImage:
		d.say(warning, "stream", change+"false && "+enable, "it has the view type NEW_IMAGE, without old counts: what was told decides what is told. Changes between the two commands are lost: run them while no feeds come")
	default:
		d.say(failure, "stream", change+"false && "+enable, "it has the view type %s, without counts: nobody is alerted", s.StreamViewType)
		return
	}
	_, err := d.Streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: table.LatestStreamArn})
	if d.asked("stream", "dynamodb:DescribeStream", err) && s.StreamViewType == types.StreamViewTypeNewAndOldImages {
		d.say(good, "stream", "", "enabled, with new and old images")
	}
}

// ownTables looks at the daemon's own.
func (d *doctor) ownTables(ctx context.Context) {
	for _, t := range []struct{ check, name string }{{"state table", d.cfg.StateTable}, {"lease table", d.cfg.Stream.LeaseTable}} {
		table, absent := d.describe(ctx, t.check, t.name)
		if absent {
			d.say(failure, t.check, "inventoryd setup", "there is no table %s; the daemon makes it where it may", t.name)
		}
		if table == nil {
			continue
		}
		var keys []string
		for _, k := range table.KeySchema {
			keys = append(keys, aws.ToString(k.AttributeName))
		}
		if !slices.Equal(keys, []string{"pk", "sk"}) {
			d.say(failure, t.check, "name another one in the configuration (state_table, stream.lease_table) and run inventoryd setup", "table %s has the keys %v, not pk and sk: it is another program's", t.name, keys)
			continue
		}
		if t.name == d.cfg.StateTable && !slices.ContainsFunc(table.GlobalSecondaryIndexes, func(i types.GlobalSecondaryIndexDescription) bool {
			return aws.ToString(i.IndexName) == state.LookIndex
		}) {
			d.say(failure, t.check, "inventoryd setup", "table %s lacks the index %s: nobody is alerted", t.name, state.LookIndex)
			continue
		}
		out, err := d.Tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &t.name})
		if !d.asked(t.check, "dynamodb:DescribeTimeToLive on "+t.name, err) {
			continue
		}
		ttl := out.TimeToLiveDescription
		if ttl == nil || aws.ToString(ttl.AttributeName) != state.Expires {
			d.say(warning, t.check, "aws dynamodb update-time-to-live --table-name "+shell(t.name)+" --time-to-live-specification Enabled=true,AttributeName="+state.Expires,
				"table %s does not delete what has expired: it grows for ever", t.name)
			continue
		}
		d.say(good, t.check, "", "%s", t.name)
	}
}

// topic looks at the topic and who hears it.
func (d *doctor) topic(ctx context.Context) {
	arn, ok := d.findTopic(ctx)
	if !ok {
		return
	}
	_, err := d.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	if codeIn(err) == "NotFound" {
		d.say(failure, "topic", "aws sns create-topic --name "+shell(nameIn(arn)), "there is no topic %s (notifier.topic)", arn)
		return
	}
	if !d.asked("topic", "sns:GetTopicAttributes on "+arn, err) {
		return
	}
	d.say(good, "topic", "", "%s", arn)
	protocols, pending := map[string]int{}, 0
	pages := sns.NewListSubscriptionsByTopicPaginator(d.SNS, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if !d.asked("subscribers", "sns:ListSubscriptionsByTopic on "+arn, err) {
			return
		}
		for _, s := range page.Subscriptions {
			if protocols[aws.ToString(s.Protocol)]++; aws.ToString(s.SubscriptionArn) == "PendingConfirmation" {
				pending++
			}
		}
	}
	d.subscribers(arn, protocols, pending)
}

// mailRate is what SNS delivers to a subscriber by mail, in messages a second ("Amazon SNS endpoints and quotas").
const mailRate = 10

func (d *doctor) subscribers(arn string, protocols map[string]int, pending int) {
	var list []string
	total := 0
	for _, p := range slices.Sorted(maps.Keys(protocols)) {
		list = append(list, fmt.Sprintf("%d %s", protocols[p], p))
		total += protocols[p]
	}
	switch mails := protocols["email"] + protocols["email-json"] + protocols["sms"]; {
	case total == 0:
		d.say(warning, "subscribers", "aws sns subscribe --topic-arn "+shell(arn)+" --protocol email --notification-endpoint YOU@EXAMPLE.COM", "topic %s has none: alerts reach nobody", arn)
	case pending == total:
		d.say(warning, "subscribers", "follow the link in the mail that SNS sent to each, or subscribe again", "none of %s has confirmed: alerts reach nobody", strings.Join(list, ", "))
	case mails > 0 && d.cfg.Notifier.Rate > mailRate:
		d.say(warning, "subscribers", fmt.Sprintf("set notifier.rate to %d or less, or give the subscription a filter policy (docs/alerts.md)", mailRate),
			"%s, and notifier.rate is %v messages a second: SNS delivers 10 mails a second to a subscriber at most, and people read fewer", strings.Join(list, ", "), d.cfg.Notifier.Rate)
	default:
		d.say(good, "subscribers", "", "%s", strings.Join(list, ", "))
	}
}

// findTopic finds the topic as the notifier does.
func (d *doctor) findTopic(ctx context.Context) (arn string, ok bool) {
	named := d.cfg.Notifier.Topic
	if strings.HasPrefix(named, "arn:") {
		return named, true
	}
	var found []string
	pages := sns.NewListTopicsPaginator(d.SNS, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if !d.asked("topic", "sns:ListTopics", err) {
			return "", false
		}
		for _, t := range page.Topics {
			if arn := aws.ToString(t.TopicArn); strings.EqualFold(nameIn(arn), named) {
				found = append(found, arn)
			}
		}
	}
	switch len(found) {
	case 0:
		d.say(failure, "topic", "aws sns create-topic --name "+shell(named), "there is no topic %s in this account and region (notifier.topic)", quoted(named))
		return "", false
	case 1:
		return found[0], true
	}
	d.say(failure, "topic", "set notifier.topic to the ARN of one of them", "%d topics have the name %s: %s", len(found), quoted(named), strings.Join(found, ", "))
	return "", false
}

// metrics asks CloudWatch to take nothing: that it does not like it says that it may be asked.
func (d *doctor) metrics(ctx context.Context) {
	c := d.cfg.Metrics.CloudWatch
	if !c.Enabled {
		d.say(good, "metrics", "", "are not pushed (metrics.cloudwatch.enabled)")
		return
	}
	_, err := d.CloudWatch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: &c.Namespace})
	if denied(err) || err != nil && codeIn(err) == "" {
		d.asked("metrics", "cloudwatch:PutMetricData in "+c.Namespace, err)
		return
	}
	d.say(good, "metrics", "", "CloudWatch takes them in %s", c.Namespace)
}
