package main

import (
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

// Half of an answer arrives and then nothing more, on a connection that stays open. (What SNS has taken is told again then.)
func TestBodiesThatStallOnTheirWayAreReadOn(t *testing.T) {
	for _, operation := range []string{"GetObject", "GetRecords", "ReceiveMessage", "BatchWriteItem"} {
		t.Run(operation, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, w *world) {
				time.Sleep(time.Minute)
				w.aws.Fault(fault.Rule{Client: "daemon", Operation: operation, Times: 1, Effect: fault.Effect{Stall: true}})
				w.upload(t)
				time.Sleep(5 * time.Minute)
				w.exact(t, map[string]int{}, 1)
			})
		})
	}
}
