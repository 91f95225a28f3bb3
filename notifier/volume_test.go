//go:build !race

package notifier

// zerosAtOnce is how many items run out at once.
const zerosAtOnce = 100_000
