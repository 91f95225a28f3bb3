package page

// Words and numbers for people.

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"inventoryd/internal/web/stock"
)

// status says how an item stands.
func status(r stock.Row) string {
	if r.Stores == 0 {
		return [...]string{"In stock", "Low", "Out of stock"}[r.Level]
	}
	switch {
	case r.Out > 0 && r.Out == r.Stores && r.Stores == 1:
		return "Out of stock"
	case r.Out > 0 && r.Out == r.Stores:
		return fmt.Sprintf("Out in all %d stores", r.Stores)
	case r.Out > 0:
		return fmt.Sprintf("Out in %d of %d stores", r.Out, r.Stores)
	case r.Low > 0:
		return fmt.Sprintf("Low in %d of %d stores", r.Low, r.Stores)
	}
	return "In stock"
}

// number is n with commas, as for a visitor without scripts; the script writes it in the visitor's own form.
func number[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "−", s[1:]
	}
	var b strings.Builder
	for i, d := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// plural is "1 item" or "2 items".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// ago is a duration roughly, as people say it.
func ago(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "just now"
	case d < 90*time.Second:
		return plural(int(d.Seconds()), "second") + " ago"
	case d < 90*time.Minute:
		return plural(int(d.Minutes()+0.5), "minute") + " ago"
	case d < 36*time.Hour:
		return plural(int(d.Hours()+0.5), "hour") + " ago"
	}
	return plural(int(d.Hours()/24+0.5), "day") + " ago"
}

// span is a duration in short.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return strings.TrimSuffix(d.Round(time.Second).String(), "0s")
}

// visible is a name as it may be shown: what cannot be seen or changes the direction of what follows is spelt out.
func visible(s string) string {
	if s == "" {
		return "(no name)"
	}
	strange := func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' || r == unicode.ReplacementChar
	}
	if strings.IndexFunc(s, strange) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if strange(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// short is a name for a place that holds few characters.
func short(s string) string {
	const most = 60
	runes := []rune(visible(s))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// axis is the scale of the bars: from 0 to four whole steps.
type axis struct{ step float64 }

func axisOf(highest int64) axis {
	least := math.Max(1, math.Ceil(float64(highest)/4))
	for unit := 1.0; ; unit *= 10 {
		for _, n := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 7.5} {
			if step := n * unit; step >= least && step == math.Trunc(step) {
				return axis{step}
			}
		}
	}
}

// Ticks are the numbers at 0, 1, 2, 3 and 4 quarters.
func (a axis) Ticks() (ticks [5]int64) {
	for i := range ticks {
		ticks[i] = int64(a.step * float64(i))
	}
	return ticks
}

// Percent is the length of a count's bar.
func (a axis) Percent(count int64) string {
	share := float64(max(0, count)) / (4 * a.step) * 100
	return strconv.FormatFloat(share, 'f', 2, 64)
}
