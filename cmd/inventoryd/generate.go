package main

// What is generated from the configuration's structs: `go generate ./...` writes it, a test holds it.

import (
	_ "embed"
	"encoding/json"
	"path/filepath"
	"strings"

	"inventoryd/internal/config"
)

//go:generate go test . -run ^TestGeneratedFilesAreCurrent$ -update

// comments documents the keys, for the binary: as config.Comments.
//
//go:embed comments.json
var comments []byte

// exampleHead is the comment at the top of config.example.yaml.
const exampleHead = `Configuration of inventoryd: every key with its default. As it stands, this file changes nothing; keep the keys that you change.

Durations have a unit (500ms, 30s, 5m, 1h30m), and so have sizes (512KiB, 64MiB, 1GiB).
Each key but a map can also be set by an environment variable, its path in capitals behind INVENTORYD_, as INVENTORYD_LOADER_WORKERS; lists with commas. Flags (--set key=value) win over the environment, the environment over this file.
SIGHUP (systemctl reload inventoryd) reads this file again. Keys change at a restart only, unless their comment says otherwise. An invalid file changes nothing; inventoryd config validate tells what is wrong with it.
Credentials for AWS have no place here: they come from the SDK's usual chain (instance role, environment, shared files).
`

// documentHead is the beginning of docs/configuration.md.
const documentHead = `# Configuration

<!-- Generated from the code by go generate ./cmd/inventoryd. -->

One YAML file, ` + "`/etc/inventoryd/config.yaml`" + ` unless ` + "`--config`" + ` or ` + "`INVENTORYD_CONFIG`" + ` names another; without a file the defaults hold.
` + "[`config.example.yaml`](../config.example.yaml)" + ` has every key with its default. An unknown key, a wrong type, or an impossible combination stops the
start; all of them are told at once, each with file, line, column, key, and the nearest valid name.

- **Order**: flags (` + "`--set loader.workers=8`" + `) win over the environment, over the file, over the default. ` + "`inventoryd config show`" + ` tells what is in
  force and where it comes from; secrets are masked.
- **Environment**: the variable in the first column. Lists are separated by commas; maps can be set in the file only.
- **Durations** have a unit: ` + "`500ms`, `30s`, `5m`, `1h30m`" + `. **Sizes** too: ` + "`512KiB`, `64MiB`, `1GiB`" + `.
- **Reload** (SIGHUP, ` + "`systemctl reload inventoryd`" + `): a key changes *now*, for the next *object*, or at a *restart*, as its row says. What needs a
  restart is named in the log. An invalid file leaves everything as it was, and the log says why.
- **Check** a file before it is used: ` + "`inventoryd config validate FILE`" + `. In an editor: ` + "`inventoryd config schema`" + ` prints the JSON Schema
  ([docs/config.schema.json](config.schema.json)); with the YAML language server, begin the file with ` + "`# yaml-language-server: $schema=…`" + `.
- **Credentials** for AWS come from the SDK's usual chain only (instance role by IMDSv2, environment, shared files), never from this file.
`

// generated returns the files by their paths from the top of the repository, which is at top.
func generated(top string) (map[string][]byte, error) {
	c := defaults()
	docs, err := config.ReadComments(&c, func(pkg string) string {
		return filepath.Join(top, strings.TrimPrefix(pkg, "inventoryd/"))
	})
	if err != nil {
		return nil, err
	}
	embedded, err := json.MarshalIndent(docs, "", "  ")
	if err != nil {
		return nil, err
	}
	schema, err := schemaOf(docs)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"cmd/inventoryd/comments.json": append(embedded, '\n'),
		"config.example.yaml":          config.Example(&c, docs, exampleHead),
		"docs/configuration.md":        append([]byte(documentHead), config.Document(&c, docs)...),
		"docs/config.schema.json":      schema,
	}, nil
}
