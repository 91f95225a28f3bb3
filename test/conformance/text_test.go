package conformance

import "slices"

func sorted(s []string) []string {
	out := slices.Clone(s)
	slices.Sort(out)
	return out
}

func distinct(s []string) []string { return slices.Compact(sorted(s)) }
