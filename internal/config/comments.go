package config

// The documentation of the keys is the comments of their fields. The binary has no source to read: `go generate` puts
// what ReadComments finds into a file that the program embeds.

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// Comments has the comment of each field that is a key or a group, by package, type and field: "loader.Intake.Queue".
type Comments map[string]string

// ReadComments reads the comments of the fields in into, a pointer to a configuration, from the source of their
// packages; dir tells the directory of a package's path. A field without a comment, or with a tag that means nothing,
// is an error.
func ReadComments(into any, dir func(pkg string) string) (Comments, error) {
	root := tree(into)
	found := Comments{}
	read := map[string]bool{}
	for _, t := range root.types() {
		if pkg := t.PkgPath(); !read[pkg] {
			read[pkg] = true
			if err := found.readPackage(dir(pkg)); err != nil {
				return nil, err
			}
		}
	}
	docs := Comments{}
	var errs []error
	root.every(func(n *node) {
		if docs[n.field] = found[n.field]; found[n.field] == "" {
			errs = append(errs, fmt.Errorf("%s: field %s has no comment that says what the key does", n.path, n.field))
		}
	})
	return docs, errors.Join(errs...)
}

// readPackage reads the comments of all fields that have a tag `yaml`.
func (c Comments) readPackage(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		var wrong error
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && wrong == nil {
				wrong = c.readType(file.Name.Name+"."+spec.Name.Name, spec.Type)
			}
			return wrong == nil
		})
		if wrong != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), wrong)
		}
	}
	return nil
}

func (c Comments) readType(name string, t ast.Expr) error {
	s, ok := t.(*ast.StructType)
	if !ok {
		return nil
	}
	for _, f := range s.Fields.List {
		if f.Tag == nil || len(f.Names) != 1 {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return err
		}
		key := reflect.StructTag(tag).Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		field := name + "." + f.Names[0].Name
		if err := checkTag(tag); err != nil {
			return fmt.Errorf("field %s: %w", field, err)
		}
		c[field] = paragraphs(f.Doc.Text())
	}
	return nil
}

// checkTag refuses a tag that nobody reads.
func checkTag(tag string) error {
	for part := range strings.FieldsSeq(tag) {
		switch name, _, _ := strings.Cut(part, ":"); name {
		case "yaml", "reload", "enum":
		default:
			return fmt.Errorf("the tag %s means nothing: a key's tags are yaml, reload and enum", part)
		}
	}
	return nil
}

// paragraphs undoes the wrapping of lines.
func paragraphs(text string) string {
	all := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range all {
		all[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(all, "\n")
}

// types are the structs of a group and of the groups in it.
func (n *node) types() []reflect.Type {
	var all []reflect.Type
	for _, p := range n.parts {
		all = append(all, p.Type())
	}
	for _, c := range n.children {
		all = append(all, c.types()...)
	}
	return all
}

// every calls visit for each key and group below n, in order.
func (n *node) every(visit func(*node)) {
	for _, c := range n.children {
		visit(c)
		c.every(visit)
	}
}
