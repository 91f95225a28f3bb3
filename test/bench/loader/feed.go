package main

// The feed, and the floor's bodies.

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	header = "store,item,count\n"
	stores = 2000
	// far is how many rows back a repeated key lies at least: more than all lanes hold, so it is in a later batch.
	far = 10_000
)

// keyOf is the number of row i's key: its own, or for each tenth row that of an earlier one.
func keyOf(i int) int {
	if i%10 == 9 && i > far {
		return i - far - 1
	}
	return i
}

// countOf is row i's count; all have six digits.
func countOf(i int) int { return 100_000 + i%900_000 }

// line appends row i.
func line(b []byte, i int) []byte {
	key := keyOf(i)
	b = append(b, "store-"...)
	b = digits(b, key%stores, 4)
	b = append(b, ",item-"...)
	b = digits(b, key, 8)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(countOf(i)), 10)
	return append(b, '\n')
}

// digits appends n with leading zeros.
func digits(b []byte, n, width int) []byte {
	for p, i := 1, 1; i < width; i++ {
		if p *= 10; n < p {
			b = append(b, '0')
		}
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// digest is the hash of a table's state.
func digest(table []int32) uint64 {
	h := fnv.New64a()
	var b [4]byte
	for _, n := range table {
		b[0], b[1], b[2], b[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
		h.Write(b[:])
	}
	return h.Sum64()
}

// batch is a ready-made body of BatchWriteItem with 25 rows from row i on.
func batch(i int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"RequestItems":{"Inventory":[`)
	for n := range 25 {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"PutRequest":{"Item":{"Count":{"N":"%d"},"Item":{"S":"item-%08d"},"Store":{"S":"store-%04d"}}}}`,
			countOf(i+n), keyOf(i+n), keyOf(i+n)%stores)
	}
	b.WriteString(`]},"ReturnConsumedCapacity":"TOTAL"}`)
	return b.Bytes()
}

// replay sends ready-made bodies, as many at once as the loader has lanes, and prints the CPU in µs per row.
func replay(url string, rows int, by string) error {
	bodies := make([][]byte, rows/25)
	for i := range bodies {
		bodies[i] = batch(25 * i)
	}
	sender := func(url string) func([]byte) error { return ownSender(url, by == "signed") }
	if by == "http" {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}}
		sender = func(url string) func([]byte) error {
			return func(body []byte) error { return send(client, url, body) }
		}
	}
	before, err := cpu()
	if err != nil {
		return err
	}
	var next atomic.Int64
	var senders sync.WaitGroup
	problems := make(chan error, 64)
	for range 64 {
		senders.Go(func() {
			send := sender(url)
			for i := next.Add(1) - 1; i < int64(len(bodies)); i = next.Add(1) - 1 {
				if err := send(bodies[i]); err != nil {
					problems <- err
					return
				}
			}
		})
	}
	senders.Wait()
	select {
	case err := <-problems:
		return err
	default:
	}
	after, err := cpu()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%.6f", float64((after-before).Microseconds())/float64(rows))
	return err
}

// ownSender makes what sends over one connection of its own: a write and a read for each body. signed: and what no client of AWS
// can do without, the hash of the body, that of the request, and their HMAC.
func ownSender(url string, signed bool) func(body []byte) error {
	host := strings.TrimPrefix(url, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		return func([]byte) error { return err }
	}
	var (
		r       = bufio.NewReader(c)
		answer  fasthttp.Response
		request []byte
		mac     = hmac.New(sha256.New, []byte("the day's key"))
		sum     [sha256.Size]byte
	)
	return func(body []byte) error {
		if signed {
			sum = sha256.Sum256(body)
			sum = sha256.Sum256(fmt.Appendf(request[:0], "%0300x", sum))
			mac.Reset()
			fmt.Fprintf(mac, "%0130x", sum)
			mac.Sum(sum[:0])
		}
		request = fmt.Appendf(request[:0], "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.BatchWriteItem\r\n"+
			"X-Amz-Date: 20261122T100000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKBENCH/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=%x\r\n"+
			"Content-Length: %d\r\n\r\n", host, sum, len(body))
		if _, err := c.Write(append(request, body...)); err != nil {
			return err
		}
		return answer.Read(r)
	}
}

func send(client *http.Client, url string, body []byte) error {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.BatchWriteItem")
	r.Header.Set("X-Amz-Date", "20261122T100000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKBENCH/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func cpu() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}
