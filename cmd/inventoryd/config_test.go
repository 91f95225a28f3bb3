package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"inventoryd/internal/config"
	"inventoryd/loader"
	"inventoryd/notifier"
	"inventoryd/stream"
)

var update = flag.Bool("update", false, "write golden and generated files anew")

// top is the top of the repository.
const top = "../.."

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// equal compares configurations by what a file can say.
func equal(t *testing.T, want, got Config) {
	t.Helper()
	options := cmp.Options{
		cmpopts.IgnoreTypes(loader.Surroundings{}, notifier.Surroundings{}, stream.Runtime{}),
		cmpopts.IgnoreUnexported(loader.Config{}, notifier.Config{}, stream.Config{}),
		cmpopts.EquateEmpty(),
	}
	if d := cmp.Diff(want, got, options); d != "" {
		t.Error(d)
	}
}

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generated(top)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		path = filepath.Join(top, path)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code says (run: go generate ./cmd/inventoryd): %v", path, err)
		}
	}
}

func TestTheExampleDecodesStrictlyAndEqualsTheDefaults(t *testing.T) {
	c, sources, err := origin{path: filepath.Join(top, "config.example.yaml")}.load()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, defaults(), c)
	d := defaults()
	for _, s := range config.Settings(&d, sources) {
		if s.Source == "default" {
			t.Errorf("%s is not in the example", s.Key)
		}
	}
}

func TestEveryKeyIsDocumentedEverywhere(t *testing.T) {
	d := defaults()
	page, err := os.ReadFile(filepath.Join(top, "docs/configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	var schema bytes.Buffer
	if err := printSchema(&schema); err != nil {
		t.Fatal(err)
	}
	var docs config.Comments
	if err := json.Unmarshal(comments, &docs); err != nil {
		t.Fatal(err)
	}
	for field, doc := range docs {
		if len(doc) < 8 || !strings.HasSuffix(strings.TrimRight(doc, ")"), ".") {
			t.Errorf("%s: %q does not say what it does", field, doc)
		}
	}
	variables := map[string]string{}
	for _, s := range config.Settings(&d, nil) {
		if !bytes.Contains(page, []byte("| `"+s.Key+"`<br>`"+s.Variable+"` |")) {
			t.Errorf("%s is not on the page", s.Key)
		}
		if !strings.Contains(schema.String(), `"`+s.Variable+"; ") {
			t.Errorf("%s is not in the schema", s.Key)
		}
		if other, twice := variables[s.Variable]; twice {
			t.Errorf("%s and %s have one variable", s.Key, other)
		}
		variables[s.Variable] = s.Key
		switch s.Reload {
		case config.Now, config.Object, config.Restart:
		default:
			t.Errorf("%s: reload is %q", s.Key, s.Reload)
		}
	}
}

// compiled is the schema in a validator that is not ours.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var b bytes.Buffer
	if err := printSchema(&b); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance reads YAML as a validator of JSON wants it.
func instance(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaTakesTheExampleAndRefusesMistakes(t *testing.T) {
	schema := compiled(t)
	example, err := os.ReadFile(filepath.Join(top, "config.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for text, valid := range map[string]bool{
		string(example):                                true,
		"{}":                                           true,
		"loader:":                                      true,
		"loader: {visibility: 0}":                      true,
		"loader: {columns: {count: [qty]}}":            true,
		"loader: {wrokers: 3}":                         false,
		"loder: {}":                                    false,
		"loader: {workers: many}":                      false,
		"loader: {workers: 1.5}":                       false,
		"loader: {visibility: 30}":                     false,
		"loader: {visibility: 30 seconds}":             false,
		"loader: {max_expanded: 64MB}":                 false,
		"loader: {columns: {count: qty}}":              false,
		"loader: {objects: {include: a}}":              false,
		"loader: {objects: {include: ['']}}":           false,
		"log: {level: loud}":                           false,
		"app: 12":                                      false,
		"http: {insecure: 'yes'}":                      false,
		"- a":                                          false,
		"metrics: {cloudwatch: {enabled: true, x: 1}}": false,
	} {
		if err := schema.Validate(instance(t, []byte(text))); (err == nil) != valid {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// broken returns the origin of a file in testdata: comments `# env: A=B` and `# set: key=value` are its surroundings.
func broken(t *testing.T, path string) origin {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := origin{path: path}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "# env: "); ok {
			o.environ = append(o.environ, v)
		}
		if v, ok := strings.CutPrefix(line, "# set: "); ok {
			o.flags = append(o.flags, v)
		}
	}
	return o
}

func TestEachBrokenFileIsToldExactly(t *testing.T) {
	paths, err := filepath.Glob("testdata/config/*.yaml")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d broken files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			_, _, err := broken(t, path).read()
			if err == nil {
				t.Fatal("it is valid")
			}
			got := err.Error() + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
			for _, word := range []string{"Config", "struct", "time.Duration", "int64", "hunter2", "reflect", "notifier.Alert"} {
				if strings.Contains(got, word) {
					t.Errorf("the message says %s", word)
				}
			}
		})
	}
}

func TestOnlyAFileThatIsNotThereIsDoneWithout(t *testing.T) {
	dir := t.TempDir()
	file := writeConfig(t, "")
	for path, want := range map[string]bool{
		filepath.Join(dir, "config.yaml"): true, file: false, dir: false,
		filepath.Join(file, "config.yaml"): false, // cannot be looked at
	} {
		if absent(path) != want {
			t.Errorf("absent(%s) is %v", path, !want)
		}
	}
}

// runCLI runs the config command as the program would.
func runCLI(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	app := application()
	app.Writer = &out
	err := app.RunContext(t.Context(), append([]string{"inventoryd"}, args...))
	return out.String(), err
}

const planted = "$2y$12$abcdefghijklmnopqrstuu5SmVYxCSEZzF1p1OQ4LXCa3Q6rcuJBK"

func TestShowTellsValuesAndSourcesAndNoSecret(t *testing.T) {
	path := writeConfig(t, "loader:\n  workers: 8\n  objects: {include: ['*.csv', \"a,b\"]}\nhttp:\n  listen: ':1'\n  auth: {user: op}\n")
	t.Setenv("INVENTORYD_HTTP_AUTH_HASH", planted)
	t.Setenv("INVENTORYD_LOG_LEVEL", "debug")
	out, err := runCLI(t, "config", "show", "-c", path, "--set", "loader.objects.exclude=x,y")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		lines[f[0]] = strings.Join(f[1:], " ")
	}
	for key, want := range map[string]string{
		"app":                    "default inventoryd",
		"loader.workers":         path + ":2:3 8",
		"loader.visibility":      "default 2m",
		"loader.max_expanded":    "default 64GiB",
		"loader.objects.include": path + `:3:13 ["*.csv", "a,b"]`,
		"loader.objects.exclude": `--set loader.objects.exclude [x, "y"]`,
		"loader.columns":         "default {count: [count], item: [item], store: [store]}",
		"log.level":              "INVENTORYD_LOG_LEVEL debug",
		"http.auth.hash":         "INVENTORYD_HTTP_AUTH_HASH ********",
		"http.auth.hash_file":    `default ""`,
	} {
		if lines[key] != want {
			t.Errorf("%s: %s, want %s", key, lines[key], want)
		}
	}
	asJSON, err := runCLI(t, "config", "show", "-c", path, "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var settings []config.Setting
	if err := json.Unmarshal([]byte(asJSON), &settings); err != nil || len(settings) < 40 {
		t.Error(len(settings), err)
	}
	if strings.Contains(out+asJSON, planted[8:]) {
		t.Error("the hash is shown")
	}
	if _, err := runCLI(t, "config", "show", "-o", "xml"); err == nil {
		t.Error("there is no such output")
	}
}

func TestValidateTellsEverythingAndSchemaPrints(t *testing.T) {
	t.Setenv(config.PathVariable, writeConfig(t, "loader: {workers: 0, lanes: 0}\nlog: {level: loud}\n"))
	_, err := runCLI(t, "config", "validate")
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Error("three things are wrong:", err)
	}
	t.Setenv(config.PathVariable, writeConfig(t, "loader: {workers: 2}\n"))
	if out, err := runCLI(t, "config", "validate"); err != nil || out != "the configuration is valid\n" {
		t.Error(out, err)
	}
	if out, err := runCLI(t, "config", "schema"); err != nil || !json.Valid([]byte(out)) {
		t.Error(err)
	}
}

func TestReloadTakesWhatItCanAndNamesTheRest(t *testing.T) {
	path := writeConfig(t, "loader: {workers: 2, lanes: 8}\n")
	o := origin{path: path}
	current, _, err := o.load()
	if err != nil {
		t.Fatal(err)
	}
	current.Loader.App = "filled in"
	rewrite := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	rewrite("loader: {workers: 3, lanes: 16}\nlog: {level: debug}\nnotifier: {group_wait: 1m}\n")
	next, changes, err := o.reload(current)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]config.Change{
		{Key: "log.level", Class: config.Now, Old: "info", New: "debug"},
		{Key: "loader.workers", Class: config.Restart, Old: "2", New: "3"},
		{Key: "loader.lanes", Class: config.Object, Old: "8", New: "16"},
		{Key: "notifier.group_wait", Class: config.Now, Old: "1s", New: "1m"},
	}, changes); d != "" {
		t.Error(d)
	}
	want := current
	want.Loader.Lanes, want.Log.Level, want.Notifier.GroupWait = 16, "debug", time.Minute
	equal(t, want, next)
	if next.Loader.App != "filled in" {
		t.Error("what no file says must stay")
	}

	rewrite("loader: {workers: none}\nlog: {level: error}\n")
	same, changes, err := o.reload(next)
	if err == nil || err.Error() != path+`:1:19: loader.workers: "none" is no whole number in plain digits` {
		t.Error(err)
	}
	if len(changes) > 0 {
		t.Error("an invalid file changes nothing:", changes)
	}
	equal(t, next, same)
}
