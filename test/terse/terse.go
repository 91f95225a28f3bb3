// Package terse writes DynamoDB's attribute values so that tests can compare and print them: `Count=1 m={x=<a b>}`.
package terse

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item writes attributes in the order of their names.
func Item(m map[string]types.AttributeValue) string {
	parts := make([]string, 0, len(m))
	for k, v := range m {
		parts = append(parts, k+"="+Value(v))
	}
	return sorted(parts)
}

// Value writes one value: a set in angle brackets, its elements in order.
func Value(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return "b" + strconv.Quote(string(v.Value))
	case *types.AttributeValueMemberBOOL:
		return strconv.FormatBool(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return "<" + sorted(v.Value) + ">"
	case *types.AttributeValueMemberNS:
		return "<" + sorted(v.Value) + ">"
	case *types.AttributeValueMemberBS:
		texts := make([]string, len(v.Value))
		for i, b := range v.Value {
			texts[i] = "b" + strconv.Quote(string(b))
		}
		return "<" + sorted(texts) + ">"
	case *types.AttributeValueMemberM:
		return "{" + Item(v.Value) + "}"
	case *types.AttributeValueMemberL:
		parts := make([]string, len(v.Value))
		for i, e := range v.Value {
			parts[i] = Value(e)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return "?"
}

func sorted(parts []string) string { return strings.Join(slices.Sorted(slices.Values(parts)), " ") }
