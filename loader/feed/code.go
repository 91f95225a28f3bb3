package feed

// Code says why a row was rejected. The list is closed and documented in docs/feeds.md.
type Code string

// The codes.
const (
	LineTooLong    Code = "line_too_long"
	QuoteUnclosed  Code = "quote_unclosed"
	QuoteTail      Code = "quote_tail"
	FieldsExtra    Code = "fields_extra"
	FieldMissing   Code = "field_missing"
	Encoding       Code = "encoding"
	StoreEmpty     Code = "store_empty"
	ItemEmpty      Code = "item_empty"
	StoreTooLong   Code = "store_too_long"
	ItemTooLong    Code = "item_too_long"
	CountEmpty     Code = "count_empty"
	CountInvalid   Code = "count_invalid"
	CountAmbiguous Code = "count_ambiguous"
	CountFraction  Code = "count_fraction"
	CountRange     Code = "count_range"
	CountNegative  Code = "count_negative"
	TableRefused   Code = "table_refused" // set by the writer: DynamoDB takes the row in no batch
)

// Codes is the closed list, in the order in which the checks are made.
var Codes = []Code{
	LineTooLong, QuoteUnclosed, QuoteTail, FieldsExtra, FieldMissing, Encoding, StoreEmpty, ItemEmpty, StoreTooLong, ItemTooLong,
	CountEmpty, CountInvalid, CountAmbiguous, CountFraction, CountRange, CountNegative, TableRefused,
}

// Reject is a row that cannot be used.
type Reject struct {
	Line    int64  `json:"line"`   // of the file, the first is 1; where the row begins
	Offset  int64  `json:"offset"` // byte at which that line begins, in the text once it is decompressed and UTF-8
	Column  string `json:"column,omitempty"`
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Raw     string `json:"raw"` // the row as it was found, at most RawLimit bytes of it
}

// RawLimit caps Reject.Raw, in bytes.
const RawLimit = 1024

// Unusable is the error of an object that cannot be loaded whatever one does with it: no retry helps.
type Unusable struct{ Reason string }

func (u *Unusable) Error() string { return u.Reason }
