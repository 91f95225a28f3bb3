package inventory

// Stores that no feed of a real store has: `inventoryd check --live` sends its canary in their names. What is due of Canary is
// never published.
const (
	Canary      = "inventoryd-check"
	CanaryAloud = "inventoryd-check-publish"
)
