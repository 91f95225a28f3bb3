package loader

import "fmt"

// Books say what became of the rows of one object. Blank lines are no rows.
type Books struct {
	Read      int64 `json:"read"`
	Written   int64 `json:"written"`
	Merged    int64 `json:"merged"`    // a later row of the same key took its place before it was written
	Rejected  int64 `json:"rejected"`  // it cannot be used
	Unwritten int64 `json:"unwritten"` // of an object that failed
}

// check reports rows that are unaccounted for: a mistake in the program.
func (b Books) check() error {
	if b.Read != b.Written+b.Merged+b.Rejected+b.Unwritten {
		return fmt.Errorf("the books do not balance: %+v", b)
	}
	return nil
}
