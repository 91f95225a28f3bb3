// Package samples holds six small feeds, one a store, for the demonstration and the tests. Each has six items, one of
// which is out of stock.
package samples

import "embed"

// Feeds are the files *.csv.
//
//go:embed *.csv
var Feeds embed.FS

// What the feeds hold in all.
const (
	Rows  = 36
	Zeros = 6
)
