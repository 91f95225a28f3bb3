// Package long holds the tests that take too long for each change: `make long` runs them (build tag long).
package long
