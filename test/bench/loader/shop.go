package main

// A table that holds stores already, of whose counts the feed changes a part.

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"inventoryd/test/figure"
)

// shopItem is an item's size in bytes: names, store-0000, item-00000000 and a count of six digits.
const shopItem = 5 + 10 + 4 + 13 + 5 + 4

// shop is a feed and a table of the stub.
type shop struct {
	rows, changed int  // of the feed; every so manieth count is another one than the table's
	stores        int  // item i is in store i % stores
	shuffled      bool // the feed is in no order

	mu      sync.Mutex // guards what follows
	written int
	units   float64 // read
	wrong   string
}

func newShop(query func(string) string) (*shop, error) {
	s := &shop{shuffled: query("shuffled") == "true"}
	var err error
	for name, n := range map[string]*int{"rows": &s.rows, "changed": &s.changed, "stores": &s.stores} {
		if *n, err = strconv.Atoi(query(name)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

// item is the number of row i's item: a prime that is no factor of the rows takes them to all, in no order.
func (s *shop) item(i int) int {
	if s.shuffled {
		return i * 611_953 % s.rows
	}
	return i
}

func (s *shop) count(item int) int {
	if item%s.changed == s.changed-1 {
		return countOf(item) + 1
	}
	return countOf(item)
}

func (s *shop) object(w http.ResponseWriter) {
	line := func(b []byte, item int) []byte {
		b = digits(append(digits(append(b, "store-"...), item%s.stores, 4), ",item-"...), item, 8)
		return append(strconv.AppendInt(append(b, ','), int64(s.count(item)), 10), '\n')
	}
	size := len(header)
	for i := range s.rows {
		size += len(line(nil, i))
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.Header().Set("Etag", `"feed"`)
	buf := append(make([]byte, 0, 64<<10), header...)
	for i := range s.rows {
		if buf = line(buf, s.item(i)); len(buf) > 60<<10 {
			if _, err := w.Write(buf); err != nil {
				return
			}
			buf = buf[:0]
		}
	}
	_, _ = w.Write(buf)
}

// value is an attribute's.
type value struct{ S, N string }

// shopRequest is what the calls have that the stub answers.
type shopRequest struct {
	ExpressionAttributeValues map[string]value
	ExclusiveStartKey         map[string]value
	Limit                     int
	Key                       map[string]value
	RequestItems              map[string]json.RawMessage
}

func (s *shop) note(format string, args ...any) {
	if s.wrong == "" {
		s.wrong = fmt.Sprintf(format, args...)
	}
}

// answer answers a call of DynamoDB's after a millisecond.
func (s *shop) answer(w http.ResponseWriter, operation string, body []byte) {
	time.Sleep(time.Millisecond)
	var in shopRequest
	if err := json.Unmarshal(body, &in); err != nil {
		s.note("%s: %v", operation, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var out []byte
	switch operation {
	case "DescribeTable":
		out = []byte(`{"Table":{"TableName":"Inventory","TableStatus":"ACTIVE"}}`)
	case "Query":
		out = s.query(in)
	case "BatchGetItem":
		out = s.get(in.RequestItems["Inventory"])
	case "UpdateItem":
		s.take(in.Key["Item"].S, in.ExpressionAttributeValues[":c"].N)
		out = []byte(`{"ConsumedCapacity":{"TableName":"Inventory","CapacityUnits":1.0}}`)
	case "BatchWriteItem":
		n := 0
		for _, put := range strings.Split(string(body), `{"PutRequest":`)[1:] {
			item, _ := number([]byte(put), `"S":"item-`)
			count, _ := number([]byte(put), `"N":"`)
			s.take(fmt.Sprintf("item-%08d", item), strconv.Itoa(count))
			n++
		}
		out = fmt.Appendf(nil, `{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"Inventory","CapacityUnits":%d.0}]}`, n)
	default:
		s.note("unexpected call %s", operation)
	}
	_, _ = w.Write(out)
}

// take takes one row, which must be one that has changed.
func (s *shop) take(name, count string) {
	item, err := strconv.Atoi(strings.TrimPrefix(name, "item-"))
	if err != nil || item >= s.rows || strconv.Itoa(s.count(item)) != count || s.count(item) == countOf(item) {
		s.note("%s is written as %s", name, count)
	}
	s.written++
}

func (s *shop) append(b []byte, item int) []byte {
	b = digits(append(b, `{"Store":{"S":"store-`...), item%s.stores, 4)
	b = digits(append(b, `"},"Item":{"S":"item-`...), item, 8)
	return append(strconv.AppendInt(append(b, `"},"Count":{"N":"`...), int64(countOf(item)), 10), `"}}`...)
}

func (s *shop) query(in shopRequest) []byte {
	at := func(v value) int { n, _ := strconv.Atoi(strings.TrimPrefix(v.S, "item-")); return n }
	first, last := at(in.ExpressionAttributeValues[":first"]), at(in.ExpressionAttributeValues[":last"])
	if in.ExclusiveStartKey != nil {
		first = at(in.ExclusiveStartKey["Item"]) + s.stores
	}
	b, n := []byte(`{"Items":[`), 0
	for ; first <= last && n < in.Limit && n*shopItem < 1<<20; first += s.stores {
		if n > 0 {
			b = append(b, ',')
		}
		b = s.append(b, first)
		n++
	}
	units := float64(max(1, (n*shopItem+4095)/4096))
	s.units += units
	b = fmt.Appendf(b, `],"Count":%d,"ScannedCount":%d,"ConsumedCapacity":{"TableName":"Inventory","CapacityUnits":%.1f}`, n, n, units)
	if first <= last {
		b = fmt.Appendf(b, `,"LastEvaluatedKey":{"Store":{"S":"store-%04d"},"Item":{"S":"item-%08d"}}`, first%s.stores, first-s.stores)
	}
	return append(b, '}')
}

func (s *shop) get(asked json.RawMessage) []byte {
	var in struct{ Keys []map[string]value }
	if err := json.Unmarshal(asked, &in); err != nil {
		s.note("BatchGetItem: %v", err)
	}
	b := []byte(`{"Responses":{"Inventory":[`)
	for n, key := range in.Keys {
		if n > 0 {
			b = append(b, ',')
		}
		item, _ := strconv.Atoi(strings.TrimPrefix(key["Item"].S, "item-"))
		b = s.append(b, item)
	}
	s.units += float64(len(in.Keys))
	return fmt.Appendf(b, `]},"UnprocessedKeys":{},"ConsumedCapacity":[{"TableName":"Inventory","CapacityUnits":%d.0}]}`, len(in.Keys))
}

// figures are the rows written and the units read; an error is what was wrong.
func (s *shop) figures() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d %f %q", s.written, s.units, s.wrong)
}

// compared is one load into a shop.
type compared struct {
	result
	written int
	units   float64
}

// deltas measures loads that write what differs: of one large store, once for each order, since its partition takes a thousand rows a
// second; and of many stores by calls that keep attributes.
func (s *stub) deltas(bin string, rows, runs int) error {
	for _, order := range []string{"", "_shuffled"} {
		c, err := s.compare(bin, fmt.Sprintf("rows=%d&stores=1&changed=10&shuffled=%t", rows, order != ""), rows, "replace")
		if err != nil {
			return err
		}
		figure.Print("load_delta_write_ratio"+order, "1", float64(c.written)/float64(rows))
		figure.Print("load_delta_read_units_per_row"+order, "units", c.units/float64(rows))
		figure.Print("load_delta_cpu_us_per_row"+order, "us", c.cpu)
		figure.Print("load_delta_rss_mib"+order, "MiB", c.peak)
	}
	var fast, peak []float64
	for range runs {
		c, err := s.compare(bin, fmt.Sprintf("rows=%d&stores=500&changed=1", rows/10), rows/10, "keep")
		if err != nil {
			return err
		}
		fast, peak = append(fast, c.perSecond), append(peak, c.peak)
	}
	figure.Print("load_keep_rows_per_s", "rows/s", fast...)
	figure.Print("load_keep_rss_mib", "MiB", peak...)
	return nil
}

func (s *stub) compare(bin, what string, rows int, attributes string) (c compared, err error) {
	if err := s.ask("/_shop?" + what); err != nil {
		return c, err
	}
	cmd := exec.Command(bin, "load", "s3://inventory/feed.csv")
	cmd.Env = append(os.Environ(), "INVENTORYD_AWS_ENDPOINT="+s.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKBENCH", "AWS_SECRET_ACCESS_KEY=secret",
		"INVENTORYD_LOADER_MODE=delta", "INVENTORYD_LOADER_ATTRIBUTES="+attributes)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return c, fmt.Errorf("%s: %w: %s", bin, err, out)
	}
	took, err := duration(string(out))
	if err != nil {
		return c, err
	}
	peak, err := peakOf(cmd.ProcessState)
	if err != nil {
		return c, err
	}
	c.result = result{cpuPerRow(cmd.ProcessState, rows), float64(rows) / took.Seconds(), peak}
	answer, err := http.Get(s.url + "/_figures")
	if err != nil {
		return c, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	wrong := ""
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %f %q", &c.written, &c.units, &wrong)
	}
	if err == nil && wrong != "" {
		err = fmt.Errorf("the run is void: %s", wrong)
	}
	return c, err
}
