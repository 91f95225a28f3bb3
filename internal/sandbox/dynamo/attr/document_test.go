package attr

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func item(t testing.TB, text string) Item {
	t.Helper()
	r := NewReader(text)
	i, err := r.Item()
	if err == nil {
		err = r.End()
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return i
}

func TestEqualItemsHaveOneDocument(t *testing.T) {
	for given, want := range map[string]string{
		` { "b" : {"N":"1.0"} , "a":{"S":"x"} } `:                                          `{"a":{"S":"x"},"b":{"N":"1"}}`,
		`{"s":{"NS":["10","9","1E1","2"]}}`:                                                "",
		`{"s":{"NS":["10","9"]}}`:                                                          `{"s":{"NS":["9","10"]}}`,
		`{"s":{"SS":["b","a"]},"t":{"BS":["Yg==","YQ=="]}}`:                                `{"s":{"SS":["a","b"]},"t":{"BS":["YQ==","Yg=="]}}`,
		`{"l":{"L":[{"M":{"y":{"NULL":true},"x":{"BOOL":false}}},{"L":[]}]},"m":{"M":{}}}`: `{"l":{"L":[{"M":{"x":{"BOOL":false},"y":{"NULL":true}}},{"L":[]}]},"m":{"M":{}}}`,
		`{"a":{"S":"\u00e4\n\"\\\u2028\ud83d\ude00"}}`:                                     `{"a":{"S":"ä\u000a\"\\` + "\u2028😀" + `"}}`,
		`{"b":{"B":"AAH/"}}`:                                                               `{"b":{"B":"AAH/"}}`,
		`{}`:                                                                               `{}`,
	} {
		if want == "" {
			if _, err := NewReader(given).Item(); err == nil {
				t.Errorf("%s: a set with 10 twice was taken", given)
			}
			continue
		}
		doc := item(t, given).Document()
		if string(doc) != want {
			t.Errorf("%s\n is %s\nwant %s", given, doc, want)
		}
		if !json.Valid([]byte(doc)) {
			t.Errorf("%s is no JSON", doc)
		}
		if again := doc.Item(); !again.Equal(item(t, given)) {
			t.Errorf("%s does not survive: %v", doc, again)
		}
	}
}

func TestMalformedAndRefusedAreToldApart(t *testing.T) {
	deep := strings.Repeat(`{"L":[`, 33) + `{"S":""}` + strings.Repeat(`]}`, 33)
	for given, refused := range map[string]bool{
		``: false, `[]`: false, `{`: false, `{"a"}`: false, `{"a":{"S":1}}`: false, `{"a":{"S":"x}}`: false, `{"a":{"S":"\x"}}`: false, `{"a":{"BOOL":"true"}}`: false, `{"a":{"B":"*"}}`: false,
		`{"a":{"S":"x"},}`: false, "{\"a\":{\"S\":\"\xff\"}}": false, `{"a":{"S":"x"},"a":{"S":"y"}}`: false, strings.Repeat(`{"a":{"L":[`, 300): true,
		`{"a":{}}`: true, `{"a":{"X":"x"}}`: true, `{"a":{"S":"x","N":"1"}}`: true, `{"a":{"N":"x"}}`: true, `{"a":{"NULL":false}}`: true, `{"a":{"SS":[]}}`: true, `{"a":{"SS":["x","x"]}}`: true, `{"a":` + deep + `}`: true,
	} {
		r := NewReader(given)
		_, err := r.Item()
		if err == nil {
			err = r.End()
		}
		var refusal *Refusal
		var malformed *Malformed
		if refused && !errors.As(err, &refusal) || !refused && !errors.As(err, &malformed) {
			t.Errorf("%.60s: %v, refused: %t", given, err, refused)
		}
	}
}

func TestAPartOfADocumentIsCutFromItsText(t *testing.T) {
	doc := item(t, `{"a":{"S":"\"}]\\"},"b":{"M":{"a":{"L":[{"S":"]"}]}}},"c":{"N":"1"}}`).Document()
	for keep, want := range map[string]string{"a": `{"a":{"S":"\"}]\\"}}`, "bc": `{"b":{"M":{"a":{"L":[{"S":"]"}]}}},"c":{"N":"1"}}`, "": `{}`} {
		if got := doc.AppendPart(nil, func(name string) bool { return strings.Contains(keep, name) }); string(got) != want {
			t.Errorf("%q: %s, want %s", keep, got, want)
		}
	}
}

func TestSizesAreCountedAsDocumented(t *testing.T) {
	for text, want := range map[string]int{
		`{"ab":{"S":"ä"}}`: 4, `{"a":{"N":"123"}}`: 4, `{"a":{"N":"-100"}}`: 4, `{"a":{"B":"AAH/"}}`: 4, `{"a":{"BOOL":true}}`: 2, `{"a":{"NULL":true}}`: 2,
		`{"a":{"SS":["x","yz"]}}`: 4, `{"a":{"L":[]}}`: 4, `{"a":{"L":[{"S":"x"}]}}`: 6, `{"a":{"M":{"b":{"S":"x"}}}}`: 7,
	} {
		if got := item(t, text).Size(); got != want {
			t.Errorf("%s has %d bytes, want %d", text, got, want)
		}
	}
}

// Whatever is read as an item has a document that is JSON and is read as the same item.
func FuzzItem(f *testing.F) {
	f.Add(`{"a":{"S":"x\n\u00e4"},"b":{"L":[{"M":{"c":{"NS":["1","2.0"]}}},{"NULL":true},{"BS":["AA=="]}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		i, err := NewReader(text).Item()
		if err != nil {
			return
		}
		doc := i.Document()
		if !json.Valid([]byte(doc)) {
			t.Fatalf("%q is no JSON", doc)
		}
		again := doc.Item()
		if !again.Equal(i) || again.Document() != doc || string(doc.AppendPart(nil, func(string) bool { return true })) != string(doc) {
			t.Fatalf("%q does not survive", doc)
		}
	})
}
