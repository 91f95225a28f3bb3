package config

// What the configuration is at present: settings with their sources, secrets masked.

// Masked stands where a secret is not shown.
const Masked = "********"

// Setting is one key as it is in force.
type Setting struct {
	Key      string `json:"key"`
	Value    any    `json:"value"` // a string, bool, int64, float64, []string, map[string][]string or []map[string]any
	Source   string `json:"source"`
	Reload   Class  `json:"reload"`
	Variable string `json:"variable"` // of the environment

	text string
}

// Text is the value as a person reads it and as YAML takes it.
func (s Setting) Text() string { return s.text }

// Settings lists the keys of into, a pointer to a configuration that Load has filled, in order. What is secret is
// Masked.
func Settings(into any, sources Sources) []Setting {
	var settings []Setting
	tree(into).leaves(func(n *node) {
		s := Setting{
			Key: n.path, Value: n.plain(), Source: sources[n.path].String(),
			Reload: n.class, Variable: n.variable(), text: n.yaml(),
		}
		if n.masked() {
			s.Value, s.text = Masked, Masked
		}
		settings = append(settings, s)
	})
	return settings
}

// masked tells whether the value must not be shown.
func (n *node) masked() bool { return n.secret && !n.value.IsZero() }

// shown is the value for messages.
func (n *node) shown() string {
	if n.masked() {
		return Masked
	}
	return n.yaml()
}
