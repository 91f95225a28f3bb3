package dynamo_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/smithy-go"
)

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func TestAStreamIsDescribedTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		describe := func() error {
			_, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: e.arn(t)})
			return err
		}
		for range 20 {
			must(t, describe())
		}
		e.Tables.LimitStreams(true)
		for range 2 {
			for range 10 {
				must(t, describe())
			}
			if err := describe(); code(err) != "ThrottlingException" {
				t.Errorf("the eleventh call: %v", err)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestAShardIsReadFiveTimesASecondAndTwoMegabytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		e.Tables.SetShards(1)
		must(t, e.Tables.DisableStream("Tab"))
		_, err := e.Tables.EnableStream("Tab", "NEW_IMAGE")
		must(t, err)
		e.Tables.LimitStreams(true)
		shards, err := e.Tables.Shards("Tab")
		must(t, err)
		it, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: e.arn(t), ShardId: &shards[0].ID, ShardIteratorType: "TRIM_HORIZON"})
		must(t, err)
		read := func() error {
			_, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
			return err
		}
		for range 5 {
			must(t, read())
		}
		if err := read(); code(err) != "LimitExceededException" {
			t.Errorf("the sixth call: %v", err)
		}
		time.Sleep(time.Second)
		for range 4 {
			e.put(t, "a", strings.Repeat("x", 4), attributes{"x": str(strings.Repeat("x", 390<<10))})
			e.put(t, "a", strings.Repeat("y", 4), attributes{"x": str(strings.Repeat("x", 390<<10))})
			must(t, e.tryPut(t.Context(), "a", "xxxx", nil))
		}
		for range 3 {
			must(t, read()) // nearly 1 MB each
		}
		if err := read(); code(err) != "LimitExceededException" {
			t.Errorf("beyond 2 MB: %v", err)
		}
		time.Sleep(time.Second)
		must(t, read())
	})
}
