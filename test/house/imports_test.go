// Package house holds the rules of the source tree as tests.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

type goPackage struct {
	ImportPath string
	Imports    []string
}

// parts are the packages that the project exists for; none of them, nor what lies below one, may know another.
var parts = []string{"inventoryd/loader", "inventoryd/stream", "inventoryd/notifier"}

// partOf is the part that a package is, or lies below; "" where there is none.
func partOf(path string) string {
	for _, p := range parts {
		if path == p || strings.HasPrefix(path, p+"/") {
			return p
		}
	}
	return ""
}

// mayImport says why importing a package from another is forbidden, or "".
func mayImport(from, to string) string {
	part, other := partOf(from), partOf(to)
	switch {
	case to == "inventoryd/cmd/inventoryd":
		return "nothing imports cmd"
	case part != "" && other != "" && part != other:
		return "loader, stream and notifier do not know each other; cmd joins them"
	case part == "inventoryd/stream" && to == "inventoryd/internal/inventory":
		return "stream is a general library and knows no inventories"
	case part != "" && strings.HasPrefix(to, "inventoryd/internal/sandbox"):
		return "the sandbox is for the demo and for tests"
	case strings.HasPrefix(from, "inventoryd/internal/") && other != "":
		return "internal packages serve the parts, not the other way round"
	}
	return ""
}

func TestImportRulesHold(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "inventoryd/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen[p.ImportPath] = true
		for _, to := range p.Imports {
			if why := mayImport(p.ImportPath, to); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, to, why)
			}
		}
	}
	for _, p := range parts {
		if !seen[p] {
			t.Errorf("package %s is missing: the rules were checked on nothing", p)
		}
	}
}

func TestForbiddenImportsAreRecognised(t *testing.T) {
	for _, pair := range [][2]string{
		{"inventoryd/loader", "inventoryd/stream"},
		{"inventoryd/loader/lanes", "inventoryd/notifier"},
		{"inventoryd/internal/web", "inventoryd/loader"},
		{"inventoryd/stream", "inventoryd/internal/inventory"},
		{"inventoryd/notifier", "inventoryd/internal/sandbox/queues"},
		{"inventoryd/test/bench", "inventoryd/cmd/inventoryd"},
	} {
		if mayImport(pair[0], pair[1]) == "" {
			t.Errorf("%s may import %s", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{
		{"inventoryd/cmd/inventoryd", "inventoryd/loader"},
		{"inventoryd/loader", "inventoryd/loader/lanes"},
	} {
		if why := mayImport(pair[0], pair[1]); why != "" {
			t.Errorf("%s may not import %s: %s", pair[0], pair[1], why)
		}
	}
}
