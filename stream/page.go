package stream

// This file: the text of a GetRecords answer becomes a page of records.

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"inventoryd/stream/internal/jsontext"
)

// page is one answer of GetRecords.
type page struct {
	records []Record
	next    string    // the next iterator; "" where the shard is closed and this page is its last
	size    int64     // bytes of memory that are taken from the budget for it
	text    int       // length of the answer
	at      time.Time // the service's clock when it answered; zero where the answer does not say
}

// parsePage reads an answer's body. The records' images share its memory; their other strings do not, since callers
// keep those for longer: each of those holds a block of 2 KiB.
func parsePage(body, label, shard string) (page, error) {
	p, whole := page{text: len(body)}, false
	c := jsontext.New(body)
	for name := range c.Members() {
		switch name {
		case "NextShardIterator":
			p.next = strings.Clone(c.Str())
		case "Records":
			whole = c.Peek() == '['
			p.records = records(&c, label, shard)
		default:
			c.Raw()
		}
	}
	if c.Err() == nil && !whole && p.next == "" { // which would be taken for the shard's end
		c.Fail(errors.New("there are neither Records nor a NextShardIterator"))
	}
	if c.Err() != nil {
		return page{}, fmt.Errorf("read the answer of GetRecords: %w", c.Err())
	}
	return p, nil
}

// recordSize is a low estimate of a record's text: for the capacity of a page's slice.
const recordSize = 400

func records(c *jsontext.Cursor, label, shard string) []Record {
	var all []Record
	for range c.Elements() {
		if all == nil {
			all = make([]Record, 0, min(maxRecords, c.Len()/recordSize+1))
		}
		all = append(all, Record{Stream: label, Shard: shard})
		r := &all[len(all)-1]
		r.read(c)
		if c.Err() == nil && r.Sequence == "" {
			c.Fail(fmt.Errorf("record %q has no sequence number", r.ID))
		}
	}
	return all
}

func (r *Record) read(c *jsontext.Cursor) {
	for name := range c.Members() {
		switch name {
		case "eventID":
			r.ID = c.Kept(c.Str())
		case "eventName":
			r.Kind = kindOf(c.Str())
		case "dynamodb":
			r.change(c)
		case "userIdentity":
			r.By.read(c)
		default:
			c.Raw()
		}
	}
}

func (i *Identity) read(c *jsontext.Cursor) {
	for name := range c.Members() {
		switch name {
		case "Type":
			i.Type = c.Kept(c.Str())
		case "PrincipalId":
			i.Principal = c.Kept(c.Str())
		default:
			c.Raw()
		}
	}
}

func kindOf(s string) Kind {
	switch s {
	case string(Insert):
		return Insert
	case string(Modify):
		return Modify
	case string(Remove):
		return Remove
	}
	return Kind(strings.Clone(s))
}

func (r *Record) change(c *jsontext.Cursor) {
	for name := range c.Members() {
		switch name {
		case "SequenceNumber":
			r.Sequence = c.Kept(c.Str())
		case "ApproximateCreationDateTime":
			r.Created = created(c)
		case "Keys":
			r.Keys = image(c)
		case "OldImage":
			r.Old = image(c)
		case "NewImage":
			r.New = image(c)
		default:
			c.Raw()
		}
	}
}

func image(c *jsontext.Cursor) Image {
	if text := c.Raw(); text != "null" {
		return Image{text}
	}
	return Image{}
}

// created reads seconds since 1970, as DynamoDB writes them (1.7E9, 1700000000, 1700000000.25), or, as some stand-ins
// do, RFC 3339.
func created(c *jsontext.Cursor) time.Time {
	if c.Peek() == '"' {
		at, err := time.Parse(time.RFC3339Nano, c.Str())
		if err != nil {
			c.Fail(err)
		}
		return at.UTC()
	}
	text := strings.TrimSpace(c.Raw())
	if text == "null" {
		return time.Time{}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0).UTC()
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		c.Fail(err)
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}
