package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// stub answers Query, Scan and BatchGetItem as DynamoDB would of stores with so many items each.
type stub struct{ items int }

type request struct {
	Limit                     int
	ExclusiveStartKey         map[string]map[string]string
	ExpressionAttributeValues map[string]map[string]string
}

func (s stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q request
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	scan := strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan")
	store, item := 0, 0
	if name, ok := q.ExpressionAttributeValues[":s"]["S"]; ok {
		store = last(name)
	}
	if q.ExclusiveStartKey != nil {
		store, item = last(q.ExclusiveStartKey["Store"]["S"]), last(q.ExclusiveStartKey["Item"]["S"])+1
	}
	var b bytes.Buffer
	b.WriteString(`{"Items":[`)
	n, key := 0, ""
	for ; n < q.Limit; n++ {
		if item == s.items && scan {
			store, item = store+1, 0
		}
		if item == s.items || store == stores {
			key = ""
			break
		}
		if n > 0 {
			b.WriteByte(',')
		}
		key = fmt.Sprintf(`"Store":{"S":"Store %02d"},"Item":{"S":"Article number %06d"}`, store, item)
		fmt.Fprintf(&b, `{%s,"Count":{"N":"%d"}}`, key, (item*7+store)%50)
		item++
	}
	fmt.Fprintf(&b, `],"Count":%d,"ScannedCount":%d,"ConsumedCapacity":{"TableName":"Inventory","CapacityUnits":%.1f}`, n, n, float64(max(1, (n*48+4095)/4096))/2)
	if key != "" {
		fmt.Fprintf(&b, `,"LastEvaluatedKey":{%s}`, key)
	}
	b.WriteString("}")
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Write(b.Bytes())
}

// last is the number at a name's end.
func last(name string) int {
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, ' ')+1:])
	if err != nil {
		panic(err) // names of our own
	}
	return n
}
