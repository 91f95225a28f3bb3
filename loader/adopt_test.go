package loader

import (
	"testing"

	"inventoryd/internal/config"
)

func TestEachKeyThatNeedsNoRestartIsAdopted(t *testing.T) {
	before, next := DefaultConfig(), DefaultConfig()
	next.Columns = map[string][]string{"count": {"qty"}}
	_, err := config.Load("", &next, nil,
		"on_bad_object=drop", "on_missing=redrive", "delimiter=pipe", "encoding=windows-1252", "thousands=comma", "max_window=1MiB", "negative=reject", "max_expanded=2MiB", "max_ratio=11", "on_bad_row=reject_object",
		"max_rejects=3", "max_rejects_percent=4", "rejects=/tmp", "lanes=5", "mode=delta", "attributes=keep", "objects.include=*.csv", "objects.exclude=*.tmp")
	if err != nil {
		t.Fatal(err)
	}
	next.Feeds = []Feed{{Name: "a", Pattern: "*"}}
	adopted := before.adopt(next)
	changed := map[string]bool{}
	for _, c := range config.Merge(&before, &next) {
		changed[c.Key] = true
	}
	for _, s := range config.Settings(&next, nil) {
		if s.Reload != config.Restart && !changed[s.Key] {
			t.Errorf("%s has no other value in this test", s.Key)
		}
	}
	for _, c := range config.Merge(&adopted, &next) {
		if c.Class != config.Restart {
			t.Errorf("%s stays as it was", c.Key)
		}
	}
}
