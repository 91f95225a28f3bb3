package sandbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/policy"
)

// calls are one of each kind, by the permission that it needs first.
func calls(t *testing.T, box *sandbox.Sandbox) map[string]func() error {
	cfg := box.Config("held")
	db, streams := dynamodb.NewFromConfig(cfg), dynamodbstreams.NewFromConfig(cfg)
	queue, topic, metrics := sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg)
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	table, key := aws.String(sandbox.Table), map[string]types.AttributeValue{"Store": &types.AttributeValueMemberS{Value: "a"}, "Item": &types.AttributeValueMemberS{Value: "b"}}
	const account = "us-east-1:123456789012:"
	url, arn := aws.String("http://sandbox/123456789012/"+sandbox.EventQueue), aws.String("arn:aws:sns:"+account+sandbox.Topic)
	out, err := dynamodb.NewFromConfig(box.Config("free")).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: table})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.Table.LatestStreamArn
	on := func(permission string) string {
		return strings.ReplaceAll(permission, "TABLE", "arn:aws:dynamodb:"+account+"table/Inventory")
	}
	return map[string]func() error{
		on("dynamodb:GetItem on TABLE"): func() error {
			_, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: key})
			return err
		},
		on("dynamodb:BatchWriteItem on TABLE"): func() error {
			_, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"Inventory": {{PutRequest: &types.PutRequest{Item: key}}}}})
			return err
		},
		on("dynamodb:ConditionCheckItem on TABLE"): func() error {
			_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key, ConditionExpression: aws.String("attribute_not_exists(x)")}}}})
			return err
		},
		on("dynamodb:ListStreams on *"): func() error {
			_, err := streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{})
			return err
		},
		"dynamodb:DescribeStream on " + *stream: func() error {
			_, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: stream})
			return err
		},
		"sqs:ReceiveMessage on arn:aws:sqs:" + account + "inventory-events": func() error {
			_, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url})
			return err
		},
		"sns:Publish on arn:aws:sns:" + account + "NoStock": func() error {
			_, err := topic.Publish(t.Context(), &sns.PublishInput{TopicArn: arn, Message: aws.String("m")})
			return err
		},
		"sns:ListTopics on *": func() error { _, err := topic.ListTopics(t.Context(), &sns.ListTopicsInput{}); return err },
		"s3:GetObject on arn:aws:s3:::inventory/there": func() error {
			_, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("inventory"), Key: aws.String("there")})
			return err
		},
		"s3:ListBucket on arn:aws:s3:::inventory": func() error {
			_, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("inventory")})
			return err
		},
		"cloudwatch:PutMetricData on *": func() error {
			_, err := metrics.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("n"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}})
			return err
		},
	}
}

func document(t *testing.T, statements string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func provisioned(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	box := sandbox.New()
	if err := box.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Objects.Put("inventory", "there", []byte("x")); err != nil {
		t.Fatal(err)
	}
	return box
}

func TestACallNeedsItsOwnPermissionAndNoOther(t *testing.T) {
	box := provisioned(t)
	for permission, call := range calls(t, box) {
		action, resource, _ := strings.Cut(permission, " on ")
		granted := document(t, fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource))
		box.Enforce("held", granted)
		if err := call(); err != nil {
			t.Errorf("%s is granted: %v", permission, err)
		}
		if d, u := granted.Denied(), granted.Unused(); d != nil || u != nil {
			t.Errorf("%s: denied %s, unused %s", permission, d, u)
		}
		nothing := document(t, ``)
		box.Enforce("held", nothing)
		var refused smithy.APIError
		if err := call(); !errors.As(err, &refused) {
			t.Errorf("%s is not granted: %v", permission, err)
			continue
		}
		want := map[string]string{"dynamodb": "AccessDeniedException", "sns": "AuthorizationError", "s3": "AccessDenied", "sqs": "AccessDenied", "cloudwatch": "AccessDenied"}
		service, _, _ := strings.Cut(action, ":")
		if refused.ErrorCode() != want[service] || !strings.Contains(refused.ErrorMessage(), "User: arn:aws:iam::123456789012:user/held is not authorized to perform: ") {
			t.Errorf("%s is refused by %s: %s", permission, refused.ErrorCode(), refused.ErrorMessage())
		}
		if got := fmt.Sprint(nothing.Denied()); got != "["+permission+"]" {
			t.Errorf("denied %s, want %s", got, permission)
		}
	}
	box.Enforce("held", nil)
	for permission, call := range calls(t, box) {
		if err := call(); err != nil {
			t.Errorf("%s after the policy was lifted: %v", permission, err)
		}
	}
}

func TestWhoMayNotListABucketIsNotToldThatAnObjectIsMissing(t *testing.T) {
	box := provisioned(t)
	box.Enforce("held", document(t, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`))
	objects := s3.NewFromConfig(box.Config("held"), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("inventory"), Key: aws.String("missing")})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDenied" {
		t.Errorf("a missing object: %v", err)
	}
}

func TestWhoIsHeldAndWhatNobodyIsDenied(t *testing.T) {
	box := provisioned(t)
	box.Enforce("", document(t, ``))
	box.Enforce("free", nil)
	if _, err := sts.NewFromConfig(box.Config("anybody")).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
	if _, err := sns.NewFromConfig(box.Config("anybody")).ListTopics(t.Context(), &sns.ListTopicsInput{}); err == nil {
		t.Error("a client without a policy of its own is free")
	}
	if _, err := sns.NewFromConfig(box.Config("free")).ListTopics(t.Context(), &sns.ListTopicsInput{}); err != nil {
		t.Error(err)
	}
}

func TestConditionsOnNamespaceAndPrefix(t *testing.T) {
	box := provisioned(t)
	box.Enforce("held", document(t, `{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"inventoryd"}}},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::inventory","Condition":{"StringLike":{"s3:prefix":"feeds/*"}}}`))
	metrics := cloudwatch.NewFromConfig(box.Config("held"))
	objects := s3.NewFromConfig(box.Config("held"), func(o *s3.Options) { o.UsePathStyle = true })
	for value, granted := range map[string]bool{"inventoryd": true, "other": false} {
		_, err := metrics.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &value, MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}})
		if (err == nil) != granted {
			t.Errorf("namespace %s: %v", value, err)
		}
	}
	for value, granted := range map[string]bool{"feeds/x": true, "": false} {
		_, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("inventory"), Prefix: &value})
		if (err == nil) != granted {
			t.Errorf("prefix %q: %v", value, err)
		}
	}
}
