package stream

import (
	"testing"

	"inventoryd/internal/config"
)

func TestEachKeyThatNeedsNoRestartIsApplied(t *testing.T) {
	before, next := DefaultConfig(), DefaultConfig()
	_, err := config.Load("", &next, nil, "idle_poll=3s", "max_attempts=4", "on_poison=block", "on_gap=halt", "lease_duration=20s")
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{}
	r.current.Store(&before)
	r.Apply(next)
	applied := *r.live()
	changed := map[string]bool{}
	for _, c := range config.Merge(&before, &next) {
		changed[c.Key] = true
	}
	for _, s := range config.Settings(&next, nil) {
		if s.Reload != config.Restart && !changed[s.Key] {
			t.Errorf("%s has no other value in this test", s.Key)
		}
	}
	for _, c := range config.Merge(&applied, &next) {
		if c.Class != config.Restart {
			t.Errorf("%s stays as it was", c.Key)
		}
	}
	if applied.LeaseDuration != DefaultConfig().LeaseDuration {
		t.Error("a key that needs a restart has changed")
	}
}
