package dynamo

// How a table's or an index's capacity is paid, and what it takes at once.

import "math"

func (q *tableRequest) billing() (billing, error) {
	if err := oneOf(q.mode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return billing{}, err
	}
	b := billing{}
	switch {
	case q.mode == "PAY_PER_REQUEST" && q.throughput != nil:
		return b, errOnDemand
	case q.mode == "PAY_PER_REQUEST":
		b.onDemand = true
	case q.throughput == nil:
		return b, validation("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	default:
		b.read, b.write = q.throughput.ReadCapacityUnits, q.throughput.WriteCapacityUnits
	}
	return b, b.warmUp(q.warm)
}

var errOnDemand = validation("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")

// warmUp raises what is taken at once; it is never lowered ("Increasing warm throughput").
func (b *billing) warmUp(to *warm) error {
	if to == nil {
		return nil
	}
	now := b.warmed(0)
	for _, w := range []struct {
		name     string
		now, ask int
	}{{"ReadUnitsPerSecond", now.ReadUnitsPerSecond, to.ReadUnitsPerSecond}, {"WriteUnitsPerSecond", now.WriteUnitsPerSecond, to.WriteUnitsPerSecond}} {
		if w.ask != 0 && w.ask < w.now {
			return validation("One or more parameter values were invalid: Requested %s for WarmThroughput for table is lower than current WarmThroughput, current: %d", w.name, w.now)
		}
	}
	b.warm = warm{ReadUnitsPerSecond: max(b.warm.ReadUnitsPerSecond, to.ReadUnitsPerSecond), WriteUnitsPerSecond: max(b.warm.WriteUnitsPerSecond, to.WriteUnitsPerSecond)}
	return nil
}

// warmed is what is taken at once by a table or index of at least that many partitions.
func (b billing) warmed(partitions int) warm {
	w := warm{ReadUnitsPerSecond: max(b.read, b.warm.ReadUnitsPerSecond), WriteUnitsPerSecond: max(b.write, b.warm.WriteUnitsPerSecond), Status: "ACTIVE"}
	if b.onDemand {
		w.ReadUnitsPerSecond = max(w.ReadUnitsPerSecond, warmReads, partitions*partitionReads)
		w.WriteUnitsPerSecond = max(w.WriteUnitsPerSecond, warmWrites, partitions*partitionWrites)
	}
	return w
}

// partitions is how many a table or index has at least.
func (b billing) partitions() int {
	w := b.warmed(0)
	if b.onDemand {
		return max(ceil(w.ReadUnitsPerSecond, partitionReads), ceil(w.WriteUnitsPerSecond, partitionWrites))
	}
	return max(1, int(math.Ceil(float64(w.ReadUnitsPerSecond)/partitionReads+float64(w.WriteUnitsPerSecond)/partitionWrites)))
}

func ceil(n, by int) int { return (n + by - 1) / by }

func (b billing) provisioned() provisioned {
	return provisioned{ReadCapacityUnits: b.read, WriteCapacityUnits: b.write}
}
