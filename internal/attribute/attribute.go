// Package attribute writes and reads the values of DynamoDB's attributes in the SDK's types. What is read is the zero value where an
// attribute is missing or of another type: whoever must tell that apart asks for the SDK's type itself.
package attribute

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// S is a string.
func S[T ~string](s T) types.AttributeValue { return &types.AttributeValueMemberS{Value: string(s)} }

// N is a whole number.
func N(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Bool is a truth value.
func Bool(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// M is a map.
func M(m map[string]types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: m}
}

// String reads a string.
func String(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// Int reads a number of 64 bits; it is 0 where it is none.
func Int(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		i, _ := strconv.ParseInt(n.Value, 10, 64)
		return i
	}
	return 0
}

// True reads a truth value.
func True(v types.AttributeValue) bool {
	b, ok := v.(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

// Map reads a map; nil where it is none.
func Map(v types.AttributeValue) map[string]types.AttributeValue {
	if m, ok := v.(*types.AttributeValueMemberM); ok {
		return m.Value
	}
	return nil
}

// Strings reads a set of strings; nil where it is none.
func Strings(v types.AttributeValue) []string {
	if set, ok := v.(*types.AttributeValueMemberSS); ok {
		return set.Value
	}
	return nil
}
