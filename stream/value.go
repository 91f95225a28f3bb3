package stream

// This file: one attribute of an image (Amazon DynamoDB API reference, AttributeValue).

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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
	c := cursor{text: v.json}
	s := c.str()
	return s, c.err == nil
}

// value reads a value: an object with one member, named by its type.
func (c *cursor) value() Value {
	first := true
	if !c.open('{') {
		return Value{}
	}
	kind, ok := c.key(&first)
	if !ok {
		return Value{}
	}
	v := Value{kind, c.raw()}
	if _, ok := c.key(&first); ok {
		c.fail(fmt.Errorf("an attribute's value has more than one type"))
	}
	return v
}

// AttributeValue returns the value in the types of the SDK's dynamodb package.
func (v Value) AttributeValue() (types.AttributeValue, error) {
	c := cursor{text: v.json}
	a := c.attribute(v.kind)
	if c.err != nil {
		return nil, c.err
	}
	return a, nil
}

// attribute reads the content of a value of the type kind.
func (c *cursor) attribute(kind string) types.AttributeValue {
	switch kind {
	case "S":
		return &types.AttributeValueMemberS{Value: strings.Clone(c.str())}
	case "N":
		return &types.AttributeValueMemberN{Value: strings.Clone(c.str())}
	case "B":
		return &types.AttributeValueMemberB{Value: c.bytes()}
	case "BOOL":
		return &types.AttributeValueMemberBOOL{Value: c.raw() == "true"}
	case "NULL":
		return &types.AttributeValueMemberNULL{Value: c.raw() == "true"}
	case "SS":
		return &types.AttributeValueMemberSS{Value: list(c, func() string { return strings.Clone(c.str()) })}
	case "NS":
		return &types.AttributeValueMemberNS{Value: list(c, func() string { return strings.Clone(c.str()) })}
	case "BS":
		return &types.AttributeValueMemberBS{Value: list(c, c.bytes)}
	case "L":
		return &types.AttributeValueMemberL{Value: list(c, c.nested)}
	case "M":
		return &types.AttributeValueMemberM{Value: c.members()}
	}
	c.fail(fmt.Errorf("attribute of unknown type %q", kind))
	return nil
}

func (c *cursor) nested() types.AttributeValue {
	v := c.value()
	a, err := v.AttributeValue()
	if err != nil {
		c.fail(err)
	}
	return a
}

func (c *cursor) members() map[string]types.AttributeValue {
	members, first := map[string]types.AttributeValue{}, true
	for open := c.open('{'); open; {
		key, ok := c.key(&first)
		if !ok {
			break
		}
		members[strings.Clone(key)] = c.nested()
	}
	return members
}

func (c *cursor) bytes() []byte {
	b, err := base64.StdEncoding.DecodeString(c.str())
	if err != nil {
		c.fail(err)
	}
	return b
}

func list[T any](c *cursor, read func() T) []T {
	all, first := []T{}, true
	for open := c.open('['); open && c.more(']', &first); {
		all = append(all, read())
	}
	return all
}
