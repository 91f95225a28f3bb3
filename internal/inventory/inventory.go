// Package inventory holds the few types that all parts speak of: an item of a store and its count, a change of
// one, and the failure to handle one; and their one mapping to DynamoDB's attributes (attributes.go).
package inventory

import (
	"fmt"
	"time"
)

// Key names one item of one store: the table's partition and sort key.
type Key struct{ Store, Item string }

func (k Key) String() string { return k.Store + "/" + k.Item }

// Item is one row of the table.
type Item struct {
	Key
	Count     int64
	Threshold *int64 // its own, where the row has one: at or below it the item is out of stock; nil: the configuration's holds
}

// Change is one record of the table's stream in the words of the inventory.
type Change struct {
	Key
	// Old and New are the item before and after; nil where it did not exist or the stream carries no such image.
	Old, New *Item
	// OldUnknown says that there was something before of which the record tells no count: Old is nil then, and says nothing.
	OldUnknown bool
	// NoOldImage says why: the stream carries no old images. Else the count before was no usable one.
	NoOldImage bool
	// Invalid says why the record is no usable change (no count, or one that is no whole number); else nil.
	Invalid error
	// ID is the stream's event id: the record's identity.
	ID string
	// Position is the stream's label and the sequence number padded to 40 digits: it grows along a key's history.
	Position string
	// Created is the record's approximate creation, floored to the second by DynamoDB.
	Created time.Time
}

// Failure is the error of a handler of changes: the first change that failed, and whether trying again can help.
type Failure struct {
	Index     int  // in the batch; those before it were handled
	Permanent bool // the change itself cannot be handled; false: a dependency failed, try again
	Err       error
}

func (f *Failure) Error() string { return fmt.Sprintf("change %d: %v", f.Index, f.Err) }

func (f *Failure) Unwrap() error { return f.Err }
