package lanes

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestRowsAreWrittenWhileTheReaderWaits stops reading in the middle of a feed: what was read must not wait for the rest.
func TestRowsAreWrittenWhileTheReaderWaits(t *testing.T) {
	for _, keys := range []int{10, 100, 2000} {
		t.Run(fmt.Sprint(keys, " keys"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &table{rows: map[string]int64{}}
				l := Start(t.Context(), config(to, 64))
				for i := range 2000 {
					if err := l.Add(t.Context(), Row{Store: []byte("Rome"), Item: fmt.Append(nil, i%keys), Count: int64(i)}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(12 * time.Second)
				if n := l.Tally(); n.Written+n.Merged < 1900 {
					t.Errorf("after 12 s: %+v", n)
				}
				if n, err := l.Finish(t.Context()); err != nil || n.Written+n.Merged != 2000 {
					t.Errorf("%+v, %v", n, err)
				}
			})
		})
	}
}
