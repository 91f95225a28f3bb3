package stream

// This file: the text of a GetRecords answer becomes a page of records.

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
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
	c, first := cursor{text: body}, true
	for open := c.open('{'); open; {
		key, ok := c.key(&first)
		if !ok {
			break
		}
		switch key {
		case "NextShardIterator":
			p.next = strings.Clone(c.str())
		case "Records":
			whole = c.peek() == '['
			p.records = c.records(label, shard)
		default:
			c.raw()
		}
	}
	if c.err == nil && !whole && p.next == "" { // which would be taken for the shard's end
		c.fail(errors.New("there are neither Records nor a NextShardIterator"))
	}
	if c.err != nil {
		return page{}, fmt.Errorf("read the answer of GetRecords: %w", c.err)
	}
	return p, nil
}

// recordSize is a low estimate of a record's text: for the capacity of a page's slice.
const recordSize = 400

func (c *cursor) records(label, shard string) []Record {
	var all []Record
	first := true
	for open := c.open('['); open && c.more(']', &first); {
		if all == nil {
			all = make([]Record, 0, min(1000, len(c.text)/recordSize+1))
		}
		r := c.record()
		r.Stream, r.Shard = label, shard
		if c.err == nil && r.Sequence == "" {
			c.fail(fmt.Errorf("record %q has no sequence number", r.ID))
		}
		all = append(all, r)
	}
	return all
}

func (c *cursor) record() Record {
	var r Record
	first := true
	for open := c.open('{'); open; {
		key, ok := c.key(&first)
		if !ok {
			break
		}
		switch key {
		case "eventID":
			r.ID = c.kept(c.str())
		case "eventName":
			r.Kind = kindOf(c.str())
		case "dynamodb":
			c.change(&r)
		case "userIdentity":
			r.By = c.identity()
		default:
			c.raw()
		}
	}
	return r
}

func (c *cursor) identity() Identity {
	var i Identity
	first := true
	for open := c.open('{'); open; {
		key, ok := c.key(&first)
		if !ok {
			break
		}
		switch key {
		case "Type":
			i.Type = strings.Clone(c.str())
		case "PrincipalId":
			i.Principal = strings.Clone(c.str())
		default:
			c.raw()
		}
	}
	return i
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

func (c *cursor) change(r *Record) {
	first := true
	for open := c.open('{'); open; {
		key, ok := c.key(&first)
		if !ok {
			break
		}
		switch key {
		case "SequenceNumber":
			r.Sequence = c.kept(c.str())
		case "ApproximateCreationDateTime":
			r.Created = c.instant()
		case "Keys":
			r.Keys = c.image()
		case "OldImage":
			r.Old = c.image()
		case "NewImage":
			r.New = c.image()
		default:
			c.raw()
		}
	}
}

func (c *cursor) image() Image {
	if text := c.raw(); text != "null" {
		return Image{text}
	}
	return Image{}
}

// instant reads seconds since 1970, as DynamoDB writes them (1.7E9, 1700000000, 1700000000.25), or, as some stand-ins
// do, RFC 3339.
func (c *cursor) instant() time.Time {
	if c.peek() == '"' {
		at, err := time.Parse(time.RFC3339Nano, c.str())
		if err != nil {
			c.fail(err)
		}
		return at.UTC()
	}
	text := strings.TrimSpace(c.raw())
	if text == "null" {
		return time.Time{}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0).UTC()
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		c.fail(err)
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}
