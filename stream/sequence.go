package stream

// This file: sequence numbers and the checkpoints made of them. A sequence number is a string of 21 to 40 decimal
// digits that is compared as an integer (Amazon DynamoDB Streams API reference, Record and SequenceNumberRange).

import (
	"fmt"
	"strings"
)

const (
	minDigits = 21 // the API takes no shorter sequence number
	maxDigits = 40
)

// ended is the checkpoint of a shard that has been read to its end.
const ended = "ended"

// Position joins a stream's label and a sequence number to a string that compares, byte by byte, as both grow:
// labels are instants in ISO 8601, sequence numbers are padded with zeros to 40 digits. It is how checkpoints are
// stored.
func Position(label, sequence string) string {
	return label + "#" + strings.Repeat("0", max(0, maxDigits-len(sequence))) + sequence
}

// sequenceOf returns the sequence number of a stored position, or an error if the position cannot be one of this
// stream.
func sequenceOf(label, position string) (string, error) {
	digits, ok := strings.CutPrefix(position, label+"#")
	if !ok || len(digits) != maxDigits || strings.Trim(digits, "0123456789") != "" {
		return "", fmt.Errorf("checkpoint %q is no position in stream %s", position, label)
	}
	digits = strings.TrimLeft(digits, "0")
	return strings.Repeat("0", max(0, minDigits-len(digits))) + digits, nil
}

// compareSequences compares two sequence numbers as integers.
func compareSequences(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
