package notifier

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/<name>.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is now\n%s\nand was\n%s", path, got, want)
	}
}

func TestMessagesReadAsTheGoldenFiles(t *testing.T) {
	five := int64(5)
	since := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	out := Alert{Store: "Köln & Bonn", Item: "Echo <Dot>", Count: 0, PreviousCount: &five, Since: since, Event: OutOfStock, id: "3f1"}
	fresh := out
	fresh.PreviousCount = nil
	back := out
	back.Event, back.Count = Restocked, 12
	json := Text{Subject: "Inventory Alert!", Message: "unused", Format: FormatJSON}
	own := Text{
		Subject: "{{.Event}}: {{.Item}}",
		Message: "{{.Store}} has {{.Count}} of {{.Item}}{{with .PreviousCount}}, had {{.}}{{end}}, since {{.Since.Format \"15:04\"}}",
		Format:  FormatText,
	}
	for _, test := range []struct {
		file  string
		text  Text
		alert Alert
		fifo  bool
	}{
		{"out_of_stock.txt", DefaultConfig().Text, out, false},
		{"restocked.txt", DefaultConfig().Text, back, false},
		{"out_of_stock.json.txt", json, out, false},
		{"out_of_stock_new.json.txt", json, fresh, false},
		{"restocked.json.txt", json, back, false},
		{"own_template.txt", own, out, false},
		{"fifo.txt", DefaultConfig().Text, out, true},
	} {
		t.Run(test.file, func(t *testing.T) {
			texts, err := compile(test.text)
			if err != nil {
				t.Fatal(err)
			}
			subject, body, err := texts.write(&test.alert)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, test.file, dump(newMessage(&test.alert, subject, body, test.fifo).entry))
		})
	}
}

// dump shows an entry in full.
func dump(e types.PublishBatchRequestEntry) string {
	var b strings.Builder
	line := func(name string, value *string) {
		if value != nil {
			b.WriteString(name + ": " + *value + "\n")
		}
	}
	line("Subject", e.Subject)
	line("Message", e.Message)
	line("MessageStructure", e.MessageStructure)
	line("MessageGroupId", e.MessageGroupId)
	line("MessageDeduplicationId", e.MessageDeduplicationId)
	for _, name := range slices.Sorted(maps.Keys(e.MessageAttributes)) {
		v := e.MessageAttributes[name]
		line("Attribute "+name+" ("+*v.DataType+")", v.StringValue)
	}
	return b.String()
}

func TestDefaultMessageIsTheOriginalsByteForByte(t *testing.T) {
	texts, err := compile(DefaultConfig().Text)
	if err != nil {
		t.Fatal(err)
	}
	subject, body, err := texts.write(&Alert{Store: "Berlin", Item: "Echo Dot", Event: OutOfStock})
	if err != nil {
		t.Fatal(err)
	}
	if subject != "Inventory Alert!" || body != "Berlin is out of stock of Echo Dot" {
		t.Errorf("subject %q, body %q", subject, body)
	}
}

func TestWrongConfigurationStopsTheStart(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"unparsable", func(c *Config) { c.Message = "{{.Store" }, "message: is no template: template: message:1: unclosed action"},
		{"unknown field", func(c *Config) { c.Subject = "{{.Shop}}" }, "subject: does not work for a sample alert (fields: Store, Item, Count, PreviousCount, Since, Event): template: subject:1:2"},
		{"unknown function", func(c *Config) { c.Message = "{{upper .Store}}" }, `message: is no template: template: message:1: function "upper" not defined`},
		{"fails without a count before", func(c *Config) { c.Message = "{{.PreviousCount | printf \"%s\" | len | slice .Item 0}}" }, "message: does not work for a sample alert"},
		{"empty", func(c *Config) { c.Message = "" }, "message: is empty for a sample alert (event out_of_stock), which SNS refuses"},
		{"empty for one event", func(c *Config) { c.Message = `{{if eq .Event "out_of_stock"}}{{.Item}}{{end}}` }, "message: is empty for a sample alert (event restocked), which SNS refuses"},
		{"format", func(c *Config) { c.Format = "xml" }, `format: is "xml"; it must be text or json`},
		{"topic", func(c *Config) { c.Topic = "" }, "topic: is empty; give the topic's ARN or name"},
		{"in_flight", func(c *Config) { c.InFlight = 0 }, "in_flight: is 0; it must be 1 to 64"},
		{"cooldown", func(c *Config) { c.Cooldown = -1 }, "cooldown: is -1ns; it must not be negative"},
		{"verify_after", func(c *Config) { c.VerifyAfter = -time.Second }, "verify_after: is -1s; it must not be negative"},
		{"restocks that read as shortages", func(c *Config) { c.Restocked, c.Message = true, "{{.Item}}!" }, "message: reads the same for out_of_stock and restocked while notifier.restocked is true; let it depend on {{.Event}}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := DefaultConfig()
			test.change(&c)
			_, err := New(Clients{}, c)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestTemplateThatFailsForOneAlertLosesNothing(t *testing.T) {
	texts, err := compile(Text{Subject: "{{slice .Store 0 4}}", Message: "{{slice .Item 0 5}} is gone", Format: FormatText})
	if err != nil {
		t.Fatal(err)
	}
	subject, body, err := texts.write(&Alert{Store: "Ulm", Item: "Tap", Event: OutOfStock})
	if subject != "Inventory Alert!" || body != "Ulm is out of stock of Tap" || err == nil {
		t.Errorf("subject %q, body %q, error %v", subject, body, err)
	}
}

func TestBlankMessageForOneAlertIsToldInPlainWords(t *testing.T) {
	texts, err := compile(Text{Subject: "s", Message: "{{if ne .Item \"Tap\"}}{{.Item}} is gone{{end}} \n", Format: FormatText})
	if err != nil {
		t.Fatal(err)
	}
	if _, body, err := texts.write(&Alert{Store: "Ulm", Item: "Tap", Event: OutOfStock}); body != "Ulm is out of stock of Tap" || err == nil {
		t.Errorf("body %q, error %v", body, err)
	}
}

func TestSubjectsAreMendedToWhatSNSTakes(t *testing.T) {
	for _, test := range []struct{ subject, want string }{
		{"Inventory Alert!", "Inventory Alert!"},
		{"two\r\nlines\tand a tab\x00", "two  lines and a tab"},
		{"separators\u2028of lines\u2029and paragraphs\u0085", "separators of lines and paragraphs"},
		{"  around  ", "around"},
		{"broken \xff\xfe bytes", "broken \uFFFD bytes"},
		{"\n", ""},
		{strings.Repeat("x", 99), strings.Repeat("x", 99)},
		{strings.Repeat("x", 100), strings.Repeat("x", 96) + "..."},
		{strings.Repeat("ü", 5000), strings.Repeat("ü", 96) + "..."},
		{strings.Repeat("x", 97) + "🧴", strings.Repeat("x", 97) + "🧴"},
		{strings.Repeat("x", 98) + "🧴", strings.Repeat("x", 96) + "..."},
		{"x" + strings.Repeat("🧴", 50), "x" + strings.Repeat("🧴", 47) + "..."},
	} {
		got := mendSubject(test.subject)
		if got != test.want {
			t.Errorf("subject %.40q became %q, want %q", test.subject, got, test.want)
		}
		if n := len(utf16.Encode([]rune(got))); n >= 100 {
			t.Errorf("subject %.40q has %d characters", test.subject, n)
		}
	}
}

func TestValuesThatAttributesCannotHoldAreLeftOut(t *testing.T) {
	for _, test := range []struct {
		item string
		held bool
	}{
		{"Echo Dot", true},
		{"Kölnisch Wasser 4711 🧴", true},
		{"line\nbreak\tand tab", true},
		{"null\x00", false},
		{"bell\x07", false},
		{"not a character \uFFFE", false},
		{"broken \xff", false},
		{"", false},
	} {
		got := attributes(&Alert{Store: "Berlin", Item: test.item, Event: OutOfStock})
		if _, held := got["item"]; held != test.held {
			t.Errorf("item %q: attribute there: %v, want %v", test.item, held, test.held)
		}
		for _, name := range []string{"event", "store", "count"} {
			if _, there := got[name]; !there {
				t.Errorf("item %q: attribute %s is missing", test.item, name)
			}
		}
	}
}

func TestDocumentIsJSONWhateverTheNames(t *testing.T) {
	texts, err := compile(Text{Subject: "s", Message: "m", Format: FormatJSON})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`"quoted"`, "line\nbreak", "null\x00", "<&>", "🧴", "broken \xff"} {
		_, body, err := texts.write(&Alert{Store: name, Item: name, Event: OutOfStock})
		var back struct{ Store, Item string }
		if err != nil || json.Unmarshal([]byte(body), &back) != nil || back.Store != strings.ToValidUTF8(name, "\uFFFD") {
			t.Errorf("name %q: error %v, body %s", name, err, body)
		}
	}
}

func TestNamesThatFIFOTopicsRefuseBecomeTheirHash(t *testing.T) {
	long := strings.Repeat("x", 129)
	for _, test := range []struct{ in, want string }{
		{"Berlin", "Berlin"},
		{"a!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~Z9", "a!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~Z9"},
		{strings.Repeat("x", 128), strings.Repeat("x", 128)},
		{long, "hash"},
		{"New York", "hash"},
		{"Köln", "hash"},
		{"", "hash"},
	} {
		got := fifoID(test.in)
		if test.want == "hash" && (len(got) != 64 || got == test.in) || test.want != "hash" && got != test.want {
			t.Errorf("%.20q became %q", test.in, got)
		}
	}
	if fifoID("New York") == fifoID("New Delhi") {
		t.Error("two stores have the same group")
	}
}
