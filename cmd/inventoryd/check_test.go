package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/topics"
	"inventoryd/internal/state"
)

// patient is a world that the doctor examines.
type patient struct {
	*world
	*testing.T
	cfg     Config
	buckets []string
}

// newPatient is one that lacks nothing.
func newPatient(t *testing.T) *patient {
	p := &patient{world: newWorld(t), T: t, cfg: defaults()}
	p.cfg.AWS.Endpoint = strings.TrimSuffix(strings.TrimPrefix(p.settings[0], "aws: {endpoint: "), "}")
	_, err := setup(t.Context(), p.Tables, p.cfg.StateTable, state.EnsureState)
	p.must(err)
	_, err = setup(t.Context(), p.Tables, p.cfg.Stream.LeaseTable, state.Ensure)
	p.must(err)
	return p
}

func (p *patient) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *patient) examine() []finding {
	base := aws.Config{Region: sandbox.Region, Credentials: credentials.NewStaticCredentialsProvider("doctor", "secret", "")}
	d := &doctor{cfg: p.cfg, clients: newClients(base, p.cfg.AWS), who: identity(base, p.cfg.AWS), base: base, buckets: p.buckets}
	d.examine(p.Context())
	return d.findings
}

// run runs a remedy as the operator's shell would.
func (p *patient) run(remedy string) {
	p.Helper()
	file := writeConfig(p.T, strings.Join(p.settings, "\n"))
	c := exec.Command("sh", "-c", `inventoryd() { "$SELF" "$@"; }; aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }; `+strings.ReplaceAll(remedy, "YOU@EXAMPLE.COM", "op@example.com"))
	c.Env = append(os.Environ(), sandbox.Environment(strings.TrimPrefix(p.cfg.AWS.Endpoint, "http://"), "operator")...)
	c.Env = append(c.Env, "SELF="+os.Args[0], asDaemon+"=1", "INVENTORYD_CONFIG="+file, "AWS_PAGER=")
	if out, err := c.CombinedOutput(); err != nil {
		p.Errorf("the remedy does not work: %s\n%v\n%s", remedy, err, out)
	}
}

func (p *patient) recreateTable(in dynamodb.CreateTableInput) {
	p.Helper()
	_, err := p.Tables.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: in.TableName})
	p.must(err)
	key := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	if in.KeySchema == nil {
		in.KeySchema = []types.KeySchemaElement{{AttributeName: aws.String("Store"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("Item"), KeyType: types.KeyTypeRange}}
	}
	for _, k := range in.KeySchema {
		in.AttributeDefinitions = append(in.AttributeDefinitions, key(*k.AttributeName))
	}
	if in.BillingMode == "" {
		in.BillingMode = types.BillingModePayPerRequest
	}
	_, err = p.Tables.CreateTable(p.Context(), &in)
	p.must(err)
}

func (p *patient) queueAttributes(queue string, attributes map[string]string) {
	p.Helper()
	_, err := p.SQS.SetQueueAttributes(p.Context(), &sqs.SetQueueAttributesInput{QueueUrl: p.queueURL(p.T, queue), Attributes: attributes})
	p.must(err)
}

func (p *patient) deleteQueue(name string) {
	p.Helper()
	_, err := p.SQS.DeleteQueue(p.Context(), &sqs.DeleteQueueInput{QueueUrl: p.queueURL(p.T, name)})
	p.must(err)
	p.aws.Clock.Advance(2 * time.Minute) // SQS makes no queue of that name again within one
}

func (p *patient) notify(queueARN string) {
	p.Helper()
	n := &s3types.NotificationConfiguration{}
	if queueARN != "" {
		n.QueueConfigurations = []s3types.QueueConfiguration{{QueueArn: &queueARN, Events: []s3types.Event{"s3:ObjectCreated:*"}}}
	}
	_, err := p.S3.PutBucketNotificationConfiguration(p.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String(sandbox.Bucket), NotificationConfiguration: n})
	p.must(err)
}

func (p *patient) deny(service string, e fault.Effect) func() {
	return p.aws.Fault(fault.Rule{Service: service, Client: "doctor", Effect: e})
}

var enabled = func(view types.StreamViewType) *types.StreamSpecification {
	return &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}
}

// ailments is what can be wrong: how it comes about, and what the doctor is to say.
var ailments = map[string]struct {
	cause   func(*patient)
	check   string
	verdict verdict
	found   string // part of what is found
	remedy  string // part of the remedy
}{
	"no queue": {func(p *patient) {
		p.deleteQueue(sandbox.EventQueue)
	}, "queue", failure, "there is no queue", "aws sqs create-queue"},
	"no dead-letter queue": {func(p *patient) { p.queueAttributes(sandbox.EventQueue, map[string]string{"RedrivePolicy": ""}) }, "dlq", failure, "has no dead-letter queue", "aws sqs create-queue"},
	"a dead-letter queue that is gone": {func(p *patient) {
		p.deleteQueue(sandbox.DeadLetterQueue)
	}, "dlq", failure, "does not exist", "aws sqs create-queue"},
	"a dead-letter queue that keeps too short": {func(p *patient) {
		p.queueAttributes(sandbox.DeadLetterQueue, map[string]string{"MessageRetentionPeriod": "86400"})
	}, "dlq", failure, "keeps messages for 86400 s", "aws sqs set-queue-attributes"},
	"a redrive after three receives": {func(p *patient) {
		p.queueAttributes(sandbox.EventQueue, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + queues.ARN(sandbox.DeadLetterQueue) + `","maxReceiveCount":"3"}`})
	}, "dlq", warning, "maxReceiveCount is 3", "aws sqs set-queue-attributes"},
	"no notification":      {func(p *patient) { p.notify("") }, "notification", failure, "tells nobody", "aws s3api put-bucket-notification-configuration"},
	"another queue's news": {func(p *patient) { p.notify(queues.ARN(sandbox.Inbox)) }, "notification", failure, "tells another queue", "aws s3api put-bucket-notification-configuration"},
	"no bucket":            {func(p *patient) { p.buckets = []string{"nowhere"} }, "notification", failure, "there is no bucket", "aws s3 mb s3://nowhere"},
	"no table": {func(p *patient) {
		_, err := p.Tables.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(sandbox.Table)})
		p.must(err)
	}, "table", failure, "there is no table", "aws dynamodb create-table"},
	"a table with other keys": {func(p *patient) {
		p.recreateTable(dynamodb.CreateTableInput{TableName: aws.String(sandbox.Table), StreamSpecification: enabled(types.StreamViewTypeNewAndOldImages), KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("Shop"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("SKU"), KeyType: types.KeyTypeRange},
		}})
	}, "table", failure, "[Shop SKU]", "table.store"},
	"rows with more than a count": {func(p *patient) {
		row := p.cfg.Table.Attributes(inventory.Item{Key: inventory.Key{Store: "Berlin", Item: "Lamp"}, Count: 1})
		row["Shelf"] = &types.AttributeValueMemberS{Value: "12"}
		_, err := p.Tables.PutItem(p.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: row})
		p.must(err)
	}, "attributes", warning, "rows have Shelf too", "table of its own"},
	"little capacity": {func(p *patient) {
		p.recreateTable(dynamodb.CreateTableInput{
			TableName: aws.String(sandbox.Table), StreamSpecification: enabled(types.StreamViewTypeNewAndOldImages), BillingMode: types.BillingModeProvisioned,
			ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(5)},
		})
	}, "capacity", warning, "5 write units", "--billing-mode PAY_PER_REQUEST"},
	"no stream": {func(p *patient) { p.recreateTable(dynamodb.CreateTableInput{TableName: aws.String(sandbox.Table)}) }, "stream", failure, "has no stream", "aws dynamodb update-table"},
	"a stream of keys only": {func(p *patient) {
		p.recreateTable(dynamodb.CreateTableInput{TableName: aws.String(sandbox.Table), StreamSpecification: enabled(types.StreamViewTypeKeysOnly)})
	}, "stream", failure, "KEYS_ONLY", "StreamEnabled=false && aws dynamodb"},
	"a stream without old images": {func(p *patient) {
		p.recreateTable(dynamodb.CreateTableInput{TableName: aws.String(sandbox.Table), StreamSpecification: enabled(types.StreamViewTypeNewImage)})
	}, "stream", warning, "NEW_IMAGE", "StreamEnabled=false && aws dynamodb"},
	"no state table": {func(p *patient) {
		_, err := p.Tables.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: &p.cfg.StateTable})
		p.must(err)
	}, "state table", failure, "there is no table", "inventoryd setup"},
	"a lease table that is another's": {func(p *patient) { p.cfg.Stream.LeaseTable = sandbox.Table }, "lease table", failure, "another program's", "inventoryd setup"},
	"a state table without its index": {func(p *patient) {
		_, err := p.Tables.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: &p.cfg.StateTable})
		p.must(err)
		_, err = state.Ensure(p.Context(), p.Tables, p.cfg.StateTable) // as a lease table is made
		p.must(err)
	}, "state table", failure, "lacks the index", "inventoryd setup"},
	"a state table that grows": {func(p *patient) {
		_, err := p.Tables.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: &p.cfg.StateTable})
		p.must(err)
		_, err = p.Tables.CreateTable(p.Context(), &dynamodb.CreateTableInput{
			TableName: &p.cfg.StateTable, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "S"}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"}},
		})
		p.must(err)
		p.must(state.AddIndex(p.Context(), p.Tables, p.cfg.StateTable))
	}, "state table", warning, "does not delete", "aws dynamodb update-time-to-live"},
	"no topic":        {func(p *patient) { p.cfg.Notifier.Topic = "Nothing" }, "topic", failure, "there is no topic", "aws sns create-topic --name Nothing"},
	"no topic by ARN": {func(p *patient) { p.cfg.Notifier.Topic = topics.ARN("Nothing") }, "topic", failure, "there is no topic", "aws sns create-topic --name Nothing"},
	"two topics of a name": {func(p *patient) {
		_, err := p.SNS.CreateTopic(p.Context(), &sns.CreateTopicInput{Name: aws.String("nostock")})
		p.must(err)
	}, "topic", failure, "2 topics have the name", "the ARN of one of them"},
	"nobody listens": {func(p *patient) {
		_, err := p.SNS.CreateTopic(p.Context(), &sns.CreateTopicInput{Name: aws.String("Lonely")})
		p.must(err)
		p.cfg.Notifier.Topic = "Lonely"
	}, "subscribers", warning, "alerts reach nobody", "aws sns subscribe"},
	"mails without measure": {func(p *patient) {
		_, err := p.SNS.Subscribe(p.Context(), &sns.SubscribeInput{TopicArn: aws.String(topics.ARN(sandbox.Topic)), Protocol: aws.String("email"), Endpoint: aws.String("op@example.com")})
		p.must(err)
		p.cfg.Notifier.Rate = 50
	}, "subscribers", warning, "1 email", "notifier.rate"},
	"rejects in no bucket": {func(p *patient) { p.cfg.Loader.Rejects = "s3://nowhere/rejects/" }, "rejects", failure, "there is no bucket", "aws s3 mb s3://nowhere"},
	"a bucket elsewhere":   {func(p *patient) { p.must(p.aws.Objects.Place(sandbox.Bucket, "eu-west-1")) }, "bucket", warning, "is in eu-west-1", "EventBridge"},
	"rejects that are denied": {func(p *patient) {
		p.cfg.Loader.Rejects = "s3://inventory/rejects/"
		p.aws.Fault(fault.Rule{Service: "s3", Operation: "PutObject", Client: "doctor", Effect: fault.AccessDenied})
	}, "rejects", failure, "access denied: s3:PutObject", "iam-policy --for check"},
	"a clock that is off": {func(p *patient) { p.aws.Clock.Advance(4*time.Minute + 30*time.Second) }, "clock", failure, "4m", "timedatectl set-ntp true"},
	"a clock that drifts": {func(p *patient) { p.aws.Clock.Advance(20 * time.Second) }, "clock", warning, "s off the services'", "timedatectl set-ntp true"},
	"expired credentials": {func(p *patient) {
		p.deny("", fault.Effect{Error: &fault.Error{Status: 403, Code: "ExpiredToken", Message: "expired"}})
	}, "credentials", failure, "refuses them", "renew them"},
	"SQS denied":        {func(p *patient) { p.deny("sqs", fault.AccessDenied) }, "queue", failure, "access denied: sqs:GetQueueUrl", "iam-policy"},
	"S3 denied":         {func(p *patient) { p.deny("s3", fault.AccessDenied) }, "notification", failure, "access denied: s3:ListAllMyBuckets", "iam-policy"},
	"DynamoDB denied":   {func(p *patient) { p.deny("dynamodb", fault.AccessDeniedJSON) }, "table", failure, "access denied: dynamodb:DescribeTable", "iam-policy"},
	"the stream denied": {func(p *patient) { p.deny("streams", fault.AccessDeniedJSON) }, "stream", failure, "access denied: dynamodb:DescribeStream", "iam-policy"},
	"SNS denied": {func(p *patient) {
		p.deny("sns", fault.Effect{Error: &fault.Error{Status: 403, Code: "AuthorizationError", Message: "no"}})
	}, "topic", failure, "access denied: sns:ListTopics", "iam-policy"},
	"CloudWatch denied":     {func(p *patient) { p.deny("cloudwatch", fault.AccessDenied) }, "metrics", failure, "access denied: cloudwatch:PutMetricData", "iam-policy"},
	"a service that is out": {func(p *patient) { p.deny("sns", fault.Unavailable) }, "topic", failure, "sns:ListTopics: ", "can be reached"},
}

func TestTheDoctorFindsAHealthyPatientHealthy(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	gate, _ := granted(t, p.cfg, "check", both)
	p.aws.Enforce("doctor", gate)
	for _, p.buckets = range [][]string{nil, {sandbox.Bucket}} {
		for _, f := range p.examine() {
			if f.Verdict != good || f.Remedy != "" {
				t.Errorf("%+v", f)
			}
		}
	}
	deniedNothing(t, gate)
}

func TestTheDoctorNamesEachAilmentWithARemedyThatWorks(t *testing.T) {
	t.Parallel()
	_, noAWS := exec.LookPath("aws")
	for name, a := range ailments {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			a.cause(p)
			before, found := p.complaint(a.check)
			if !found {
				t.Fatalf("nothing is said of %s: %+v", a.check, p.examine())
			}
			if before.Verdict != a.verdict || !strings.Contains(before.Found, a.found) || !strings.Contains(before.Remedy, a.remedy) {
				t.Fatalf("the doctor says %+v", before)
			}
			t.Logf("%s: %s\n→ %s", before.Verdict, before.Found, before.Remedy)
			if !strings.HasPrefix(before.Remedy, "aws ") && before.Remedy != "inventoryd setup" {
				return
			}
			if noAWS != nil {
				t.Skip("the remedy is not tried: there is no aws on this machine")
			}
			p.run(before.Remedy)
			if after, still := p.complaint(a.check); still && after.Found == before.Found {
				t.Errorf("the remedy %s changes nothing: %+v", before.Remedy, after)
			}
		})
	}
}

// complaint is the worst that the doctor says of one thing, if that is not good.
func (p *patient) complaint(check string) (worst finding, found bool) {
	for _, f := range p.examine() {
		if f.Check == check && f.Verdict != good && (!found || f.Verdict == failure) {
			worst, found = f, true
		}
	}
	return worst, found
}
