package fire

import (
	"crypto/md5"
	"fmt"
	"slices"
	"strings"
	"time"
)

// feedsUntold is what people must still be told of feeds: that one is held back, late, or has come. Of each feed they are told the
// last of each kind; what was overtaken before it could be told is not told any more.
func (e evidence) feedsUntold() (found []string) {
	for store, sheets := range e.sheets {
		if last := sheets[len(sheets)-1]; last.held && !e.saidOf("feed_held", store, tagOf(last)) {
			found = append(found, fmt.Sprintf("untold: an upload of %s is held back", feedKey(store)))
		}
	}
	for n := timed.from; n < timed.from+timed.count; n++ {
		deadline := lastDeadline(n, e.burned)
		if !deadline.After(e.opened) {
			continue
		}
		late := e.saidOf("feed_late", n, dayTime(deadline))
		switch came := e.cameSince(n, deadline.Add(-expectedWithin)); {
		case came.IsZero() && !late:
			found = append(found, fmt.Sprintf("untold: %s is late since %s", feedKey(n), dayTime(deadline)))
		case late && came.After(deadline) && !e.saidOf("feed_came", n, dayTime(deadline)):
			found = append(found, fmt.Sprintf("untold: %s, late since %s, has come", feedKey(n), dayTime(deadline)))
		}
	}
	slices.Sort(found)
	return found
}

// feedsUntrue is what people were told of feeds and is not so, and what was written though it was held back.
func (e evidence) feedsUntrue() (found []string) {
	found = append(found, e.unsaid...)
	for _, m := range e.mails {
		if len(m.items) == 0 || m.store != "" {
			continue
		}
		var n int
		if _, err := fmt.Sscanf(m.items[0], "listed-%d", &n); err != nil {
			continue // of a feed that nobody has listed
		}
		switch m.event {
		case "feed_held":
			if !slices.ContainsFunc(e.sheets[n], func(s sheet) bool { return s.held && strings.HasPrefix(m.ids[0], tagOf(s)) }) {
				found = append(found, fmt.Sprintf("held back and good: %s, %s", feedKey(n), m.ids[0]))
			}
		case "feed_late", "feed_came":
			deadline, err := time.Parse(time.RFC3339, m.ids[0])
			from := deadline.Add(-expectedWithin)
			if came := e.cameSince(n, from); err != nil || !deadline.Equal(lastDeadline(n, deadline)) || !came.IsZero() && came.Before(deadline) {
				found = append(found, fmt.Sprintf("untrue: %s of %s by %s, it came at %s", m.event, feedKey(n), m.ids[0], dayTime(came)))
			}
		default:
			found = append(found, fmt.Sprintf("%s of %s, which can be loaded", m.event, feedKey(n)))
		}
	}
	return found
}

// saidOf says whether such a message of a listed feed was received.
func (e evidence) saidOf(event string, store int, id string) bool {
	return slices.ContainsFunc(e.mails, func(m mail) bool {
		return m.event == event && len(m.items) == 1 && m.items[0] == feedNamed(store) && strings.HasPrefix(m.ids[0], id)
	})
}

// cameSince is when the first upload of a store came since then, by S3's clock, which tells whole seconds; zero: none has.
func (e evidence) cameSince(store int, from time.Time) time.Time {
	for _, s := range e.sheets[store] {
		if at := s.at.Truncate(time.Second); !at.Before(from) {
			return at
		}
	}
	return time.Time{}
}

// lastDeadline is the last one of a store's feed by now.
func lastDeadline(store int, now time.Time) time.Time {
	deadline := now.UTC().Truncate(24 * time.Hour).Add(by(store))
	if deadline.After(now) {
		deadline = deadline.AddDate(0, 0, -1)
	}
	return deadline
}

func dayTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// tagOf is the ETag that S3 gives an upload.
func tagOf(s sheet) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(s.body))) }
