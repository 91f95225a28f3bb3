package stream

// This file: golden traces of the protocol between instances (testdata/scenarios/NN.txt): who asked or wrote what in the
// lease table, who opened and handled which shard, and when. What repeats while nothing happens is left out: renewals,
// looks at the rows, pages without an error. A change of the protocol is then a difference that one can read; after one,
// go test ./stream -run Scenario -update writes them anew.

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"inventoryd/internal/sandbox"
)

var update = flag.Bool("update", false, "write the golden files anew")

// trace is what the instances do, as the services see it. Safe for concurrent use.
type trace struct {
	begun time.Time

	mu     sync.Mutex // guards what follows
	lines  []traced
	killed map[string]bool // instances, by letter
}

type traced struct {
	at        time.Duration
	who, what string
}

// golden is a scenario whose trace is compared with testdata/scenarios/NN.txt.
func golden(t *testing.T, number string, shards int, f func(*world)) {
	t.Helper()
	seen := new(trace)
	scenario(t, shards, func(w *world) {
		seen.begun = time.Now()
		w.trace = seen
		f(w)
	})
	file, text := filepath.Join("testdata", "scenarios", number+".txt"), seen.String()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: -update writes it", err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("the protocol is not as %s has it (-update writes it anew): %s", file, diff)
	}
}

func (r *trace) note(client, format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if who := letter(client); !r.killed[who] { // the dead do nothing: what they had begun is cut off
		r.lines = append(r.lines, traced{time.Since(r.begun).Round(time.Millisecond), who, fmt.Sprintf(format, args...)})
	}
}

// kill notes that an instance was killed.
func (r *trace) kill(client string) {
	if r == nil {
		return
	}
	r.note(client, "is killed")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed == nil {
		r.killed = map[string]bool{}
	}
	r.killed[letter(client)] = true
}

// latency is how long a call takes, each kind another time: so what an instance does follows in order, and not by chance
// at one instant.
var latency = map[string]time.Duration{
	"DescribeStream": 1100 * time.Microsecond, "UpdateItem": 1300 * time.Microsecond, "GetShardIterator": 1700 * time.Microsecond,
	"Query": 1900 * time.Microsecond, "GetRecords": 2300 * time.Microsecond,
}

// letter is the name of an instance in the trace, that of its start: a, b, c …
func letter(client string) string {
	n := number(strings.TrimPrefix(client, "reader-"))
	return string(rune('a' + n - 1))
}

var shardName = regexp.MustCompile(`shardId-\d+-[0-9a-f]+`)

// String is the trace, sorted within each millisecond, in which the order is chance; shards are s1, s2 … by their age.
func (r *trace) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	for _, l := range r.lines {
		for _, id := range shardName.FindAllString(l.what, -1) {
			ids[id] = true
		}
	}
	alias := map[string]string{}
	for i, id := range slices.Sorted(maps.Keys(ids)) {
		alias[id] = fmt.Sprint("s", i+1)
	}
	lines := slices.Clone(r.lines)
	for i := range lines {
		lines[i].what = shardName.ReplaceAllStringFunc(lines[i].what, func(id string) string { return alias[id] })
	}
	slices.SortFunc(lines, func(a, b traced) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.who, b.who), cmp.Compare(a.what, b.what))
	})
	var b strings.Builder
	for _, l := range slices.Compact(lines) { // that somebody is told to look may be said once or twice
		fmt.Fprintf(&b, "%8.3f %s %s\n", l.at.Seconds(), l.who, l.what)
	}
	return b.String()
}

// over puts the trace between clients and the services.
func (r *trace) over(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		answer := &overheard{ResponseWriter: w}
		_, operation, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
		_, client, _ := strings.Cut(q.Header.Get("Authorization"), "Credential=")
		client, _, _ = strings.Cut(client, "/")
		defer func() { // also where the connection breaks
			if what := describe(operation, body, answer); what != "" {
				r.note(client, "%s", what)
			}
		}()
		takes := latency[operation]
		if bytes.Contains(body, []byte("ADD #look")) { // which of several is told first is chance
			takes = 0
		}
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-q.Context().Done():
			panic(http.ErrAbortHandler)
		}
		service.ServeHTTP(answer, q)
	})
}

// overheard is an answer on its way to the client.
type overheard struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (o *overheard) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *overheard) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

func (o *overheard) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	o.body.Write(b)
	return o.ResponseWriter.Write(b)
}

// failure is how a call failed, "" where it did not.
func (o *overheard) failure() string {
	var said struct {
		Type string `json:"__type"`
	}
	switch {
	case o.status == 0:
		return "no answer"
	case o.status == http.StatusOK:
		return ""
	case json.Unmarshal(o.body.Bytes(), &said) != nil || said.Type == "":
		return fmt.Sprint("status ", o.status)
	}
	return strings.TrimSuffix(said.Type[strings.LastIndexByte(said.Type, '#')+1:], "Exception")
}

// asked is the parameters of a call that a trace tells of.
type asked struct {
	Key                       map[string]struct{ S string }
	UpdateExpression          string
	ConditionExpression       string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]map[string]any
	ShardID                   string `json:"ShardId"`
	ShardIteratorType         string
	SequenceNumber            string
	ExclusiveStartShardID     string `json:"ExclusiveStartShardId"`
	ShardFilter               *struct {
		ShardID string `json:"ShardId"`
	}
}

// describe says what a call was, "" of those that are left out.
func describe(operation string, body []byte, answer *overheard) string {
	var in asked
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	failed := answer.failure()
	what := ""
	switch operation {
	case "UpdateItem":
		what = in.write(answer, failed != "")
	case "DeleteItem":
		what = "deletes the row of " + in.row()
	case "GetShardIterator":
		what = "opens " + in.ShardID + " at " + in.ShardIteratorType
		if in.SequenceNumber != "" {
			what = "opens " + in.ShardID + " behind record " + short(in.SequenceNumber)
		}
	case "GetRecords":
		if failed != "" {
			what = "reads " + shardOf(body)
		}
	case "DescribeStream":
		switch {
		case in.ShardFilter != nil:
			what = "asks for the children of " + in.ShardFilter.ShardID
		case in.ExclusiveStartShardID == "":
			what = "describes the stream"
		}
	case "Query":
		if failed != "" {
			what = "reads rows"
		}
	}
	if what != "" && failed != "" {
		what += ": " + failed
	}
	return what
}

func (in asked) row() string {
	sk := in.Key["sk"].S
	if _, shard, ok := strings.Cut(sk, "#"); ok {
		return shard
	}
	return sk
}

// write says what a write changes; a renewal that does nothing else and does not fail is left out.
func (in asked) write(answer *overheard, failed bool) string {
	switch pk := in.Key["pk"].S; {
	case strings.HasSuffix(pk, "#shards"):
		return "writes " + in.row() + in.changes()
	case strings.HasSuffix(pk, "#instances"):
		switch {
		case strings.Contains(in.UpdateExpression, "ADD #look"):
			return "has " + in.row() + " look"
		case in.ExpressionAttributeValues[":dead"] != nil:
			return "marks " + in.row() + " dead"
		case in.ExpressionAttributeValues[":leaving"] != nil:
			return in.row() + " leaves"
		case !strings.Contains(in.ConditionExpression, "attribute_exists(pk)"):
			return "joins as " + in.row() + in.changes()
		case failed:
			return "renews " + in.row()
		}
		return ""
	case strings.Contains(in.UpdateExpression, "ADD #joined"):
		var out struct{ Attributes map[string]map[string]any }
		if json.Unmarshal(answer.body.Bytes(), &out) != nil {
			return "takes a number"
		}
		return fmt.Sprint("takes number ", out.Attributes["joined"]["N"])
	case in.ExpressionAttributeValues[":listed"] != nil:
		return "notes that the listing is complete"
	}
	return "writes the stream's row"
}

// told are the columns whose new values a trace tells, in this order.
var told = []string{colJoined, colOwner, colEpoch, colConfirmed, colState, colTo, colCheckpoint, colAttempts, colChildren, colFailed}

const colJoined = "joined"

// changes are the columns that a write sets, adds to or removes.
func (in asked) changes() string {
	var b strings.Builder
	set, remove, _ := strings.Cut(in.UpdateExpression, "REMOVE ")
	for _, column := range told {
		value := in.ExpressionAttributeValues[":"+column]
		switch {
		case mentions(remove, "#"+column):
			b.WriteString(" -" + column)
		case value != nil && mentions(set, ":"+column):
			fmt.Fprintf(&b, " %s=%s", column, plain(column, value))
		}
	}
	if child := in.ExpressionAttributeValues[":child"]; child != nil {
		fmt.Fprintf(&b, " child=%s", plain("", child))
	}
	return b.String()
}

func mentions(expression, name string) bool {
	return slices.Contains(strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ,=()", r) }), name)
}

// plain is a value as a person would write it.
func plain(column string, value map[string]any) string {
	for _, v := range value {
		switch text := fmt.Sprint(v); column {
		case colCheckpoint:
			return short(text)
		case colFailed:
			return "…" // with an instant
		default:
			return text
		}
	}
	return ""
}

// short is the end of a sequence number.
func short(sequence string) string {
	if len(sequence) < 20 {
		return sequence
	}
	return strings.TrimLeft(sequence[len(sequence)-12:], "0")
}

// front is the services as the instances reach them.
func (w *world) front() http.Handler {
	if w.trace == nil {
		return w.sandbox
	}
	return w.trace.over(w.sandbox)
}

// named has an instance's id, and all that is random about it, follow from the order of the starts.
func (w *world) named(i *instance, c *Config) {
	if w.trace == nil {
		return
	}
	time.Sleep(time.Duration(2*w.starts+1) * time.Nanosecond) // no two timers at one instant
	c.name, c.lives = letter(i.name), new(int)
	w.trace.note(i.name, "starts")
}

// direct reaches them in the same process.
func (w *world) direct() *http.Client { return &http.Client{Transport: sandbox.Direct(w.front())} }
