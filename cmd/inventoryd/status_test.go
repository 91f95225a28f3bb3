package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDurationsOfTheStatusAreSeconds(t *testing.T) {
	type inner struct {
		Took time.Duration `json:"took_ns"`
	}
	at := time.Date(2026, 11, 26, 13, 0, 0, 0, time.UTC)
	got, err := json.Marshal(inSeconds(map[string]any{
		"part": struct {
			inner
			Age    time.Duration  `json:"age,omitempty"`
			Old    time.Duration  `json:"old_seconds"`
			None   *inner         `json:"none,omitempty"`
			Hidden int            `json:"-"`
			List   []inner        `json:"list"`
			At     time.Time      `json:"at"`
			Counts map[string]int `json:"counts"`
			secret int
		}{inner: inner{1500 * time.Millisecond}, Old: time.Minute, List: []inner{{time.Second}}, At: at, Counts: map[string]int{"a": 1}, secret: 1},
	}))
	const want = `{"part":{"at":"2026-11-26T13:00:00Z","counts":{"a":1},"list":[{"took_seconds":1}],"old_seconds":60,"took_seconds":1.5}}`
	if err != nil || string(got) != want {
		t.Errorf("%s\nwant %s %v", got, want, err)
	}
}
