package main

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inventoryd/internal/inventory"
	"inventoryd/stream"
)

func TestRecordsBecomeChanges(t *testing.T) {
	const (
		keys = `{"Store":{"S":"Berlin"},"Item":{"S":"Echo \"Dot\""}}`
		five = `{"Store":{"S":"Berlin"},"Item":{"S":"Echo \"Dot\""},"Count":{"N":"5"}}`
		none = `{"Store":{"S":"Berlin"},"Item":{"S":"Echo \"Dot\""},"Count":{"N":"0.0"}}`
		bare = `{"Store":{"S":"Berlin"},"Item":{"S":"Echo \"Dot\""}}`
	)
	k := inventory.Key{Store: "Berlin", Item: `Echo "Dot"`}
	item := func(count int64) *inventory.Item { return &inventory.Item{Key: k, Count: count} }
	for _, test := range []struct {
		name           string
		kind           stream.Kind
		keys, old, new string
		want           inventory.Change
		invalid        string
	}{
		{name: "inserted", kind: stream.Insert, keys: keys, new: five, want: inventory.Change{Key: k, New: item(5)}},
		{name: "modified", kind: stream.Modify, keys: keys, old: five, new: none, want: inventory.Change{Key: k, Old: item(5), New: item(0)}},
		{name: "removed", kind: stream.Remove, keys: keys, old: five, want: inventory.Change{Key: k, Old: item(5)}},
		{name: "modified, no old images", kind: stream.Modify, keys: keys, new: none, want: inventory.Change{Key: k, New: item(0), OldUnknown: true, NoOldImage: true}},
		{name: "removed, no old images", kind: stream.Remove, keys: keys, want: inventory.Change{Key: k, OldUnknown: true, NoOldImage: true}},
		{name: "an old image without a count says nothing", kind: stream.Modify, keys: keys, old: bare, new: none, want: inventory.Change{Key: k, New: item(0), OldUnknown: true}},
		{name: "a new image without a count", kind: stream.Modify, keys: keys, old: five, new: bare, invalid: "attribute Count is no number"},
		{name: "keys of another table", kind: stream.Insert, keys: `{"Id":{"N":"1"}}`, new: five, invalid: "attribute Store is no string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := stream.Record{
				ID: "e1", Stream: "2026-11-22T10:00:00.000", Sequence: "100", Kind: test.kind, Created: time.Unix(1, 0),
				Keys: stream.ParseImage(test.keys), Old: stream.ParseImage(test.old), New: stream.ParseImage(test.new),
			}
			got := changeOf(inventory.DefaultTable, "", r)
			if got.ID != r.ID || got.Position != r.Position() || !got.Created.Equal(r.Created) {
				t.Errorf("identity %+v", got)
			}
			if test.invalid != "" {
				if got.Invalid == nil || got.Invalid.Error() != test.invalid {
					t.Errorf("invalid because %v, want %s", got.Invalid, test.invalid)
				}
				return
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(inventory.Change{}, "ID", "Position", "Created")); diff != "" {
				t.Errorf("change (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailuresOfChangesBecomeFailuresOfRecords(t *testing.T) {
	cause := errors.New("boom")
	for _, test := range []struct{ of, want error }{
		{nil, nil},
		{cause, cause},
		{&inventory.Failure{Index: 3, Err: cause}, stream.FailedAt(3, cause)},
		{&inventory.Failure{Index: 3, Permanent: true, Err: cause}, stream.FailedAt(3, stream.Permanent(cause))},
	} {
		h := handler(inventory.DefaultTable, "", func(context.Context, []inventory.Change) error { return test.of })
		if got := h(t.Context(), nil); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v became %#v, want %#v", test.of, got, test.want)
		}
	}
}
