package delta

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// SizeOf is how large DynamoDB takes an item to be ("DynamoDB item sizes and formats").
func SizeOf(attributes map[string]types.AttributeValue) int {
	size := 0
	for name, value := range attributes {
		size += len(name) + sizeOf(value)
	}
	return size
}

func sizeOf(value types.AttributeValue) int {
	const each, whole = 1, 3 // of a list or map: for each member, for itself
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return NumberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		return len(strings.Join(v.Value, ""))
	case *types.AttributeValueMemberNS:
		size := 0
		for _, n := range v.Value {
			size += NumberSize(n)
		}
		return size
	case *types.AttributeValueMemberBS:
		size := 0
		for _, b := range v.Value {
			size += len(b)
		}
		return size
	case *types.AttributeValueMemberL:
		size := whole
		for _, member := range v.Value {
			size += each + sizeOf(member)
		}
		return size
	case *types.AttributeValueMemberM:
		size := whole + each*len(v.Value)
		return size + SizeOf(v.Value)
	}
	return 1 // a truth value, or NULL
}

// NumberSize is how large a number is: it is a byte for each two significant digits, and one more.
func NumberSize(n string) int {
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "", "+", "").Replace(n), "0")
	size := (len(digits)+1)/2 + 1
	if strings.HasPrefix(n, "-") {
		size++
	}
	return size
}
