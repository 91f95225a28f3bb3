package dynamo

// A table's limit of write units.

import "time"

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
