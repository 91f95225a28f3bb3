package notifier

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
)

// Config is the part `notifier` of the configuration.
type Config struct {
	// The SNS topic: its ARN, of any region, or its name in this account and region (found by exact match, whatever the
	// case).
	Topic string `yaml:"topic" reload:"restart"`
	// false does everything but publish: for running beside another notifier before cutting over.
	Send bool `yaml:"send" reload:"now"`
	// Rows of items that are written at once, 1 to 256.
	InFlight int `yaml:"in_flight" reload:"restart"`
	// true compares the whole table with what was told, once, the first time that a notifier starts with it: what is out
	// of stock already is told.
	ScanAtStart bool `yaml:"scan_at_start" reload:"restart"`
	Rules       `yaml:",inline"`
	Pace        `yaml:",inline"`
	Text        `yaml:",inline"`

	Surroundings `yaml:"-"`
	jitter       func(time.Duration) time.Duration // a part of a wait; nil: at random. Tests have a source of their own
}

// Rules say when subscribers are told.
type Rules struct {
	// An item is out of stock when its count is at or below this. When it changes, the whole table is compared with what
	// was told.
	Threshold int64 `yaml:"threshold" reload:"now"`
	// Name of an attribute (a number) of the table's items that holds a threshold of their own; items without it have
	// notifier.threshold. Empty: none has.
	ThresholdAttribute string `yaml:"threshold_attribute" reload:"restart"`
	// true also tells when an item that was told to be out of stock is in stock again.
	Restocked bool `yaml:"restocked" reload:"now"`
	// A repeated alert for the same item is delayed until this time is over since the last one, and told then if it
	// still holds. 0s: none is.
	Cooldown time.Duration `yaml:"cooldown" reload:"now"`
	// What is still out of stock is told again every such time, at least 1m. 0s: never.
	Remind time.Duration `yaml:"remind" reload:"now"`
}

// Pace says how many messages there are.
type Pace struct {
	// Messages a second at most, 0.1 to 1000, with a burst of 5. AWS deactivates a mail subscription that gets more than
	// 10 a second; a topic without any can take more.
	Rate float64 `yaml:"rate" reload:"now"`
	// How long the first item of a store that is out of stock waits for others, to be told in one message, up to 1h.
	GroupWait time.Duration `yaml:"group_wait" reload:"now"`
	// How long a store rests after a message, so that what follows is told in one message too, up to 24h.
	GroupInterval time.Duration `yaml:"group_interval" reload:"now"`
	// Items of one message at most; 1 makes a message of each, for machines, and a store does not rest then. 0: all that
	// are due.
	GroupItems int `yaml:"group_items" reload:"now"`
}

// Text says what subscribers read. The templates are Go's text/template over Alert and Group.
type Text struct {
	// Template of a message's subject (what mail shows); fields as in message, of a group .Item reads like 12 items.
	// Line breaks and control characters become blanks, and SNS takes 99 characters at most: the rest is cut.
	Subject string `yaml:"subject" reload:"now"`
	// Template of what is said of one item (format text): {{.Store}}, {{.Item}}, {{.Count}}, {{.PreviousCount}} (none
	// where there was none or it is unknown), {{.Threshold}}, {{.Since}}, {{.Event}} (out_of_stock, low_stock, restocked
	// or reminder), {{.Attributes.NAME}} (the item's other attributes).
	Message string `yaml:"message" reload:"now"`
	// Template of the body for several items of a store: {{.Store}}, {{.Event}}, {{.Items}} (each with the fields above,
	// and {{.Line}}, which is what message makes of it), {{.Part}} and {{.Parts}}.
	GroupMessage string `yaml:"group_message" reload:"now"`
	// text: the body is made by the templates; json: it is a document for machines (docs/alerts.md).
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
	// Lead calls f whenever this instance is the one that tells, with a context that is good as long as it is, until ctx
	// ends or f returns before its context has ended: f's error. nil: there is no other instance.
	Lead func(ctx context.Context, f func(context.Context) error) error
	// Others reports whether other instances handle changes too, which the teller finds in the index. nil: none does.
	Others func() bool
	// Yield asks another instance to tell; called where publishing has failed for two minutes. nil: there is none.
	Yield func(context.Context) error
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
		InFlight: 16,
		Pace:     Pace{Rate: 5, GroupWait: time.Second, GroupInterval: 30 * time.Second},
		Text: Text{
			Subject: "Inventory Alert!",
			Message: `{{if eq .Event "restocked"}}{{.Store}} has {{.Item}} in stock again{{else}}{{.Store}} is {{if eq .Event "reminder"}}still {{end}}` +
				`{{if gt .Threshold 0}}low on{{else}}out of stock of{{end}} {{.Item}}{{end}}`,
			GroupMessage: `{{if gt .Parts 1}}(part {{.Part}} of {{.Parts}}){{"\n"}}{{end}}{{range .Items}}{{.Line}}{{"\n"}}{{end}}`,
			Format:       FormatText,
		},
	}
}

// Validate reports everything that is wrong, each as a *config.Problem; templates are tried on samples.
func (c Config) Validate() error {
	var problems []error
	add := func(wrong bool, key, format string, args ...any) {
		if wrong {
			problems = append(problems, config.Problemf(key, format, args...))
		}
	}
	add(c.Topic == "", "topic", "is empty; give the topic's ARN or name")
	if strings.Contains(c.Topic, ":") {
		a, err := arn.Parse(c.Topic)
		add(err != nil || a.Service != "sns" || a.Resource == "" || a.Region == "", "topic", "%q is no ARN of a topic (arn:aws:sns:<region>:<account>:<name>)", c.Topic)
	}
	add(c.InFlight < 1 || c.InFlight > 256, "in_flight", "is %d; it must be 1 to 256", c.InFlight)
	add(c.Cooldown < 0, "cooldown", "is %s; it must not be negative", c.Cooldown)
	add(c.Remind != 0 && c.Remind < time.Minute, "remind", "is %s; it must be 0s or at least 1m", c.Remind)
	add(!(c.Rate >= 0.1 && c.Rate <= 1000), "rate", "is %v; it must be 0.1 to 1000", c.Rate)
	add(c.GroupWait < 0 || c.GroupWait > time.Hour, "group_wait", "is %s; it must be 0s to 1h", c.GroupWait)
	add(c.GroupInterval < 0 || c.GroupInterval > 24*time.Hour, "group_interval", "is %s; it must be 0s to 24h", c.GroupInterval)
	add(c.GroupItems < 0, "group_items", "is %d; it must not be negative", c.GroupItems)
	const longest = 64 << 10 // of a template; SNS takes no message beyond 256 KiB
	add(len(c.Subject) > longest, "subject", "has %d bytes; at most %d make sense", len(c.Subject), longest)
	add(len(c.Message) > longest, "message", "has %d bytes; at most %d make sense", len(c.Message), longest)
	add(len(c.GroupMessage) > longest, "group_message", "has %d bytes; at most %d make sense", len(c.GroupMessage), longest)
	texts, err := compile(c.Text)
	problems = append(problems, err)
	if err == nil && c.Restocked {
		add(!texts.tellApart(), "message", "reads the same for out_of_stock and restocked while notifier.restocked is true; let it depend on {{.Event}}")
	}
	return errors.Join(problems...)
}
