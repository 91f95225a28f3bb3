package config

import (
	"encoding/json"
	"maps"
)

// Schema is the JSON Schema (draft 2020-12) of the configuration that into, a pointer to a struct that holds the
// defaults, describes; for editors, and for checking a file without the daemon.
func Schema(into any, docs Comments, title string) ([]byte, error) {
	s := tree(into).schema(docs)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = title
	return json.MarshalIndent(s, "", "  ")
}

// durationPattern is what time.ParseDuration takes.
const durationPattern = `^-?(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`

// schema is the schema of one key or group.
func (n *node) schema(docs Comments) map[string]any {
	if n.kind == section {
		return n.sectionSchema(docs)
	}
	s := map[string]any{"description": docs[n.field]}
	if !n.listed {
		s["$comment"] = n.variable() + "; " + n.class.effect()
	}
	if !n.secret && !n.listed {
		s["default"] = n.plain()
	}
	if n.enum != nil {
		s["enum"] = n.enum
	}
	switch n.kind {
	case yesno:
		s["type"] = "boolean"
	case whole:
		s["type"] = "integer"
	case number:
		s["type"] = "number"
	case duration: // `0` needs no unit
		s["type"], s["pattern"] = []string{"string", "integer"}, durationPattern
		s["minimum"], s["maximum"] = 0, 0
	case size:
		s["type"], s["pattern"] = []string{"string", "integer"}, sizePattern.String()
		s["minimum"], s["maximum"] = 0, 0
	case list:
		maps.Copy(s, listSchema())
	case entries:
		s["type"], s["items"] = "array", n.sectionSchema(docs)
	case table:
		s["type"], s["additionalProperties"] = "object", listSchema()
	default:
		s["type"] = "string"
	}
	return s
}

func listSchema() map[string]any {
	return map[string]any{"type": "array", "items": map[string]any{"type": "string", "minLength": 1}}
}

func (n *node) sectionSchema(docs Comments) map[string]any {
	properties := map[string]any{}
	for _, c := range n.children {
		properties[c.name] = c.schema(docs)
	}
	s := map[string]any{
		"type":                 []string{"object", "null"}, // null: all its keys are commented out
		"additionalProperties": false,
		"properties":           properties,
	}
	if doc := docs[n.field]; doc != "" {
		s["description"] = doc
	}
	return s
}

// effect says in words when a change takes effect.
func (c Class) effect() string {
	switch c {
	case Now:
		return "changes at once on reload"
	case Object:
		return "changes for the next object on reload"
	}
	return "changes at a restart"
}
