package sandbox

// Which permissions the calls of DynamoDB, SQS, SNS and CloudWatch need.

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"inventoryd/internal/sandbox/policy"
	"inventoryd/internal/sandbox/queues"
)

const tables = "arn:aws:dynamodb:" + Region + ":" + Account + ":table/"

// tableNeeds are those of DynamoDB and its streams. A body that is no request needs the operation itself: it is refused later.
func tableNeeds(c call) []policy.Need {
	var in struct {
		TableName, IndexName, StreamArn, ShardIterator, ResourceArn string

		RequestItems  map[string]any
		TransactItems []map[string]struct{ TableName string }
	}
	_ = json.Unmarshal(c.Body, &in) // what it cannot read is refused by the service
	action := "dynamodb:" + c.Operation
	var list []policy.Need
	switch {
	case in.TransactItems != nil:
		for _, item := range in.TransactItems {
			for kind, w := range item {
				list = add(list, policy.Need{Action: "dynamodb:" + kind + "Item", Resource: tableARN(w.TableName)}) // ConditionCheckItem, too
			}
		}
	case in.RequestItems != nil:
		for name := range in.RequestItems {
			list = add(list, policy.Need{Action: action, Resource: tableARN(name)})
		}
	case in.IndexName != "":
		list = add(list, policy.Need{Action: action, Resource: tableARN(in.TableName) + "/index/" + in.IndexName})
	case in.ShardIterator != "":
		arn, _, _ := strings.Cut(in.ShardIterator, "|")
		list = add(list, policy.Need{Action: action, Resource: arn})
	case c.Operation == "ListTables" || c.Operation == "ListStreams": // which have no resource
		list = add(list, policy.Need{Action: action, Resource: "*"})
	case in.StreamArn != "" || in.ResourceArn != "":
		list = add(list, policy.Need{Action: action, Resource: in.StreamArn + in.ResourceArn})
	default:
		list = add(list, policy.Need{Action: action, Resource: tableARN(in.TableName)})
	}
	return list
}

// add adds a need once.
func add(list []policy.Need, n policy.Need) []policy.Need {
	if slices.ContainsFunc(list, func(o policy.Need) bool { return o.Action == n.Action && o.Resource == n.Resource }) {
		return list
	}
	return append(list, n)
}

func tableARN(nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return tables + nameOrARN
}

func queueNeeds(c call) []policy.Need {
	var in struct{ QueueUrl, QueueName string }
	_ = json.Unmarshal(c.Body, &in) // likewise
	action := "sqs:" + strings.TrimSuffix(c.Operation, "Batch")
	name := in.QueueName
	if in.QueueUrl != "" {
		name = path.Base(in.QueueUrl)
	}
	if name == "" {
		name = "*"
	}
	return []policy.Need{{Action: action, Resource: queues.ARN(name)}}
}

func topicNeeds(c call) []policy.Need {
	resource := "*"
	for _, parameter := range []string{"TopicArn", "TargetArn", "ResourceArn", "SubscriptionArn"} {
		if arn := c.form.Get(parameter); arn != "" {
			resource = strings.Join(strings.SplitN(arn, ":", 7)[:min(6, strings.Count(arn, ":")+1)], ":") // a subscription's is its topic's
			break
		}
	}
	if name := c.form.Get("Name"); name != "" {
		resource = "arn:aws:sns:" + Region + ":" + Account + ":" + name
	}
	return []policy.Need{{Action: "sns:" + strings.TrimSuffix(c.Operation, "Batch"), Resource: resource}}
}

func metricNeeds(c call) []policy.Need {
	n := policy.Need{Action: "cloudwatch:" + c.Operation, Resource: "*"}
	if namespace := c.metrics().Namespace(); namespace != "" {
		n.Keys = map[string][]string{"cloudwatch:namespace": {namespace}}
	}
	return []policy.Need{n}
}
