package samples

import (
	"encoding/csv"
	"io/fs"
	"testing"
)

func TestFeedsHoldWhatTheConstantsSay(t *testing.T) {
	names, err := fs.Glob(Feeds, "*.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, zeros := 0, 0
	for _, name := range names {
		f, err := Feeds.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
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
