package config

// How values are written.

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/units"
)

// plain is the key's value as YAML and JSON can carry it: a string, bool, int64, float64, []string,
// map[string][]string or []map[string]any. Durations and sizes are strings.
func (n *node) plain() any {
	switch n.kind {
	case yesno:
		return n.value.Bool()
	case whole:
		return n.value.Int()
	case number:
		return n.value.Float()
	case list:
		return stringsOf(n.value)
	case table:
		m := map[string][]string{}
		for _, k := range n.value.MapKeys() {
			m[k.String()] = stringsOf(n.value.MapIndex(k))
		}
		return m
	case entries:
		m := make([]map[string]any, n.value.Len())
		for i, e := range n.all() {
			m[i] = e.keys()
		}
		return m
	default:
		return n.String()
	}
}

func stringsOf(v reflect.Value) []string {
	l := make([]string, v.Len())
	for i := range l {
		l[i] = v.Index(i).String()
	}
	return l
}

// String is the key's value as text that set takes (and, of a map, as a person reads it).
func (n *node) String() string {
	switch n.kind {
	case text:
		return n.value.String() // as it is, though a Secret prints masked
	case duration:
		return shortDuration(time.Duration(n.value.Int()))
	case size:
		if n.value.Int() == 0 {
			return "0"
		}
		return units.Base2Bytes(n.value.Int()).String()
	case list:
		return strings.Join(stringsOf(n.value), ",")
	case table:
		m := n.plain().(map[string][]string)
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, k+": ["+strings.Join(m[k], ", ")+"]")
		}
		return strings.Join(parts, ", ")
	case entries:
		return n.yaml()
	case custom:
		if m, ok := n.value.Interface().(encoding.TextMarshaler); ok {
			if b, err := m.MarshalText(); err == nil {
				return string(b)
			}
		}
	}
	return fmt.Sprint(n.value.Interface())
}

// shortDuration writes 2m0s as 2m and 1h0m0s as 1h.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
