package main

// The way of the feeds: queue, dead-letter queue, bucket and its notification, reports.

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// longestRetention is SQS's, in seconds.
const longestRetention = "1209600"

// queue is what SQS says of one.
type queue struct {
	url        string
	attributes map[string]string
}

func (q queue) number(name string) int {
	n, _ := strconv.Atoi(q.attributes[name]) // SQS writes numbers
	return n
}

// lookAt finds a queue by its name or URL. absent tells of one that is not there, of which nothing has been said yet.
func (d *doctor) lookAt(ctx context.Context, check, named string) (q queue, absent, ok bool) {
	url, err := d.queueURL(ctx, named)
	if noQueue(err) {
		return q, true, false
	}
	if !d.asked(check, "sqs:GetQueueUrl", err) {
		return q, false, false
	}
	q.url = url
	out, err := d.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if noQueue(err) {
		return q, true, false
	}
	if !d.asked(check, "sqs:GetQueueAttributes", err) {
		return q, false, false
	}
	q.attributes = out.Attributes
	return q, false, true
}

func noQueue(err error) bool {
	code := codeIn(err)
	return code == "QueueDoesNotExist" || code == "AWS.SimpleQueueService.NonExistentQueue"
}

// setAttributes is the command that changes a queue.
func setAttributes(url string, attributes map[string]string) string {
	text, _ := json.Marshal(attributes) // of texts
	return "aws sqs set-queue-attributes --queue-url " + shell(url) + " --attributes " + shell(string(text))
}

// eventQueue looks at the queue of the bucket's events and returns its ARN.
func (d *doctor) eventQueue(ctx context.Context) (arn string, ok bool) {
	named := d.cfg.Loader.Queue
	q, absent, ok := d.lookAt(ctx, "queue", named)
	if absent {
		d.say(failure, "queue", "aws sqs create-queue --queue-name "+shell(named), "there is no queue %s in this account and region (loader.queue)", quoted(named))
	}
	if !ok {
		return "", false
	}
	arn = q.attributes["QueueArn"]
	d.say(good, "queue", "", "%s: %s messages wait, %s are in work", arn, q.attributes["ApproximateNumberOfMessages"], q.attributes["ApproximateNumberOfMessagesNotVisible"])
	d.redrive(ctx, q)
	return arn, true
}

// redrive looks at where messages go that fail again and again.
func (d *doctor) redrive(ctx context.Context, q queue) {
	name := nameIn(q.attributes["QueueArn"])
	policy := func(arn string) string {
		return setAttributes(q.url, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":"5"}`})
	}
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
		Max    any    `json:"maxReceiveCount"` // a number or a text
	}
	if text := q.attributes["RedrivePolicy"]; text == "" || json.Unmarshal([]byte(text), &redrive) != nil {
		dead := strings.TrimSuffix(q.attributes["QueueArn"], name) + name + "-dlq"
		d.say(failure, "dlq", "aws sqs create-queue --queue-name "+shell(name+"-dlq")+" --attributes MessageRetentionPeriod="+longestRetention+" && "+policy(dead),
			"queue %s has no dead-letter queue: a message that always fails is tried until it expires, and then lost", name)
		return
	}
	if max, _ := strconv.Atoi(fmt.Sprint(redrive.Max)); max < 5 {
		d.say(warning, "dlq", policy(redrive.Target), "maxReceiveCount is %d: a short outage moves good messages to the dead-letter queue; 5 or more", max)
	}
	deadName := nameIn(redrive.Target)
	dead, absent, ok := d.lookAt(ctx, "dlq", deadName)
	if absent {
		d.say(failure, "dlq", "aws sqs create-queue --queue-name "+shell(deadName)+" --attributes MessageRetentionPeriod="+longestRetention, "the dead-letter queue %s does not exist", quoted(deadName))
	}
	if !ok {
		return
	}
	const keeps = "MessageRetentionPeriod"
	if dead.number(keeps) <= q.number(keeps) && dead.attributes[keeps] != longestRetention {
		d.say(failure, "dlq", setAttributes(dead.url, map[string]string{keeps: longestRetention}),
			"%s keeps messages for %d s, queue %s for %d s: their age goes on, so they expire soon after they got there", deadName, dead.number(keeps), name, q.number(keeps))
		return
	}
	d.say(good, "dlq", "", "%s takes what failed %v times; %s messages wait there", deadName, redrive.Max, dead.attributes["ApproximateNumberOfMessages"])
}

// notification looks whether a bucket tells the queue of new objects.
func (d *doctor) notification(ctx context.Context, queueARN string) {
	candidates := d.buckets
	if candidates == nil {
		candidates = bucketsOf(d.cfg)
	}
	all := candidates == nil
	if all {
		out, err := d.S3.ListBuckets(ctx, &s3.ListBucketsInput{})
		if !d.asked("notification", "s3:ListAllMyBuckets", err) {
			return
		}
		for _, b := range out.Buckets {
			candidates = append(candidates, aws.ToString(b.Name))
		}
	}
	telling := 0
	var silent []finding
	for _, bucket := range candidates {
		region := d.region(ctx, bucket, !all)
		f := d.notifies(ctx, bucket, region, queueARN)
		if f.Verdict != failure {
			telling++
		}
		if f.Verdict != failure || !all {
			d.findings = append(d.findings, f)
		} else {
			silent = append(silent, f)
		}
	}
	if telling > 0 || !all {
		return
	}
	if len(silent) == 1 { // that is the one
		d.findings = append(d.findings, silent[0])
		return
	}
	d.say(failure, "notification", "name the bucket: inventoryd check --bucket NAME", "none of the %d buckets of this account tells %s of new objects", len(candidates), queueARN)
}

// region is where a bucket is; it is said of those that are named, and of each that is elsewhere. "": that cannot be told.
func (d *doctor) region(ctx context.Context, bucket string, named bool) string {
	out, err := d.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	region := ""
	var answer *smithyhttp.ResponseError
	switch {
	case err == nil:
		region = aws.ToString(out.BucketRegion)
	case errors.As(err, &answer) && answer.HTTPStatusCode() != http.StatusNotFound: // it is named where the call is refused, too
		region = answer.Response.Header.Get("X-Amz-Bucket-Region")
	}
	switch {
	case region == "":
	case region != d.base.Region:
		d.say(warning, "bucket", "let EventBridge or a topic take the events of "+bucket+" to the queue, or make queue and table in "+region+" and set aws.region",
			"%s is in %s, this daemon works in %s: S3 tells queues of its own region only", bucket, region, d.base.Region)
	case named:
		d.say(good, "bucket", "", "%s is in %s", bucket, region)
	}
	return region
}

// notifies looks at one bucket.
func (d *doctor) notifies(ctx context.Context, bucket, region, queueARN string) finding {
	say := func(v verdict, remedy, format string, args ...any) finding {
		return finding{v, "notification", fmt.Sprintf(format, args...), remedy}
	}
	out, err := d.S3.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket}, func(o *s3.Options) {
		o.Region = cmp.Or(region, o.Region)
	})
	switch {
	case codeIn(err) == "NoSuchBucket":
		return say(failure, "aws s3 mb "+shell("s3://"+bucket), "there is no bucket %s", quoted(bucket))
	case err != nil:
		rest := &doctor{}
		rest.asked("notification", "s3:GetBucketNotification on "+bucket, err)
		return rest.findings[0]
	}
	creates := func(events []s3types.Event) bool {
		return slices.ContainsFunc(events, func(e s3types.Event) bool { return strings.HasPrefix(string(e), "s3:ObjectCreated:") })
	}
	for _, q := range out.QueueConfigurations {
		if aws.ToString(q.QueueArn) == queueARN && creates(q.Events) {
			return say(good, "", "bucket %s tells the queue of new objects", bucket)
		}
	}
	for _, t := range out.TopicConfigurations {
		if creates(t.Events) {
			return say(warning, "", "bucket %s tells topic %s; whether the queue is subscribed to it is not looked at", bucket, aws.ToString(t.TopicArn))
		}
	}
	if out.EventBridgeConfiguration != nil {
		return say(warning, "", "bucket %s tells EventBridge; whether a rule of it goes to the queue is not looked at", bucket)
	}
	found := "tells nobody"
	if len(out.QueueConfigurations) > 0 {
		found = "tells another queue, " + aws.ToString(out.QueueConfigurations[0].QueueArn)
	}
	merged := s3types.NotificationConfiguration{
		QueueConfigurations: append(out.QueueConfigurations, s3types.QueueConfiguration{QueueArn: &queueARN, Events: []s3types.Event{"s3:ObjectCreated:*"}}),
		TopicConfigurations: out.TopicConfigurations, LambdaFunctionConfigurations: out.LambdaFunctionConfigurations,
	}
	if len(out.QueueConfigurations) > 0 { // S3 takes no two for the same events
		merged.QueueConfigurations = slices.DeleteFunc(slices.Clone(merged.QueueConfigurations), func(q s3types.QueueConfiguration) bool {
			return aws.ToString(q.QueueArn) != queueARN && creates(q.Events)
		})
	}
	return say(failure, "aws s3api put-bucket-notification-configuration --bucket "+shell(bucket)+" --notification-configuration "+shell(cliJSON(merged)),
		"bucket %s %s: new objects are not noticed", bucket, found)
}

// cliJSON is a structure of the SDK as the command line takes it: the same names, without what is not set.
func cliJSON(v any) string {
	var plain any
	text, _ := json.Marshal(v)
	_ = json.Unmarshal(text, &plain) // has just been made
	text, _ = json.Marshal(withoutNothing(plain))
	return string(text)
}

func withoutNothing(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if inner = withoutNothing(inner); inner == nil {
				delete(v, k)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNothing(v[i])
		}
	}
	return v
}

// rejects tries to write where reports of rejected rows go; a directory was tried with the configuration.
func (d *doctor) rejects(ctx context.Context) {
	rest, isS3 := strings.CutPrefix(d.cfg.Loader.Rejects, "s3://")
	switch {
	case d.cfg.Loader.Rejects == "":
		d.say(good, "rejects", "", "no reports are written (loader.rejects); the log has the first rejected row of each object")
		return
	case !isS3:
		d.say(good, "rejects", "", "directory %s can be written to by this user", d.cfg.Loader.Rejects)
		return
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	key := strings.TrimRight(prefix, "/") + "/inventoryd-check"
	if _, err := d.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		if codeIn(err) == "NoSuchBucket" {
			d.say(failure, "rejects", "aws s3 mb "+shell("s3://"+bucket), "there is no bucket %s (loader.rejects)", quoted(bucket))
			return
		}
		d.asked("rejects", "s3:PutObject on "+rest, err)
		return
	}
	_, err := d.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		d.say(warning, "rejects", "aws s3 rm "+shell("s3://"+bucket+"/"+key), "%s can be written to; the test object could not be deleted: %v", rest, err)
		return
	}
	d.say(good, "rejects", "", "%s can be written to", rest)
}
