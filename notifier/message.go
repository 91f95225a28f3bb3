package notifier

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"inventoryd/internal/config"
)

// Event is what an alert tells.
type Event string

// The events.
const (
	OutOfStock Event = "out_of_stock"
	Restocked  Event = "restocked"
)

// Alert is what subscribers are told of one item; the templates see its exported fields.
type Alert struct {
	Store, Item   string
	Count         int64
	PreviousCount *int64 // nil where there was none or it is unknown: {{with .PreviousCount}}…{{end}}
	Since         time.Time
	Event         Event

	id string // of the change: the same however often the alert is sent
}

// texts makes the subject and the body of messages.
type texts struct {
	subject, body *template.Template
	json          bool
}

// samples are what templates are tried on before the start.
var samples = func() []*Alert {
	five, none := int64(5), int64(0)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return []*Alert{
		{Store: "Berlin", Item: "Echo Dot", Count: 0, PreviousCount: &five, Since: at, Event: OutOfStock},
		{Store: "Berlin", Item: "Echo Dot", Count: 0, Since: at, Event: OutOfStock},
		{Store: "Berlin", Item: "Echo Dot", Count: 5, PreviousCount: &none, Since: at, Event: Restocked},
	}
}()

// compile parses the templates and tries them; its error joins a *config.Problem for each that is wrong.
func compile(t Text) (*texts, error) {
	subject, err := compileOne("subject", t.Subject)
	body, err2 := compileOne("message", t.Message)
	var err3 error
	if t.Format != FormatText && t.Format != FormatJSON {
		err3 = config.Problemf("format", "is %q; it must be %s or %s", t.Format, FormatText, FormatJSON)
	}
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	return &texts{subject, body, t.Format == FormatJSON}, nil
}

func compileOne(key, text string) (*template.Template, error) {
	t, err := template.New(key).Parse(text)
	if err != nil {
		return nil, config.Problemf(key, "is no template: %w", err)
	}
	for _, sample := range samples {
		out, err := execute(t, sample)
		if err != nil {
			return nil, config.Problemf(key, "does not work for a sample alert (fields: Store, Item, Count, PreviousCount, Since, Event): %s", strings.ReplaceAll(err.Error(), " in type *notifier.Alert", ""))
		}
		if strings.TrimSpace(out) == "" {
			return nil, config.Problemf(key, "is empty for a sample alert (event %s), which SNS refuses", sample.Event)
		}
	}
	return t, nil
}

func execute(t *template.Template, a *Alert) (string, error) {
	var b bytes.Buffer
	err := t.Execute(&b, a)
	return b.String(), err
}

// tellApart reports whether a reader can tell that an item ran out from that it came back.
func (t *texts) tellApart() bool {
	if t.json {
		return true
	}
	out, back := *samples[0], *samples[0]
	back.Event = Restocked
	subject1, body1, _ := t.write(&out)
	subject2, body2, _ := t.write(&back)
	return subject1 != subject2 || body1 != body2
}

// write makes the subject, which may be empty, and the body of an alert. Where a template that passed at the start
// fails for this very alert, it is told in plain words all the same, and the error says why.
func (t *texts) write(a *Alert) (subject, body string, err error) {
	subject, err = execute(t.subject, a)
	if err != nil {
		subject = "Inventory Alert!"
	}
	if t.json {
		return mendSubject(subject), document(a), err
	}
	body, err2 := execute(t.body, a)
	if err2 != nil || strings.TrimSpace(body) == "" {
		body = plainWords(a)
		err2 = cmp.Or(err2, errors.New("template message is blank for this alert"))
	}
	return mendSubject(subject), body, errors.Join(err, err2)
}

func plainWords(a *Alert) string {
	if a.Event == Restocked {
		return a.Store + " has " + a.Item + " in stock again"
	}
	return a.Store + " is out of stock of " + a.Item
}

// maxSubject is the longest subject in characters ("less than 100 characters long", SNS API reference, Publish). The
// reference does not say what it counts: letters beyond the Basic Multilingual Plane are taken for two, as in UTF-16.
const maxSubject = 99

// mendSubject makes a subject that SNS takes: no line breaks, no control characters, fewer than 100 characters.
func mendSubject(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	const mark = "..."
	s = strings.TrimSpace(s)
	short, length := 0, 0 // the bytes to keep where s is too long, the characters so far
	for i, r := range s {
		if length += utf16.RuneLen(r); length > maxSubject {
			return strings.TrimSpace(s[:short]) + mark
		}
		if length <= maxSubject-len(mark) {
			short = i + utf8.RuneLen(r)
		}
	}
	return s
}

// document is the body in format json, described in docs/alerts.md. Fields may be added to a version; one that
// changes its meaning, or goes, makes a new version.
func document(a *Alert) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Version       int       `json:"version"`
		Event         Event     `json:"event"`
		Store         string    `json:"store"`
		Item          string    `json:"item"`
		Count         int64     `json:"count"`
		PreviousCount *int64    `json:"previous_count"`
		Since         time.Time `json:"since"`
		ID            string    `json:"id"`
	}{1, a.Event, a.Store, a.Item, a.Count, a.PreviousCount, a.Since, a.id})
	if err != nil { // strings, numbers and a time of this era can be encoded
		panic(fmt.Sprintf("encode an alert: %v", err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// attributes are what subscribers filter by. A value that an attribute cannot hold is left out.
func attributes(a *Alert) map[string]types.MessageAttributeValue {
	m := make(map[string]types.MessageAttributeValue, 4)
	m["event"] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(string(a.Event))}
	m["count"] = types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: aws.String(strconv.FormatInt(a.Count, 10))}
	for name, value := range map[string]string{"store": a.Store, "item": a.Item} {
		if holdable(value) {
			m[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	return m
}

// holdable reports whether a message attribute can hold the string: not empty, and of XML's characters only (SQS API
// reference, SendMessage: an SQS subscription takes no others).
func holdable(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF'
	}) < 0
}
