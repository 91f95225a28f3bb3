package main

// Figures of DynamoDB and its streams.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strconv"

	"inventoryd/test/figure"
)

const batch = 25

// batchBody is a BatchWriteItem of 25 items, the n-th of stores with a hundred batches each.
func batchBody(n, count int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"RequestItems":{"Inventory":[`)
	for i := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"PutRequest":{"Item":{"Store":{"S":"store-%04d"},"Item":{"S":"item-%06d"},"Count":{"N":"%d"}}}}`, n/100, n%100*batch+i, count)
	}
	b.WriteString(`]}}`)
	return b.Bytes()
}

func batchWriteItem() {
	s, end := serve()
	defer end()
	const bodies = 1000
	ready := make([][]byte, bodies)
	for i := range ready {
		ready[i] = batchBody(i, i+1)
	}
	perSecond("sandbox_batchwriteitem_per_s", func(n int) {
		s.call("DynamoDB_20120810.BatchWriteItem", ready[n%bodies])
	})
}

// getRecords reads full pages of records with both images, over and over.
func getRecords() {
	s, end := serve()
	defer end()
	for round := range 2 {
		for n := range 400 {
			s.call("DynamoDB_20120810.BatchWriteItem", batchBody(n, round))
		}
	}
	ready := iterators(s)
	perSecond("sandbox_getrecords_per_s", func(n int) { // of 1000 records each
		s.call("DynamoDBStreams_20120810.GetRecords", ready[n%len(ready)])
	})
}

// iterators are requests for full pages of modifications.
func iterators(s *server) (bodies [][]byte) {
	shards, err := s.Tables.Shards("Inventory")
	check(err)
	var table struct {
		Table struct{ LatestStreamArn string }
	}
	check(json.Unmarshal(s.call("DynamoDB_20120810.DescribeTable", []byte(`{"TableName":"Inventory"}`)), &table))
	for _, sh := range shards {
		if sh.Records < 4000 { // the first half are insertions
			continue
		}
		var out struct{ ShardIterator, NextShardIterator string }
		check(json.Unmarshal(s.call("DynamoDBStreams_20120810.GetShardIterator",
			fmt.Appendf(nil, `{"StreamArn":%q,"ShardId":%q,"ShardIteratorType":"TRIM_HORIZON"}`, table.Table.LatestStreamArn, sh.ID)), &out))
		out.NextShardIterator = out.ShardIterator
		for skip := sh.Records/2/1000 + 1; skip > 0; skip-- {
			body := fmt.Appendf(nil, `{"ShardIterator":%q}`, out.NextShardIterator)
			check(json.Unmarshal(s.call("DynamoDBStreams_20120810.GetRecords", body), &out))
		}
		bodies = append(bodies, fmt.Appendf(nil, `{"ShardIterator":%q}`, out.NextShardIterator))
	}
	if len(bodies) == 0 {
		log.Fatal("no shard has enough records")
	}
	return bodies
}

// millionItems loads a million items, which are also a million stream records.
func millionItems() {
	s, end := serve()
	defer end()
	for n := range 1_000_000 / batch {
		s.call("DynamoDB_20120810.BatchWriteItem", batchBody(n, n))
	}
	most := resident()
	figure.Print("sandbox_million_items_rss_mib", "MiB", most)
	debug.FreeOSMemory()
	figure.Print("sandbox_million_items_live_mib", "MiB", resident())
	if most > 1024 {
		log.Fatal("a million items take more than the GiB that they may")
	}
}

// resident is the process's memory in MiB.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for line := range bytes.Lines(status) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == "VmRSS:" {
			kib, err := strconv.Atoi(string(fields[1]))
			check(err)
			return float64(kib) / 1024
		}
	}
	log.Fatal("/proc/self/status has no VmRSS")
	return 0
}
