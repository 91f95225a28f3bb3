package inventory

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// Table is the part `table` of the configuration: the name of the inventory's table and of its attributes.
type Table struct {
	// Name of the DynamoDB table.
	Name string `yaml:"name" reload:"restart"`
	// Name of its partition key (a string): the store.
	Store string `yaml:"store" reload:"restart"`
	// Name of its sort key (a string): the item.
	Item string `yaml:"item" reload:"restart"`
	// Name of the attribute (a number) that holds the count.
	Count string `yaml:"count" reload:"restart"`
}

// Key sizes in bytes that DynamoDB takes ("Quotas in Amazon DynamoDB": partition and sort key length).
const (
	MaxStore = 2048
	MaxItem  = 1024
)

// DefaultTable is the table of the original system.
var DefaultTable = Table{Name: "Inventory", Store: "Store", Item: "Item", Count: "Count"}

// KeyAttributes returns the primary key of k.
func (t Table) KeyAttributes(k Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		t.Store: attribute.S(k.Store),
		t.Item:  attribute.S(k.Item),
	}
}

// Attributes returns the whole item of i, as it is put.
func (t Table) Attributes(i Item) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		t.Store: attribute.S(i.Store),
		t.Item:  attribute.S(i.Item),
		t.Count: attribute.N(i.Count),
	}
}

// ItemOf reads an item from its attributes; the error names the attribute that does not fit.
func (t Table) ItemOf(attributes map[string]types.AttributeValue) (Item, error) {
	store, ok := attributes[t.Store].(*types.AttributeValueMemberS)
	if !ok {
		return Item{}, fmt.Errorf("attribute %s is no string", t.Store)
	}
	item, ok := attributes[t.Item].(*types.AttributeValueMemberS)
	if !ok {
		return Item{}, fmt.Errorf("attribute %s is no string", t.Item)
	}
	i := Item{Key: Key{store.Value, item.Value}}
	count, ok := attributes[t.Count].(*types.AttributeValueMemberN)
	if !ok {
		return i, fmt.Errorf("attribute %s is no number", t.Count)
	}
	var err error
	if i.Count, err = ParseCount(count.Value); err != nil {
		return i, fmt.Errorf("attribute %s: %w", t.Count, err)
	}
	return i, nil
}

var errNotWhole = errors.New("not a whole number of 64 bits")

// ParseCount reads the text of a DynamoDB number that must be whole and fit 64 bits. DynamoDB writes plain digits, but
// takes and may return any decimal form (`1.0`, `1E3`).
func ParseCount(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	if len(s) > 64 || strings.ContainsAny(s, "/_xXpPoObB") { // forms of big.Rat that are no DynamoDB number
		return 0, fmt.Errorf("%.64q is %w", s, errNotWhole)
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 { // DynamoDB's magnitude; keeps big.Rat from huge powers
		if e, err := strconv.Atoi(s[i+1:]); err != nil || e > 127 || e < -131 {
			return 0, fmt.Errorf("%q is %w", s, errNotWhole)
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("%q is %w", s, errNotWhole)
	}
	return r.Num().Int64(), nil
}

// ThresholdOf reads an item's own threshold from the attribute of that name; nil where there is none that is usable.
func ThresholdOf(attributes map[string]types.AttributeValue, name string) *int64 {
	v, ok := attributes[name].(*types.AttributeValueMemberN)
	if !ok {
		return nil
	}
	n, err := ParseCount(v.Value)
	if err != nil {
		return nil
	}
	return &n
}
