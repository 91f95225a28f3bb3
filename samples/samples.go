// Package samples holds six small feeds, one a store, for the demonstration and the tests. Each has six items, one of
// which is out of stock.
package samples

import (
	"embed"
	"iter"
)

//go:embed *.csv
var files embed.FS

// What the feeds hold in all.
const (
	Rows  = 36
	Zeros = 6
)

// Feeds are the files' names and what they hold.
func Feeds() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		entries, _ := files.ReadDir(".") // what is embedded can be read
		for _, e := range entries {
			body, _ := files.ReadFile(e.Name())
			if !yield(e.Name(), body) {
				return
			}
		}
	}
}
