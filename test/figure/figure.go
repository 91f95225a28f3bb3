// Package figure prints what benchmarks have measured.
package figure

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
)

// Print prints the median of what several runs measured as a line `name value unit`, and how far the runs lie apart on
// standard error; values with four digits.
func Print(name, unit string, runs ...float64) {
	sorted := slices.Sorted(slices.Values(runs))
	fmt.Println(name, text(sorted[len(sorted)/2]), unit)
	fmt.Fprintf(os.Stderr, "%s: %s … %s %s (%d runs)\n", name, text(sorted[0]), text(sorted[len(sorted)-1]), unit, len(sorted))
}

// text is v rounded to four digits, without an exponent.
func text(v float64) string {
	if v == 0 {
		return "0"
	}
	step := math.Pow10(int(math.Floor(math.Log10(math.Abs(v)))) - 3)
	return strconv.FormatFloat(math.Round(v/step)*step, 'f', max(0, int(-math.Floor(math.Log10(step)))), 64)
}
