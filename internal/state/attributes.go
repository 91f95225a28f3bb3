package state

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// Attributes is the key as a call takes it, and as a row begins.
func (k Key) Attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{PK: attribute.S(k.PK), SK: attribute.S(k.SK)}
}

// KeyOf reads the key of a row; of a row without one it is empty.
func KeyOf(row map[string]types.AttributeValue) Key {
	r := reader{row: row}
	return Key{r.text(PK), r.text(SK)}
}

// texts is a list of them.
func texts(all []string) types.AttributeValue {
	list := make([]types.AttributeValue, len(all))
	for i, s := range all {
		list[i] = attribute.S(s)
	}
	return &types.AttributeValueMemberL{Value: list}
}

// textsIn reads such a list; what is no text is left out.
func textsIn(v types.AttributeValue) (all []string) {
	list, _ := v.(*types.AttributeValueMemberL)
	if list == nil {
		return nil
	}
	for _, v := range list.Value {
		if s, ok := v.(*types.AttributeValueMemberS); ok {
			all = append(all, s.Value)
		}
	}
	return all
}

// Epoch is how rows hold when they expire.
func Epoch(t time.Time) types.AttributeValue { return attribute.N(t.Unix()) }

// Instant writes a time so that people can read it, and so that strings sort as the times do: UTC, milliseconds.
func Instant(t time.Time) types.AttributeValue { return attribute.S(t.UTC().Format(instantLayout)) }

const instantLayout = "2006-01-02T15:04:05.000Z"

// reader reads the attributes of a row and gathers what is wrong with them.
type reader struct {
	row map[string]types.AttributeValue
	err error
}

func (r *reader) text(name string) string {
	v, ok := r.row[name].(*types.AttributeValueMemberS)
	if !ok {
		r.err = errors.Join(r.err, fmt.Errorf("attribute %s is no string", name))
		return ""
	}
	return v.Value
}

func (r *reader) number(name string) int64 {
	v, ok := r.row[name].(*types.AttributeValueMemberN)
	if !ok {
		r.err = errors.Join(r.err, fmt.Errorf("attribute %s is no number", name))
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("attribute %s: %w", name, err))
	}
	return n
}

// has reports whether the row has the attribute.
func (r *reader) has(name string) bool { return r.row[name] != nil }

// textIf is the text where the row has it.
func (r *reader) textIf(name string) string {
	if !r.has(name) {
		return ""
	}
	return r.text(name)
}

// instantIf is the instant where the row has it.
func (r *reader) instantIf(name string) time.Time {
	if !r.has(name) {
		return time.Time{}
	}
	return r.instant(name)
}

// maybe is the number where the row has it.
func (r *reader) maybe(name string) *int64 {
	if !r.has(name) {
		return nil
	}
	n := r.number(name)
	return &n
}

func (r *reader) instant(name string) time.Time {
	s := r.text(name)
	t, err := time.Parse(instantLayout, s)
	if err != nil && s != "" {
		r.err = errors.Join(r.err, fmt.Errorf("attribute %s: %w", name, err))
	}
	return t
}
