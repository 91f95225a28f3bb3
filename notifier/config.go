package notifier

import (
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
)

// Config is the part `notifier` of the configuration.
type Config struct {
	// The SNS topic: its ARN, or its name in this account and region (found by exact match, whatever the case).
	Topic string `yaml:"topic" reload:"restart"`
	// false does everything but publish: for running beside another notifier before cutting over.
	Send bool `yaml:"send" reload:"now"`
	// Batches of at most 10 messages that are published at once, 1 to 64. A crash repeats at most 10 times as many
	// alerts.
	InFlight int `yaml:"in_flight" reload:"restart"`
	Rules    `yaml:",inline"`
	Text     `yaml:",inline"`

	Surroundings `yaml:"-"`
	wall         func() time.Time // nil: time.Now; tests set an instance's clock apart
}

// Rules say when subscribers are told.
type Rules struct {
	// An item is out of stock when its count is at or below this.
	Threshold int64 `yaml:"threshold" reload:"now"`
	// true also tells when an item is in stock again.
	Restocked bool `yaml:"restocked" reload:"now"`
	// No second out-of-stock alert for the same item within this time of the first, by the times of the changes; it is
	// dropped, not delayed. 0s: none is dropped.
	Cooldown time.Duration `yaml:"cooldown" reload:"now"`
	// For changes older than this the present count is read, and an alert that no longer holds is not sent.
	VerifyAfter time.Duration `yaml:"verify_after" reload:"now"`
}

// Text says what subscribers read. The templates are Go's text/template over Alert.
type Text struct {
	// Template of a message's subject (what mail shows); fields as in message. Line breaks and control characters
	// become blanks, and SNS takes 99 characters at most: the rest is cut.
	Subject string `yaml:"subject" reload:"now"`
	// Template of a message's body (format text): {{.Store}}, {{.Item}}, {{.Count}}, {{.PreviousCount}} (none where
	// there was none or it is unknown), {{.Since}}, {{.Event}} (out_of_stock or restocked).
	Message string `yaml:"message" reload:"now"`
	// text: the body is made by message; json: it is a document for machines (docs/alerts.md).
	Format string `yaml:"format" reload:"now" enum:"text|json"`
}

// Surroundings is what the daemon gives a Notifier besides its configuration.
type Surroundings struct {
	Logger *zap.Logger  // nil: none
	Meter  metric.Meter // nil: none
	// Loop registers a loop that ticks while it turns; nil: nobody looks.
	Loop       func(name string) (tick, done func())
	App        string // whose rows are ours
	StateTable string
	Table      inventory.Table
}

// The formats of a message's body.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// DefaultConfig is the configuration where the file says nothing.
func DefaultConfig() Config {
	return Config{
		Topic:    "NoStock",
		Send:     true,
		InFlight: 4,
		Rules:    Rules{VerifyAfter: 5 * time.Minute},
		Text: Text{
			Subject: "Inventory Alert!",
			Message: `{{if eq .Event "restocked"}}{{.Store}} has {{.Item}} in stock again{{else}}{{.Store}} is out of stock of {{.Item}}{{end}}`,
			Format:  FormatText,
		},
	}
}

// Validate reports everything that is wrong, each as a *config.Problem; templates are tried on a sample.
func (c Config) Validate() error {
	var problems []error
	add := func(wrong bool, key, format string, args ...any) {
		if wrong {
			problems = append(problems, config.Problemf(key, format, args...))
		}
	}
	add(c.Topic == "", "topic", "is empty; give the topic's ARN or name")
	add(c.InFlight < 1 || c.InFlight > 64, "in_flight", "is %d; it must be 1 to 64", c.InFlight)
	add(c.Cooldown < 0, "cooldown", "is %s; it must not be negative", c.Cooldown)
	add(c.VerifyAfter < 0, "verify_after", "is %s; it must not be negative", c.VerifyAfter)
	const longest = 64 << 10 // of a template; SNS takes no message beyond 256 KiB
	add(len(c.Subject) > longest, "subject", "has %d bytes; at most %d make sense", len(c.Subject), longest)
	add(len(c.Message) > longest, "message", "has %d bytes; at most %d make sense", len(c.Message), longest)
	texts, err := compile(c.Text)
	problems = append(problems, err)
	if err == nil && c.Restocked {
		add(!texts.tellApart(), "message", "reads the same for out_of_stock and restocked while notifier.restocked is true; let it depend on {{.Event}}")
	}
	return errors.Join(problems...)
}
