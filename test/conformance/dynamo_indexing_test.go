package conformance

// DynamoDB: making and deleting indexes.

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// adding asks UpdateTable for an index of string keys.
func adding(x types.GlobalSecondaryIndex) *dynamodb.UpdateTableInput {
	return &dynamodb.UpdateTableInput{
		TableName: inventory, AttributeDefinitions: indexed(x).AttributeDefinitions,
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: x.Projection,
		}}},
	}
}

func removing(name string) *dynamodb.UpdateTableInput {
	return &dynamodb.UpdateTableInput{
		TableName:                   inventory,
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: &name}}},
	}
}

// indexes are the inventory's, once the table is ACTIVE and they all are.
func (d db) indexes() (list []types.GlobalSecondaryIndexDescription) {
	d.t.eventually("the indexes' being active", func() bool {
		out, err := d.DescribeTable(d.t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		d.t.ok(err)
		list = out.Table.GlobalSecondaryIndexes
		for _, x := range list {
			if x.IndexStatus != types.IndexStatusActive {
				return false
			}
		}
		return out.Table.TableStatus == types.TableStatusActive
	})
	return list
}

var _ = add("dynamodb",
	Case{Name: "a table's description shows its indexes", Doc: "GlobalSecondaryIndexDescription", Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "INCLUDE:Count", "due", "next"), look("stores", "ALL", "Item"))
		d.put(due("a", "x", "1"))
		list := map[string]types.GlobalSecondaryIndexDescription{}
		for _, x := range d.indexes() {
			list[*x.IndexName] = x
		}
		x := list["look"]
		t.equal("the keys", fmt.Sprint(*x.KeySchema[0].AttributeName, x.KeySchema[0].KeyType, *x.KeySchema[1].AttributeName, x.KeySchema[1].KeyType), "dueHASHnextRANGE")
		t.equal("the projection", fmt.Sprint(x.Projection.ProjectionType, x.Projection.NonKeyAttributes), "INCLUDE[Count]")
		t.equal("the status", x.IndexStatus, types.IndexStatusActive)
		t.equal("the other's projection", list["stores"].Projection.ProjectionType, types.ProjectionTypeAll)
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.ok(err)
		t.equal("attributes of keys", len(out.Table.AttributeDefinitions), 4)
		t.equal("the index's ARN", *x.IndexArn, *out.Table.TableArn+"/index/look")
	}},
	Case{Name: "CreateTable refuses indexes that are none", Doc: "CreateTable", Run: func(t *T, e *Env) {
		d := bare(t, e)
		for words, change := range map[string]func(*dynamodb.CreateTableInput){
			"Some index key attributes are not defined in AttributeDefinitions. Keys: [next]": func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions = in.AttributeDefinitions[:3] },
			"Some AttributeDefinitions are not used": func(in *dynamodb.CreateTableInput) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("unused"), AttributeType: "S"})
			},
			"ProjectionType is INCLUDE, but NonKeyAttributes is not specified": func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes[0].Projection.ProjectionType = types.ProjectionTypeInclude
			},
			"ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified": func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes[0].Projection.NonKeyAttributes = []string{"x"}
			},
			"Unknown ProjectionType: null": func(in *dynamodb.CreateTableInput) { in.GlobalSecondaryIndexes[0].Projection = &types.Projection{} },
			"Duplicate index name: look": func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, in.GlobalSecondaryIndexes[0])
			},
			"GlobalSecondaryIndex count exceeds the per-table limit of 20": func(in *dynamodb.CreateTableInput) {
				for i := range 20 {
					in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, look(fmt.Sprint("look", i), "ALL", "due", "next"))
				}
			},
			"globalSecondaryIndexes.1.member.indexName": func(in *dynamodb.CreateTableInput) { in.GlobalSecondaryIndexes[0].IndexName = aws.String("a b c") },
			"ProvisionedThroughput must be specified for index: look": func(in *dynamodb.CreateTableInput) {
				in.BillingMode, in.ProvisionedThroughput = types.BillingModeProvisioned, &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(5)}
			},
			"element in the KeySchema have the same name": func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes[0].KeySchema[1].AttributeName = aws.String("due")
				in.AttributeDefinitions = in.AttributeDefinitions[:3]
			},
		} {
			in := indexed(look("look", "KEYS_ONLY", "due", "next"))
			change(in)
			_, err := d.CreateTable(t.Context(), in)
			t.refused(err, "ValidationException", words)
		}
	}},
	Case{Name: "UpdateTable adds an index, which gets the items that are there", Doc: indexManagement, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(due("a", "x", "1"), due("b", "x", "2"), counted("berlin", "none", 1), instead(due("wrong", "x", "3"), "next", num("3")), instead(due("empty", "x", "3"), "next", str("")))
		out, err := d.UpdateTable(t.Context(), adding(look("look", "KEYS_ONLY", "due", "next")))
		t.ok(err)
		t.equal("the index's status", out.TableDescription.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusCreating)
		t.equal("indexes", len(d.indexes()), 1)
		d.shows("x", "a b") // what does not fit its keys is left out
		d.put(due("c", "x", "0"))
		d.shows("x", "c a b")
		_, err = d.UpdateTable(t.Context(), adding(look("look", "KEYS_ONLY", "due", "next")))
		t.refused(err, "ValidationException", "Attempting to create an index which already exists")
	}},
	Case{Name: "UpdateTable deletes an index", Doc: indexManagement, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due", "next"))
		out, err := d.UpdateTable(t.Context(), removing("look"))
		t.ok(err)
		t.equal("the index's status", out.TableDescription.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusDeleting)
		t.eventually("the index's end", func() bool {
			out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
			return err == nil && len(out.Table.GlobalSecondaryIndexes) == 0
		})
		_, err = d.Query(t.Context(), lookup("x"))
		t.refused(err, "ValidationException", "The table does not have the specified index: look")
		_, err = d.UpdateTable(t.Context(), removing("look"))
		t.refused(err, "ResourceNotFoundException")
		d.put(instead(due("a", "x", "1"), "next", num("1"))) // its types are free again
		_, err = d.UpdateTable(t.Context(), adding(look("look", "ALL", "next", "due")))
		t.ok(err)
		t.equal("indexes", len(d.indexes()), 1)
	}},
	Case{Name: "one index is made or deleted at a time", Doc: "UpdateTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		in := adding(look("one", "ALL", "due"))
		in.GlobalSecondaryIndexUpdates = append(in.GlobalSecondaryIndexUpdates, adding(look("two", "ALL", "due")).GlobalSecondaryIndexUpdates...)
		_, err := d.UpdateTable(t.Context(), in)
		t.refused(err, "LimitExceededException", "Only 1 online index can be created or deleted simultaneously per table")
	}},
	Case{Name: "an index that is being made cannot be read, and its table not be changed", Doc: indexManagement, Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(due("a", "x", "1"))
		e.Sandbox.Tables.SetTransition(time.Minute)
		_, err := d.UpdateTable(t.Context(), adding(look("look", "KEYS_ONLY", "due", "next")))
		t.ok(err)
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.ok(err)
		t.equal("the table's status", out.Table.TableStatus, types.TableStatusUpdating)
		t.equal("backfilling", aws.ToBool(out.Table.GlobalSecondaryIndexes[0].Backfilling), true)
		_, err = d.Query(t.Context(), lookup("x"))
		t.refused(err, "ValidationException", "Cannot read from backfilling global secondary index: look")
		_, err = d.UpdateTable(t.Context(), removing("look"))
		t.refused(err, "LimitExceededException", "Only 1 online index")
		_, err = d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
		t.refused(err, "ResourceInUseException", "Table is being updated: Inventory")
		d.put(due("b", "x", "2")) // the table goes on
		d.advance(time.Minute)
		t.equal("indexes", len(d.indexes()), 1)
		d.shows("x", "a b")
		_, err = d.UpdateTable(t.Context(), removing("look"))
		t.ok(err)
		_, err = d.Query(t.Context(), lookup("x"))
		t.refused(err, "ValidationException", "The table does not have the specified index: look")
		d.advance(time.Minute)
		t.equal("indexes", len(d.indexes()), 0)
	}},
)
