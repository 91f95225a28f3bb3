package config

// The kinds of values, and how they are read from text.

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"
)

// kind is what a key's value is, in the words of the messages and of the documentation.
type kind string

const (
	section  kind = "section"
	text     kind = "text"
	yesno    kind = "true or false"
	whole    kind = "whole number"
	number   kind = "number"
	duration kind = "duration"
	size     kind = "size"
	list     kind = "list"
	table    kind = "map of lists"
	entries  kind = "list of sections"
	custom   kind = "value" // a type with UnmarshalText
)

var (
	durationType    = reflect.TypeFor[time.Duration]()
	sizeType        = reflect.TypeFor[units.Base2Bytes]()
	secretType      = reflect.TypeFor[Secret]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	sizePattern     = regexp.MustCompile(`^([0-9]+([KMGT]i)?B)+$`)
)

// kindOf panics for a type that cannot stand in a configuration.
func kindOf(t reflect.Type) kind {
	switch {
	case t == durationType:
		return duration
	case t == sizeType:
		return size
	case reflect.PointerTo(t).Implements(unmarshalerType):
		return custom
	}
	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Bool:
		return yesno
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return whole
	case reflect.Float32, reflect.Float64:
		return number
	case reflect.Struct:
		return section
	case reflect.Slice:
		switch t.Elem().Kind() {
		case reflect.String:
			return list
		case reflect.Struct:
			return entries
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.Slice && t.Elem().Elem().Kind() == reflect.String {
			return table
		}
	}
	panic(fmt.Sprintf("config: no key can have the type %s", t))
}

// set gives the key the value that s says. The error says what is wrong with s.
func (n *node) set(s string) error {
	if n.enum != nil && !slices.Contains(n.enum, s) {
		wrong := fmt.Sprintf("%q is none of %s", s, strings.Join(n.enum, ", "))
		if best := near(s, n.enum); best != "" {
			wrong += meant(best)
		}
		return errors.New(wrong)
	}
	switch n.kind {
	case text:
		n.value.SetString(s)
	case yesno:
		if s != "true" && s != "false" {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		n.value.SetBool(s == "true")
	case whole:
		return n.setWhole(s)
	case number:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%q is no number", s)
		}
		n.value.SetFloat(f)
	case duration:
		return n.setDuration(s)
	case size:
		return n.setSize(s)
	case list:
		items := split(s)
		if slices.Contains(items, "") {
			return fmt.Errorf("an empty text in the list %q", s)
		}
		n.setList(items)
	case table:
		return fmt.Errorf("a map can be set in the file only")
	case entries:
		return fmt.Errorf("a list of sections can be set in the file only")
	case custom:
		return n.value.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
	}
	return nil
}

func (n *node) setWhole(s string) error {
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(i, 10) != s { // `010`, `+1`, `1_000` mean different things to different readers
		return fmt.Errorf("%q is no whole number in plain digits", s)
	}
	if n.value.OverflowInt(i) {
		return fmt.Errorf("%s is too large", s)
	}
	n.value.SetInt(i)
	return nil
}

func (n *node) setDuration(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		if _, e := strconv.ParseFloat(s, 64); e == nil {
			return fmt.Errorf("%q has no unit: write %ss for seconds (units: ms, s, m, h)", s, s)
		}
		return fmt.Errorf("%q is no duration such as 500ms, 30s, 5m or 1h30m", s)
	}
	n.value.SetInt(int64(d))
	return nil
}

func (n *node) setSize(s string) error {
	if s == "0" { // needs no unit
		n.value.SetInt(0)
		return nil
	}
	b, err := units.ParseBase2Bytes(s)
	if err != nil || b < 0 || !sizePattern.MatchString(s) { // b < 0: beyond 64 bits
		return fmt.Errorf("%q is no size such as 512KiB, 64MiB or 1GiB", s)
	}
	n.value.SetInt(int64(b))
	return nil
}

func (n *node) setList(items []string) {
	l := reflect.MakeSlice(n.value.Type(), len(items), len(items))
	for i, s := range items {
		l.Index(i).SetString(s)
	}
	n.value.Set(l)
}

func (n *node) setTable(m map[string][]string) {
	t := reflect.MakeMapWithSize(n.value.Type(), len(m))
	for k, items := range m {
		l := reflect.MakeSlice(t.Type().Elem(), len(items), len(items))
		for i, s := range items {
			l.Index(i).SetString(s)
		}
		t.SetMapIndex(reflect.ValueOf(k).Convert(t.Type().Key()), l)
	}
	n.value.Set(t)
}

// split reads a list as the environment has it: `a, b` is a list of two, the empty text a list of none.
func split(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}
