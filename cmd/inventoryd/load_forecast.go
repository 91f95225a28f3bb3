package main

// A dry run: the outcome of a load foretold, and where it would not load, which settings would make it.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/aws/aws-sdk-go-v2/aws"

	"inventoryd/internal/inventory"
	"inventoryd/loader"
	"inventoryd/notifier"
)

// reach makes the clients of a load. A dry run of what is no object of S3's goes without them where there is no account, and alone
// says why.
func reach(ctx context.Context, c AWS, dry bool, args []string) (all clients, alone, err error) {
	all, err = connect(ctx, c)
	if !dry || slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "s3://") }) {
		return all, nil, err
	}
	if err != nil {
		return newClients(aws.Config{}, c), err, nil
	}
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	creds := all.Tables.Options().Credentials
	if creds == nil {
		return all, errors.New("there are no credentials"), nil
	}
	if _, err := creds.Retrieve(asking); err != nil {
		return all, fmt.Errorf("there are no credentials: %w", err), nil
	}
	return all, nil, nil
}

// foretold counts the items that a load would take across their thresholds.
type foretold struct {
	rules     notifier.Rules
	out, back int
}

func (f *foretold) changed(before, after *inventory.Item) {
	out, back := f.rules.Foretell(before, after)
	switch {
	case out:
		f.out++
	case back:
		f.back++
	}
}

// foretelling is what a load by hand asks the table for; nil: nothing.
func (j *loadJob) foretelling(alerts *foretold) *loader.Foretelling {
	if !j.dry || j.alone != nil {
		return nil
	}
	return &loader.Foretelling{Threshold: alerts.rules.ThresholdAttribute, Changed: alerts.changed}
}

// forecast is a dry run's outcome in words.
func forecast(p loader.Progress, alerts *foretold) string {
	f, b := p.Forecast, p.Books
	s := fmt.Sprintf("%d rows read, %d would change, %d are as the table has them, %d merged, %d rejected; %d items would run out", b.Read, f.Changes, b.Unchanged, b.Merged, b.Rejected, alerts.out)
	if alerts.back > 0 {
		s += fmt.Sprintf(", %d come back", alerts.back)
	}
	return s + fmt.Sprintf("; %d rows would be written: %s; asking took %.0f read units", f.Writes, price(f.Cost), f.Asking)
}

// DynamoDB's prices of a million units in us-east-1, on demand, standard table class, by the price list of 1 November 2024. Other
// regions, provisioned capacity and reserved capacity cost something else (docs/loads.md).
const (
	writeDollars = 0.625
	readDollars  = 0.125
)

// price is a cost in words.
func price(c loader.Cost) string {
	dollars := (c.WriteUnits*writeDollars + c.ReadUnits*readDollars) / 1e6
	return fmt.Sprintf("%.0f write and %.0f read units in %d requests, $%.6f on demand", c.WriteUnits, c.ReadUnits, c.Writes+c.Reads, dollars)
}

// remedies are the settings, each alone, that would load a feed that does not load.
func (j *loadJob) remedies(ctx context.Context, cfg Config, in loader.Input) (lines []string) {
	if in.Once() {
		return nil
	}
	for _, r := range alternatives(cfg.Loader) {
		r.cfg.Surroundings = loader.Surroundings{App: cfg.App, StateTable: cfg.StateTable, Table: cfg.Table}
		l, err := loader.New(j.clients.loader(), r.cfg)
		if err != nil {
			continue
		}
		p, err := l.Load(ctx, in, loader.Hand{Dry: true})
		if err != nil {
			continue
		}
		lines = append(lines, fmt.Sprintf("with %s it would load: %s", r.name, books(p.Books, true)))
	}
	if len(lines) == 0 {
		lines = []string{"no single setting would make it load"}
	}
	return lines
}

// alternative is a configuration with one key changed.
type alternative struct {
	name string
	cfg  loader.Config
}

// alternatives are what may be wrong with how a feed is read. A feed's own settings give way: they are tried as the loader's.
func alternatives(c loader.Config) (all []alternative) {
	c.Feeds, c.Rejects = nil, ""
	try := func(key, value string, set func(*loader.Config)) {
		changed := c
		set(&changed)
		all = append(all, alternative{key + ": " + value, changed})
	}
	for _, encoding := range []string{"utf-8", "windows-1252"} {
		if encoding != c.Encoding {
			try("loader.encoding", encoding, func(n *loader.Config) { n.Encoding = encoding })
		}
	}
	for _, thousands := range []string{"none", "comma", "point", "space", "apostrophe"} {
		if thousands != c.Thousands {
			try("loader.thousands", thousands, func(n *loader.Config) { n.Thousands = thousands })
		}
	}
	for _, delimiter := range []string{"auto", "comma", "semicolon", "tab", "pipe"} {
		if delimiter != c.Delimiter {
			try("loader.delimiter", delimiter, func(n *loader.Config) { n.Delimiter = delimiter })
		}
	}
	if c.Negative != "accept" {
		try("loader.negative", "accept", func(n *loader.Config) { n.Negative = "accept" })
	}
	if c.OnBadRow != "continue" {
		try("loader.on_bad_row", "continue", func(n *loader.Config) { n.OnBadRow = "continue" })
	}
	if c.MaxRejects > 0 {
		try("loader.max_rejects", "0", func(n *loader.Config) { n.MaxRejects = 0 })
	}
	if c.MaxRejectsPercent > 0 {
		try("loader.max_rejects_percent", "0", func(n *loader.Config) { n.MaxRejectsPercent = 0 })
	}
	if c.MaxWindow < 128*units.MiB {
		try("loader.max_window", "128MiB", func(n *loader.Config) { n.MaxWindow = 128 * units.MiB })
	}
	return all
}
