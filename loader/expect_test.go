package loader

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDeadlinesByTheirTable is the grid: zones, days, windows over midnight, and both changes of the clocks.
func TestDeadlinesByTheirTable(t *testing.T) {
	for _, c := range []struct{ name, expect, now, from, by string }{
		{"UTC, after the deadline", "00:00-06:00 UTC", "2026-11-26T06:00:00Z", "2026-11-26T00:00:00Z", "2026-11-26T06:00:00Z"},
		{"UTC, before it", "00:00-06:00 UTC", "2026-11-26T05:59:59Z", "2026-11-25T00:00:00Z", "2026-11-25T06:00:00Z"},
		{"in winter", "00:00-06:00 Europe/Berlin", "2026-01-15T05:00:00Z", "2026-01-14T23:00:00Z", "2026-01-15T05:00:00Z"},
		{"in summer", "00:00-06:00 Europe/Berlin", "2026-07-15T04:00:00Z", "2026-07-14T22:00:00Z", "2026-07-15T04:00:00Z"},
		{"over midnight", "22:00-02:00 Europe/Berlin", "2026-01-15T01:00:00Z", "2026-01-14T21:00:00Z", "2026-01-15T01:00:00Z"},
		{"a whole day", "06:00-06:00 UTC", "2026-01-15T07:00:00Z", "2026-01-14T06:00:00Z", "2026-01-15T06:00:00Z"},
		{"weekdays only, on Sunday", "00:00-06:00 UTC mon,tue,wed,thu,fri", "2026-11-29T12:00:00Z", "2026-11-27T00:00:00Z", "2026-11-27T06:00:00Z"},
		{"one day a week, the day before it", "00:00-06:00 UTC mon", "2026-11-29T12:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23T06:00:00Z"},
		{"one day a week, on it before the time", "00:00-06:00 UTC mon", "2026-11-30T05:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23T06:00:00Z"},
		// 29 March 2026, 02:00 → 03:00; 25 October 2026, 03:00 → 02:00.
		{"spring: the night is short", "00:00-06:00 Europe/Berlin", "2026-03-29T04:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z"},
		{"spring: a deadline that is skipped is the change", "00:00-02:30 Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z"},
		{"spring: not before the change", "00:00-02:30 Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-27T23:00:00Z", "2026-03-28T01:30:00Z"},
		{"spring: a beginning that is skipped", "02:15-06:00 Europe/Berlin", "2026-03-29T05:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z"},
		{"autumn: the night is long", "00:00-06:00 Europe/Berlin", "2026-10-25T05:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T05:00:00Z"},
		{"autumn: a doubled deadline is the first one", "00:00-02:30 Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"},
		{"autumn: a doubled beginning is the first one", "02:30-06:00 Europe/Berlin", "2026-10-25T05:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T05:00:00Z"},
		{"New York, spring", "00:00-02:30 America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"},
		{"half an hour of change", "00:00-02:15 Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-03T13:30:00Z", "2026-10-03T15:30:00Z"},
		{"a zone far ahead", "00:00-06:00 Pacific/Auckland", "2026-11-25T17:00:00Z", "2026-11-25T11:00:00Z", "2026-11-25T17:00:00Z"},
		{"midnight that is skipped", "00:00-06:00 America/Asuncion", "2023-10-01T09:00:00Z", "2023-10-01T04:00:00Z", "2023-10-01T09:00:00Z"},
	} {
		s, problems := expectOf(c.expect).schedule("b/k*")
		if len(problems) > 0 {
			t.Fatal(c.name, problems)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := s.last(now)
		if got := w.from.UTC().Format(time.RFC3339) + " " + w.by.UTC().Format(time.RFC3339); !ok || got != c.from+" "+c.by {
			t.Errorf("%s: %s, want %s %s", c.name, got, c.from, c.by)
		}
	}
}

// expectOf reads "from-by zone days".
func expectOf(text string) Expect {
	words := strings.Fields(text)
	from, by, _ := strings.Cut(words[0], "-")
	e := Expect{From: from, By: by, Zone: words[1]}
	if len(words) > 2 {
		e.Days = strings.Split(words[2], ",")
	}
	return e
}

// Each deadline of each day of a year is found, in its order, whatever the zone's clocks do.
func TestEachDayHasOneDeadline(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"} {
		for _, by := range []string{"00:00", "01:30", "02:30", "23:59"} {
			s, problems := Expect{By: by, Zone: zone, From: "12:00"}.schedule("b/k")
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			seen, now := map[time.Time]bool{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for last := (time.Time{}); now.Year() == 2026; now = now.Add(50 * time.Minute) {
				w, ok := s.last(now)
				if !ok || w.by.Before(last) || !w.from.Before(w.by) || w.by.After(now) || now.Sub(w.by) > 25*time.Hour {
					t.Fatalf("%s %s at %v: %+v", zone, by, now, w)
				}
				last = w.by
				seen[w.by] = true
			}
			if n := len(seen); n < 365 || n > 366 {
				t.Errorf("%s %s: %d deadlines in a year", zone, by, n)
			}
		}
	}
}

func TestWhatCannotBeExpectedIsNamed(t *testing.T) {
	for _, c := range []struct {
		expect  Expect
		pattern string
		want    string
	}{
		{Expect{From: "06:00"}, "b/k", "by: must say by when"},
		{Expect{By: "6:00"}, "b/k", `by: "6:00" is no time`},
		{Expect{By: "24:00"}, "b/k", `by: "24:00" is no time`},
		{Expect{By: "06:00", From: "x"}, "b/k", `from: "x" is no time`},
		{Expect{By: "06:00", Zone: "Europe/Bärlin"}, "b/k", "zone: "},
		{Expect{By: "06:00", Zone: "Local"}, "b/k", "zone: "},
		{Expect{By: "06:00", Days: []string{"monday"}}, "b/k", `days: "monday" is none of`},
		{Expect{By: "06:00"}, "*.csv", "must name the bucket"},
		{Expect{By: "06:00"}, "b*/x.csv", "must name the bucket"},
	} {
		_, problems := c.expect.schedule(c.pattern)
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.expect, problems, c.want)
		}
	}
	if s, problems := (Expect{}).schedule("*"); s != nil || problems != nil {
		t.Error(fmt.Sprint(s, problems))
	}
}
