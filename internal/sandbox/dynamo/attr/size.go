package attr

// Sizes as "DynamoDB item sizes and formats" counts them; limits and capacity units follow from them.

// Size is the item's size in bytes: names and values.
func (i Item) Size() int {
	n := 0
	for _, a := range i {
		n += len(a.Name) + a.Value.Size()
	}
	return n
}

// Size is the value's size in bytes.
func (v Value) Size() int {
	switch v.Kind {
	case S, B:
		return len(v.Text)
	case N:
		return numberSize(v.Text)
	case BOOL, NULL:
		return 1
	case L:
		return 3 + len(v.List) + elements(v.List)
	case M:
		return 3 + len(v.Map) + v.Map.Size()
	}
	return elements(v.List)
}

func elements(list []Value) int {
	n := 0
	for _, e := range list {
		n += e.Size()
	}
	return n
}
