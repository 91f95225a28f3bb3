package main

// Feeds: what each last brought, for `loads --feeds`.

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"inventoryd/internal/state"
)

// feedStatus is how a feed stands.
func feedStatus(f state.Feed) string {
	switch {
	case f.Held != nil:
		return "held"
	case !f.Late.IsZero():
		return "late"
	case f.Good == nil:
		return "expected"
	}
	return "loaded"
}

// urgentFirst sorts feeds by who needs somebody.
func urgentFirst(feeds []state.Feed) {
	rank := map[string]int{"held": 0, "late": 1, "expected": 2, "loaded": 3}
	slices.SortStableFunc(feeds, func(a, b state.Feed) int { return cmp.Compare(rank[feedStatus(a)], rank[feedStatus(b)]) })
}

// lateWords says what is late.
func lateWords(f state.Feed) string {
	return "nothing had come by " + f.Late.UTC().Format("2006-01-02 15:04 UTC") + " (" + f.Rule + ")"
}

// feedsTable lists feeds.
func feedsTable(feeds []state.Feed) table {
	urgentFirst(feeds)
	t := table{head: []string{"FEED", "STATUS", "CAME", "ROWS", "ZEROS", "STORES", "OBJECT", "NOTE"}}
	all := []feedJSON{}
	for _, f := range feeds {
		row := []string{f.Name, feedStatus(f), "-", "-", "-", "-", "-", ""}
		if g := f.Good; g != nil {
			row[2], row[3], row[4] = stamp(g.Version.Modified), strconv.FormatInt(g.Rows, 10), strconv.FormatInt(g.Zeros, 10)
			row[5], row[6], row[7] = strconv.FormatInt(g.StoreCount, 10), "s3://"+g.Bucket+"/"+g.Key, g.Note
		}
		switch {
		case f.Held != nil:
			row[7] = oneLine(f.Held.Note) + "; " + releaseWords(f.Held)
		case !f.Late.IsZero():
			row[7] = lateWords(f)
		}
		t.rows = append(t.rows, row)
		all = append(all, feedForPrograms(f))
	}
	t.json = all
	return t
}

// releaseWords is the command that releases what is held back.
func releaseWords(held *state.Brought) string {
	return "inventoryd release " + shell("s3://"+held.Bucket+"/"+held.Key)
}

// feedJSON is a feed for programs.
type feedJSON struct {
	Feed   string       `json:"feed"`
	Status string       `json:"status"`
	Good   *broughtJSON `json:"good,omitempty"` // the last upload that was loaded
	Held   *broughtJSON `json:"held,omitempty"`
	Rule   string       `json:"expected,omitempty"`
	Late   *time.Time   `json:"late_since,omitempty"`
}

type broughtJSON struct {
	Bucket string      `json:"bucket"`
	Key    string      `json:"key"`
	Object versionJSON `json:"object"`
	At     time.Time   `json:"at"` // when that was decided
	Rows   int64       `json:"rows"`
	Zeros  int64       `json:"zeros"`
	Stores int64       `json:"stores"`
	Names  []string    `json:"store_names,omitempty"` // some of them
	Zeroed int64       `json:"zeroed,omitempty"`
	Note   string      `json:"note,omitempty"`
}

func feedForPrograms(f state.Feed) feedJSON {
	brought := func(b *state.Brought) *broughtJSON {
		if b == nil {
			return nil
		}
		v := b.Version
		return &broughtJSON{b.Bucket, b.Key, versionJSON{v.ETag, v.Version, v.Modified}, b.At, b.Rows, b.Zeros, b.StoreCount, b.Stores, b.Zeroed, b.Note}
	}
	one := feedJSON{Feed: f.Name, Status: feedStatus(f), Good: brought(f.Good), Held: brought(f.Held), Rule: f.Rule}
	if !f.Late.IsZero() {
		one.Late = &f.Late
	}
	return one
}

// line is the feed on one line, for a command about something else.
func (f feedJSON) line() string {
	s := f.Feed + ": " + f.Status
	if f.Good != nil {
		s += ", last loaded s3://" + f.Good.Bucket + "/" + f.Good.Key + " of " + stampOf(&f.Good.Object.Modified)
	}
	if f.Held != nil {
		s += ", held back: " + oneLine(f.Held.Note)
	}
	return s
}
