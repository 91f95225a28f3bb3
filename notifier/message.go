package notifier

// What people read: from alerts to a subject and a body.

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"inventoryd/internal/config"
)

// Event is what a message tells.
type Event string

// The events; those of feeds begin with feed_.
const (
	OutOfStock Event = "out_of_stock"
	LowStock   Event = "low_stock" // at or below a threshold above 0
	Restocked  Event = "restocked"
	Reminder   Event = "reminder"
)

// Alert is what subscribers are told of one item; the templates see its exported fields.
type Alert struct {
	Store, Item   string
	Count         int64
	PreviousCount *int64 // nil where there was none or it is unknown: {{with .PreviousCount}}…{{end}}
	Threshold     int64
	Since         time.Time
	Event         Event
	Attributes    map[string]string // the item's other attributes
	Line          string            // what `message` makes of it, for group_message

	store, name string // as they are: Store and Item are as people may read them
	id          string // of the change: the same however often the alert is sent
	position    string // where the shortage that is told began
	broken      error  // why Line is in plain words
}

// Group is several items of one store, told in one message; `group_message` sees it.
type Group struct {
	Store       string
	Event       Event
	Items       []*Alert
	Part, Parts int // from 1: a very long message comes in parts
}

// groupOf makes a group of alerts of one store and event.
func groupOf(alerts []*Alert, part, parts int) *Group {
	return &Group{alerts[0].Store, alerts[0].Event, alerts, part, parts}
}

// texts makes the subject and the body of messages.
type texts struct {
	subject, body, group *text
	json                 bool
	attributes           bool // the templates want the items' other attributes
}

// samples are what templates are tried on before the start.
var samples = func() []*Alert {
	five, none := int64(5), int64(0)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var all []*Alert
	for _, e := range []Event{OutOfStock, LowStock, Restocked, Reminder} {
		a := &Alert{Store: "Berlin", Item: "Echo Dot", PreviousCount: &five, Since: at, Event: e, Line: "Berlin is out of stock of Echo Dot", name: "Echo Dot"}
		switch e {
		case LowStock:
			a.Count, a.Threshold = 2, 3
		case Restocked:
			a.Count, a.PreviousCount = 5, &none
		case Reminder:
			a.PreviousCount = nil
		}
		all = append(all, a)
	}
	return all
}()

// compile parses the templates and tries them; its error joins a *config.Problem for each that is wrong.
func compile(t Text) (*texts, error) {
	fields := "fields: Store, Item, Count, PreviousCount, Threshold, Since, Event, Attributes.NAME"
	var alone, groups []any
	for _, s := range samples {
		alone = append(alone, s)
		groups = append(groups, groupOf([]*Alert{s, s}, 1, 1), groupOf([]*Alert{s, s}, 2, 3))
	}
	subject, err := compileOne("subject", t.Subject, fields, alone)
	body, err2 := compileOne("message", t.Message, fields, alone)
	group, err3 := compileOne("group_message", t.GroupMessage, "fields: Store, Event, Items, Part, Parts", groups)
	var err4 error
	if t.Format != FormatText && t.Format != FormatJSON {
		err4 = config.Problemf("format", "is %q; it must be %s or %s", t.Format, FormatText, FormatJSON)
	}
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return nil, err
	}
	wants := strings.Contains(t.Subject+t.Message+t.GroupMessage, ".Attributes")
	return &texts{subject, body, group, t.Format == FormatJSON, wants}, nil
}

func eventOf(sample any) Event {
	if g, ok := sample.(*Group); ok {
		return g.Event
	}
	return sample.(*Alert).Event
}

// tellApart reports whether a reader can tell that an item ran out from that it came back.
func (t *texts) tellApart() bool {
	if t.json {
		return true
	}
	out, back := *samples[0], *samples[0]
	out.Line = ""
	back.Event, back.Line = Restocked, ""
	subject1, body1, _ := t.write(groupOf([]*Alert{&out}, 1, 1))
	subject2, body2, _ := t.write(groupOf([]*Alert{&back}, 1, 1))
	return subject1 != subject2 || body1 != body2
}

// write makes the subject, which may be empty, and the body of a message. Where a template that passed at the start
// fails for these very items, they are told in plain words all the same, and the error says why.
func (t *texts) write(g *Group) (subject, body string, err error) {
	data := *g.Items[0]
	if len(g.Items) > 1 {
		data.Item = fmt.Sprintf("%d items", len(g.Items))
	}
	subject, err = t.subject.execute(&data)
	if err != nil {
		subject = "Inventory Alert!"
	}
	if t.json {
		return mendSubject(subject), document(g), err
	}
	body, err2 := t.say(g)
	return mendSubject(subject), body, errors.Join(err, err2)
}

// say makes the body in format text.
func (t *texts) say(g *Group) (string, error) {
	var errs error
	for _, a := range g.Items {
		if a.Line == "" {
			a.Line, a.broken = t.line(a)
		}
		errs = cmp.Or(errs, a.broken)
	}
	if len(g.Items) == 1 && g.Parts == 1 {
		return g.Items[0].Line, errs
	}
	body, err := t.group.execute(g)
	if errors.Is(err, errTooLong) {
		return body, errors.Join(errs, err)
	}
	if err != nil || strings.TrimSpace(body) == "" {
		errs = errors.Join(errs, cmp.Or(err, errors.New("template group_message is blank for these alerts")))
		var b strings.Builder
		for _, a := range g.Items {
			b.WriteString(a.Line + "\n")
		}
		body = b.String()
	}
	return body, errs
}

// line is what is said of one item, in plain words where the template does not work for it.
func (t *texts) line(a *Alert) (string, error) {
	line, err := t.body.execute(a)
	if err == nil && strings.TrimSpace(line) != "" {
		return cutBody(line, maxBody), nil
	}
	return plainWords(a), cmp.Or(err, errors.New("template message is blank for this alert"))
}

func plainWords(a *Alert) string {
	switch a.Event {
	case Restocked:
		return a.Store + " has " + a.Item + " in stock again"
	case Reminder:
		return a.Store + " is still out of stock of " + a.Item
	case LowStock:
		return a.Store + " is low on " + a.Item
	}
	return a.Store + " is out of stock of " + a.Item
}

// shown is a name as people may read it: characters that move the cursor, or turn the direction of what follows, stand
// there by their number.
func shown(s string) string {
	if strings.IndexFunc(s, treacherous) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if treacherous(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// treacherous are control characters, line separators, and what Unicode has to override or isolate directions.
func treacherous(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' ||
		r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// document is the body in format json, described in docs/alerts.md. Fields may be added to a version; one that
// changes its meaning, or goes, makes a new version.
func document(g *Group) string {
	type item struct {
		Item          string    `json:"item"`
		Count         int64     `json:"count"`
		PreviousCount *int64    `json:"previous_count"`
		Threshold     int64     `json:"threshold"`
		Since         time.Time `json:"since"`
		ID            string    `json:"id"`
	}
	items := make([]item, len(g.Items))
	for i, a := range g.Items {
		items[i] = item{a.name, a.Count, a.PreviousCount, a.Threshold, a.Since, a.id}
	}
	return encode(struct {
		Version int    `json:"version"`
		Event   Event  `json:"event"`
		Store   string `json:"store"`
		Part    int    `json:"part"`
		Parts   int    `json:"parts"`
		Items   []item `json:"items"`
	}{1, g.Event, g.Items[0].store, g.Part, g.Parts, items})
}

// encode writes JSON for people too: what is treacherous in a terminal by its number.
func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // strings, numbers and times of this era can be encoded
		panic(fmt.Sprintf("encode an alert: %v", err))
	}
	return shown(strings.TrimSuffix(b.String(), "\n")) // only strings hold such characters, where \u is JSON's own
}
