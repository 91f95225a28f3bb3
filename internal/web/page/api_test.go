package page

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"inventoryd/docs/openapi"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/web/stock"
)

// description is the OpenAPI document with its schemas compiled.
type description struct {
	Paths map[string]map[string]struct {
		Parameters []map[string]string       `json:"parameters"`
		Responses  map[string]map[string]any `json:"responses"`
	} `json:"paths"`
	compiler *jsonschema.Compiler
}

func describe(t *testing.T) description {
	t.Helper()
	var document map[string]any
	if err := yaml.Unmarshal(openapi.Spec, &document); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	d.compiler = jsonschema.NewCompiler()
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := d.compiler.AddResource("http://spec", value); err != nil {
		t.Fatal(err)
	}
	return d
}

// check holds an answer against the description of its path.
func (d description) check(t *testing.T, path string, a *httptest.ResponseRecorder, schema string) {
	t.Helper()
	route := strings.TrimPrefix(strings.SplitN(path, "?", 2)[0], "/api/v1")
	get, ok := d.Paths[route]["get"]
	if !ok {
		t.Errorf("%s is not described", route)
		return
	}
	if _, ok := get.Responses[fmt.Sprint(a.Code)]; !ok {
		t.Errorf("%s: the answer %d is not described", path, a.Code)
	}
	if a.Code != 200 {
		schema = "Error"
	}
	if schema == "" {
		return
	}
	s, err := d.compiler.Compile("http://spec#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(a.Body.String()))
	if err != nil {
		t.Fatalf("%s: %v in %s", path, err, a.Body)
	}
	if err := s.Validate(value); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

func TestTheAPIIsAsItsDescriptionSays(t *testing.T) {
	d := describe(t)
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 30 {
			w.put("Berlin", fmt.Sprint("Item ", i), int64(i-1))
			w.put("Lisbon", fmt.Sprint("Item ", i), int64(i))
		}
		tried := map[string]bool{}
		for path, schema := range map[string]string{
			"/api/v1/stores": "Stores", "/api/v1/stores?limit=1": "Stores", "/api/v1/stores?limit=0": "", "/api/v1/stores?cursor=%21": "",
			"/api/v1/items": "Items", "/api/v1/items?store=Berlin": "Items", "/api/v1/items?store=Nowhere": "Items",
			"/api/v1/items?q=item+7&sort=need&reverse=1&limit=3": "Items", "/api/v1/items?sort=x": "", "/api/v1/items?store=%ff": "", "/api/v1/items?limit=1001": "",
			"/api/v1/items?cursor=" + cursor{After: "Item 1"}.text() + "&store=Berlin": "Items",
			"/api/v1/items.json": "File", "/api/v1/items.json?store=Berlin&sort=count": "File", "/api/v1/items.json?sort=x": "",
			"/api/v1/items.csv": "", "/api/v1/items.csv?store=Berlin": "", "/api/v1/openapi.yaml": "",
		} {
			a := w.ask(path)
			if a.Code != 200 && a.Code != 400 {
				t.Errorf("%s: %d %s", path, a.Code, a.Body)
			}
			if a.Code == 200 && schema == "" {
				d.check(t, path, a, "")
			} else {
				d.check(t, path, a, schema)
			}
			tried[strings.SplitN(path, "?", 2)[0]] = true
		}
		for route := range d.Paths {
			if path := "/api/v1" + route; !tried[path] && route != "/events" {
				t.Errorf("%s is described and was not tried", path)
			}
		}
		// What is described is what is read: each parameter of a selection does something or is refused.
		for _, name := range []string{"store", "sort", "q", "reverse", "limit", "cursor"} {
			if !regexp.MustCompile(`(?m)^    ` + name + `:`).Match(openapi.Spec) {
				t.Errorf("the parameter %s is not described", name)
			}
		}
	})
}

func TestWithoutAViewTheAPISaysLater(t *testing.T) {
	d := describe(t)
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.box.Fault(fault.Rule{Client: "page", Effect: fault.Effect{Hang: true}})
		for _, path := range []string{"/api/v1/items", "/api/v1/stores", "/api/v1/items.csv", "/api/v1/items.json", "/"} {
			begin := time.Now()
			a := w.ask(path)
			if a.Code != 503 || a.Header().Get("Retry-After") == "" {
				t.Errorf("%s: %d %v", path, a.Code, a.Header())
			}
			if path != "/" {
				d.check(t, path, a, "")
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("%s took %v", path, took)
			}
		}
	})
}

func TestCursorsReachEveryRowOnce(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 250 {
			w.put("Berlin", fmt.Sprintf("Item %03d", i), int64(i%3))
		}
		for _, sort := range []string{"", "&sort=count", "&sort=need&reverse=1"} {
			var names []string
			for next := ""; ; {
				var a itemsAnswer
				if err := json.Unmarshal(w.ask("/api/v1/items?store=Berlin&limit=90"+sort+next).Body.Bytes(), &a); err != nil {
					t.Fatal(err)
				}
				for _, r := range a.Rows {
					names = append(names, r.Item)
				}
				if a.Cursor == "" {
					break
				}
				next = "&cursor=" + a.Cursor
			}
			slices.Sort(names)
			if n := len(slices.Compact(slices.Clone(names))); n != 250 || len(names) != 250 {
				t.Errorf("%q: %d rows, %d different", sort, len(names), n)
			}
		}
	})
}

func TestSpreadsheetsRunNothing(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.put("=cmd|' /C calc'!A0", "+1+1", 3)
		w.put("=cmd|' /C calc'!A0", "-2", -3)
		w.put("=cmd|' /C calc'!A0", "@SUM(1)", 0)
		w.put("=cmd|' /C calc'!A0", "\ttab", 0)
		w.put("=cmd|' /C calc'!A0", `say "hi", Zürich`, 12)
		a := w.ask("/api/v1/items.csv?store=%3Dcmd%7C%27+%2FC+calc%27%21A0&sort=table")
		want := "\ufeffStore,Item,Count,Status\r\n" +
			"'=cmd|' /C calc'!A0,'\ttab,0,Out of stock\r\n" +
			"'=cmd|' /C calc'!A0,'+1+1,3,Low\r\n" +
			"'=cmd|' /C calc'!A0,'-2,-3,Out of stock\r\n" +
			"'=cmd|' /C calc'!A0,'@SUM(1),0,Out of stock\r\n" +
			"'=cmd|' /C calc'!A0,\"say \"\"hi\"\", Zürich\",12,In stock\r\n"
		if got := a.Body.String(); got != want {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		if got := a.Header().Get("Content-Disposition"); got != `attachment; filename="inventory _cmd__ _C calc__A0 2000-01-01 0000Z.csv"` {
			t.Error(got)
		}
	})
}

func TestLinksHoldBelowAnyPath(t *testing.T) {
	inWorld(t, func(c *Config, _ *stock.Config) { c.Sources = everything() }, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 0)
		for _, path := range []string{"/", "/?store=Berlin", "/restock", "/operator", "/?store=Berlin&item=Kettle", "/?sort=x"} {
			for _, link := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(w.ask(path).Body.String(), -1) {
				if strings.HasPrefix(link[1], "/") || strings.Contains(link[1], "://") {
					t.Errorf("%s links to %s", path, link[1])
				}
			}
		}
	})
}
