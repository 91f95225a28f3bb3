package config

import "reflect"

// Change is one key that a reload found to be different.
type Change struct {
	Key      string
	Class    Class  // Restart: the old value stays in force
	Old, New string // as YAML takes them, secrets masked
}

// Merge compares the configuration in force with one freshly loaded, both pointers to the same type of struct, and
// gives present those values of fresh that can change without a restart. It returns all that differs, in order.
func Merge(present, fresh any) []Change {
	var values []*node
	tree(fresh).leaves(func(n *node) { values = append(values, n) })
	var changes []Change
	i := 0
	tree(present).leaves(func(n *node) {
		other := values[i]
		i++
		if reflect.DeepEqual(n.plain(), other.plain()) {
			return
		}
		changes = append(changes, Change{Key: n.path, Class: n.class, Old: n.shown(), New: other.shown()})
		if n.class != Restart {
			n.value.Set(other.value)
		}
	})
	return changes
}

// Check validates into, a pointer to a configuration that does not come from a file; its error is as Load's.
func Check(into any) error {
	l := newLoading(into, "")
	l.validate(l.root)
	return l.outcome()
}
