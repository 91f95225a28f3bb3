package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/dynamo"
	"inventoryd/internal/sandbox/wire"
)

func call(tb testing.TB, s *dynamo.Service, operation, body string) any {
	tb.Helper()
	out, err := s.Call(context.Background(), wire.Request{Operation: operation, Body: []byte(body)})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func benchService(b *testing.B) *dynamo.Service {
	s := dynamo.New(&clock.Clock{})
	call(b, s, "CreateTable", `{"TableName":"Tab","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"Store","AttributeType":"S"},{"AttributeName":"Item","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"Store","KeyType":"HASH"},{"AttributeName":"Item","KeyType":"RANGE"}],
		"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`)
	return s
}

func batchOf25(n int) string {
	var b bytes.Buffer
	b.WriteString(`{"RequestItems":{"Tab":[`)
	for i := range 25 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"PutRequest":{"Item":{"Store":{"S":"store-%04d"},"Item":{"S":"item-%06d"},"Count":{"N":"%d"}}}}`, n%100, i, n)
	}
	b.WriteString(`]}}`)
	return b.String()
}

func BenchmarkBatchWriteItem(b *testing.B) {
	s := benchService(b)
	bodies := make([]string, 1000)
	for i := range bodies {
		bodies[i] = batchOf25(i)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		call(b, s, "BatchWriteItem", bodies[n%len(bodies)])
		n++
	}
}

// A page of 1000 records with both images.
func BenchmarkGetRecords(b *testing.B) {
	s := benchService(b)
	s.SetShards(1)
	for n := range 200 {
		call(b, s, "BatchWriteItem", batchOf25(n))
	}
	shards, err := s.Shards("Tab")
	if err != nil {
		b.Fatal(err)
	}
	var table struct {
		Table struct{ LatestStreamArn string }
	}
	encoded, _ := json.Marshal(call(b, s, "DescribeTable", `{"TableName":"Tab"}`))
	_ = json.Unmarshal(encoded, &table)
	out := call(b, s, "GetShardIterator", fmt.Sprintf(`{"StreamArn":%q,"ShardId":%q,"ShardIteratorType":"TRIM_HORIZON"}`, table.Table.LatestStreamArn, shards[0].ID)).(map[string]string)
	body := fmt.Sprintf(`{"ShardIterator":%q}`, out["ShardIterator"])
	b.ReportAllocs()
	for b.Loop() {
		call(b, s, "GetRecords", body)
	}
}
