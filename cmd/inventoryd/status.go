package main

// The JSON of /status in one style: a duration is a number of seconds, and its key says so.

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// inSeconds is v for JSON with each duration in it as seconds: a field `took` becomes `took_seconds`.
func inSeconds(v any) any { return plain(reflect.ValueOf(v)) }

var (
	durationType  = reflect.TypeFor[time.Duration]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
)

func plain(v reflect.Value) any {
	switch {
	case !v.IsValid():
		return nil
	case v.Type() == durationType:
		return time.Duration(v.Int()).Seconds()
	case v.Type().Implements(marshalerType):
		return v.Interface()
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		fields(v, out)
		return out
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = plain(v.Index(i))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range v.MapKeys() {
			out[k.String()] = plain(v.MapIndex(k))
		}
		return out
	}
	return v.Interface()
}

// fields puts a struct's fields into out, as encoding/json names them.
func fields(v reflect.Value, out map[string]any) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && v.Field(i).Kind() == reflect.Struct:
			fields(v.Field(i), out)
			continue
		case !f.IsExported() || name == "-" || strings.Contains(options, "omitempty") && v.Field(i).IsZero() ||
			strings.Contains(options, "omitzero") && v.Field(i).IsZero():
			continue
		case name == "":
			name = f.Name
		}
		if f.Type == durationType {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "_ns"), "_seconds") + "_seconds"
		}
		out[name] = plain(v.Field(i))
	}
}
