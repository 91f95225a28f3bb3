package fire

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// blow is something that calls suffer for a while.
type blow struct {
	name    string
	rule    fault.Rule
	foreign http.HandlerFunc // answers instead of the services
}

// blows are what steps of the kind broken choose from, by name.
var blows = func() []blow {
	var all []blow
	for _, service := range []string{"s3", "sqs", "sns", "dynamodb", "streams", "cloudwatch"} {
		for name, effect := range map[string]fault.Effect{
			"breaks before": {Reset: true}, "breaks after": {Drop: true}, "breaks in the answer": {Half: true}, "hangs": {Hang: true},
			"is slow": {Delay: 3 * time.Second}, "fails": fault.InternalServerError, "is unavailable": fault.Unavailable, "stalls": {Stall: true},
		} {
			all = append(all, blow{name: service + " " + name, rule: fault.Rule{Service: service, Every: 3, Effect: effect}})
		}
	}
	for name, rule := range map[string]fault.Rule{
		"objects denied":        {Service: "s3", Operation: "GetObject", Every: 2, Effect: fault.AccessDenied},
		"objects slow down":     {Service: "s3", Effect: fault.Effect{Error: &fault.Error{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."}}},
		"rows throttled":        {Service: "dynamodb", Operation: "BatchWriteItem", Every: 2, Effect: fault.ThroughputExceeded},
		"rows left over":        {Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Unprocessed: 0.5}},
		"tables denied":         {Service: "dynamodb", Effect: fault.AccessDeniedJSON},
		"state throttled":       {Service: "dynamodb", Operation: "UpdateItem", Every: 2, Effect: fault.Throttle},
		"transactions break":    {Service: "dynamodb", Operation: "TransactWriteItems", Every: 2, Effect: fault.Effect{Drop: true}},
		"stream throttled":      {Service: "streams", Every: 2, Effect: fault.Throttle},
		"topic throttled":       {Service: "sns", Every: 2, Effect: fault.Throttled},
		"topic denied":          {Service: "sns", Effect: fault.Effect{Error: &fault.Error{Status: 403, Code: "AuthorizationError", Message: "not authorized"}}},
		"deletions left over":   {Service: "sqs", Operation: "DeleteMessageBatch", Effect: fault.Effect{Unprocessed: 0.5}},
		"renewals break":        {Service: "sqs", Operation: "ChangeMessageVisibilityBatch", Effect: fault.Effect{Reset: true}},
		"everything breaks":     {Every: 2, Effect: fault.Effect{Reset: true}},
		"everything is refused": {Effect: fault.Unavailable},
	} {
		all = append(all, blow{name: name, rule: rule})
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a proxy's page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html><body>Please sign in</body></html>")
		},
		"a proxy's redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://portal.invalid/", http.StatusFound)
		},
		"a proxy's 404":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not found", http.StatusNotFound) },
		"an empty answer": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
	} {
		all = append(all, blow{name: name, foreign: answer})
	}
	slices.SortFunc(all, func(a, b blow) int { return cmp.Compare(a.name, b.name) })
	return all
}()

func blowNames() (names []string) {
	for _, b := range blows {
		names = append(names, b.name)
	}
	return names
}

func blowNamed(name string) blow {
	return blows[slices.IndexFunc(blows, func(b blow) bool { return b.name == name })]
}

// do does what a step says, and returns what undoes it once its time is over; nil: nothing to undo.
func (t *town) do(ctx context.Context, s step) (undo func()) {
	switch s.Kind {
	case upload:
		t.upload(s)
	case write:
		t.write(ctx, s)
	case kill:
		t.witness.died()
		t.daemons[s.Who].signal(syscall.SIGKILL)
	case stop:
		t.daemons[s.Who].stop(s.What, s.For)
	case pause:
		t.witness.died()
		d := t.daemons[s.Who]
		d.signal(syscall.SIGSTOP)
		return func() { d.signal(syscall.SIGCONT) }
	case broken:
		return t.strike(blowNamed(s.What))
	case silence:
		return t.strike(blow{rule: fault.Rule{Service: "sns", Effect: fault.Unavailable}})
	case reenable:
		return t.reenable()
	case leap:
		t.box.Clock.Advance(s.For)
	case unwritable:
		return t.unwritable()
	case roll:
		t.roll()
	case release:
		return func() { t.release(s.Who) }
	case overdue:
		now := t.box.Clock.Now()
		for n := timed.from + 1; n < timed.from+timed.count; n += 2 { // the others stay away
			if now.Sub(lastDeadline(n, now)) < 2*time.Hour {
				t.upload(step{Kind: upload, Who: n, What: fresh, Seed: s.Seed})
			}
		}
	}
	return nil
}

func (t *town) upload(s step) {
	if s.What == hostile {
		names := hostileNames()
		name := names[s.Seed%uint64(len(names))]
		t.put("hostile/"+strconv.FormatUint(s.Seed%5, 10)+name, hostileBodies[name])
		return
	}
	next := newSheet(s.Who, s.What, s.Seed)
	if last, ok := t.witness.latest(s.Who); ok && s.What == again {
		next = last
	}
	// Written down first: who loads it at once finds it in the books.
	next.at = t.box.Clock.Now()
	t.witness.uploaded(s.Who, next)
	t.put(feedKey(s.Who), next.body)
}

func hostileNames() (names []string) {
	for name := range hostileBodies {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (t *town) put(key string, body []byte) {
	if _, err := t.box.Objects.Put(sandbox.Bucket, key, body); err != nil {
		t.failed("upload %s: %v", key, err)
	}
}

// write has somebody else change some rows of a kiosk: counts, unusable ones, deletions.
func (t *town) write(ctx context.Context, s step) {
	d := rand.New(rand.NewPCG(s.Seed, 1))
	for range 1 + d.IntN(4) {
		k := known{Store: kioskName(s.Who), Item: fmt.Sprint("Item ", d.IntN(20))}
		var err error
		switch n := d.IntN(20); n {
		case 0:
			_, err = t.tables.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(sandbox.Table), Key: inventory.DefaultTable.KeyAttributes(k)})
		default:
			row := inventory.DefaultTable.Attributes(inventory.Item{Key: k, Count: max(0, int64(n)-8)})
			if n == 1 {
				row["Count"] = &types.AttributeValueMemberS{Value: "many"}
			}
			_, err = t.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: row})
		}
		if err != nil && ctx.Err() == nil {
			t.failed("write %v: %v", k, err)
		}
	}
}

// strike lets calls of the daemons suffer; what publishes and may lose its answer is counted.
func (t *town) strike(b blow) (undo func()) {
	if b.foreign != nil {
		t.foreign.Store(&b.foreign)
		return func() { t.foreign.CompareAndSwap(&b.foreign, nil) }
	}
	rule := b.rule
	rule.Match = func(c fault.Call) bool { return strings.HasPrefix(c.Client, daemonName) }
	if e := rule.Effect; (rule.Service == "" || rule.Service == "sns") && (e.Drop || e.Half || e.Stall || e.Delay > 0) {
		rule.Effect.Do = t.witness.answerLost
	}
	return t.box.Fault(rule)
}

// reenable disables the stream; what is changed until it is enabled again no record tells of. Its shards wait for five
// minutes after its birth, which are let pass at once.
func (t *town) reenable() (undo func()) {
	if err := t.box.Tables.DisableStream(sandbox.Table); err != nil {
		t.failed("disable the stream: %v", err)
		return nil
	}
	return func() {
		if _, err := t.box.Tables.EnableStream(sandbox.Table, "NEW_AND_OLD_IMAGES"); err != nil {
			t.failed("enable the stream: %v", err)
		}
		t.box.Clock.Advance(6 * time.Minute)
	}
}

// release has what is held back of a store loaded all the same, once it is held back.
func (t *town) release(store int) {
	t.witness.releasing(store)
	var out []byte
	for begun := time.Now(); time.Since(begun) < 2*time.Minute; time.Sleep(2 * time.Second) {
		var err error
		if out, err = t.command("release", "s3://"+sandbox.Bucket+"/"+feedKey(store)); err == nil {
			return
		}
	}
	t.failed("what is held back of %s cannot be released: %s", feedKey(store), out)
}

// unwritable puts a file where the directory of reports was.
func (t *town) unwritable() (undo func()) {
	away := t.reports + ".away"
	if err := os.Rename(t.reports, away); err != nil {
		return nil // it is unwritable already
	}
	if err := os.WriteFile(t.reports, nil, 0o600); err != nil {
		t.failed("%v", err)
	}
	t.refusable.Add(1)
	return func() {
		os.Remove(t.reports)
		var err error
		for range 10 {
			if err = os.Rename(away, t.reports); err == nil {
				break
			}
			os.RemoveAll(t.reports) // a daemon that started just now has made one
		}
		if err != nil {
			t.failed("%v", err)
		}
		time.AfterFunc(5*time.Second, func() { t.refusable.Add(-1) }) // who started meanwhile may still say so
	}
}

// roll rolls all open shards over.
func (t *town) roll() {
	shards, err := t.box.Tables.Shards(sandbox.Table)
	if err != nil {
		t.failed("%v", err)
	}
	for _, s := range shards {
		if s.Open {
			_, _ = t.box.Tables.Roll(sandbox.Table, s.ID) // it has ended since, or the stream is disabled
		}
	}
}
