package stream

// This file: a record of the stream as a handler sees it.

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/stream/internal/jsontext"
)

// Kind is what happened to the item.
type Kind string

// DynamoDB's kinds of changes. A put or update that changes nothing makes no record.
const (
	Insert Kind = "INSERT"
	Modify Kind = "MODIFY"
	Remove Kind = "REMOVE" // also by time to live
)

// Record is one change of one item. Its images share memory with the page they came in (up to 1 MB): Clone an image
// that outlives the handler's call. Its other strings may be kept; each holds up to 2 KiB.
type Record struct {
	ID       string    // the record's identity (eventID): a record that is delivered again has the same
	Stream   string    // the stream's label: which life of the table's stream it is of
	Shard    string    // the shard's id
	Sequence string    // 21 to 40 digits, growing within the shard and from a shard to its children
	Kind     Kind      // what happened
	Created  time.Time // approximately, floored to the second by DynamoDB: no order may be read from it
	By       Identity  // who changed it, where DynamoDB says so; zero: a caller of its API
	Keys     Image     // the item's primary key
	Old, New Image     // the item before and after; absent where it did not exist or the stream's view type leaves it out
}

// Identity is who changed an item where that was no call of the API.
type Identity struct{ Type, Principal string }

// Expired is true of the removal of an item whose time to live was over.
func (i Identity) Expired() bool {
	return i.Type == "Service" && i.Principal == "dynamodb.amazonaws.com"
}

// Position is where the record is: it compares as a string, and grows along the history of each item.
func (r Record) Position() string { return Position(r.Stream, r.Sequence) }

// Image is an item, or its key, as DynamoDB's JSON. The zero Image is that of no item.
type Image struct{ json string }

// ParseImage takes DynamoDB's JSON text of an item: `{"Name":{"S":"value"}}`.
func ParseImage(text string) Image { return Image{text} }

// Exists is false where there is no item.
func (i Image) Exists() bool { return i.json != "" }

// JSON returns the image's text, "" where there is no item.
func (i Image) JSON() string { return i.json }

// Clone copies the image out of its page's memory.
func (i Image) Clone() Image { return Image{strings.Clone(i.json)} }

// Lookup returns the attribute of this name and whether there is one. It reads the text anew each time and allocates
// nothing.
func (i Image) Lookup(name string) (Value, bool) {
	if i.json == "" {
		return Value{}, false
	}
	c := jsontext.New(i.json)
	for attribute := range c.Members() {
		if attribute == name {
			v := value(&c)
			return v, c.Err() == nil
		}
		c.Raw()
	}
	return Value{}, false
}

// AttributeValues returns the whole item in the types of the SDK's dynamodb package, nil where there is no item.
func (i Image) AttributeValues() (map[string]types.AttributeValue, error) {
	if i.json == "" {
		return nil, nil
	}
	c := jsontext.New(i.json)
	item := map[string]types.AttributeValue{}
	for attribute := range c.Members() {
		v, err := value(&c).AttributeValue()
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", attribute, err)
		}
		item[strings.Clone(attribute)] = v
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	return item, nil
}
