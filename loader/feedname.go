package loader

// The feed of an object that is of none in the list: its address without the dates in it.

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// feedName is bucket/key with each date, time and epoch in the key as #. Other digits stay, so that store-17.csv and
// store-18.csv are two feeds, and so are the files of two stores whose numbers are as long as a date and are none.
func feedName(bucket, key string) string {
	for _, dates := range []*regexp.Regexp{separated, compact} {
		for before := ""; before != key; { // two of them may have one character between
			before = key
			key = dates.ReplaceAllStringFunc(key, withoutDate)
		}
	}
	return bucket + "/" + key
}

// How dates and times are written. Each pattern takes the characters around it along, which are no digits.
const (
	between = `(?:[-_./ ]|/(?:m|month|d|day)=)`
	ymd     = `(?:19|20)\d\d` + between + `(?:0?[1-9]|1[0-2])` + between + `(?:0?[1-9]|[12]\d|3[01])`
	dmy     = `(?:0?[1-9]|[12]\d|3[01])[-_./ ](?:0?[1-9]|[12]\d|3[01])[-_./ ](?:19|20)\d\d`
	hour    = `(?:[01]\d|2[0-3])`
	sixty   = `[0-5]\d`
	zone    = `(?:Z|[+-]\d\d:?\d\d)?`
	// without colons, four digits behind a date may be a store's number
	clock = `(?:[T_ -]` + hour + `[-:._h]` + sixty + `(?:[-:._m]` + sixty + `(?:[.,]\d+)?)?` + zone +
		`|T` + hour + sixty + `(?:` + sixty + `)?` + zone + `|[_ -]` + hour + sixty + sixty + `)?`
)

var (
	separated = regexp.MustCompile(`(?:^|\D)(?:` + ymd + `|` + dmy + `)` + clock + `(?:\D|$)`)
	compact   = regexp.MustCompile(`(?:^|\D)(?:\d{8}` + clock + `|\d{10}|\d{12,14})(?:\D|$)`)
)

// withoutDate is what a pattern found, with # for the date in it, if it is one.
func withoutDate(found string) string {
	date := strings.TrimFunc(found, func(r rune) bool { return r < '0' || r > '9' })
	digits := date
	if i := strings.IndexFunc(date, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = date[:i]
	}
	if len(digits) >= 8 && !isDate(digits) {
		return found
	}
	before := strings.Index(found, date)
	after := strings.TrimPrefix(found[before+len(date):], "Z")
	return found[:before] + "#" + after
}

// isDate reports whether digits can be a date, with or without the time, or an epoch of 2001 to 2065.
func isDate(digits string) bool {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil &&
		(len(digits) == 10 && n >= 1e9 && n < 3e9 || len(digits) == 13 && n >= 1e12 && n < 3e12) {
		return true
	}
	for _, layout := range []string{"20060102", "02012006", "01022006", "2006010215", "200601021504", "20060102150405"} {
		if t, err := time.Parse(layout, digits); err == nil && t.Year() >= 1990 && t.Year() < 2100 {
			return true
		}
	}
	return false
}
