package dynamo

// The parameters that expressions come in.

import (
	"errors"
	"regexp"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// expression reads an expression's text; it stays nil where there is none, which is not the same as an empty one.
func expression(to **string) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		s, err := in.String()
		*to = &s
		return err
	}
}

var (
	namePattern  = regexp.MustCompile(`^#[0-9a-zA-Z_]+$`)
	valuePattern = regexp.MustCompile(`^:[0-9a-zA-Z_]+$`)
)

func names(to *map[string]string) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		*to = map[string]string{}
		err := in.Object(func(key string) error {
			if !namePattern.MatchString(key) {
				return validation("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
			}
			name, err := in.String()
			(*to)[key] = name
			return err
		})
		if err == nil && len(*to) == 0 {
			err = validation("ExpressionAttributeNames must not be empty")
		}
		return err
	}
}

func values(to *map[string]attr.Value) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		*to = map[string]attr.Value{}
		err := in.Object(func(key string) error {
			if !valuePattern.MatchString(key) {
				return validation("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
			}
			v, err := in.Value()
			(*to)[key] = v
			return invalidValue(err, key)
		})
		if err == nil && len(*to) == 0 {
			err = validation("ExpressionAttributeValues must not be empty")
		}
		return err
	}
}

// invalidValue words the refusal of a value; other errors stay what they are.
func invalidValue(err error, key string) error {
	var refused *attr.Refusal
	if errors.As(err, &refused) {
		return attr.Refusef("ExpressionAttributeValues contains invalid value: %s for key %s", refused.Message, key)
	}
	return err
}
