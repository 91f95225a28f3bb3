package dynamo

// What BatchWriteItem and BatchGetItem have in common.

import (
	"fmt"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Limits of a batch ("BatchWriteItem", "BatchGetItem").
const (
	maxBatchWrite = 25
	maxBatchRead  = 100
	maxBatchBytes = 16 << 20 // of a BatchGetItem's answer
	maxShareBytes = 1 << 20  // of it from one partition
)

// byTable reads RequestItems.
func byTable[R any](to map[string]R, element func(*attr.Reader) (R, error)) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		return in.Object(func(name string) (err error) {
			to[nameOf(name)], err = element(in)
			return err
		})
	}
}

// checkBatch checks the number of a batch's requests; wrong words the error of a table's number.
func checkBatch[R any](requests map[string][]R, limit int, operation string, wrong func(table string, n int) error) error {
	if len(requests) == 0 {
		return constraint("'{}'", "requestItems", "Member must have length greater than or equal to 1")
	}
	total := 0
	for table, list := range requests {
		total += len(list)
		if len(list) == 0 || len(list) > limit {
			return wrong(table, len(list))
		}
	}
	if total > limit {
		return validation("Too many items requested for the %s call", operation)
	}
	return nil
}

func tooManyWrites(table string, n int) error {
	return constraint(fmt.Sprintf("'{%s=[%d requests]}'", table, n), "requestItems",
		"Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
}

func tooManyKeys(table string, n int) error {
	rule := "Member must have length less than or equal to 100"
	if n == 0 {
		rule = "Member must have length greater than or equal to 1"
	}
	return constraint(fmt.Sprintf("'[%d keys]'", n), "requestItems."+table+".member.keys", rule)
}
