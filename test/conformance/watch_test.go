package conformance

// The watch over the cases: which operations of the sandbox they called, and what came of it.

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// seen holds "dynamodb/GetItem ok" and "dynamodb/GetItem ValidationException".
var seen = struct {
	sync.Mutex // guards outcomes
	outcomes   map[string]bool
}{outcomes: map[string]bool{}}

// watch notes the outcome of each call.
func watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Watch",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			outcome := "ok"
			var answer smithy.APIError
			if errors.As(err, &answer) {
				outcome = unprefixed(answer.ErrorCode())
			} else if err != nil {
				outcome = "broken"
			}
			seen.Lock()
			defer seen.Unlock()
			seen.outcomes[serviceOf(middleware.GetServiceID(ctx))+"/"+middleware.GetOperationName(ctx)+" "+outcome] = true
			return out, metadata, err
		}), middleware.After)
}

// serviceOf is a service as the cases name it.
func serviceOf(id string) string {
	if id == "DynamoDB Streams" {
		return "streams"
	}
	return strings.ToLower(id)
}

// What is relied on must have been seen, once all cases have run.
func checkReliances(t *testing.T) {
	names := map[string]bool{}
	for _, c := range cases {
		names[c.Service+"/"+c.Name] = true
	}
	relied := map[string]bool{}
	for _, r := range reliances {
		relied[r.operation] = true
		service, _ := r.split()
		for _, outcome := range append([]string{"ok", "broken"}, r.given...) {
			if !seen.outcomes[r.operation+" "+outcome] {
				t.Errorf("no case shows %s of %s", outcome, r.operation)
			}
		}
		for _, limit := range r.limits {
			if !names[service+"/"+limit] {
				t.Errorf("%s names the limit %q, which is no case", r.operation, limit)
			}
		}
	}
	called := operationsCalled(t)
	for _, o := range called {
		if o == "s3/HeadBucket" {
			continue // an answer to HEAD has no code; the daemon's command only looks at the status and at one header
		}
		if !relied[o] {
			t.Errorf("the daemon calls %s: say in reliances what it relies on", o)
		}
	}
	for o := range relied {
		if !slices.Contains(called, o) {
			t.Errorf("nobody calls %s any more: take it out of reliances", o)
		}
	}
}

// operationsCalled searches the daemon's source, its tests and stand-ins left out, for the inputs of operations.
func operationsCalled(t *testing.T) []string {
	found := map[string]bool{}
	for _, root := range []string{"cmd", "loader", "notifier", "stream", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", "..", root), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "sandbox" {
				return fs.SkipDir
			}
			if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
				return inputsIn(file, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

const sdkServices = "github.com/aws/aws-sdk-go-v2/service/"

// inputsIn adds the operations whose input a file names, say those of dynamodb.GetItemInput.
func inputsIn(file string, found map[string]bool) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	services := map[string]string{} // by package name
	for _, i := range f.Imports {
		if service, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), sdkServices); ok && path.Dir(service) == "." {
			services[service] = strings.Replace(service, "dynamodbstreams", "streams", 1)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			x, _ := s.X.(*ast.Ident)
			if operation, isInput := strings.CutSuffix(s.Sel.Name, "Input"); isInput && x != nil && services[x.Name] != "" {
				found[services[x.Name]+"/"+operation] = true
			}
		}
		return true
	})
	return nil
}

// renderReliances makes the table of what is relied on.
func renderReliances() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## What the daemon relies on\n\nEach of the %d operations that the daemon and its commands call succeeds, gives these errors by itself, keeps to these\nlimits, which are cases above, and breaks off by script. The errors scripted for each operation of a service are below.\n\n", len(reliances))
	b.WriteString("| operation | errors | limits |\n| --- | --- | --- |\n")
	for _, r := range reliances {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.operation, strings.Join(r.given, ", "), strings.Join(r.limits, "; "))
	}
	b.WriteString("\n| service | errors scripted |\n| --- | --- |\n")
	for _, service := range slices.Sorted(maps.Keys(scripted)) {
		var codes []string
		for _, e := range scripted[service] {
			codes = append(codes, fmt.Sprint(e.Status, " ", e.Code))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", service, strings.Join(codes, ", "))
	}
	return b.String()
}
