//go:build race

package notifier

// zerosAtOnce is less with the race detector, which makes this five times slower.
const zerosAtOnce = 10_000
