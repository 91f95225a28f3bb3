package main

// A table of partitions: each takes so many rows per second, and has saved a second's worth at most.

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const perPartition = 1000 // rows per second that one takes at most

// partitioned is a feed and a table of the stub. Row i is of the store i / each, or i % stores where each is 0; a store
// is in the partition of its number.
type partitioned struct {
	rows, stores, each, partitions, rate int // rate: rows that a partition takes in a second

	mu        sync.Mutex // guards what follows
	levels    []float64
	at, began time.Time
	taken     []int // rows, by the second
	calls     int
	throttled int
}

func newPartitioned(query func(string) string) (*partitioned, error) {
	p := &partitioned{}
	for name, n := range map[string]*int{"rows": &p.rows, "stores": &p.stores, "each": &p.each, "partitions": &p.partitions, "rate": &p.rate} {
		var err error
		if *n, err = strconv.Atoi(query(name)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	p.levels = make([]float64, p.partitions)
	for i := range p.levels {
		p.levels[i] = float64(p.rate) // nobody has used it for a while
	}
	return p, nil
}

func (p *partitioned) store(i int) int {
	if p.each > 0 {
		return i / p.each
	}
	return i % p.stores
}

func (p *partitioned) line(b []byte, i int) []byte {
	b = digits(append(b, "store-"...), p.store(i), 4)
	b = digits(append(b, ",item-"...), i, 8)
	return append(b, ",100000\n"...)
}

func (p *partitioned) object(w http.ResponseWriter) {
	w.Header().Set("Content-Length", strconv.Itoa(len(header)+p.rows*len(p.line(nil, 0))))
	w.Header().Set("Etag", `"feed"`)
	buf := append(make([]byte, 0, 64<<10), header...)
	for i := range p.rows {
		if buf = p.line(buf, i); len(buf) > 60<<10 {
			if _, err := w.Write(buf); err != nil {
				return
			}
			buf = buf[:0]
		}
	}
	_, _ = w.Write(buf)
}

// describe is the answer of DescribeTable.
func (p *partitioned) describe(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	fmt.Fprintf(w, `{"Table":{"TableName":"Inventory","TableStatus":"ACTIVE","WarmThroughput":{"Status":"ACTIVE","WriteUnitsPerSecond":%d}}}`, p.partitions*p.rate)
}

// write takes what the partitions have room for, after 5 ms.
func (p *partitioned) write(w http.ResponseWriter, body []byte) error {
	time.Sleep(5 * time.Millisecond)
	puts := bytes.Split(body, []byte(`{"PutRequest":`))[1:]
	left, err := p.take(puts)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if len(left) == len(puts) {
		w.WriteHeader(http.StatusBadRequest)
		_, err := io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`)
		return err
	}
	answer := bytes.NewBufferString(`{"UnprocessedItems":{`)
	for i, put := range left {
		answer.WriteString([]string{`"Inventory":[`, ","}[min(i, 1)] + `{"PutRequest":`)
		answer.Write(put[:bytes.Index(put, []byte("}}}}"))+4])
	}
	if len(left) > 0 {
		answer.WriteByte(']')
	}
	fmt.Fprintf(answer, `},"ConsumedCapacity":[{"TableName":"Inventory","CapacityUnits":%d.0}]}`, len(puts)-len(left))
	_, err = w.Write(answer.Bytes())
	return err
}

// take returns what is left of a batch.
func (p *partitioned) take(puts [][]byte) (left [][]byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.began.IsZero() {
		p.began, p.at = now, now
	}
	for i := range p.levels {
		p.levels[i] = min(float64(p.rate), p.levels[i]+now.Sub(p.at).Seconds()*float64(p.rate))
	}
	p.at = now
	p.calls++
	second := int(now.Sub(p.began).Seconds())
	for len(p.taken) <= second {
		p.taken = append(p.taken, 0)
	}
	for _, put := range puts {
		store, ok := number(put, `"S":"store-`)
		if !ok {
			return nil, fmt.Errorf("a row without a store: %.200s", put)
		}
		if at := store % p.partitions; p.levels[at] > 0 {
			p.levels[at]--
			p.taken[second]++
			continue
		}
		left = append(left, put)
	}
	if len(left) > 0 {
		p.throttled++
	}
	return left, nil
}

// figures are, as text: the part of what the partitions admit that was taken from the tenth second on (from the first
// where there are fewer; neither counts the last one), and the part of the calls that was throttled.
func (p *partitioned) figures() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := 10
	if len(p.taken) < 15 {
		from = 1
	}
	rows, seconds := 0, 0
	for second := from; second < len(p.taken)-1; second++ {
		rows += p.taken[second]
		seconds++
	}
	return fmt.Sprintf("%.6f %.6f", float64(rows)/float64(max(1, seconds)*p.partitions*p.rate), float64(p.throttled)/float64(max(1, p.calls)))
}
