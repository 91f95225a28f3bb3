package main

// Where the configuration comes from: at the start, and again on SIGHUP.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"inventoryd/internal/config"
)

// defaultPath is the file that is read where none is named; it need not exist.
const defaultPath = "/etc/inventoryd/config.yaml"

// origin is what a configuration is made of: flags win over environment, over file, over default.
type origin struct {
	path    string   // of the file; empty: defaultPath, if it exists
	environ []string // as os.Environ has it
	flags   []string // key=value
}

// load reads and checks the configuration.
func (o origin) load() (Config, config.Sources, error) {
	c, sources, err := o.read()
	if err != nil {
		return Config{}, nil, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	return c, sources, nil
}

// read is load with the bare list of all that is wrong.
func (o origin) read() (Config, config.Sources, error) {
	path := o.path
	if path == "" && !absent(defaultPath) {
		path = defaultPath
	}
	c := defaults()
	sources, err := config.Load(path, &c, o.environ, o.flags...)
	return c, sources, err
}

// absent tells whether there is no such file; one that cannot be looked at is there.
func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// reload reads the configuration again and compares it with the one in force. next is the one to be in force from now
// on: what can change without a restart is new, the rest as it was. With an error, which says what is wrong, nothing
// is to change.
func (o origin) reload(current Config) (next Config, changes []config.Change, err error) {
	fresh, _, err := o.read()
	if err != nil {
		return current, nil, err
	}
	next = current
	changes = config.Merge(&next, &fresh)
	if err := config.Check(&next); err != nil {
		return current, nil, fmt.Errorf("valid only after a restart, since some keys keep their values until then: %w", err)
	}
	return next, changes, nil
}
