package loader

import (
	"encoding/json"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
)

// TestEachColumnOfTheBooksIsEverywhere fills each column with a number of its own and finds it again wherever books go.
func TestEachColumnOfTheBooksIsEverywhere(t *testing.T) {
	var b Books
	for n, c := range columns {
		*c.at(&b) = int64(n + 1)
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]int64
	if err := json.Unmarshal(text, &fields); err != nil || len(fields) != len(columns) {
		t.Fatalf("%s: %v", text, err)
	}
	sum := b
	sum.Add(b)
	doubled := map[string]int64{}
	sum.Each(func(column string, rows int64) { doubled[column] = rows })
	for n, c := range columns {
		if fields[c.name] != int64(n+1) || doubled[c.name] != 2*int64(n+1) {
			t.Errorf("%s: JSON says %d, the double is %d", c.name, fields[c.name], doubled[c.name])
		}
	}
	if _, err := newBookCounters(noop.Meter{}); err != nil {
		t.Error(err)
	}
}

func TestBooksThatDoNotBalanceAreFound(t *testing.T) {
	for _, c := range columns {
		if !c.part {
			continue
		}
		b := Books{Read: 7}
		if err := b.check(); err == nil || !strings.Contains(err.Error(), "do not balance") {
			t.Errorf("without %s: %v", c.name, err)
		}
		*c.at(&b) = 7
		if err := b.check(); err != nil {
			t.Errorf("with %s: %v", c.name, err)
		}
	}
}
