package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox/dynamo"
)

// limited is a test on a sandbox whose tables are limited, in virtual time.
func limited(t *testing.T, f func(*testing.T, env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		e.Tables.LimitThroughput(dynamo.DefaultSplit)
		f(t, e)
	})
}

// tenUnits is an attribute that makes an item of 10 KB.
var tenUnits = attributes{"x": str(strings.Repeat("x", 10<<10-100))}

// fill writes items of ten units, the n-th under the key that it gives, until one is throttled, and returns how many were
// written and the refusal.
func (e env) fill(t *testing.T, key func(n int) string) (int, error) {
	t.Helper()
	for n := 0; n < 100000; n++ {
		if err := e.tryPut(t.Context(), key(n), "s", tenUnits); err != nil {
			return n, err
		}
	}
	t.Fatal("never throttled")
	return 0, nil
}

func oneKey(int) string     { return "hot" }
func manyKeys(n int) string { return fmt.Sprint("key-", n) }

// reason is why a call was throttled.
func reason(t *testing.T, err error) string {
	t.Helper()
	var onDemand *types.ThrottlingException
	var provisioned *types.ProvisionedThroughputExceededException
	switch {
	case errors.As(err, &onDemand) && len(onDemand.ThrottlingReasons) == 1:
		return "ThrottlingException: " + *onDemand.ThrottlingReasons[0].Reason
	case errors.As(err, &provisioned) && len(provisioned.ThrottlingReasons) == 1:
		return "ProvisionedThroughputExceededException: " + *provisioned.ThrottlingReasons[0].Reason
	}
	return fmt.Sprint(err)
}

func TestAPartitionTakesAThousandWriteUnitsASecond(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		for range 3 {
			n, err := e.fill(t, oneKey)
			if got := reason(t, err); n != 100 || got != "ThrottlingException: TableWriteKeyRangeThroughputExceeded" {
				t.Errorf("%d writes of ten units, then %s", n, got)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestANewTableOnDemandHasFourPartitions(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		total, short := 0, map[int]bool{}
		for n := range 800 { // 8,000 units over four partitions of 1,000
			if err := e.tryPut(t.Context(), manyKeys(n), "s", tenUnits); err == nil {
				total++
			} else {
				short[n] = true
			}
		}
		if total != 400 || len(short) != 400 {
			t.Errorf("%d writes were taken and %d throttled, want 400 each", total, len(short))
		}
		e.tables(t, func(d *types.TableDescription) {
			if w := d.WarmThroughput; *w.WriteUnitsPerSecond != 4000 || *w.ReadUnitsPerSecond != 12000 {
				t.Errorf("warm throughput %d, %d", *w.WriteUnitsPerSecond, *w.ReadUnitsPerSecond)
			}
		})
	})
}

func (e env) tables(t *testing.T, see func(*types.TableDescription)) {
	t.Helper()
	out, err := e.db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("Tab")})
	must(t, err)
	see(out.Table)
}

func TestAHotPartitionIsSplitAndAKeyIsNot(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		e.Tables.LimitThroughput(2 * time.Minute)
		for range 6 {
			_, _ = e.fill(t, oneKey)
			time.Sleep(29 * time.Second)
		}
		n, err := e.Tables.Partitions("Tab", "")
		if must(t, err); n != 5 {
			t.Errorf("%d partitions after two hot minutes, want 5", n)
		}
		if n, _ := e.fill(t, oneKey); n != 100 {
			t.Errorf("one key takes %d writes of ten units after the split, want 100", n)
		}
		time.Sleep(time.Hour)
		for range 4 { // with pauses that let it cool
			_, _ = e.fill(t, oneKey)
			time.Sleep(time.Minute)
		}
		if n, _ := e.Tables.Partitions("Tab", ""); n != 5 {
			t.Errorf("%d partitions without a hot one, want 5", n)
		}
	})
}

func TestAProvisionedTableTakesItsUnitsAndWhatItLeftOfFiveMinutes(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		_, err := e.db.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
			TableName: aws.String("Tab"), BillingMode: types.BillingModeProvisioned,
			ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(10), WriteCapacityUnits: aws.Int64(20)},
		})
		must(t, err)
		e.tables(t, func(d *types.TableDescription) {
			if p := d.ProvisionedThroughput; *p.WriteCapacityUnits != 20 || *p.ReadCapacityUnits != 10 {
				t.Errorf("provisioned %d, %d", *p.WriteCapacityUnits, *p.ReadCapacityUnits)
			}
		})
		n, err := e.fill(t, manyKeys)
		if got := reason(t, err); n != 2 || got != "ProvisionedThroughputExceededException: TableWriteProvisionedThroughputExceeded" {
			t.Errorf("%d writes of ten units, then %s", n, got)
		}
		time.Sleep(10 * time.Second)
		if n, _ := e.fill(t, manyKeys); n != 20 {
			t.Errorf("%d writes of ten units after ten seconds, want 20", n)
		}
		time.Sleep(time.Hour)
		written := 0
		for range 10 { // a partition takes 1,000 a second, whatever was left
			n, _ := e.fill(t, manyKeys)
			written += n
			time.Sleep(time.Second)
		}
		if written < 600 || written > 620 {
			t.Errorf("%d writes of ten units after an hour, want the 600 of five minutes and those of ten seconds", written)
		}
	})
}

func TestABatchLeavesWhatIsShortOfUnits(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		batch := func() (int, error) {
			in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}}
			for n := range 25 {
				item := attributes{"pk": str("hot"), "sk": str(fmt.Sprint(n)), "x": tenUnits["x"]}
				in.RequestItems["Tab"] = append(in.RequestItems["Tab"], types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
			}
			out, err := e.db.BatchWriteItem(t.Context(), in)
			if err != nil {
				return 25, err
			}
			return len(out.UnprocessedItems["Tab"]), nil
		}
		e.put(t, "hot", "first", tenUnits)
		for i, want := range []int{0, 0, 0, 1} {
			if left, err := batch(); err != nil || left != want {
				t.Errorf("batch %d left %d, %v; want %d", i, left, err, want)
			}
		}
		if _, err := batch(); reason(t, err) != "ThrottlingException: TableWriteKeyRangeThroughputExceeded" {
			t.Errorf("a batch of which nothing is written: %v", err)
		}
	})
}

func TestAnIndexThatIsShortOfUnitsHoldsItsTableUp(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		_, err := e.db.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
			TableName: aws.String("Tab"), AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("g"), AttributeType: "S"}},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: aws.String("look"), KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("g"), KeyType: "HASH"}},
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			}}},
		})
		must(t, err)
		put := func(n int) error {
			return e.tryPut(t.Context(), manyKeys(n), "s", attributes{"x": tenUnits["x"], "g": str("one")})
		}
		n := 0
		for ; n < 1000; n++ {
			if err = put(n); err != nil {
				break
			}
		}
		if got := reason(t, err); n != 100 || got != "ThrottlingException: IndexWriteKeyRangeThroughputExceeded" {
			t.Errorf("%d writes of ten units, then %s", n, got)
		}
		must(t, e.tryPut(t.Context(), manyKeys(n), "s", tenUnits)) // not in the index
	})
}

func TestReadsTakeUnitsToo(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		e.put(t, "hot", "s", attributes{"x": str(strings.Repeat("x", 400<<10-100))}) // 100 units to read
		get := func() error {
			_, err := e.db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("Tab"), Key: attributes{"pk": str("hot"), "sk": str("s")}, ConsistentRead: aws.Bool(true)})
			return err
		}
		query := func() error {
			_, err := e.db.Query(t.Context(), &dynamodb.QueryInput{TableName: aws.String("Tab"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: attributes{":p": str("hot")}})
			return err
		}
		for range 20 {
			must(t, get())   // 100
			must(t, query()) // 50
		}
		for name, call := range map[string]func() error{"GetItem": get, "Query": query} {
			if got := reason(t, call()); got != "ThrottlingException: TableReadKeyRangeThroughputExceeded" {
				t.Errorf("%s: %s", name, got)
			}
		}
		keys := types.KeysAndAttributes{Keys: []attributes{{"pk": str("hot"), "sk": str("s")}, {"pk": str("a"), "sk": str("s")}, {"pk": str("b"), "sk": str("s")}, {"pk": str("c"), "sk": str("s")}}}
		out, err := e.db.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"Tab": keys}})
		if err != nil || len(out.UnprocessedKeys["Tab"].Keys) == 0 {
			t.Errorf("BatchGetItem left nothing, %v", err)
		}
		time.Sleep(time.Second)
		must(t, get())
	})
}

func TestAFailedConditionTakesUnits(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		e.put(t, "hot", "s", tenUnits)
		in := &dynamodb.PutItemInput{TableName: aws.String("Tab"), Item: attributes{"pk": str("hot"), "sk": str("s")}, ConditionExpression: aws.String("attribute_not_exists(pk)")}
		n := 0
		for ; n < 1000; n++ {
			_, err := e.db.PutItem(t.Context(), in)
			var failed *types.ConditionalCheckFailedException
			if !errors.As(err, &failed) {
				break
			}
		}
		if n != 99 {
			t.Errorf("%d conditions failed before the call was throttled, want 99", n)
		}
	})
}

func TestATableIsWarmedUp(t *testing.T) {
	limited(t, func(t *testing.T, e env) {
		update := func(writes int64) error {
			_, err := e.db.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("Tab"), WarmThroughput: &types.WarmThroughput{WriteUnitsPerSecond: &writes}})
			return err
		}
		must(t, update(12000))
		if n, _ := e.Tables.Partitions("Tab", ""); n != 12 {
			t.Errorf("%d partitions, want 12", n)
		}
		e.tables(t, func(d *types.TableDescription) {
			if n := *d.WarmThroughput.WriteUnitsPerSecond; n != 12000 {
				t.Errorf("warm throughput %d", n)
			}
		})
		if err := update(5000); err == nil || !strings.Contains(err.Error(), "lower than current WarmThroughput, current: 12000") {
			t.Errorf("warm throughput lowered: %v", err)
		}
	})
}

func TestNoTableIsLimitedUntilToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		e.Tables.LimitThroughput(time.Minute)
		e.Tables.LimitThroughput(0)
		for n := range 300 {
			e.put(t, "hot", fmt.Sprint(n), tenUnits)
		}
	})
}
