package main

// The configuration: the tree of all settings and what holds where nothing is said.

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"time"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
	"inventoryd/internal/logs"
	"inventoryd/internal/telemetry"
	"inventoryd/internal/web"
	"inventoryd/loader"
	"inventoryd/notifier"
	"inventoryd/stream"
)

// Config is the whole tree. A component's settings live with the component; here they are gathered.
type Config struct {
	Top `yaml:",inline"`
	// AWS: region and endpoints. Credentials come from the SDK's usual chain only (instance role, environment, shared
	// files), never from here.
	AWS AWS `yaml:"aws"`
	// The inventory's DynamoDB table.
	Table inventory.Table `yaml:"table"`
	// Logs, on standard output.
	Log logs.Config `yaml:"log"`
	// The server of health, metrics, status and the page.
	HTTP web.Config `yaml:"http"`
	// Metrics.
	Metrics telemetry.Config `yaml:"metrics"`
	// The loader: events of the bucket from a queue, feeds from the bucket, rows into the table.
	Loader loader.Config `yaml:"loader"`
	// The reader of the table's stream.
	Stream stream.Config `yaml:"stream"`
	// The notifier: alerts when an item is out of stock.
	Notifier notifier.Config `yaml:"notifier"`
}

// Top is the keys that stand alone.
type Top struct {
	// Name of this application: part of every key in the state and lease tables and the CloudWatch dimension Service.
	// 1 to 64 of a-z, A-Z, 0-9, - and _.
	App string `yaml:"app" reload:"restart"`
	// Name of the DynamoDB table that remembers which alerts were told and which messages failed for good; made at the
	// start where permitted.
	StateTable string `yaml:"state_table" reload:"restart"`
	// Longest time that a stop may take, 15 s to 10 min: its last 10 s are for farewells, what is before for what is
	// in flight.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" reload:"restart"`
}

// AWS is the section `aws`.
type AWS struct {
	// AWS region; empty: as the SDK finds it (AWS_REGION, shared configuration, instance metadata).
	Region string `yaml:"region" reload:"restart"`
	// URL of one endpoint for all services, say of a stand-in; empty: the region's.
	Endpoint string `yaml:"endpoint" reload:"restart"`
	// Endpoints for single services, over aws.endpoint; empty: as aws.endpoint says.
	Endpoints Endpoints `yaml:"endpoints"`
}

// Endpoints is the group `aws.endpoints`.
type Endpoints struct {
	// URL for S3 (addressed path style).
	S3 string `yaml:"s3" reload:"restart"`
	// URL for SQS.
	SQS string `yaml:"sqs" reload:"restart"`
	// URL for SNS.
	SNS string `yaml:"sns" reload:"restart"`
	// URL for DynamoDB.
	DynamoDB string `yaml:"dynamodb" reload:"restart"`
	// URL for DynamoDB Streams.
	Streams string `yaml:"streams" reload:"restart"`
	// URL for CloudWatch.
	CloudWatch string `yaml:"cloudwatch" reload:"restart"`
}

// defaults is the configuration of an empty file.
func defaults() Config {
	return Config{
		Top:      Top{App: "inventoryd", StateTable: "inventoryd-state", ShutdownTimeout: 30 * time.Second},
		Table:    inventory.DefaultTable,
		Log:      logs.DefaultConfig(),
		HTTP:     web.DefaultConfig(),
		Metrics:  telemetry.DefaultConfig(),
		Loader:   loader.DefaultConfig(),
		Stream:   stream.DefaultConfig(),
		Notifier: notifier.DefaultConfig(),
	}
}

// Validate tells what cannot work between the sections and in the table, which has no opinion of its own.
func (c Config) Validate() error {
	var errs []error
	if !tableName(c.Table.Name) {
		errs = append(errs, config.Problemf("table.name", notTableName, c.Table.Name))
	}
	if !tableName(c.Stream.LeaseTable) && c.Stream.LeaseTable != "" {
		errs = append(errs, config.Problemf("stream.lease_table", notTableName, c.Stream.LeaseTable))
	}
	switch lease := c.Stream.LeaseTable; {
	case c.StateTable == c.Table.Name:
		errs = append(errs, config.Problemf("state_table", "is the inventory's table: it must be another one"))
	case lease == c.StateTable && lease == stream.DefaultConfig().LeaseTable:
		errs = append(errs, config.Problemf("state_table", "is the lease table: it must be another one"))
	case lease == c.Table.Name || lease == c.StateTable:
		errs = append(errs, config.Problemf("stream.lease_table", "is the inventory's or the state table: it must be another one"))
	}
	if c.Notifier.ThresholdAttribute != "" && c.Loader.Attributes != "keep" {
		errs = append(errs, config.Problemf("notifier.threshold_attribute",
			"needs loader.attributes: keep, with loader.mode: delta: a put loses what an item has beside its count"))
	}
	seen := map[string]string{}
	for _, a := range []struct{ key, name string }{{"table.store", c.Table.Store}, {"table.item", c.Table.Item}, {"table.count", c.Table.Count}} {
		switch other, twice := seen[a.name]; {
		case a.name == "" || len(a.name) > 255:
			errs = append(errs, config.Problemf(a.key, "must have 1 to 255 bytes"))
		case twice:
			errs = append(errs, config.Problemf(a.key, "%q is the name of %s too", a.name, other))
		}
		seen[a.name] = a.key
	}
	return errors.Join(errs...)
}

// Validate tells what cannot work in the keys that stand alone.
func (t Top) Validate() error {
	var errs []error
	if !plainName(t.App, 64) {
		errs = append(errs, config.Problemf("app", "%q must be 1 to 64 of a-z, A-Z, 0-9, - and _", t.App))
	}
	if !tableName(t.StateTable) {
		errs = append(errs, config.Problemf("state_table", notTableName, t.StateTable))
	}
	if d := t.ShutdownTimeout; d < farewells+5*time.Second || d > 10*time.Minute {
		errs = append(errs, config.Problemf("shutdown_timeout", "must be between 15s and 10m, not %s", d))
	}
	return errors.Join(errs...)
}

// Validate tells which endpoint is no URL.
func (a AWS) Validate() error {
	return checkURL("endpoint", a.Endpoint)
}

// Validate tells which endpoint is no URL.
func (e Endpoints) Validate() error {
	v := reflect.ValueOf(e)
	var errs []error
	for i := range v.NumField() {
		errs = append(errs, checkURL(v.Type().Field(i).Tag.Get("yaml"), v.Field(i).String()))
	}
	return errors.Join(errs...)
}

func checkURL(key, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return config.Problemf(key, "is no URL such as https://host:port")
	}
	if u.User != nil {
		return config.Problemf(key, "must not hold credentials")
	}
	return nil
}

// plainName tells whether s is 1 to n letters, digits, hyphens and underscores.
func plainName(s string, n int) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return s != "" && len(s) <= n
}

const notTableName = "%q is no name of a DynamoDB table (3 to 255 of a-z, A-Z, 0-9, -, _ and .)"

// tableName tells whether DynamoDB takes s as a table's name ("Naming rules in DynamoDB").
func tableName(s string) bool {
	return len(s) >= 3 && plainName(strings.ReplaceAll(s, ".", "-"), 255)
}
