package loader

// The gate: whether an upload is so unlike its feed's last one that nobody should write it unasked. This file is the pure part.

import (
	"cmp"
	"fmt"

	"inventoryd/internal/config"
	"inventoryd/internal/state"
)

// Gate says which uploads of a feed are held back. Each is compared with the feed's last one that was loaded.
type Gate struct {
	// hold reads each upload before it is written, and holds it back where it is too unlike the last one; off holds nothing.
	Action string `yaml:"action" enum:"off|hold"`
	// Hold what has fewer usable rows than the last one by more than this part in per cent, 1 to 100; 0: 50.
	RowsDrop int64 `yaml:"rows_drop"`
	// Hold what has a share of counts of 0 and less that is greater than the last one's by more than this many percentage
	// points, 1 to 100; 0: 50.
	Zeros int64 `yaml:"zeros"`
	// Smallest number of usable rows in the last upload for the two rules above to apply; 0: 20. What names none of the last
	// one's stores, or has a header only, is held whatever the number.
	MinRows int64 `yaml:"min_rows"`
}

// What holds where a gate says nothing.
const (
	defaultRowsDrop = 50
	defaultZeros    = 50
	defaultMinRows  = 20
)

// closed reports whether the gate holds anything.
func (g Gate) closed() bool { return g.Action == "hold" }

// problems says what is wrong with a gate.
func (g Gate) problems(prefix string) (problems []error) {
	if g.Action != "" && g.Action != "off" && g.Action != "hold" {
		problems = append(problems, config.Problemf(prefix+"action", "%q is none of off, hold", g.Action))
	}
	for _, c := range []struct {
		key   string
		value int64
	}{{"rows_drop", g.RowsDrop}, {"zeros", g.Zeros}} {
		if c.value < 0 || c.value > 100 {
			problems = append(problems, config.Problemf(prefix+c.key, "%d is not from 1 to 100", c.value))
		}
	}
	if g.MinRows < 0 {
		problems = append(problems, config.Problemf(prefix+"min_rows", "%d is below 0", g.MinRows))
	}
	return problems
}

// judge says why an upload is to be held back; nil where it is not. Of a feed's first upload only one without rows is.
func (g Gate) judge(last *state.Brought, now found) *heldBack {
	switch {
	case now.rows == 0 && now.rejected == 0:
		return &heldBack{reason: "it has a header and no rows"}
	case last == nil:
		return nil
	case len(last.Stores) > 0 && !now.shared:
		return &heldBack{"it names none of the stores of the last one: are columns swapped, or is it another sender's file?", "The last one's stores: " + few(last.Stores) + "."}
	case last.Rows < cmp.Or(g.MinRows, defaultMinRows):
		return nil
	}
	if limit := cmp.Or(g.RowsDrop, defaultRowsDrop); now.rows*100 < last.Rows*(100-limit) {
		return &heldBack{reason: fmt.Sprintf("it has %d usable rows, and the last one had %d: fewer by more than %d %% (gate.rows_drop)", now.rows, last.Rows, limit)}
	}
	before, share := percent(last.Zeros, last.Rows), percent(now.zeros, now.rows)
	if limit := cmp.Or(g.Zeros, defaultZeros); share-before > float64(limit) {
		return &heldBack{reason: fmt.Sprintf("%.0f %% of its counts are 0 or less, and %.0f %% of the last one's were: more by over %d points (gate.zeros)", share, before, limit)}
	}
	return nil
}

func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) * 100 / float64(whole)
}

// few lists some names.
func few(names []string) string {
	const most = 3
	list := ""
	for i, name := range names[:min(most, len(names))] {
		if i > 0 {
			list += ", "
		}
		list += clip(name, 60)
	}
	if more := len(names) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// heldBack is the error of an upload that is held back: nothing of it was written.
type heldBack struct {
	reason string
	names  string // what more people are told: names, which are not for the log
}

func (h *heldBack) Error() string { return "held back: " + h.reason }

// told is the reason as people are told it.
func (h *heldBack) told() string {
	if h.names == "" {
		return h.reason
	}
	return h.reason + "\n" + h.names
}
