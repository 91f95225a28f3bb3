package state

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// The index of the rows that somebody has to look at: those of items that are out, due or failed, and of what is to be
// told of feeds. It holds keys only, and rows without these attributes are not in it.
const (
	LookIndex = "look"
	LookPKCol = "look_pk"
	Next      = "next"
)

// Look is when a row is to be looked at, and for what: the sort key of the index. For something that waits for nothing
// it is beyond every time.
type Look struct {
	At  time.Time // zero: at no time
	For string    // what is due: a Kind, or what else the row is
}

// never sorts after every time.
const never = "~"

func (l Look) String() string {
	if l.At.IsZero() {
		return never + "#" + l.For
	}
	return l.At.UTC().Format(instantLayout) + "#" + l.For
}

// LookBefore sorts after what is to be looked at by now, and before everything later.
func LookBefore(now time.Time) string { return now.UTC().Format(instantLayout) + "#~" }

// LookOf reads the sort key of the index; what is none is to be looked at once.
func LookOf(s string) Look {
	at, what, _ := strings.Cut(s, "#")
	if at == never {
		return Look{For: what}
	}
	t, err := time.Parse(instantLayout, at)
	if err != nil {
		return Look{At: time.Unix(0, 0).UTC(), For: what}
	}
	return Look{t, what}
}

// Attributes are those of the index for the row with key k.
func (l Look) Attributes(app string, k Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{LookPKCol: attribute.S(k.LookPK(app)), Next: attribute.S(l.String())}
}

// lookIn reads them from a row; nil where it is not in the index.
func lookIn(row map[string]types.AttributeValue) *Look {
	if s, ok := row[Next].(*types.AttributeValueMemberS); ok {
		l := LookOf(s.Value)
		return &l
	}
	return nil
}
