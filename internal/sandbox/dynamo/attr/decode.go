package attr

// Values and items from the wire, checked as DynamoDB checks them.

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
)

// maxNesting is how deep lists and maps may nest ("Quotas in Amazon DynamoDB": nested attribute depth).
const maxNesting = 32

// Item reads an item.
func (r *Reader) Item() (Item, error) { return r.item(0) }

func (r *Reader) item(level int) (Item, error) {
	item := make(Item, 0, 4)
	sorted := true
	err := r.Object(func(name string) error {
		v, err := r.value(level)
		if n := len(item); n > 0 && item[n-1].Name >= name {
			sorted = false
		}
		item = append(item, Attribute{name, v})
		return err
	})
	if err != nil || sorted {
		return item, err
	}
	slices.SortStableFunc(item, func(a, b Attribute) int { return cmp.Compare(a.Name, b.Name) })
	for n := 1; n < len(item); n++ {
		if item[n].Name == item[n-1].Name {
			return nil, r.malformed("member %q twice", item[n].Name)
		}
	}
	return item, nil
}

// Value reads one value.
func (r *Reader) Value() (Value, error) { return r.value(0) }

func (r *Reader) value(level int) (Value, error) {
	var v Value
	if level > maxNesting {
		return v, Refusef("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	}
	err := r.Object(func(name string) error {
		if v.Kind != 0 {
			return Refusef("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		if v.Kind = KindOf(name); v.Kind == 0 {
			return Refusef("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
		}
		return r.content(&v, level)
	})
	if err == nil && v.Kind == 0 {
		err = Refusef("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return v, err
}

func (r *Reader) content(v *Value, level int) (err error) {
	switch v.Kind {
	case BOOL:
		v.Bool, err = r.Bool()
	case NULL:
		var isNull bool
		if isNull, err = r.Bool(); err == nil && !isNull {
			err = Refusef("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
	case L:
		err = r.Array(func() error {
			e, err := r.value(level + 1)
			v.List = append(v.List, e)
			return err
		})
	case M:
		v.Map, err = r.item(level + 1)
	case SS, NS, BS:
		err = r.set(v)
	default:
		v.Text, err = r.scalar(v.Kind)
	}
	return err
}

func (r *Reader) scalar(k Kind) (string, error) {
	s, err := r.String()
	if err != nil {
		return "", err
	}
	switch k {
	case N:
		if s, err = NormalNumber(s); err != nil {
			return "", err
		}
	case B:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", r.malformed("not Base64")
		}
		return string(b), nil
	}
	return s, nil
}

var emptySet = map[Kind]string{SS: "An string set  may not be empty", NS: "An number set  may not be empty", BS: "Binary sets should not be empty"}

func (r *Reader) set(v *Value) error {
	element := v.Kind.Element()
	err := r.Array(func() error {
		s, err := r.scalar(element)
		v.List = append(v.List, Value{Kind: element, Text: s})
		return err
	})
	if err != nil {
		return err
	}
	if len(v.List) == 0 {
		return Refusef("One or more parameter values were invalid: %s", emptySet[v.Kind])
	}
	given := v.List
	*v = SetOf(v.Kind, given)
	if len(v.List) < len(given) {
		return duplicates(v.Kind, given)
	}
	return nil
}

func duplicates(k Kind, list []Value) error {
	if k == NS {
		return Refusef("Input collection contains duplicates")
	}
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.Text
	}
	if k == BS {
		return Refusef("One or more parameter values were invalid: Input collection [%s]of type BS contains duplicates.", strings.Join(texts, ", "))
	}
	return Refusef("One or more parameter values were invalid: Input collection [%s] contains duplicates.", strings.Join(texts, ", "))
}

// SetOf makes a set of kind k of the elements, without duplicates.
func SetOf(k Kind, elements []Value) Value {
	list := slices.Clone(elements)
	slices.SortFunc(list, func(a, b Value) int {
		order, _ := a.Compare(b)
		return order
	})
	return Value{Kind: k, List: slices.CompactFunc(list, Value.Equal)}
}
