package loader

// What a load takes of the table, and what a dry run foretells of it.

import (
	"strconv"
	"sync"

	"inventoryd/internal/inventory"
	"inventoryd/loader/delta"
	"inventoryd/loader/lanes"
)

// Cost is what a load takes of the inventory's table itself; indexes and streams cost more.
type Cost struct {
	WriteUnits float64 `json:"write_units"`
	ReadUnits  float64 `json:"read_units"`
	Writes     int64   `json:"write_requests"`
	Reads      int64   `json:"read_requests"`
}

// meter counts a cost. It is safe for concurrent use.
type meter struct {
	mu   sync.Mutex // guards cost
	cost Cost
}

func (m *meter) wrote(units float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cost.WriteUnits += units
	m.cost.Writes++
}

func (m *meter) read(units float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cost.ReadUnits += units
	m.cost.Reads++
}

func (m *meter) so() Cost {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cost
}

// Forecast is what a dry run foretells of the load: by what the table holds now.
type Forecast struct {
	Changes int64   `json:"changes"`      // rows that would make an item another one, or a new one
	Writes  int64   `json:"writes"`       // rows that would be written; of a key that comes again soon, fewer may be
	Cost    Cost    `json:"cost"`         // of the load
	Asking  float64 `json:"asking_units"` // read units that the forecast itself has taken
}

// forecaster makes a forecast from the rows of a reading, which are told of by its goroutine.
type forecaster struct {
	cfg  *Config
	told func(before, after *inventory.Item)
	is   Forecast
}

// tell takes what would become of a row.
func (f *forecaster) tell(r lanes.Row, before delta.Known, fate delta.Fate) {
	if fate == delta.Differs {
		f.is.Changes++
		if f.told != nil {
			f.told(f.items(r, before))
		}
	}
	if fate == delta.Differs || f.cfg.Mode == "put" {
		f.is.Writes++
		f.is.Cost.WriteUnits += f.units(r, before)
	}
}

// items are an item before and after a row is written.
func (f *forecaster) items(r lanes.Row, before delta.Known) (old, next *inventory.Item) {
	next = &inventory.Item{Key: inventory.Key{Store: string(r.Store), Item: string(r.Item)}, Count: r.Count}
	if before.There && before.Usable {
		old = &inventory.Item{Key: next.Key, Count: before.Count}
		if before.Odd != nil {
			old.Threshold = before.Odd.Threshold
		}
		if f.cfg.Attributes == "keep" {
			next.Threshold = old.Threshold
		}
	}
	return old, next
}

// units are the write units of a row: one for each KB begun of the item before or after, whichever is larger ("DynamoDB
// read and write operations").
func (f *forecaster) units(r lanes.Row, before delta.Known) float64 {
	t := f.cfg.Table
	count := delta.NumberSize(strconv.FormatInt(r.Count, 10))
	size := len(t.Store) + len(r.Store) + len(t.Item) + len(r.Item) + len(t.Count) + count
	if before.Odd != nil {
		size = max(size, before.Odd.Size)
		if f.cfg.Attributes == "keep" && before.Usable {
			size = max(size, before.Odd.Size+count-delta.NumberSize(strconv.FormatInt(before.Count, 10)))
		}
	}
	return float64((size + 1023) / 1024)
}

// forecast is what is foretold so far, with what the reading has taken.
func (f *forecaster) forecast(asked Cost) *Forecast {
	so := f.is
	so.Asking = asked.ReadUnits
	if f.cfg.Mode == "delta" {
		so.Cost.ReadUnits, so.Cost.Reads = asked.ReadUnits, asked.Reads
	}
	so.Cost.Writes = (so.Writes + lanes.BatchSize - 1) / lanes.BatchSize
	if f.cfg.Attributes == "keep" {
		so.Cost.Writes = so.Writes
	}
	return &so
}
