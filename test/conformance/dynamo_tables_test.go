package conformance

// CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables, and time to live.

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (d db) describe() *types.TableDescription {
	out, err := d.DescribeTable(d.t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
	d.t.ok(err)
	return out.Table
}

// stream switches the inventory's stream on (with a view) or off.
func (d db) stream(view types.StreamViewType) error {
	_, err := d.UpdateTable(d.t.Context(), &dynamodb.UpdateTableInput{
		TableName: inventory, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(view != ""), StreamViewType: view},
	})
	if err == nil {
		d.t.eventually("the table's being active", func() bool { return d.describe().TableStatus == types.TableStatusActive })
	}
	return err
}

func (d db) ttl(attribute string, on bool) error {
	_, err := d.UpdateTimeToLive(d.t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: inventory, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &on},
	})
	return err
}

func (d db) ttlNow() string {
	out, err := d.DescribeTimeToLive(d.t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: inventory})
	d.t.ok(err)
	return string(out.TimeToLiveDescription.TimeToLiveStatus) + " " + aws.ToString(out.TimeToLiveDescription.AttributeName)
}

var _ = add("dynamodb",
	Case{Name: "DescribeTable shows what CreateTable asked for", Doc: "DescribeTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		table := d.describe()
		var keys []string
		for _, k := range table.KeySchema {
			keys = append(keys, aws.ToString(k.AttributeName)+" "+string(k.KeyType))
		}
		t.equal("the keys", strings.Join(keys, ", "), "Store HASH, Item RANGE")
		t.equal("the billing", table.BillingModeSummary.BillingMode, types.BillingModePayPerRequest)
		t.equal("the stream", fmt.Sprint(*table.StreamSpecification.StreamEnabled, " ", table.StreamSpecification.StreamViewType), "true NEW_AND_OLD_IMAGES")
		if !strings.HasSuffix(aws.ToString(table.LatestStreamArn), "table/Inventory/stream/"+aws.ToString(table.LatestStreamLabel)) {
			t.Fatalf("the stream's ARN is %s, its label %s", aws.ToString(table.LatestStreamArn), aws.ToString(table.LatestStreamLabel))
		}
		if !strings.HasSuffix(aws.ToString(table.TableArn), ":table/Inventory") {
			t.Fatalf("the table's ARN is %s", aws.ToString(table.TableArn))
		}
	}},
	Case{Name: "a table is given by its ARN as well", Doc: "DescribeTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		arn := d.describe().TableArn
		out, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: arn, Key: key("a", "b")})
		t.ok(err)
		t.equal("the item", plain(out.Item), plain(counted("a", "b", 1)))
	}},
	Case{Name: "CreateTable answers CREATING", Doc: "CreateTable", Run: func(t *T, e *Env) {
		out, err := bare(t, e).CreateTable(t.Context(), definition("Inventory", "Store"))
		t.ok(err)
		t.equal("the status", out.TableDescription.TableStatus, types.TableStatusCreating)
	}},
	Case{Name: "a table that is being created cannot be used", Doc: "CreateTable", Sandbox: true, Run: func(t *T, e *Env) {
		d := bare(t, e)
		e.Sandbox.Tables.SetTransition(10e9)
		_, err := d.CreateTable(t.Context(), definition("Inventory", "Store", "Item"))
		t.ok(err)
		t.equal("the status", d.describe().TableStatus, types.TableStatusCreating)
		_, err = d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: key("a", "b")})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found")
		_, err = d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
		t.refused(err, "ResourceInUseException", "Table is being created: Inventory")
		d.advance(10e9)
		t.equal("the status", d.describe().TableStatus, types.TableStatusActive)
	}},
	Case{Name: "CreateTable refuses a name that is taken", Doc: "CreateTable", Run: func(t *T, e *Env) {
		_, err := open(t, e).CreateTable(t.Context(), definition("Inventory", "Store"))
		t.refused(err, "ResourceInUseException", "Table already exists: Inventory")
	}},
	Case{Name: "CreateTable refuses names that are too short or have other characters", Doc: "Supported data types and naming rules in Amazon DynamoDB", Run: func(t *T, e *Env) {
		d := bare(t, e)
		_, err := d.CreateTable(t.Context(), definition("ab", "Store"))
		t.refused(err, "ValidationException", "TableName must be at least 3 characters long and at most 255 characters long")
		_, err = d.CreateTable(t.Context(), definition("a table", "Store"))
		t.refused(err, "ValidationException", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}},
	Case{Name: "CreateTable refuses attributes that are no keys", Doc: "CreateTable", Run: func(t *T, e *Env) {
		in := definition("Inventory", "Store", "Item")
		in.KeySchema = in.KeySchema[:1]
		_, err := bare(t, e).CreateTable(t.Context(), in)
		t.refused(err, "ValidationException", "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}},
	Case{Name: "CreateTable refuses a key without a definition", Doc: "CreateTable", Run: func(t *T, e *Env) {
		in := definition("Inventory", "Store", "Item")
		in.AttributeDefinitions = in.AttributeDefinitions[:1]
		_, err := bare(t, e).CreateTable(t.Context(), in)
		t.refused(err, "ValidationException", "One or more parameter values were invalid:")
	}},
	Case{Name: "CreateTable refuses capacity for an on-demand table", Doc: "CreateTable", Run: func(t *T, e *Env) {
		in := definition("Inventory", "Store")
		in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)}
		_, err := bare(t, e).CreateTable(t.Context(), in)
		t.refused(err, "ValidationException", "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}},
	Case{Name: "DescribeTable of a table that does not exist", Doc: "DescribeTable", Run: func(t *T, e *Env) {
		_, err := bare(t, e).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found: Table: Inventory not found")
	}},
	Case{Name: "DeleteTable removes the table and its items", Doc: "DeleteTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("a", "b", 1))
		_, err := d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
		t.ok(err)
		t.eventually("the table's being gone", func() bool {
			_, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
			return err != nil
		})
		_, err = d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found: Table: Inventory not found")
		d.create(definition("Inventory", "Store", "Item"))
		d.stored("a", "b", nil)
	}},
	Case{Name: "ListTables pages in the order of the names", Doc: "ListTables", Run: func(t *T, e *Env) {
		d := bare(t, e)
		for _, name := range []string{"ccc", "aaa", "bbb"} {
			d.create(definition(name, "Store"))
		}
		in := &dynamodb.ListTablesInput{Limit: aws.Int32(2)}
		out, err := d.ListTables(t.Context(), in)
		t.ok(err)
		t.equal("the first page", strings.Join(out.TableNames, " ")+" "+aws.ToString(out.LastEvaluatedTableName), "aaa bbb bbb")
		in.ExclusiveStartTableName = out.LastEvaluatedTableName
		out, err = d.ListTables(t.Context(), in)
		t.ok(err)
		t.equal("the second page", strings.Join(out.TableNames, " ")+aws.ToString(out.LastEvaluatedTableName), "ccc")
	}},
	Case{Name: "time to live is switched on, shown, and not switched on twice", Doc: "UpdateTimeToLive", Run: func(t *T, e *Env) {
		d := open(t, e)
		t.equal("at first", d.ttlNow(), "DISABLED ")
		t.ok(d.ttl("expires", true))
		t.equal("then", d.ttlNow(), "ENABLED expires")
		t.refused(d.ttl("expires", true), "ValidationException", "TimeToLive is already enabled")
	}},
	Case{Name: "time to live is not switched off for another attribute", Doc: "UpdateTimeToLive", Run: func(t *T, e *Env) {
		d := open(t, e)
		t.refused(d.ttl("expires", false), "ValidationException", "TimeToLive is already disabled")
		t.ok(d.ttl("expires", true))
		t.refused(d.ttl("other", false), "ValidationException", "TimeToLive is active on a different AttributeName: current AttributeName is expires")
	}},
	Case{Name: "time to live of a table that does not exist", Doc: "UpdateTimeToLive", Run: func(t *T, e *Env) {
		t.refused(bare(t, e).ttl("expires", true), "ResourceNotFoundException", "Requested resource not found")
	}},
	Case{Name: "what has expired is deleted in the service's name", Doc: "DynamoDB Streams and Time to Live", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		t.ok(d.ttl("expires", true))
		now := e.Sandbox.Clock.Now().Unix()
		d.put(with(counted("a", "past", 1), "expires", num(fmt.Sprint(now-1))), with(counted("a", "future", 1), "expires", num(fmt.Sprint(now+60))), with(counted("a", "text", 1), "expires", str("0")))
		n, err := e.Sandbox.Tables.Expire(*inventory)
		t.ok(err)
		t.equal("the deleted", n, 1)
		d.stored("a", "past", nil)
		records := d.all(4)
		last := records[len(records)-1]
		t.equal("the record", fmt.Sprint(last.EventName, " ", aws.ToString(last.UserIdentity.PrincipalId), " ", aws.ToString(last.UserIdentity.Type)), "REMOVE dynamodb.amazonaws.com Service")
	}},
	Case{Name: "a stream is not enabled twice, nor disabled twice", Doc: "UpdateTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		t.refused(d.stream(types.StreamViewTypeNewImage), "ValidationException", "Table already has an enabled stream")
		t.ok(d.stream(""))
		t.refused(d.stream(""), "ValidationException", "Table has no stream to disable")
	}},
	Case{Name: "a table still names a stream that was disabled", Doc: "TableDescription", Run: func(t *T, e *Env) {
		d := open(t, e)
		arn := d.arn()
		t.ok(d.stream(""))
		table := d.describe()
		t.equal("the ARN", aws.ToString(table.LatestStreamArn), *arn)
		if s := table.StreamSpecification; s != nil && aws.ToBool(s.StreamEnabled) {
			t.Fatalf("the stream is on")
		}
	}},
	Case{Name: "a stream needs a view, and none when it is off", Doc: "StreamSpecification", Run: func(t *T, e *Env) {
		d := bare(t, e)
		in := definition("Inventory", "Store")
		in.StreamSpecification.StreamViewType = ""
		_, err := d.CreateTable(t.Context(), in)
		t.refused(err, "ValidationException", "StreamViewType is required")
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(false), StreamViewType: types.StreamViewTypeKeysOnly}
		_, err = d.CreateTable(t.Context(), in)
		t.refused(err, "ValidationException", "StreamViewType")
	}},
	Case{Name: "a table without a stream names none", Doc: "DescribeTable", Run: func(t *T, e *Env) {
		d := bare(t, e)
		in := definition("Inventory", "Store")
		in.StreamSpecification = nil
		d.create(in)
		table := d.describe()
		t.equal("the stream", fmt.Sprint(table.LatestStreamArn == nil, table.LatestStreamLabel == nil, table.StreamSpecification == nil), "true true true")
	}},
	Case{Name: "an operation that the sandbox lacks is refused by name", Doc: "Common errors", Sandbox: true, Run: func(t *T, e *Env) {
		_, err := bare(t, e).DescribeLimits(t.Context(), &dynamodb.DescribeLimitsInput{})
		t.refused(err, "UnknownOperationException", "does not have the operation DescribeLimits")
	}},
	Case{Name: "a parameter that the sandbox lacks is refused by name", Doc: "Common errors", Sandbox: true, Run: func(t *T, e *Env) {
		_, err := open(t, e).Scan(t.Context(), &dynamodb.ScanInput{TableName: inventory, AttributesToGet: []string{"Count"}})
		t.refused(err, "ValidationException", "does not have the parameter AttributesToGet of Scan")
	}},
)
