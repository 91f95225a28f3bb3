package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEntriesAreReadShownAndMerged(t *testing.T) {
	path := write(t, `senders:
  - {name: a, mode: slow, columns: {count: [qty, "Stück"]}}
  - name: b
    deep: {small: -3}
`)
	s := fresh()
	sources, err := Load(path, &s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]sender{{Name: "a", Mode: "slow", Columns: map[string][]string{"count": {"qty", "Stück"}}}, {Name: "b", Deep: deep{-3}}}, s.Senders); diff != "" {
		t.Error(diff)
	}
	for _, setting := range Settings(&s, sources) {
		if setting.Key != "senders" {
			continue
		}
		const text = `[{name: a, mode: slow, columns: {count: [qty, "Stück"]}}, {name: b, deep: {small: -3}}]`
		if setting.Text() != text || setting.Source != path+":1:1" {
			t.Errorf("%+v", setting)
		}
		again := fresh()
		if _, err := Load(write(t, "senders: "+setting.Text()), &again, nil); err != nil || cmp.Diff(s.Senders, again.Senders) != "" {
			t.Error(err, again.Senders)
		}
		if got, err := json.Marshal(setting.Value); err != nil || string(got) != `[{"columns":{"count":["qty","Stück"]},"mode":"slow","name":"a"},{"deep":{"small":-3},"name":"b"}]` {
			t.Errorf("%s, %v", got, err)
		}
	}
	present := fresh()
	if changes := Merge(&present, &s); len(changes) != 1 || changes[0].Key != "senders" || changes[0].Class != Object || len(present.Senders) != 2 {
		t.Errorf("%+v", changes)
	}
	if changes := Merge(&present, &s); len(changes) != 0 {
		t.Errorf("merged twice: %+v", changes)
	}
}

func TestEntriesAreDocumented(t *testing.T) {
	s := fresh()
	docs := Comments{"config.sample.Senders": "Who sends.", "config.sender.Name": "What it is called.", "config.sender.Mode": "How."}
	example := Example(&s, docs, "")
	for _, line := range []string{"# Who sends. Changes for the next object on reload.", "# The keys of an entry:", "# name: What it is called.", "# mode: How. One of fast, slow.", "senders: []"} {
		if !bytes.Contains(example, []byte(line+"\n")) {
			t.Errorf("no %q in\n%s", line, example)
		}
	}
	page := string(Document(&s, docs))
	for _, line := range []string{"| `senders`<br>`INVENTORYD_SENDERS` | list of sections | `[]` | object | Who sends. |", "## An entry of `senders`", "| `senders[].mode` | text | – | object | How. One of fast, slow. |"} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no %q in\n%s", line, page)
		}
	}
	schema, err := Schema(&s, docs, "")
	if err != nil {
		t.Fatal(err)
	}
	var top struct {
		Properties struct {
			Senders struct {
				Type  string
				Items struct{ Properties map[string]map[string]any }
			}
		}
	}
	if err := json.Unmarshal(schema, &top); err != nil || top.Properties.Senders.Type != "array" ||
		cmp.Diff(map[string]any{"type": "string", "description": "How.", "enum": []any{"fast", "slow"}}, top.Properties.Senders.Items.Properties["mode"]) != "" {
		t.Errorf("%v: %s", err, schema)
	}
}
