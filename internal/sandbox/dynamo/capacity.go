package dynamo

// Capacity units ("DynamoDB provisioned capacity mode") and a table's limit of them.

import "time"

// writeUnits is one for each KB begun.
func writeUnits(size int32) float64 { return float64(max(1, (size+1023)/1024)) }

// readUnits is one for each 4 KB begun, half of it if eventually consistent.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if consistent {
		return units
	}
	return units / 2
}

// throttle limits the write units of each second of the clock.
type throttle struct {
	limit  float64 // 0: none
	used   float64
	second int64
}

// allows tells whether a write may begin now.
func (t *throttle) allows(now time.Time) bool {
	if s := now.Unix(); s != t.second {
		t.second, t.used = s, 0
	}
	return t.limit == 0 || t.used < t.limit
}

// consumed is the member ConsumedCapacity.
type consumed struct {
	TableName     string
	CapacityUnits float64
	Table         *units `json:",omitempty"`
}

type units struct{ CapacityUnits float64 }

// consumption is what the request wants to know of the units consumed: nil for nothing.
func consumption(want, table string, n float64) *consumed {
	switch want {
	case "TOTAL":
		return &consumed{TableName: table, CapacityUnits: n}
	case "INDEXES":
		return &consumed{TableName: table, CapacityUnits: n, Table: &units{n}}
	}
	return nil
}
