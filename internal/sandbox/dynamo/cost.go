package dynamo

// What a call consumes, and how its answer says so ("DynamoDB provisioned capacity mode").

import "maps"

// cost is what a call consumes of a table and its indexes, in capacity units.
type cost struct {
	table   float64
	indexes map[string]float64 // nil: none
}

func (c *cost) add(d cost) {
	c.table += d.table
	for name, n := range d.indexes {
		c.index(name, n)
	}
}

func (c *cost) index(name string, n float64) {
	if c.indexes == nil {
		c.indexes = map[string]float64{}
	}
	c.indexes[name] += n
}

// twice is what it costs in a transaction ("Managing complex workflows with DynamoDB transactions": capacity).
func (c cost) twice() cost {
	c.indexes = maps.Clone(c.indexes)
	c.add(c)
	return c
}

func (c cost) total() float64 {
	sum := c.table
	for _, n := range c.indexes {
		sum += n
	}
	return sum
}

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

// consumed is the member ConsumedCapacity.
type consumed struct {
	TableName              string
	CapacityUnits          float64
	ReadCapacityUnits      float64          `json:",omitempty"` // of a transaction
	WriteCapacityUnits     float64          `json:",omitempty"`
	Table                  *units           `json:",omitempty"`
	GlobalSecondaryIndexes map[string]units `json:",omitempty"`
}

type units struct{ CapacityUnits float64 }

// consumption is what the request wants to know of the units consumed: nil for nothing.
func consumption(want, table string, c cost) *consumed {
	switch want {
	case "TOTAL":
		return &consumed{TableName: table, CapacityUnits: c.total()}
	case "INDEXES":
		out := &consumed{TableName: table, CapacityUnits: c.total(), Table: &units{c.table}}
		for name, n := range c.indexes {
			if out.GlobalSecondaryIndexes == nil {
				out.GlobalSecondaryIndexes = map[string]units{}
			}
			out.GlobalSecondaryIndexes[name] = units{n}
		}
		return out
	}
	return nil
}
