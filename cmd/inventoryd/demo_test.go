package main

import (
	"strings"
	"testing"
)

func TestTheDemoShowsEveryRowAndAlertAndEndsWell(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	if err := demo(t.Context(), &out, true); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text := out.String()
	if n := strings.Count(text, "\nloaded    "); n != 6 {
		t.Errorf("%d files loaded", n)
	}
	if !strings.HasSuffix(text, "\n36 rows, 6 alerts\n") || !strings.Contains(text, "\nalert     Zürich is out of stock of Water Bottle\n") || strings.Contains(text, "warn ") {
		t.Error(text)
	}
}
