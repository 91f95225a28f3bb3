package logs

import (
	"fmt"
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

// message is what the code, or the page, says of one message.
type message struct {
	levels map[string]bool
	fields map[string]bool
	where  string
}

var levels = map[string]string{"Debug": "debug", "Info": "info", "Warn": "warn", "Error": "error", "DPanic": "dpanic", "Panic": "panic", "Fatal": "fatal"}

// logged finds all messages in the daemon's code. The stand-ins, tests and tools are no part of the daemon.
func logged(t *testing.T) map[string]message {
	t.Helper()
	found := map[string]message{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"testdata", "test", "tools", ".git", "sandbox"}, d.Name()) && path != top {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			for _, m := range messagesIn(t, set, d) {
				m.addTo(found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// call is one call of a logger.
type call struct {
	msg, level, where string
	fields            map[string]bool
}

func (c call) addTo(all map[string]message) {
	m, ok := all[c.msg]
	if !ok {
		m = message{levels: map[string]bool{}, fields: map[string]bool{}, where: c.where}
		all[c.msg] = m
	}
	m.levels[c.level] = true
	maps.Copy(m.fields, c.fields)
}

// messagesIn finds the calls of loggers in one declaration: methods of a level, or Log, on something called log or
// logger. A call that hands fields on (fields...) is taken to have all that the function makes.
func messagesIn(t *testing.T, set *token.FileSet, d ast.Decl) []call {
	var calls []call
	ast.Inspect(d, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok || !isLogger(s.X) {
			return true
		}
		level, text := levels[s.Sel.Name], 0
		if s.Sel.Name == "Log" && len(c.Args) > 1 {
			level, text = strings.ToLower(strings.TrimSuffix(lastName(c.Args[0]), "Level")), 1
		}
		if level == "" || len(c.Args) <= text {
			return true
		}
		where := set.Position(c.Pos()).String()
		msg := literal(c.Args[text])
		if msg == "" {
			t.Errorf("%s: the message is no constant text", where)
			return true
		}
		fields := fieldsIn(c)
		if c.Ellipsis.IsValid() {
			maps.Copy(fields, fieldsIn(d))
		}
		calls = append(calls, call{msg, level, where, fields})
		return true
	})
	return calls
}

// isLogger tells by the name: log, n.log, p.config.Logger.
func isLogger(e ast.Expr) bool {
	name := strings.ToLower(lastName(e))
	return name == "log" || name == "logger"
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr: // log.With(…), log.Named(…)
		if s, ok := e.Fun.(*ast.SelectorExpr); ok {
			return lastName(s.X)
		}
	}
	return ""
}

// fieldsIn are the keys of the zap fields made below n.
func fieldsIn(n ast.Node) map[string]bool {
	keys := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok || lastName(s.X) != "zap" || len(c.Args) == 0 {
			return true
		}
		if s.Sel.Name == "Error" {
			keys["err"] = true
		} else if key := literal(c.Args[0]); key != "" {
			keys[key] = true
		}
		return true
	})
	return keys
}

func literal(e ast.Expr) string {
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

// documented reads the rows of docs/logs.md: message, levels, fields, what to do.
func documented(t *testing.T) map[string]message {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(top, "docs/logs.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]message{}
	row := regexp.MustCompile("(?m)^\\| `([^`|]+)` \\| ([a-z, ]+) \\| ([^|]*) \\| ([^|]+) \\|$")
	words := regexp.MustCompile("[a-z_]+")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%q is documented twice", m[1])
		}
		r := message{levels: map[string]bool{}, fields: map[string]bool{}}
		for _, w := range words.FindAllString(m[2], -1) {
			r.levels[w] = true
		}
		for _, w := range words.FindAllString(m[3], -1) {
			r.fields[w] = true
		}
		rows[m[1]] = r
	}
	return rows
}

func TestEachMessageIsDocumentedWithItsFieldsAndNoneThatIsGone(t *testing.T) {
	code, page := logged(t), documented(t)
	for _, msg := range slices.Sorted(maps.Keys(code)) {
		c := code[msg]
		row, ok := page[msg]
		if !ok {
			t.Errorf("docs/logs.md lacks this row (%s):\n| `%s` | %s | %s |  |", c.where, msg, join(c.levels, ""), join(c.fields, "`"))
			continue
		}
		if !maps.Equal(c.levels, row.levels) {
			t.Errorf("%q is of the levels %s, docs/logs.md says %s", msg, join(c.levels, ""), join(row.levels, ""))
		}
		if !maps.Equal(c.fields, row.fields) {
			t.Errorf("%q has the fields %s, docs/logs.md says %s", msg, join(c.fields, "`"), join(row.fields, "`"))
		}
	}
	for msg := range page {
		if _, ok := code[msg]; !ok {
			t.Errorf("docs/logs.md has %q, which nobody logs", msg)
		}
	}
}

func TestMessagesAndKeysAreInOneStyle(t *testing.T) {
	key := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for msg, m := range logged(t) {
		if strings.HasSuffix(msg, ".") || strings.ContainsAny(msg, "%|`\n") {
			t.Errorf("%s: %q", m.where, msg)
		}
		for k := range m.fields {
			if !key.MatchString(k) {
				t.Errorf("%s: the key %q is not in snake_case", m.where, k)
			}
			if slices.Contains([]string{"ts", "level", "logger", "msg", "stack", "suppressed", "error"}, k) {
				t.Errorf("%s: the key %q is taken", m.where, k)
			}
		}
	}
}

func join(set map[string]bool, quote string) string {
	var words []string
	for _, w := range slices.Sorted(maps.Keys(set)) {
		words = append(words, fmt.Sprintf("%s%s%s", quote, w, quote))
	}
	return strings.Join(words, ", ")
}
