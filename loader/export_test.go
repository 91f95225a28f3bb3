package loader

import "testing"

// StoreEvery has the frontier stored after so many rows while a test runs.
func StoreEvery(t *testing.T, rows int64) {
	before := storeEvery
	storeEvery = rows
	t.Cleanup(func() { storeEvery = before })
}
