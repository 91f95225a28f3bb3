package loader

// When a feed is expected. This file is the pure part: windows in a zone's local time, across the changes of its clocks.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones, also where the machine has none

	"inventoryd/internal/config"
)

// Expect says when an upload of a feed is expected. Without by nothing is.
type Expect struct {
	// Local time, hh:mm, from which on an upload counts; later than by: on the day before. Empty: 00:00.
	From string `yaml:"from"`
	// Local time, hh:mm, by which one must be there; else the feed is late, which people are told. Empty: nothing is expected.
	By string `yaml:"by"`
	// Zone of these times, such as Europe/Berlin; empty: UTC.
	Zone string `yaml:"zone"`
	// Days on which one must be there (those of by): mon, tue, wed, thu, fri, sat, sun. None: all.
	Days []string `yaml:"days"`
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// window is the time in which an upload is expected.
type window struct{ from, by time.Time }

// schedule is an Expect that was read.
type schedule struct {
	from, by int // minutes of the day
	zone     *time.Location
	days     [7]bool
	rule     string // in words, by which two of them are told apart
	bucket   string // where the feed's uploads are
	prefix   string // of their keys
}

// schedule reads an Expect; nil: nothing is expected.
func (e Expect) schedule(pattern string) (*schedule, []error) {
	if e.By == "" {
		if e.From != "" || e.Zone != "" || len(e.Days) > 0 {
			return nil, []error{config.Problemf("by", "must say by when an upload is to be there, hh:mm")}
		}
		return nil, nil
	}
	var problems []error
	s := &schedule{}
	note := func(key string, err error) {
		if err != nil {
			problems = append(problems, config.Problemf(key, "%w", err))
		}
	}
	var err error
	s.from, err = minutes(cmp.Or(e.From, "00:00"))
	note("from", err)
	s.by, err = minutes(e.By)
	note("by", err)
	if s.zone, err = time.LoadLocation(cmp.Or(e.Zone, "UTC")); err != nil || e.Zone == "Local" {
		note("zone", fmt.Errorf("%q is no zone such as Europe/Berlin", e.Zone))
	}
	for _, day := range e.Days {
		at := slices.Index(weekdays, day)
		if at < 0 {
			note("days", fmt.Errorf("%q is none of %s", day, strings.Join(weekdays, ", ")))
			continue
		}
		s.days[at] = true
	}
	if len(e.Days) == 0 {
		s.days = [7]bool{true, true, true, true, true, true, true}
	}
	bucket, key, _ := strings.Cut(pattern, "/")
	if strings.ContainsAny(bucket, "*?") || key == "" {
		note("by", fmt.Errorf("the feed's pattern %q must name the bucket, as in inventory/berlin-*.csv: it is listed before anybody is told", pattern))
	}
	s.bucket, s.prefix = bucket, key
	if at := strings.IndexAny(key, "*?"); at >= 0 {
		s.prefix = key[:at]
	}
	s.rule = strings.Join(append([]string{fmt.Sprintf("%02d:%02d–%02d:%02d %s", s.from/60, s.from%60, s.by/60, s.by%60, s.zone)}, e.Days...), " ")
	return s, problems
}

// problems says what is wrong; prefix stands before the keys.
func (e Expect) problems(prefix, pattern string) []error {
	_, problems := e.schedule(pattern)
	for i, p := range problems {
		problems[i] = config.Within(strings.TrimSuffix(prefix, "."), p)
	}
	return problems
}

// minutes reads hh:mm.
func minutes(s string) (int, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, fmt.Errorf("%q is no time of the day such as 06:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// last is the window whose end is the last one by now.
func (s *schedule) last(now time.Time) (w window, ok bool) {
	year, month, day := now.In(s.zone).Date()
	for back := range 9 { // a week has each day that is expected, and one more is today's whose time has not come
		date := time.Date(year, month, day-back, 12, 0, 0, 0, time.UTC) // no zone has a say in it: some skip midnights
		if !s.days[date.Weekday()] {
			continue
		}
		if w := s.on(date); !w.by.After(now) {
			return w, true
		}
	}
	return window{}, false
}

// on is the window that ends on a date.
func (s *schedule) on(date time.Time) window {
	first := date
	if s.from >= s.by {
		first = date.AddDate(0, 0, -1)
	}
	return window{instant(first, s.from, s.zone), instant(date, s.by, s.zone)}
}

// instant is when the clocks of a zone show a time on a date: the first time where they show it twice, and where they skip
// it the instant at which they do.
func instant(date time.Time, minutes int, zone *time.Location) time.Time {
	year, month, day := date.Date()
	wall := time.Date(year, month, day, minutes/60, minutes%60, 0, 0, time.UTC)
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	// The clocks change by a day at most, and seldom: what holds a day before and a day after is all there is.
	before, after := offset(wall.Add(-36*time.Hour)), offset(wall.Add(36*time.Hour))
	first, second := wall.Add(-before), wall.Add(-after)
	if second.Before(first) {
		first, second = second, first
	}
	for _, t := range []time.Time{first, second} {
		if t.Add(offset(t)).Equal(wall) {
			return t
		}
	}
	_, change := first.In(zone).ZoneBounds()
	return change.UTC()
}
