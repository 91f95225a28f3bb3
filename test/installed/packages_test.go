// Package installed_test builds the packages and tries them: what is in them, and how they live on a systemd that was booted.
package installed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const top = "../.."

// needed says why a test cannot run here; with INSTALLED_DEMAND set (make long) that is a failure.
func needed(t *testing.T, ok bool, why string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("INSTALLED_DEMAND") != "":
		t.Fatal("not here: " + why)
	default:
		t.Skip("not here: " + why)
	}
}

func needsProgram(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := exec.LookPath(name)
		needed(t, err == nil, "there is no "+name+"; test/installed/install installs it")
	}
}

// run runs a command line on this machine.
func run(t *testing.T, script string) string {
	t.Helper()
	c := exec.Command("bash", "-ec", script)
	c.Dir = top
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// packages builds the packages of this machine's architecture once.
var packages = sync.OnceValues(func() (string, error) {
	c := exec.Command("deploy/packages/build")
	c.Dir = top
	c.Env = append(os.Environ(), "ARCHES=amd64", "CGO_ENABLED=0")
	out, err := c.CombinedOutput()
	return string(out), err
})

// built is the one file of dist that fits a pattern.
func built(t *testing.T, pattern string) string {
	t.Helper()
	if out, err := packages(); err != nil {
		t.Fatalf("deploy/packages/build: %v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(top, "dist", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("dist/%s: %v, %v", pattern, found, err)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// common is in both packages.
var common = []string{
	"/usr/bin/inventoryd", "/etc/inventoryd/config.yaml", "/usr/share/man/man8/inventoryd.8.gz", "/usr/share/bash-completion/completions/inventoryd",
	"/usr/share/fish/vendor_completions.d/inventoryd.fish", "/usr/share/doc/inventoryd/config.example.yaml", "/usr/share/doc/inventoryd/runbook.md",
	"/usr/share/doc/inventoryd/logs.md", "/usr/share/doc/inventoryd/changelog.gz", "/usr/share/doc/inventoryd/THIRD-PARTY-LICENCES", "/usr/share/doc/inventoryd/sbom.cdx.json",
}

func sameFiles(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("it has\n%s\nand should have\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheRPMHasEachFileWithItsOwnerModeAndKind(t *testing.T) {
	needsProgram(t, "rpm")
	rpm := built(t, "*.rpm")
	var got []string
	line := regexp.MustCompile(`^(\S+) (\d+) \d+ [0-9a-f]{64} 0100(\d{3}) (\S+) (\S+) ([01]) ([01]) `)
	for l := range strings.Lines(run(t, "rpm -qlp --dump "+rpm)) {
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("what does it mean: %s", l)
		}
		path, size, mode, owner, config := m[1], m[2], m[3], m[4]+" "+m[5], m[6]
		got = append(got, path)
		wantMode := "644"
		if path == "/usr/bin/inventoryd" {
			wantMode = "755"
		}
		if mode != wantMode || owner != "root root" || size == "0" || (config == "1") != strings.HasPrefix(path, "/etc/") {
			t.Error(l)
		}
	}
	sameFiles(t, got, append(slices.Clone(common), "/usr/lib/systemd/system/inventoryd.service", "/usr/share/zsh/site-functions/_inventoryd", "/usr/share/licenses/inventoryd/LICENSE"))
	if out := run(t, "rpm -qp --qf '%{LICENSE} %{ARCH} [%{FILEFLAGS:fflags} ]' "+rpm); !strings.HasPrefix(out, "Apache-2.0 x86_64 ") || !strings.Contains(out, "cn") {
		t.Errorf("%s: config(noreplace) is flagged cn", out)
	}
}

func TestTheDebIsWholeAndLintianFindsNoError(t *testing.T) {
	needsProgram(t, "dpkg-deb", "lintian")
	deb := built(t, "*.deb")
	var got []string
	for l := range strings.Lines(run(t, "dpkg-deb -c "+deb)) {
		f := strings.Fields(l)
		if f[1] != "root/root" {
			t.Error(l)
		}
		if !strings.HasSuffix(f[5], "/") {
			got = append(got, strings.TrimPrefix(f[5], "."))
		}
	}
	sameFiles(t, got, append(slices.Clone(common), "/lib/systemd/system/inventoryd.service", "/usr/share/zsh/vendor-completions/_inventoryd",
		"/usr/share/doc/inventoryd/copyright", "/usr/share/doc/inventoryd/changelog.Debian.gz", "/usr/share/lintian/overrides/inventoryd"))
	if out := run(t, "dpkg-deb -I "+deb+" conffiles"); strings.TrimSpace(out) != "/etc/inventoryd/config.yaml" {
		t.Errorf("conffiles: %q", out)
	}
	t.Log(run(t, "lintian --allow-root --fail-on error "+deb+" 2>&1"))
}

func TestWhatIsLinkedIsInTheSBOMAndItsLicenceInThePackage(t *testing.T) {
	built(t, "*.deb")
	sbom := run(t, "cat dist/*.sbom.cdx.json")
	modules := 0
	for l := range strings.Lines(run(t, "go version -m dist/inventoryd-linux-amd64")) {
		if f := strings.Fields(l); len(f) > 2 && f[0] == "dep" {
			modules++
			if !strings.Contains(sbom, `"pkg:golang/`+f[1]+"@"+f[2]+`"`) {
				t.Errorf("%s %s is not in the SBOM", f[1], f[2])
			}
		}
	}
	if modules < 30 {
		t.Errorf("%d modules", modules)
	}
}
