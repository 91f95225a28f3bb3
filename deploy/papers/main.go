// Command papers writes what goes with a binary of ours: an SBOM (CycloneDX) and the licences of everything that is linked
// into it, both from what the binary itself says it was built of.
//
//	papers BINARY DIRECTORY
package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: papers BINARY DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "papers:", err)
		os.Exit(1)
	}
}

// write writes sbom.cdx.json and THIRD-PARTY-LICENCES.
func write(binary, dir string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	parts, err := partsOf(info)
	if err != nil {
		return err
	}
	sbom, err := json.MarshalIndent(bomOf(info, parts), "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "sbom.cdx.json"), append(sbom, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "THIRD-PARTY-LICENCES"), notices(parts), 0o644)
}

// part is something of somebody else's in the binary.
type part struct {
	name, version, sum string
	purl               string
	licence            string // its SPDX identifier
	text               []byte
}

// partsOf are the modules that the binary names, Go's own library, and what the page embeds.
func partsOf(info *buildinfo.BuildInfo) ([]part, error) {
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	all := []part{{name: "Go standard library", version: info.GoVersion, purl: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}}
	if all[0].text, err = os.ReadFile(filepath.Join(root, "LICENSE")); err != nil {
		return nil, err
	}
	for _, m := range info.Deps {
		p := part{name: m.Path, version: m.Version, sum: m.Sum, purl: "pkg:golang/" + m.Path + "@" + m.Version}
		dir, err := output("go", "list", "-m", "-f", "{{.Dir}}", m.Path)
		if err != nil {
			return nil, err
		}
		if p.text, err = licenceIn(dir); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		all = append(all, p)
	}
	for i := range all {
		p := &all[i]
		if p.licence = licenceOf(p.text); p.licence == "" {
			return nil, fmt.Errorf("%s has a licence that is not known here: look at it, and add it to licences or do without %[1]s", p.name)
		}
	}
	return all, nil
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// licenceIn is the text of a module's licence, with its notices where it has some.
func licenceIn(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICEN", "COPYING", "NOTICE"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, bytes.TrimSpace(text))
	}
	if texts == nil {
		return nil, errors.New("it has no licence")
	}
	return bytes.Join(texts, []byte("\n\n")), nil
}

// licences are those that may be in the binary, by words that no other of them has. The first that fits counts.
var licences = []struct{ id, words string }{
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"BSD-3-Clause", "Redistribution and use in source and binary forms * Neither the name"},
	{"BSD-3-Clause", "Redistribution and use in source and binary forms * may be used to endorse or promote products"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"Unlicense", "This is free and unencumbered software released into the public domain"},
}

// licenceOf is the SPDX identifier of a licence's text; empty where it is none of those known.
func licenceOf(text []byte) string {
	flat := strings.Join(strings.Fields(string(text)), " ")
	for _, l := range licences {
		if first, second, two := strings.Cut(l.words, " * "); strings.Contains(flat, first) && (!two || strings.Contains(flat, second)) {
			return l.id
		}
	}
	return ""
}

// notices are all texts, those that are the same once.
func notices(parts []part) []byte {
	var b bytes.Buffer
	b.WriteString("inventoryd is under the Apache License 2.0. It contains what follows, under the licences given.\n")
	names, order := map[string][]string{}, []string(nil)
	for _, p := range parts {
		if names[string(p.text)] == nil {
			order = append(order, string(p.text))
		}
		names[string(p.text)] = append(names[string(p.text)], p.name+" "+p.version+" ("+p.licence+")")
	}
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(names[text], "\n"), text)
	}
	return b.Bytes()
}

// bom is a CycloneDX document, as far as it is used here.
type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string          `json:"type"`
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	PURL       string          `json:"purl,omitempty"`
	Licences   []licenceChoice `json:"licenses"`
	Properties []property      `json:"properties,omitempty"`
}

type licenceChoice struct {
	Licence struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func under(id string) []licenceChoice {
	var c licenceChoice
	c.Licence.ID = id
	return []licenceChoice{c}
}

func bomOf(info *buildinfo.BuildInfo, parts []part) bom {
	own := component{Type: "application", Name: "inventoryd", Version: info.Main.Version, Licences: under("Apache-2.0")}
	for _, s := range info.Settings {
		if slices.Contains([]string{"GOOS", "GOARCH", "CGO_ENABLED", "vcs.revision", "vcs.time"}, s.Key) {
			own.Properties = append(own.Properties, property{s.Key, s.Value})
		}
	}
	b := bom{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{own}}
	for _, p := range parts {
		c := component{Type: "library", Name: p.name, Version: p.version, PURL: p.purl, Licences: under(p.licence)}
		if p.sum != "" {
			c.Properties = []property{{"go.sum", p.sum}}
		}
		b.Components = append(b.Components, c)
	}
	return b
}
