package notifier

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

// auditor audits as an operator would, by rules of a configuration.
func (w *world) auditor(r Rules) Auditor {
	return Auditor{Book: w.book(), Items: w.tables("test"), Table: inventory.DefaultTable, Rules: r, Patience: 5 * time.Second}
}

// audited is what an audit finds, as "code store/item".
func (w *world) audited(r Rules) (v Verdict, found []string) {
	w.Helper()
	v, err := w.auditor(r).Audit(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range v.Findings {
		found = append(found, strings.TrimRight(f.Code+" "+f.Feed+strings.Trim(f.Store+"/"+f.Item, "/"), " "))
	}
	return v, slices.Compact(found)
}

// shop is a world in which something of everything has happened, with these rules.
var shopRules = Rules{Restocked: true, Cooldown: 3 * time.Hour, Remind: 12 * time.Hour}

func (w *world) shop() *Notifier {
	w.Helper()
	n, _ := w.running("a", func(c *Config) { c.Rules, c.GroupInterval = shopRules, 0 })
	w.Fault(fault.Rule{
		Operation: "Publish", Match: func(c fault.Call) bool { return strings.Contains(string(c.Body), "evil") },
		Effect: fault.Effect{Error: &fault.Error{Code: "InvalidParameter", Message: "Invalid parameter: Message"}},
	})
	w.happen(n, "told:5>0 evil:5>0 often:5>0 back:5>0 gone:5>0")
	time.Sleep(time.Minute)
	w.happen(n, "x:1>2 x:2>3 x:3>4 x:4>5 x:5>6 often:0>5 back:0>7 gone:0>- fine:9>5")
	time.Sleep(time.Minute)
	w.happen(n, "x:1>2 x:2>3 x:3>4 x:4>5 x:5>6 x:1>2 x:2>3 x:3>4 x:4>5 x:5>6 often:5>0")
	if err := n.Tell(w.Context(), FeedEvent{Kind: "feed_late", Feed: "berlin.csv", ID: "1", Reason: "no file since Monday", At: time.Now()}); err != nil {
		w.Fatal(err)
	}
	time.Sleep(time.Minute)
	return n
}

func TestAnAuditOfAnHonestShopFindsNothingAndCounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.shop()
		v, found := w.audited(shopRules)
		if len(found) > 0 {
			t.Errorf("found %v", v.Findings)
		}
		want := Verdict{Read: 6, Out: 3, Told: 1, Delayed: 1, Failed: 1, Messages: v.Messages}
		v.Findings = nil
		if diff := cmp.Diff(want, v); diff != "" || v.Messages < 4 {
			t.Errorf("(-want +got):\n%s", diff)
		}
		time.Sleep(4 * time.Hour) // the cooldown is over
		if v, found := w.audited(shopRules); len(found) > 0 || v.Told != 2 {
			t.Errorf("after the cooldown: %+v", v)
		}
		w.end()
		time.Sleep(40 * 24 * time.Hour) // nobody tells, and the history of then is gone
		if _, err := w.Tables.Expire(stateTable); err != nil {
			t.Fatal(err)
		}
		if v, found := w.audited(shopRules); len(found) > 0 {
			t.Errorf("after forty days: %+v", v)
		}
	})
}

// Each thing that is changed by hand is named, and nothing else is.
func TestAnAuditNamesWhatWasChangedByHand(t *testing.T) {
	key := func(item string) attributeMap { return state.ItemKey("shop", "Berlin", item).Attributes() }
	s := func(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }
	update := func(item, expression string, values ...types.AttributeValue) func(*world) {
		return func(w *world) { w.updateByHand(stateTable, key(item), expression, values...) }
	}
	hour := func(d time.Duration) types.AttributeValue { return state.Instant(time.Now().Add(d)) }
	inWorld(t, func(t *testing.T, w *world) {
		w.shop()
		w.end() // else the teller mends what it sees
		restore := w.keepTables()
		for name, c := range map[string]struct {
			by   func(*world)
			want []string
		}{
			"an item sold out unseen":      {func(w *world) { w.store(w.script("fine:5>0")) }, []string{"no_row Berlin/fine"}},
			"an item restocked unseen":     {func(w *world) { w.store(w.script("told:0>5")) }, []string{"not_out Berlin/told"}},
			"an item removed unseen":       {func(w *world) { w.store(w.script("told:0>-")) }, []string{"not_out Berlin/told"}},
			"a row deleted":                {func(w *world) { w.deleteByHand(key("told")) }, []string{"forgotten Berlin/told", "no_row Berlin/told"}},
			"the row of a restock deleted": {func(w *world) { w.deleteByHand(key("back")) }, []string{"forgotten Berlin/back"}},
			"a row says in stock":          {update("told", "SET #a = :a", s("stock"), s("in")), []string{"no_row Berlin/told"}},
			"a row says out":               {update("back", "SET #a = :a", s("stock"), s("out")), []string{"not_out Berlin/back", "unlisted Berlin/back"}},
			"a row is nonsense":            {update("told", "SET #a = :a", s("stock"), s("maybe")), []string{"broken_row Berlin/told"}},
			"what was told is forgotten":   {update("told", "REMOVE told, told_v"), []string{"forgotten Berlin/told", "silent Berlin/told"}},
			"it was told another time": {func(w *world) {
				w.updateByHand(stateTable, key("told"), "SET #a = :a", s("told_v"), hour(-time.Minute))
			}, []string{"not_in_history Berlin/told"}},
			"it was told in the future":     {func(w *world) { w.updateByHand(stateTable, key("told"), "SET #a = :a", s("told_v"), hour(time.Hour)) }, []string{"not_in_history Berlin/told", "time Berlin/told"}},
			"it began in the future":        {func(w *world) { w.updateByHand(stateTable, key("told"), "SET #a = :a", s("began_at"), hour(time.Hour)) }, []string{"time Berlin/told"}},
			"what is due is gone":           {update("often", "REMOVE due, due_id"), []string{"silent Berlin/often"}},
			"what is due is in no index":    {update("often", "REMOVE look_pk"), nil},
			"nobody looks at what is due":   {update("often", "SET #a = :a", s("next"), s("~#out")), []string{"unlisted Berlin/often"}},
			"it is delayed for ever":        {update("often", "SET #a = :a", s("next"), s("2999-01-01T00:00:00.000Z#out")), []string{"late Berlin/often"}},
			"a reminder is put off":         {update("told", "SET #a = :a", s("next"), s("2999-01-01T00:00:00.000Z#reminder")), []string{"late Berlin/told"}},
			"a refusal is lifted, unlisted": {update("evil", "REMOVE failed"), []string{"unlisted Berlin/evil"}},
			"a position from before":        {update("told", "SET #a = :a", s("position"), s("0")), []string{"time Berlin/told"}},
			"a message is deleted":          {func(w *world) { w.message("told", "") }, []string{"not_in_history Berlin/often", "not_in_history Berlin/told"}},
			"a message names another item":  {func(w *world) { w.message("told", "items") }, []string{"not_in_history Berlin/told"}},
			"a message says something else": {func(w *world) { w.message("told", "body") }, []string{"broken_message Berlin"}},
			"a message of another event":    {func(w *world) { w.message("told", "event") }, []string{"broken_message Berlin"}},
			"a message is nonsense":         {func(w *world) { w.message("told", "at") }, []string{"broken_message", "not_in_history Berlin/often", "not_in_history Berlin/told"}},
			"a feed's row is deleted":       {func(w *world) { w.deleteByHand(state.TellKey("shop", "feed_late", "berlin.csv").Attributes()) }, []string{"forgotten berlin.csv"}},
		} {
			c.by(w)
			if _, found := w.audited(shopRules); !slices.Equal(found, c.want) {
				t.Errorf("%s: found %q, want %q", name, found, c.want)
			}
			restore()
		}
		if v, found := w.audited(shopRules); len(found) > 0 {
			t.Errorf("at last: %+v", v.Findings)
		}
	})
}

// keepTables keeps what the tables hold, and returns how to have it back.
func (w *world) keepTables() (restore func()) {
	w.Helper()
	keys := map[string][]string{stateTable: {state.PK, state.SK}, sandbox.Table: {"Store", "Item"}}
	scan := func(table string) []attributeMap {
		out, err := w.tables("test").Scan(w.Context(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			w.Fatal(err)
		}
		return out.Items
	}
	kept := map[string][]attributeMap{}
	for table := range keys {
		kept[table] = scan(table)
	}
	return func() {
		for table, names := range keys {
			for _, row := range scan(table) {
				key := attributeMap{names[0]: row[names[0]], names[1]: row[names[1]]}
				if _, err := w.tables("test").DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
					w.Fatal(err)
				}
			}
			for _, row := range kept[table] {
				if _, err := w.tables("test").PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &table, Item: row}); err != nil {
					w.Fatal(err)
				}
			}
		}
	}
}

// updateByHand changes a row; the first value is the name of the attribute.
func (w *world) updateByHand(table string, key attributeMap, expression string, values ...types.AttributeValue) {
	w.Helper()
	in := &dynamodb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: &expression}
	if len(values) > 0 {
		in.ExpressionAttributeNames = map[string]string{"#a": values[0].(*types.AttributeValueMemberS).Value}
		in.ExpressionAttributeValues = attributeMap{":a": values[1]}
	}
	if _, err := w.tables("test").UpdateItem(w.Context(), in); err != nil {
		w.Fatal(err)
	}
}

func (w *world) deleteByHand(key attributeMap) {
	w.Helper()
	if _, err := w.tables("test").DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(stateTable), Key: key}); err != nil {
		w.Fatal(err)
	}
}

// message changes an attribute of the message that told of one of Berlin's items, or ("") deletes it.
func (w *world) message(item, attribute string) {
	w.Helper()
	told, err := w.book().History(w.Context(), time.Now().Add(-time.Hour), time.Time{}, "Berlin")
	if err != nil {
		w.Fatal(err)
	}
	for _, h := range told {
		if !slices.ContainsFunc(h.Subjects, func(s state.Subject) bool { return s.Item == item }) {
			continue
		}
		key := h.Key("shop").Attributes()
		switch attribute {
		case "":
			w.deleteByHand(key)
		case "items":
			h.Subjects = slices.DeleteFunc(h.Subjects, func(s state.Subject) bool { return s.Item == item })
			w.overwrite(h.Row("shop"))
		default:
			w.updateByHand(stateTable, key, "SET #a = :a", &types.AttributeValueMemberS{Value: attribute}, &types.AttributeValueMemberS{Value: "other"})
		}
	}
}

func TestAnAuditWaitsForWhatIsOnItsWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		changes := w.script("echo:5>0 Bonn/tap:5>0")
		w.store(changes)
		time.AfterFunc(3*time.Second, func() { w.handle(n, changes) })
		if v, found := w.audited(Rules{}); len(found) > 0 {
			t.Errorf("%+v", v)
		}
		w.wantTold("Berlin is out of stock of echo", "Bonn is out of stock of tap")
	})
}

func TestWhatSNSRefusedIsToldAgainOnRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Restocked, c.Remind, c.GroupInterval = true, time.Hour, 0 })
		refuse := func() (heal func()) {
			return w.Fault(fault.Rule{Operation: "Publish", Effect: fault.Effect{Error: &fault.Error{Code: "InvalidParameter", Message: "no"}}})
		}
		retry := func(want string) {
			t.Helper()
			failed, err := w.book().Failed(t.Context())
			if err != nil || len(failed) != 1 {
				t.Fatalf("%v: failed %+v", err, failed)
			}
			if done, err := w.book().Retry(t.Context(), failed[0]); !done || err != nil {
				t.Fatalf("%v %v", done, err)
			}
			if done, err := w.book().Retry(t.Context(), failed[0]); done || err != nil {
				t.Errorf("again: %v %v", done, err)
			}
			time.Sleep(2 * time.Minute)
			w.wantTold(want)
		}
		heal := refuse()
		w.happen(n, "echo:5>0")
		time.Sleep(time.Minute)
		heal()
		retry("Berlin is out of stock of echo")

		heal = refuse()
		time.Sleep(time.Hour)
		heal()
		retry("Berlin is still out of stock of echo")

		heal = refuse()
		w.happen(n, "x:1>2 echo:0>5")
		time.Sleep(time.Minute)
		heal()
		retry("Berlin has echo in stock again")

		heal = refuse()
		if err := n.Tell(t.Context(), FeedEvent{Kind: "feed_held", Feed: "a.csv", ID: "1", Reason: "a tenth of its rows", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		heal()
		feeds, err := w.book().Feeds(t.Context())
		if err != nil || len(feeds) != 1 || feeds[0].Failed == "" {
			t.Fatalf("%v %+v", err, feeds)
		}
		if done, err := w.book().RetryFeed(t.Context(), feeds[0]); !done || err != nil {
			t.Errorf("%v %v", done, err)
		}
		time.Sleep(2 * time.Minute)
		w.wantTold("The feed a.csv was held back and is not loaded. | a tenth of its rows")
		if v, found := w.audited(Rules{Restocked: true, Remind: time.Hour}); len(found) > 0 {
			t.Errorf("%+v", v.Findings)
		}
	})
}
