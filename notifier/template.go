package notifier

// Templates whose output and work are bounded: whoever writes one must not be able to stop the teller with it.

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"

	"inventoryd/internal/config"
)

const (
	// maxOutput is the most that a template may make: more than any message holds.
	maxOutput = 512 << 10
	// maxWork bounds what a template does without writing: each turn of a range, each call of another template and each text
	// that a function makes counts, about as much as it costs. All of it takes some tenths of a second.
	maxWork    = 4 << 20
	turnsWork  = 128 // of one turn
	stepFunc   = "_step"
	rangeWords = "range over the items"
)

var (
	errTooLong = errors.New("the template makes too much")
	errTooMuch = errors.New("the template takes too long: " + rangeWords)
)

// text is a template. It is safe for concurrent use; one execution at a time takes place.
type text struct {
	template *template.Template

	mu   sync.Mutex // held over an execution; guards work
	work int
}

// parseText parses a template and puts the count of its work into it.
func parseText(name, source string) (*text, error) {
	t := &text{}
	t.template = template.New(name).Option("missingkey=zero").Funcs(t.functions())
	if _, err := t.template.Parse(source); err != nil {
		return nil, err
	}
	step := template.Must(template.New("").Funcs(t.functions()).Parse("{{" + stepFunc + "}}")).Root.Nodes[0]
	for _, one := range t.template.Templates() {
		if one.Tree != nil && one.Root != nil {
			countIn(one.Root, step)
			one.Root.Nodes = append([]parse.Node{step.Copy()}, one.Root.Nodes...)
		}
	}
	return t, nil
}

// countIn puts a step into each range of a list.
func countIn(list *parse.ListNode, step parse.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.RangeNode:
			countIn(n.List, step)
			countIn(n.ElseList, step)
			n.List.Nodes = append([]parse.Node{step.Copy()}, n.List.Nodes...)
		case *parse.IfNode:
			countIn(n.List, step)
			countIn(n.ElseList, step)
		case *parse.WithNode:
			countIn(n.List, step)
			countIn(n.ElseList, step)
		}
	}
}

// functions are those of templates that make text, counted, and the step.
func (t *text) functions() template.FuncMap {
	made := func(s string) (string, error) { return s, t.spend(len(s)) }
	return template.FuncMap{
		stepFunc:   func() (string, error) { return "", t.spend(turnsWork) },
		"print":    func(args ...any) (string, error) { return made(fmt.Sprint(args...)) },
		"println":  func(args ...any) (string, error) { return made(fmt.Sprintln(args...)) },
		"printf":   func(format string, args ...any) (string, error) { return made(fmt.Sprintf(format, args...)) },
		"html":     func(args ...any) (string, error) { return made(template.HTMLEscaper(args...)) },
		"js":       func(args ...any) (string, error) { return made(template.JSEscaper(args...)) },
		"urlquery": func(args ...any) (string, error) { return made(template.URLQueryEscaper(args...)) },
	}
}

func (t *text) spend(work int) error {
	if t.work += work; t.work > maxWork {
		return errTooMuch
	}
	if work > maxOutput {
		return errTooLong
	}
	return nil
}

// bounded is a buffer that ends what fills it without end.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

// execute makes the text.
func (t *text) execute(data any) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.work = 0
	var b bounded
	err := t.template.Execute(&b, data)
	return b.String(), err
}

// compileOne parses a template and tries it on samples.
func compileOne(key, source, fields string, samples []any) (*text, error) {
	t, err := parseText(key, source)
	if err != nil {
		return nil, config.Problemf(key, "is no template: %w", err)
	}
	for _, sample := range samples {
		out, err := t.execute(sample)
		if errors.Is(err, errTooLong) {
			return nil, config.Problemf(key, "makes more than %d bytes of a sample alert, which SNS refuses", maxOutput)
		}
		if errors.Is(err, errTooMuch) {
			return nil, config.Problemf(key, "takes too long for a sample alert: %s, not over a number", rangeWords)
		}
		if err != nil {
			said := strings.NewReplacer(" in type *notifier.Alert", "", " in type *notifier.Group", "").Replace(err.Error())
			return nil, config.Problemf(key, "does not work for a sample alert (%s): %s", fields, said)
		}
		if strings.TrimSpace(out) == "" {
			return nil, config.Problemf(key, "is empty for a sample alert (event %s), which SNS refuses", eventOf(sample))
		}
	}
	return t, nil
}
