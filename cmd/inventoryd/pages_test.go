package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// What the pages for people tell them to type is there: commands, their flags, make's targets. That it works, other tests show:
// of the runbook and the migration here, of the README's way to install in test/installed.
func TestWhatThePagesTellToTypeIsThere(t *testing.T) {
	pages, err := filepath.Glob(top + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, top+"/README.md", top+"/CONTRIBUTING.md")
	flags, targets := flagsByCommand(), makeTargets(t)
	commands, makes := 0, 0
	for _, page := range pages {
		name := filepath.Base(page)
		for _, line := range quotedIn(t, page) {
			for _, m := range regexp.MustCompile(`(?:^|\W)inventoryd ([a-z][^#|>&;]*)`).FindAllStringSubmatch(line, -1) {
				commands++
				if wrong := unknownIn(strings.Fields(m[1]), flags); wrong != "" {
					t.Errorf("%s: %q: there is no %s", name, line, wrong)
				}
			}
			for _, m := range regexp.MustCompile(`^make ([a-z]+)`).FindAllStringSubmatch(line, -1) {
				if makes++; !targets[m[1]] {
					t.Errorf("%s: the Makefile has no target %q", name, m[1])
				}
			}
		}
	}
	if commands < 60 || makes < 8 {
		t.Errorf("%d commands and %d targets: the pages are not read as they are written", commands, makes)
	}
}

// TestTheREADMEsFirstSteps are those of an empty machine: what one makes, the next takes.
func TestTheREADMEsFirstSteps(t *testing.T) {
	steps := shellLines(t, "README.md", "Try it against nothing")
	var order []string
	for _, s := range steps {
		for _, word := range []string{"make build", "inventoryd sandbox", "sandbox.env", "setup", "check", "run -c config.example.yaml", "--live --bucket inventory", "/readyz"} {
			if strings.Contains(s, word) && !slices.Contains(order, word) {
				order = append(order, word)
			}
		}
	}
	want := []string{"make build", "inventoryd sandbox", "sandbox.env", "setup", "check", "run -c config.example.yaml", "--live --bucket inventory", "/readyz"}
	if !slices.Equal(order, want) {
		t.Errorf("the steps are %q, not %q: %q", order, want, steps)
	}
	_, port, _ := strings.Cut(defaults().HTTP.Listen, ":")
	if curl := steps[slices.IndexFunc(steps, func(s string) bool { return strings.HasPrefix(s, "curl ") })]; !strings.Contains(curl, "localhost:"+port+"/") {
		t.Errorf("%q, and the daemon listens at %s", curl, defaults().HTTP.Listen)
	}
}

// quotedIn is the code on a page: the lines of its blocks, and what stands between backquotes.
func quotedIn(t *testing.T, page string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "```") {
		if i%2 == 1 {
			lines = append(lines, strings.Split(part, "\n")...)
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(part, -1) {
			lines = append(lines, strings.ReplaceAll(m[1], "\n", " "))
		}
	}
	return lines
}

// flagsByCommand has the flags of each command, with their dashes, by the command's words.
func flagsByCommand() map[string][]string {
	all := map[string][]string{}
	each(application().Commands, nil, func(c *cli.Command, path []string) {
		known := []string{"--help", "-h"}
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				known = append(known, strings.Repeat("-", min(2, len(n)))+n)
			}
		}
		all[strings.Join(path, " ")] = known
	})
	return all
}

// unknownIn is what of a command line there is not; "": all of it is there.
func unknownIn(words []string, flags map[string][]string) string {
	command := words[0]
	known, ok := flags[command]
	if !ok {
		return "command " + command
	}
	for _, w := range words[1:] {
		if below, ok := flags[command+" "+w]; ok {
			command, known = command+" "+w, below
		}
		if name, _, _ := strings.Cut(w, "="); len(name) > 1 && name[0] == '-' && !slices.Contains(known, name) {
			return "flag " + name + " of " + command
		}
	}
	return ""
}

func makeTargets(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(top + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):`).FindAllSubmatch(text, -1) {
		targets[string(m[1])] = true
	}
	return targets
}
