package samples

import (
	"bytes"
	"encoding/csv"
	"testing"
)

func TestFeedsHoldWhatTheConstantsSay(t *testing.T) {
	rows, zeros := 0, 0
	for name, body := range Feeds() {
		records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatal(name, err)
		}
		for _, r := range records[1:] {
			rows++
			if r[2] == "0" {
				zeros++
			}
		}
	}
	if rows != Rows || zeros != Zeros {
		t.Errorf("%d rows, %d zeros; want %d and %d", rows, zeros, Rows, Zeros)
	}
}
