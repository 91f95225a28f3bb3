package page

// What the parts tell of themselves. cmd joins them; what is nil is left out of the page.

import (
	"context"
	"time"

	"inventoryd/internal/health"
	"inventoryd/internal/inventory"
)

// Sources are where the page has its knowledge from, beside the table. Each may read the state table; the page asks each at
// most once in operatorInterval, and only while somebody looks.
type Sources struct {
	Health func() health.Report
	Loads  func(context.Context) (Loads, error)
	Feeds  func(context.Context) ([]Feed, error)
	Shards func(context.Context) ([]Shard, error)
	Alerts func(context.Context) (Alerts, error)
	Story  func(context.Context, inventory.Key) (Story, error)
	// Since tells since when items are short, of those of which it knows; a few hundred at a time.
	Since func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error)
}

// Load is one object on its way into the table, or that went.
type Load struct {
	Object   string // bucket/key
	Outcome  string // "": being loaded
	Began    time.Time
	Took     time.Duration
	Bytes    int64 // read
	Size     int64 // to read; less than 0: unknown
	Rows     int64
	Written  int64
	Rejected int64
	Report   string // where the rejected rows are listed
	Error    string
}

// Percent is how far the load has come; -1: nobody knows.
func (l Load) Percent() int {
	if l.Size <= 0 {
		return -1
	}
	return int(min(100, l.Bytes*100/l.Size))
}

// Loads are the loads of this instance or of all.
type Loads struct {
	Running []Load
	Recent  []Load // the latest first
}

// Feed is what a store sends again and again.
type Feed struct {
	Name    string
	Object  string    // the last one that was loaded
	Last    time.Time // when that was made; zero: never
	Rows    int64     // that it had
	Stores  []string  // that it had, the first ones
	Note    string    // what else there is to say of it
	Late    bool
	Held    bool
	Why     string // it is late or held
	Command string // to act
}

// Shard is a part of the table's stream.
type Shard struct {
	ID      string
	State   string
	Owner   string        // the instance that reads it
	Lag     time.Duration // of the record being handled; less than 0: not known here
	Trouble string
}

// Alerts is what is told and to be told.
type Alerts struct {
	Due       int
	DueMore   bool      // there are more than Due
	OldestDue time.Time // zero: none
	Failed    int
	Recent    []Alert // the latest first
}

// Alert is one message to people.
type Alert struct {
	At    time.Time
	Event string // out_of_stock, low_stock, restocked, …
	Store string // or feed
	Text  string
}

// Story is what is known of one item beside its count.
type Story struct {
	Since time.Time // out or low since then; zero: it is neither, or unknown
	Due   string    // what is to be told of it; "": nothing
	Told  []Alert   // of the last days, the latest first
	Loads []Load    // that wrote its store, the latest first
}
