package stock

import "time"

// What all views together may take of the daemon: memory, time and the table's read units. docs/page.md states them.
const (
	// Interval is the time from one reading of a subject to its next, at least.
	Interval = 2 * time.Second

	maxItems  = 20_000  // rows that a view lists
	maxShort  = 2_000   // shortages that a store's view lists beyond them
	maxView   = 2 << 20 // bytes of one view
	maxViews  = 4 << 20 // bytes of all views together; what is being read takes as much again
	maxStores = 10_000  // stores that the view of all of them names
	maxNames  = 1 << 20 // bytes of the names of these stores, and of the shortages of all stores
	maxAll    = 5_000   // shortages that the view of all stores lists

	// MaxLookers is how many can be told of changes at a time.
	MaxLookers = 240
	maxKept    = 32               // subjects that nobody looks at any more and that are remembered
	kept       = 10 * time.Minute // how long
	// maxSubjects bounds what a flood of requests can ask for: lookers, what is remembered, and some that wait.
	maxSubjects = MaxLookers + maxKept + 200
	remembered  = 2 * time.Minute // how long a reading goes on for somebody who asked once
	patience    = time.Second / 2 // what a reading may take and still be waited for

	pageRows    = 1000            // rows of a call; a page is 1 MiB at most by DynamoDB's rule, so 128 units
	callTimeout = 5 * time.Second // of a call
	longestRest = 10 * time.Second
)

// share is how many bytes a view may have while n subjects are remembered.
func share(n int) int { return min(maxView, maxViews/max(1, n)) }
