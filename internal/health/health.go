// Package health knows what each part last managed to do: whether its loops still turn (liveness) and whether its
// dependencies let it work (readiness).
package health
