package state

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// Resync is the row of the requests to compare the table with the rows of the items, and of the scan that answers them.
type Resync struct {
	Requested int64 // number of the last request
	Answered  int64 // of the last that a scan has answered
	Threshold int64 // that the last request names
	Scan      *Scan // under way; nil: none
}

// Scan is how far a comparison is.
type Scan struct {
	Answers int64     // the request that it will have answered
	Began   time.Time // by the service's time
	From    string    // where to go on; "": at the beginning
	Rows    int64     // of the table that were read so far
	Told    int64     // shortages that were found and made due
	Closed  int64     // rows that said out of what is in stock
}

// Attributes is the row as it is put.
func (r Resync) Attributes(app string) map[string]types.AttributeValue {
	row := ResyncKey(app).Attributes()
	row[AttrRequested], row[AttrAnswered], row[AttrThreshold] = attribute.N(r.Requested), attribute.N(r.Answered), attribute.N(r.Threshold)
	if r.Scan != nil {
		row[AttrScan] = r.Scan.Attribute()
	}
	return row
}

// Attribute is the scan as the row's attribute.
func (s Scan) Attribute() types.AttributeValue {
	return attribute.M(map[string]types.AttributeValue{
		"answers": attribute.N(s.Answers), "began": Instant(s.Began), "from": attribute.S(s.From),
		"rows": attribute.N(s.Rows), "told": attribute.N(s.Told), "closed": attribute.N(s.Closed),
	})
}

// ResyncOf reads the row; of none at all it is empty.
func ResyncOf(row map[string]types.AttributeValue) (Resync, error) {
	if len(row) == 0 {
		return Resync{}, nil
	}
	r := reader{row: row}
	out := Resync{Requested: r.number(AttrRequested), Threshold: r.number(AttrThreshold)}
	if r.has(AttrAnswered) {
		out.Answered = r.number(AttrAnswered)
	}
	if m := attribute.Map(row[AttrScan]); m != nil {
		s := reader{row: m}
		out.Scan = &Scan{s.number("answers"), s.instant("began"), s.text("from"), s.number("rows"), s.number("told"), s.number("closed")}
		if s.err != nil {
			out.Scan = nil // it begins anew
		}
	}
	if r.err != nil {
		return out, fmt.Errorf("row of the resyncs: %w", r.err)
	}
	return out, nil
}
