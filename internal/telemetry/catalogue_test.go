package telemetry

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// top is the top of the repository.
const top = "../.."

// scopes are the meters' scopes by the folder whose code asks for instruments.
var scopes = map[string]string{
	"loader": "loader", "stream": "stream", "notifier": "notifier",
	"internal/health": "", "cmd/inventoryd": "", "internal/web": "http", "internal/web/stock": "page", "internal/telemetry": "metrics",
}

// makers are the methods of a meter that make an instrument.
var makers = regexp.MustCompile(`^(Int64|Float64)(Observable)?(Counter|UpDownCounter|Gauge|Histogram)$`)

// instrumentName is what a name looks like, unlike a unit or a description.
var instrumentName = regexp.MustCompile(`^[a-z]{2,}(\.[a-z]+)*$`)

// instruments finds the scoped names of all instruments in the code. Where the name is no literal (a loop over a table,
// a closure), the names are the table's first texts and the closure's first arguments in the same function.
func instruments(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for folder, scope := range scopes {
		files, err := filepath.Glob(filepath.Join(top, folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no code in %s: %v", folder, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				for _, name := range namesIn(d) {
					found[scopedName(scope, name)] = true
				}
			}
		}
	}
	return found
}

// namesIn are the names of the instruments that one declaration makes.
func namesIn(d ast.Decl) []string {
	var names []string
	var indirect bool
	ast.Inspect(d, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && makers.MatchString(s.Sel.Name) {
			if name := textOf(call.Args[0]); name != "" {
				names = append(names, name)
			} else {
				indirect = true
			}
		}
		return true
	})
	if !indirect {
		return names
	}
	ast.Inspect(d, func(n ast.Node) bool {
		var candidates []ast.Expr
		switch n := n.(type) {
		case *ast.CallExpr:
			if _, local := n.Fun.(*ast.Ident); local && len(n.Args) > 0 {
				candidates = n.Args[:1]
			}
		case *ast.CompositeLit:
			candidates = n.Elts
		}
		for _, c := range candidates {
			if name := textOf(c); instrumentName.MatchString(name) {
				names = append(names, name)
				break
			}
		}
		return true
	})
	return names
}

// textOf is the value of a string literal, else empty.
func textOf(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

// documented reads the rows of docs/metrics.md: instrument, Prometheus, CloudWatch.
func documented(t *testing.T) map[string][2]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(top, "docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][2]string{}
	row := regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| `([a-z_]+)` \\| (?:`([A-Za-z]+)`|–) \\| [^|]+ \\| [^|]+ \\|$")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s is documented twice", m[1])
		}
		rows[m[1]] = [2]string{m[2], m[3]}
	}
	return rows
}

func TestEachInstrumentIsDocumentedAndNoneThatIsGone(t *testing.T) {
	code, page := instruments(t), documented(t)
	for _, name := range slices.Sorted(maps.Keys(code)) {
		if _, ok := page[name]; !ok {
			t.Errorf("docs/metrics.md lacks a row: | `%s` | `inventoryd_%s` and its unit's suffix | CloudWatch's name or – | kind | meaning |", name, strings.ReplaceAll(name, ".", "_"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(page)) {
		if !code[name] {
			t.Errorf("docs/metrics.md has %s, which the code has not", name)
		}
	}
}

func TestTheDocumentedNamesAreTheRight(t *testing.T) {
	for name, row := range documented(t) {
		want := ""
		if p := pushOf(name); p != nil {
			want = p.name
		}
		if row[1] != want {
			t.Errorf("%s is %q in CloudWatch, not %q", name, want, row[1])
		}
		base := "inventoryd_" + strings.ReplaceAll(name, ".", "_")
		suffix, ok := strings.CutPrefix(row[0], base)
		if !ok || !slices.Contains([]string{"", "_total", "_seconds"}, suffix) {
			t.Errorf("%s is not %q for Prometheus", name, row[0])
		}
	}
}

// The recipes of alarms are of metrics that there are.
func TestTheRecipesAreOfDocumentedMetrics(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(top, "docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, recipes, found := strings.Cut(string(page), "## Alarm recipes")
	if !found {
		t.Fatal("there are no recipes")
	}
	known := map[string]bool{}
	for _, row := range documented(t) {
		known[row[0]], known[row[1]] = true, true
	}
	names := regexp.MustCompile(`inventoryd_[a-z_]+|--metric-name [A-Za-z]+`).FindAllString(recipes, -1)
	if len(names) < 8 {
		t.Errorf("only %v", names)
	}
	for _, name := range names {
		name = strings.TrimPrefix(strings.TrimSuffix(name, "_bucket"), "--metric-name ")
		if !known[name] {
			t.Errorf("a recipe has %s, which is not documented", name)
		}
	}
}

func TestEachMetricForCloudWatchHasAnInstrument(t *testing.T) {
	code := instruments(t)
	for _, p := range pushes {
		if !code[scopedName(p.scope, p.instrument)] {
			t.Errorf("%s: nobody makes the instrument %s of the scope %q", p.name, p.instrument, p.scope)
		}
	}
}

// The folders with meters are all that are there: another package's instruments must not be overlooked.
func TestNoOtherPackageMakesInstruments(t *testing.T) {
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		folder, err := filepath.Rel(top, filepath.Dir(path))
		if err != nil {
			return err
		}
		if _, known := scopes[folder]; known {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if names := namesIn(d); len(names) > 0 {
				t.Errorf("%s makes instruments: %v", path, names)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
