package dynamo

// What TransactWriteItems takes.

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Limits of a transaction ("TransactWriteItems").
const (
	maxTransaction      = 100
	maxTransactionBytes = 4 << 20
	maxToken            = 36
	tokenLife           = 10 * time.Minute
)

// transactWrite is one of a transaction's writes.
type transactWrite struct {
	writing
	kind      string // "Put", "Update", "Delete", "ConditionCheck"
	item, key attr.Item
	update    *string
}

// read reads a write of its kind.
func (w *transactWrite) read(in *attr.Reader) error {
	p := params{
		"TableName": tableName(&w.table), "ReturnValuesOnConditionCheckFailure": text(&w.onFailure), "ConditionExpression": expression(&w.condition),
		"ExpressionAttributeNames": names(&w.names), "ExpressionAttributeValues": values(&w.values),
	}
	switch w.kind {
	case "Put":
		p["Item"] = item(&w.item)
	case "Update":
		p["UpdateExpression"] = expression(&w.update)
		p["Key"] = item(&w.key)
	default:
		p["Key"] = item(&w.key)
	}
	return p.read(in, w.kind)
}

func readTransaction(to *[]transactWrite) func(*attr.Reader) error {
	return list(func(in *attr.Reader) error {
		var found []transactWrite
		err := in.Object(func(kind string) error {
			if !slices.Contains([]string{"Put", "Update", "Delete", "ConditionCheck"}, kind) {
				return unknown(kind, "TransactWriteItem")
			}
			w := transactWrite{kind: kind}
			err := w.read(in)
			found = append(found, w)
			return err
		})
		if err == nil && len(found) != 1 {
			err = validation("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		*to = append(*to, found...)
		return err
	})
}

// digest is the same for the same writes, however their members are ordered.
func digest(writes []transactWrite) [sha256.Size]byte {
	var b []byte
	for _, w := range writes {
		given := attr.Item{}
		for name, v := range w.values {
			given = given.With(name, v)
		}
		b = fmt.Appendf(b, "%s %q %q", w.kind, w.table, w.onFailure)
		for _, text := range []*string{w.condition, w.update} {
			if text != nil {
				b = fmt.Appendf(b, " %q", *text)
			} else {
				b = append(b, " -"...)
			}
		}
		b = fmt.Appendf(b, " %q", w.names) // fmt sorts maps
		for _, i := range []attr.Item{w.item, w.key, given} {
			b = attr.AppendItem(b, i)
		}
	}
	return sha256.Sum256(b)
}

func checkTransaction(writes []transactWrite, token, capacity string) error {
	switch {
	case len(writes) == 0:
		return constraint("'[]'", "transactItems", "Member must have length greater than or equal to 1")
	case len(writes) > maxTransaction:
		return constraint(fmt.Sprintf("'[%d items]'", len(writes)), "transactItems", "Member must have length less than or equal to 100")
	case len(token) > maxToken:
		return constraint("'"+token+"'", "clientRequestToken", "Member must have length less than or equal to 36")
	}
	return oneOf(capacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}
