package dynamo

// Sequence numbers: decimal texts of 21 to 40 digits that grow along a stream ("StreamRecord": SequenceNumber).

import (
	"cmp"
	"strings"
)

// firstSequence is where a stream's sequence numbers begin.
const firstSequence = "100000000000000000000"

// sequence counts in decimal.
type sequence []byte

// next returns the present number and steps on; the number of digits grows when need be.
func (s *sequence) next() string {
	now := string(*s)
	for i := len(*s) - 1; i >= 0; i-- {
		if (*s)[i] < '9' {
			(*s)[i]++
			return now
		}
		(*s)[i] = '0'
	}
	*s = append(sequence{'1'}, *s...)
	return now
}

// compareSequences orders two sequence numbers as integers.
func compareSequences(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// isSequence tells whether s has a sequence number's form.
func isSequence(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "0123456789") == ""
}
