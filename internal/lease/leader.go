package lease

import "slices"

// Leader is the instance that leads a part ("": the whole group): of those that are not dead, not leaving and have it,
// the one with the lowest number; of equal ones the lower id. dead names those that are known to be dead beside those
// that carry the mark.
func Leader(all []Instance, dead map[string]bool, part string) (Instance, bool) {
	var leader Instance
	found := false
	for _, i := range all {
		if i.Dead || dead[i.ID] || i.Leaving || !i.Has(part) {
			continue
		}
		if !found || lower(i, leader) {
			leader, found = i, true
		}
	}
	return leader, found
}

// lower is true where a leads before b.
func lower(a, b Instance) bool {
	if a.Joined != b.Joined {
		return a.Joined < b.Joined
	}
	return a.ID < b.ID
}

// View is a group as one look showed it.
type View struct {
	Instances []Instance      // those that have a row, and those that had one and are not dead yet
	Dead      map[string]bool // those of which it is certain: they are marked, or have had no row for long enough
	Buried    []Instance      // those that this look has marked
}

// Leader is who leads a part in this view.
func (v View) Leader(part string) (Instance, bool) { return Leader(v.Instances, v.Dead, part) }

// Alive are the instances that are not dead and have a row.
func (v View) Alive() []Instance {
	return slices.DeleteFunc(slices.Clone(v.Instances), func(i Instance) bool { return i.Dead || v.Dead[i.ID] || i.Missing })
}
