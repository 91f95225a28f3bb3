package config

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/alecthomas/units"
	"github.com/google/go-cmp/cmp"
)

// sample has a key of each kind.
type sample struct {
	Name    string              `yaml:"name"`
	Secret  Secret              `yaml:"secret"`
	Parts   part                `yaml:"parts" reload:"now"`
	Senders []sender            `yaml:"senders" reload:"object"`
	Columns map[string][]string `yaml:"columns" reload:"object"`
	Hidden  func()              `yaml:"-"`
}

type part struct {
	Limits  `yaml:",inline"`
	Mode    string   `yaml:"mode" enum:"fast|slow"`
	Folders []string `yaml:"folders"`
	On      bool     `yaml:"on"`
	Deep    deep     `yaml:"deep" reload:"restart"`
}

type Limits struct {
	Workers int              `yaml:"workers"`
	Share   float64          `yaml:"share"`
	Wait    time.Duration    `yaml:"wait"`
	Memory  units.Base2Bytes `yaml:"memory"`
}

type sender struct {
	Name    string              `yaml:"name"`
	Mode    string              `yaml:"mode" enum:"fast|slow"`
	Columns map[string][]string `yaml:"columns"`
	Deep    deep                `yaml:"deep"`
}

type deep struct {
	Small int8 `yaml:"small"`
}

func (l Limits) Validate() error {
	var errs []error
	if l.Workers > 9 {
		errs = append(errs, Problemf("workers", "must be at most 9, not %d", l.Workers))
	}
	if l.Share > 1 {
		errs = append(errs, Problemf("share", "must be at most 1, not %v", l.Share))
	}
	return errors.Join(errs...)
}

func (s sample) Validate() error {
	if s.Parts.Workers > 9 && s.Name == "small" {
		return errors.Join(Problemf("name", "small ones have few workers"))
	}
	var errs []error
	for i, f := range s.Senders {
		if f.Name == "" {
			errs = append(errs, Problemf(fmt.Sprintf("senders[%d].name", i), "must be given"))
		}
	}
	return errors.Join(errs...)
}

func fresh() sample {
	return sample{
		Name:    "default",
		Parts:   part{Limits: Limits{Workers: 4, Share: 0.5, Wait: 90 * time.Minute, Memory: 64 * units.MiB}, Mode: "fast", Folders: []string{"a", "b"}},
		Columns: map[string][]string{"count": {"count", "qty"}},
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	path := write(t, "name: file\nparts:\n  workers: 5\n  wait: 5s\n  folders: [c, 'd,e']\ncolumns: {item: [sku]}\n")
	s := fresh()
	sources, err := Load(path, &s, []string{"HOME=/", "INVENTORYD_CONFIG=x", "INVENTORYD_PARTS_WORKERS=6", "INVENTORYD_PARTS_WAIT=6s", "INVENTORYD_PARTS_ON=true"},
		"parts.wait=7s", "parts.deep.small=-3")
	if err != nil {
		t.Fatal(err)
	}
	want := fresh()
	want.Name, want.Parts.Workers, want.Parts.Wait, want.Parts.On, want.Parts.Deep.Small = "file", 6, 7*time.Second, true, -3
	want.Parts.Folders, want.Columns = []string{"c", "d,e"}, map[string][]string{"item": {"sku"}}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	at := func(line int) Source { return Source{File: path, Line: line, Column: 3} }
	top := func(line int) Source { return Source{File: path, Line: line, Column: 1} }
	if d := cmp.Diff(Sources{
		"name": top(1), "parts.folders": at(5), "columns": top(6),
		"parts.workers":    {Variable: "INVENTORYD_PARTS_WORKERS"},
		"parts.on":         {Variable: "INVENTORYD_PARTS_ON"},
		"parts.wait":       {Flag: "--set parts.wait"},
		"parts.deep.small": {Flag: "--set parts.deep.small"},
	}, sources); d != "" {
		t.Error(d)
	}
}

func TestWithoutAFileDefaultsHold(t *testing.T) {
	for _, path := range []string{"", write(t, ""), write(t, "# nothing\n"), write(t, "parts:\n  # workers: 3\n"), write(t, "---\n")} {
		s := fresh()
		if _, err := Load(path, &s, nil); err != nil || cmp.Diff(fresh(), s) != "" {
			t.Errorf("%q: %v %+v", path, err, s)
		}
	}
}

func TestEveryMistakeNamesItsPlaceAndKey(t *testing.T) {
	for name, c := range map[string]struct {
		file, env, flag string
		want            []string
	}{
		"unknown key":            {file: "parts: {wrokers: 3}", want: []string{"c.yaml:1:9: parts.wrokers: unknown key; did you mean parts.workers?"}},
		"key in a wrong section": {file: "wait: 3s\n", want: []string{"c.yaml:1:1: wait: unknown key; did you mean parts.wait?"}},
		"nothing like it":        {file: "parts:\n  elephant: 3", want: []string{"c.yaml:2:3: parts.elephant: unknown key"}},
		"twice":                  {file: "name: a\nname: b", want: []string{"c.yaml:2:1: name: a second time (first in line 1)"}},
		"a list for a key":       {file: "parts: {[a]: 1}", want: []string{"c.yaml:1:9: parts: a list where a key belongs"}},
		"merge key":              {file: "parts: {<<: {workers: 1}}", want: []string{"c.yaml:1:9: parts: a merge key (<<): write the keys out"}},
		"two documents":          {file: "name: a\n---\nname: b", want: []string{"c.yaml:2:1: a second document: the file must hold one only"}},
		"not YAML":               {file: "name: [a", want: []string{"c.yaml:2:1: not valid YAML: while parsing a flow sequence did not find expected ',' or ']'"}},
		"a list at the top":      {file: "- a", want: []string{"c.yaml:1:1: a list where a section with keys belongs"}},
		"a text for a section":   {file: "parts: fast", want: []string{"c.yaml:1:8: parts: a value where a section with keys belongs"}},
		"a section for a text":   {file: "name: {a: b}", want: []string{"c.yaml:1:7: name: a section where text belongs"}},
		"a number for a text":    {file: "name: 0123", want: []string{`c.yaml:1:7: name: the number 0123 where text belongs: write it in quotes, "0123"`}},
		"no value": {file: "name:\nparts:\n  workers: ~", want: []string{
			`c.yaml:1:6: name: no value: leave the key out for its default, or write "" for an empty one`,
			"c.yaml:3:12: parts.workers: no value: leave the key out for its default",
		}},
		"a text for a number":    {file: "parts: {workers: many}", want: []string{`c.yaml:1:18: parts.workers: "many" is no whole number in plain digits`}},
		"an octal number":        {file: "parts: {workers: 010}", want: []string{`c.yaml:1:18: parts.workers: "010" is no whole number in plain digits`}},
		"a fraction":             {file: "parts: {workers: 1.5}", want: []string{`c.yaml:1:18: parts.workers: "1.5" is no whole number in plain digits`}},
		"too large":              {file: "parts: {deep: {small: 128}}", want: []string{"c.yaml:1:23: parts.deep.small: 128 is too large"}},
		"no number":              {file: "parts: {share: .nan}", want: []string{`c.yaml:1:16: parts.share: ".nan" is no number`}},
		"no switch":              {file: "parts: {on: yes}", want: []string{`c.yaml:1:13: parts.on: "yes" is neither true nor false`}},
		"a number for a switch":  {file: "parts: {on: 1}", want: []string{"c.yaml:1:13: parts.on: the number 1 where true or false belongs"}},
		"a duration of no unit":  {file: "parts: {wait: 30}", want: []string{`c.yaml:1:15: parts.wait: "30" has no unit: write 30s for seconds (units: ms, s, m, h)`}},
		"no duration":            {file: "parts: {wait: 3d}", want: []string{`c.yaml:1:15: parts.wait: "3d" is no duration such as 500ms, 30s, 5m or 1h30m`}},
		"no size":                {file: "parts: {memory: 64MB}", want: []string{`c.yaml:1:17: parts.memory: "64MB" is no size such as 512KiB, 64MiB or 1GiB`}},
		"a size beyond 64 bits":  {file: "parts: {memory: 9999999999TiB}", want: []string{`c.yaml:1:17: parts.memory: "9999999999TiB" is no size such as 512KiB, 64MiB or 1GiB`}},
		"not one of":             {file: "parts: {mode: fsat}", want: []string{`c.yaml:1:15: parts.mode: "fsat" is none of fast, slow; did you mean fast?`}},
		"no list":                {file: "parts: {folders: a}", want: []string{`c.yaml:1:18: parts.folders: the text "a" where a list belongs`}},
		"a list of numbers":      {file: "parts: {folders: [a, 1, 2]}", want: []string{"c.yaml:1:22: parts.folders: the number 1 in a list of texts", "c.yaml:1:25: parts.folders: the number 2 in a list of texts"}},
		"no map":                 {file: "columns: [a]", want: []string{"c.yaml:1:10: columns: a list where a map of lists belongs"}},
		"no list in a map":       {file: "columns: {a: b}", want: []string{`c.yaml:1:14: columns.a: the text "b" where a list belongs`}},
		"no list of sections":    {file: "senders: {name: a}", want: []string{"c.yaml:1:10: senders: a section where a list of sections belongs"}},
		"no section in a list":   {file: "senders: [a]", want: []string{"c.yaml:1:11: senders[0]: a value where a section with keys belongs", "c.yaml:1:11: senders[0].name: must be given"}},
		"a key of no entry":      {file: "senders:\n  - name: a\n  - nam: b\n    name: b\n", want: []string{"c.yaml:3:5: senders[1].nam: unknown key; did you mean senders[1].name?"}},
		"not one of in an entry": {file: "senders:\n  - {name: a, mode: fsat}", want: []string{`c.yaml:2:21: senders[0].mode: "fsat" is none of fast, slow; did you mean fast?`}},
		"an entry without a key": {file: "senders:\n  - name: a\n  - mode: fast\n  - name: ''\n", want: []string{"c.yaml:3:5: senders[1].name: must be given", "c.yaml:4:5: senders[2].name: must be given"}},
		"a variable for entries": {env: "INVENTORYD_SENDERS=a", want: []string{"INVENTORYD_SENDERS: senders: a list of sections can be set in the file only"}},
		"a flag into an entry":   {flag: "senders[0].name=a", want: []string{"--set: senders[0].name: unknown key"}},
		"a secret is not shown":  {file: "secret: 12345", want: []string{"c.yaml:1:9: secret: the value cannot be used (it is not shown)"}},
		"what a component finds": {file: "parts:\n  workers: 10\n  share: 2", want: []string{"c.yaml:2:3: parts.workers: must be at most 9, not 10", "c.yaml:3:3: parts.share: must be at most 1, not 2"}},
		"found in two places":    {file: "name: small\n", env: "INVENTORYD_PARTS_WORKERS=10", want: []string{"c.yaml:1:1: name: small ones have few workers", "INVENTORYD_PARTS_WORKERS: parts.workers: must be at most 9, not 10"}},
		"a key that is default":  {flag: "parts.workers=11", file: "parts: {}", env: "INVENTORYD_NAME=small", want: []string{"INVENTORYD_NAME: name: small ones have few workers", "--set parts.workers: parts.workers: must be at most 9, not 11"}},
		"a variable of no key":   {env: "INVENTORYD_PARTS_WORKER=1", want: []string{"INVENTORYD_PARTS_WORKER: no key has this variable; did you mean INVENTORYD_PARTS_WORKERS?"}},
		"a variable for a map":   {env: "INVENTORYD_COLUMNS=a", want: []string{"INVENTORYD_COLUMNS: columns: a map can be set in the file only"}},
		"a variable of a typo":   {env: "INVENTORYD_CONFG=/c.yaml", want: []string{"INVENTORYD_CONFG: no key has this variable; did you mean INVENTORYD_CONFIG?"}},
		"a variable of no group": {env: "INVENTORYD_SMALL=1", want: []string{"INVENTORYD_SMALL: no key has this variable; did you mean INVENTORYD_PARTS_DEEP_SMALL?"}},
		"a variable of nothing":  {env: "INVENTORYD_PARTS_WORKERS=", want: []string{`INVENTORYD_PARTS_WORKERS: parts.workers: "" is no whole number in plain digits`}},
		"a hole in a list":       {env: "INVENTORYD_PARTS_FOLDERS=a,,b", file: "columns: {a: ['']}", want: []string{"c.yaml:1:15: columns.a: an empty text in a list", `INVENTORYD_PARTS_FOLDERS: parts.folders: an empty text in the list "a,,b"`}},
		"a flag of no key":       {flag: "part.workers=1", want: []string{"--set: part.workers: unknown key; did you mean parts.workers?"}},
		"a flag of no group":     {flag: "workers=1", want: []string{"--set: workers: unknown key; did you mean parts.workers?"}},
		"a flag with a colon":    {flag: "secret: hush", want: []string{`--set: "secret…" is not of the form key=value`}},
		"a flag of no value":     {flag: "parts.workers", want: []string{`--set: "parts.workers" is not of the form key=value`}},
		"all at once": {file: "nam: x\nparts:\n  wait: 1\n  workers: 12\n", env: "INVENTORYD_PARTS_ON=2", flag: "parts.mode=x", want: []string{
			"c.yaml:1:1: nam: unknown key; did you mean name?",
			`c.yaml:3:9: parts.wait: "1" has no unit: write 1s for seconds (units: ms, s, m, h)`,
			"c.yaml:4:3: parts.workers: must be at most 9, not 12",
			`INVENTORYD_PARTS_ON: parts.on: "2" is neither true nor false`,
			`--set parts.mode: parts.mode: "x" is none of fast, slow`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.file)
			var environ, flags []string
			if c.env != "" {
				environ = []string{c.env}
			}
			if c.flag != "" {
				flags = []string{c.flag}
			}
			s := fresh()
			_, err := Load(path, &s, environ, flags...)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(err.Error(), path, "c.yaml")
			if d := cmp.Diff(strings.Join(c.want, "\n"), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// required has a key without a usable default.
type required struct {
	Queue string `yaml:"queue"`
}

func (r required) Validate() error {
	if r.Queue == "" {
		return Problemf("queue", "must be given")
	}
	return nil
}

func TestAKeyThatCannotBeReadIsNotCalledMissingToo(t *testing.T) {
	for file, want := range map[string]string{
		"queue: 12":      `c.yaml:1:8: queue: the number 12 where text belongs: write it in quotes, "12"`,
		"# queue: q":     "c.yaml: queue: must be given",
		"quue: q":        "c.yaml: queue: must be given\nc.yaml:1:1: quue: unknown key; did you mean queue?",
		"queue: [a]":     "c.yaml:1:8: queue: a list where text belongs",
		"queue: q\nx: 1": "c.yaml:2:1: x: unknown key",
	} {
		path := write(t, file)
		if _, err := Load(path, &required{}, nil); err == nil || strings.ReplaceAll(err.Error(), path, "c.yaml") != want {
			t.Errorf("%q: %v\nwant %s", file, err, want)
		}
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	s := fresh()
	if _, err := Load("/nowhere/c.yaml", &s, nil); err == nil || err.Error() != "stat /nowhere/c.yaml: no such file or directory" {
		t.Error(err)
	}
	dir := t.TempDir()
	if _, err := Load(dir, &s, nil); err == nil || err.Error() != "read "+dir+": is a directory; name the file in it" {
		t.Error(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/zero", fifo} {
		if _, err := Load(path, &s, nil); err == nil || err.Error() != "read "+path+": is no regular file (it is read again at each reload)" {
			t.Error(err)
		}
	}
	large := write(t, strings.Repeat("# padding\n", 200_000))
	if _, err := Load(large, &s, nil); err == nil || !strings.Contains(err.Error(), "larger than 1MiB") {
		t.Error(err)
	}
}

func TestOfManyMistakesTheFirstAreToldAndTheRestCounted(t *testing.T) {
	var file strings.Builder
	for i := range 60 {
		fmt.Fprintf(&file, "elephant%d: 1\n", i)
	}
	s := fresh()
	_, err := Load(write(t, file.String()), &s, nil)
	if err == nil {
		t.Fatal("taken")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 51 || lines[50] != "and 10 more" || !strings.HasSuffix(lines[49], ":50:1: elephant49: unknown key") {
		t.Error(lines)
	}
	var all Errors
	if !errors.As(err, &all) || len(all) != 60 {
		t.Error("those that are not told are there")
	}
}

// trying has an opinion of the machine.
type trying struct {
	Inner tried `yaml:"inner"`
}

type tried struct {
	Folder string `yaml:"folder"`
}

func (t tried) Validate() error {
	if t.Folder == "" {
		return Problemf("folder", "must be given")
	}
	return nil
}

func (t tried) Try() error {
	if t.Folder != "there" {
		return Problemf("folder", "%s is not there", t.Folder)
	}
	return nil
}

func TestWhatTheMachineLacksIsToldWithItsPlaceOnceTheValuesAreRight(t *testing.T) {
	for folder, want := range map[string]string{
		"there": "",
		"''":    "c.yaml:1:9: inner.folder: must be given",
		"gone":  "c.yaml:1:9: inner.folder: gone is not there",
	} {
		path := write(t, "inner: {folder: "+folder+"}\n")
		_, err := Load(path, &trying{}, nil)
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), path, "c.yaml")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", folder, got, want)
		}
	}
}

// What editors and other systems make of a file without being asked.
func TestEncodingsAreTaken(t *testing.T) {
	const text = "name: Zürich\r\nparts: {workers: 3}\r\n"
	units := utf16.Encode([]rune(text))
	little, big := []byte{0xff, 0xfe}, []byte{0xfe, 0xff}
	for _, u := range units {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	for name, file := range map[string]string{"a byte order mark": "\ufeff" + text, "UTF-16, little end first": string(little), "UTF-16, big end first": string(big)} {
		s := fresh()
		if _, err := Load(write(t, file), &s, nil); err != nil || s.Name != "Zürich" || s.Parts.Workers != 3 {
			t.Errorf("%s: %v %+v", name, err, s)
		}
	}
}

// What is nested without end, or stands for more than anybody has memory for, is refused with work in proportion to the file:
// judged by what is allocated, since the time depends on the machine.
func TestFilesThatAreBombsDoNotGoOff(t *testing.T) {
	laughs := "name: &a0 ha\n"
	for i := range 30 {
		laughs += fmt.Sprintf("x%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i+1, i, i, i, i)
	}
	for name, file := range map[string]string{
		"lists in lists":       "name: " + strings.Repeat("[", 500_000),
		"sections in sections": "parts: " + strings.Repeat("{deep: ", 100_000),
		"a billion laughs":     laughs + "parts: *a30\n",
		"a megabyte of keys":   strings.Repeat("k: 1\n", 200_000),
	} {
		s, path := fresh(), write(t, file)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Load(path, &s, nil)
		runtime.ReadMemStats(&after)
		perByte := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(file))
		t.Logf("%s: %.0f bytes allocated for each of %d", name, perByte, len(file))
		if err == nil || perByte > 4000 {
			t.Errorf("%s: %.200v, %.0f bytes allocated for each of the file", name, err, perByte)
		}
	}
}

func TestAliasesStandForWhatTheyName(t *testing.T) {
	s := fresh()
	if _, err := Load(write(t, "name: &n slow\nparts: {mode: *n}\n"), &s, nil); err != nil || s.Parts.Mode != "slow" {
		t.Error(s.Parts.Mode, err)
	}
}

func TestSecretsAreMaskedWhereverValuesShow(t *testing.T) {
	s, other := fresh(), fresh()
	s.Secret, other.Secret = "hush", "quiet"
	for _, setting := range Settings(&s, nil) {
		if setting.Key == "secret" && (setting.Value != Masked || setting.Text() != Masked) {
			t.Errorf("%+v", setting)
		}
	}
	changes := Merge(&s, &other)
	if d := cmp.Diff([]Change{{Key: "secret", Class: Restart, Old: Masked, New: Masked}}, changes); d != "" {
		t.Error(d)
	}
}

func TestMergeTakesWhatNeedsNoRestart(t *testing.T) {
	present, loaded := fresh(), fresh()
	loaded.Name = "other"
	loaded.Parts.Workers = 7
	loaded.Parts.Deep.Small = 1
	loaded.Columns = map[string][]string{"count": {"sku"}}
	changes := Merge(&present, &loaded)
	if d := cmp.Diff([]Change{
		{"name", Restart, "default", "other"},
		{"parts.workers", Now, "4", "7"},
		{"parts.deep.small", Restart, "0", "1"},
		{"columns", Object, "{count: [count, qty]}", "{count: [sku]}"},
	}, changes); d != "" {
		t.Error(d)
	}
	want := fresh()
	want.Parts.Workers, want.Columns = 7, loaded.Columns
	if d := cmp.Diff(want, present); d != "" {
		t.Error(d)
	}
	if again := Merge(&present, &loaded); len(again) != 2 {
		t.Errorf("what waits for a restart is named again, and only that: %v", again)
	}
}

func TestCheckAsksEveryStruct(t *testing.T) {
	s := fresh()
	s.Parts.Workers = 10
	if err := Check(&s); err == nil || err.Error() != "parts.workers: must be at most 9, not 10" {
		t.Error(err)
	}
	if s = fresh(); Check(&s) != nil {
		t.Error("defaults are valid")
	}
}

func TestTheExampleHoldsTheDefaults(t *testing.T) {
	s := fresh()
	s.Name = "yes" // must be quoted
	s.Parts.Folders = []string{"a, b", "#c", "ü\n"}
	example := Example(&s, nil, "Head.\n\nSecond paragraph.")
	var got sample
	if _, err := Load(write(t, string(example)), &got, nil); err != nil {
		t.Fatalf("%v\n%s", err, example)
	}
	if d := cmp.Diff(s, got); d != "" {
		t.Error(d)
	}
}

// documented is a section with a comment for each kind of field that there is.
type documented struct {
	// A key whose comment is wrapped
	// over two lines.
	//
	// A second paragraph with "quotes" and `ticks`.
	Wrapped string `yaml:"wrapped"`
	inner   `yaml:",inline"`
	// A section.
	Section inner `yaml:"section"`
}

type inner struct {
	// A switch.
	Switch bool `yaml:"switch" reload:"now"`
}

func TestCommentsOfFieldsAreTheDocumentation(t *testing.T) {
	dir := t.TempDir()
	source, err := os.ReadFile("config_test.go")
	if err != nil {
		t.Fatal(err)
	}
	read := func(into any, edit func(string) string) (Comments, error) {
		if err := os.WriteFile(filepath.Join(dir, "source.go"), []byte(edit(string(source))), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadComments(into, func(string) string { return dir })
	}
	docs, err := read(&documented{}, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Comments{
		"config.documented.Wrapped": "A key whose comment is wrapped over two lines.\nA second paragraph with \"quotes\" and `ticks`.",
		"config.documented.Section": "A section.",
		"config.inner.Switch":       "A switch.",
	}, docs); d != "" {
		t.Error(d)
	}
	example := string(Example(&documented{}, docs, "Head."))
	if !strings.Contains(example, "# A key whose comment is wrapped over two lines.\n# A second paragraph") ||
		!strings.Contains(example, "  # A switch. Changes at once on reload.\n  switch: false\n") {
		t.Error(example)
	}
	if _, err := read(&documented{}, func(s string) string { return strings.Replace(s, "// A switch.\n", "\n", 1) }); err == nil ||
		!strings.Contains(err.Error(), "section.switch: field config.inner.Switch has no comment") {
		t.Errorf("a key without documentation: %v", err)
	}
	if _, err := read(&documented{}, func(s string) string { return strings.Replace(s, `reload:"now"`+"`", `relaod:"now"`+"`", 1) }); err == nil {
		t.Error("a tag that means nothing is taken")
	}
}

func FuzzAnyFileIsTakenOrRefusedWithAPlace(f *testing.F) {
	s := fresh()
	f.Add(string(Example(&s, nil, "Head.")))
	for _, text := range []string{
		"parts: &p {deep: *p}", "name: &n [*n]", "*a : 1", "? {a: b}\n: c", "parts: {workers: 1e3}", "columns: {a: [b, *c]}",
		"%YAML 1.2\n---\nname: a", "name: !!binary aGk=", "name: \"\\x00\"", "\xff", "name: |\n  a\n  b", "parts: !!set {a, b}", "- - - -",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := fresh()
		sources, err := Load(path, &s, nil)
		if err != nil {
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("%q names no place", err)
			}
			return
		}
		again := fresh()
		if _, err := Load(write(t, string(Example(&s, nil, ""))), &again, nil); err != nil || cmp.Diff(s, again) != "" {
			t.Errorf("what was read cannot be written and read again: %v\n%s", err, cmp.Diff(s, again))
		}
		for key := range sources {
			if strings.HasPrefix(key, ".") || strings.HasSuffix(key, ".") {
				t.Errorf("a source for %q", key)
			}
		}
	})
}
