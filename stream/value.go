package stream

// This file: one attribute of an image (Amazon DynamoDB API reference, AttributeValue).

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/stream/internal/jsontext"
)

// Value is an attribute's value. It shares its image's memory.
type Value struct {
	kind string // DynamoDB's name of the type: "S", "N", "BOOL", "M", ...
	json string // the value's text
}

// Type is DynamoDB's name of the value's type: S, N, B, BOOL, NULL, M, L, SS, NS, BS.
func (v Value) Type() string { return v.kind }

// S returns the text of a string, false for other types.
func (v Value) S() (string, bool) { return v.str("S") }

// N returns the text of a number, false for other types.
func (v Value) N() (string, bool) { return v.str("N") }

// Bool returns a Boolean, false for other types.
func (v Value) Bool() (value, ok bool) { return v.json == "true", v.kind == "BOOL" }

func (v Value) str(kind string) (string, bool) {
	if v.kind != kind {
		return "", false
	}
	c := jsontext.New(v.json)
	s := c.Str()
	return s, c.Err() == nil
}

// value reads a value: an object with one member, named by its type.
func value(c *jsontext.Cursor) (v Value) {
	for kind := range c.Members() {
		if v.kind != "" {
			c.Fail(errors.New("an attribute's value has more than one type"))
			return v
		}
		v = Value{kind, c.Raw()}
	}
	return v
}

// AttributeValue returns the value in the types of the SDK's dynamodb package.
func (v Value) AttributeValue() (types.AttributeValue, error) {
	c := jsontext.New(v.json)
	a := content(&c, v.kind)
	if c.Err() != nil {
		return nil, c.Err()
	}
	return a, nil
}

// content reads that of a value of the type kind.
func content(c *jsontext.Cursor, kind string) types.AttributeValue {
	switch kind {
	case "S":
		return &types.AttributeValueMemberS{Value: cloned(c)}
	case "N":
		return &types.AttributeValueMemberN{Value: cloned(c)}
	case "B":
		return &types.AttributeValueMemberB{Value: binary(c)}
	case "BOOL":
		return &types.AttributeValueMemberBOOL{Value: c.Raw() == "true"}
	case "NULL":
		return &types.AttributeValueMemberNULL{Value: c.Raw() == "true"}
	case "SS":
		return &types.AttributeValueMemberSS{Value: list(c, cloned)}
	case "NS":
		return &types.AttributeValueMemberNS{Value: list(c, cloned)}
	case "BS":
		return &types.AttributeValueMemberBS{Value: list(c, binary)}
	case "L":
		return &types.AttributeValueMemberL{Value: list(c, nested)}
	case "M":
		members := map[string]types.AttributeValue{}
		for name := range c.Members() {
			members[strings.Clone(name)] = nested(c)
		}
		return &types.AttributeValueMemberM{Value: members}
	}
	c.Fail(fmt.Errorf("attribute of unknown type %q", kind))
	return nil
}

func nested(c *jsontext.Cursor) types.AttributeValue {
	a, err := value(c).AttributeValue()
	if err != nil {
		c.Fail(err)
	}
	return a
}

func cloned(c *jsontext.Cursor) string { return strings.Clone(c.Str()) }

func binary(c *jsontext.Cursor) []byte {
	b, err := base64.StdEncoding.DecodeString(c.Str())
	if err != nil {
		c.Fail(err)
	}
	return b
}

func list[T any](c *jsontext.Cursor, read func(*jsontext.Cursor) T) []T {
	all := []T{}
	for range c.Elements() {
		all = append(all, read(c))
	}
	return all
}
