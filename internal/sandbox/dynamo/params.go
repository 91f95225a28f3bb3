package dynamo

// The parameters of a request: each operation names those it has; any other is refused by name.

import (
	"fmt"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// params maps a parameter's name to what reads its value.
type params map[string]func(*attr.Reader) error

// decode reads the request's body.
func (r *request) decode(p params) error {
	in := attr.NewReader(string(r.Body))
	if err := p.read(in, r.Operation); err != nil {
		return err
	}
	return in.End()
}

// read reads an object; where says to whom it belongs.
func (p params) read(in *attr.Reader, where string) error {
	return in.Object(func(name string) error {
		read, ok := p[name]
		if !ok {
			return unknown(name, where)
		}
		if in.Null() {
			return nil
		}
		return read(in)
	})
}

// unknown refuses a parameter by its name.
func unknown(name, where string) error {
	return validation("The sandbox's DynamoDB does not have the parameter %s of %s.", name, where)
}

func text(to *string) func(*attr.Reader) error {
	return func(in *attr.Reader) (err error) {
		*to, err = in.String()
		return err
	}
}

func flag(to *bool) func(*attr.Reader) error {
	return func(in *attr.Reader) (err error) {
		*to, err = in.Bool()
		return err
	}
}

// whole reads a number and leaves nil where there is none.
func whole(to **int) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		n, err := in.Int()
		*to = &n
		return err
	}
}

func item(to *attr.Item) func(*attr.Reader) error {
	return func(in *attr.Reader) (err error) {
		*to, err = in.Item()
		return err
	}
}

// object reads a structure with the given members.
func object(where string, p params) func(*attr.Reader) error {
	return func(in *attr.Reader) error { return p.read(in, where) }
}

// list reads an array; element is called for each.
func list(element func(*attr.Reader) error) func(*attr.Reader) error {
	return func(in *attr.Reader) error { return in.Array(func() error { return element(in) }) }
}

// table reads a table's name, which may be given as its ARN.
func tableName(to *string) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		s, err := in.String()
		*to = nameOf(s)
		return err
	}
}

// required refuses an absent parameter; at is its name as messages have it.
func required(absent bool, at string) error {
	if absent {
		return constraint("null", at, "Member must not be null")
	}
	return nil
}

// constraint is the wording of a parameter that is out of its range; value is quoted by the caller.
func constraint(value, at, rule string) error {
	return validation("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, at, rule)
}

// between checks a number's range where one is given.
func between(n *int, low, high int, at string) error {
	switch {
	case n == nil:
		return nil
	case *n < low:
		return constraint(fmt.Sprintf("'%d'", *n), at, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case *n > high:
		return constraint(fmt.Sprintf("'%d'", *n), at, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
	return nil
}

// oneOf checks an enumeration's value where one is given.
func oneOf(value, at string, allowed ...string) error {
	if value == "" {
		return nil
	}
	for _, a := range allowed {
		if a == value {
			return nil
		}
	}
	return constraint("'"+value+"'", at, fmt.Sprintf("Member must satisfy enum value set: %v", allowed))
}
