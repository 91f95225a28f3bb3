package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/loader"
)

func TestThePageShowsWhatTheDaemonDid(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		w.upload(t)
		time.Sleep(time.Minute)
		w.putObject(t, "quito.csv", "Artikel,Menge\nDesk Lamp,3\n")
		time.Sleep(time.Minute)
		for path, wants := range map[string][]string{
			"/":                                {"Out in 1 of 6 stores", "Umbrella", `data-n>108</td>`, "Zürich — 1 out"},
			"/?store=Lisbon":                   {"Kettle 1.7 l", "Out of stock", `<b id="n-out" data-n>1</b>`},
			"/?store=Lisbon&item=Desk+Lamp":    {"an alert is due when nothing is left"},
			"/?store=Lisbon&item=Kettle+1.7+l": {"Short since", "Lisbon is out of stock of Kettle 1.7 l</li>"},
			"/restock":                         {"6</span> out of stock; the oldest shortage first", "Water Bottle"},
			"/operator":                        {"inventory/lisbon.csv", "inventory/quito.csv", `<span class="mark out">failed</span>`, "shardId-", "Zürich is out of stock of Water Bottle", "Every part can do its work"},
			"/api/v1/items?store=Lisbon":       {`"item":"Umbrella","count":4,"level":"ok"`},
			"/api/v1/openapi.yaml":             {"openapi: 3.1.0"},
		} {
			code, body := w.daemon.ask(t, path)
			if code != http.StatusOK {
				t.Errorf("%s: %d", path, code)
			}
			for _, want := range wants {
				if !strings.Contains(body, want) {
					t.Errorf("%s lacks %q:\n%s", path, want, body)
				}
			}
		}
	})
}

// A feed that is held back stands on the operator's page with the reason and the command, and above its stores; and so does one that is
// expected and has not come yet, without being called loaded.
func TestThePageShowsWhatIsHeldBack(t *testing.T) {
	change := func(c *Config) {
		berlin := loader.Feed{Name: "berlin", Pattern: sandbox.Bucket + "/berlin*", Guard: loader.Guard{Gate: loader.Gate{Action: "hold"}}}
		bonn := loader.Feed{Name: "bonn", Pattern: sandbox.Bucket + "/bonn*", Guard: loader.Guard{Expect: loader.Expect{By: "23:00"}}}
		c.Loader.Feeds = []loader.Feed{berlin, bonn}
	}
	inBubble(t, change, func(t *testing.T, w *world) {
		w.putObject(t, "berlin it's.csv", "store,item,count\nBerlin,Lamp,3\nBerlin,Fan,0\n")
		time.Sleep(time.Minute)
		w.putObject(t, "berlin it's.csv", "store,item,count\n")
		time.Sleep(time.Minute)
		const command = `inventoryd release &#39;s3://inventory/berlin it&#39;\&#39;&#39;s.csv&#39;`
		for path, wants := range map[string][]string{
			"/operator":      {`<span class="mark out">Held back</span> it has a header and no rows`, command, `<span class="mark ok">Expected</span> <small>00:00–23:00 UTC</small>`},
			"/?store=Berlin": {"Held back.", "it has a header and no rows"},
		} {
			if _, body := w.daemon.ask(t, path); !containsAll(body, wants) {
				t.Errorf("%s lacks some of %q:\n%s", path, wants, body)
			}
		}
		w.putObject(t, "berlin it's.csv", "store,item,count\nBerlin,Lamp,4\n")
		time.Sleep(time.Minute)
		for _, path := range []string{"/operator", "/?store=Berlin"} {
			if _, body := w.daemon.ask(t, path); strings.Contains(body, "Held back") {
				t.Errorf("%s says so still:\n%s", path, body)
			}
		}
	})
}

func containsAll(s string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}

// Who looks costs the lines nothing: a table that cannot be read for the page stops no load, and makes nobody unready.
func TestThePagesTroubleIsItsOwn(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		for _, operation := range []string{"Scan"} {
			w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: operation, Client: "daemon", Effect: fault.AccessDeniedJSON})
		}
		for range 20 {
			if code, body := w.daemon.ask(t, "/"); code != http.StatusServiceUnavailable || !strings.Contains(body, "not permitted to read the table") {
				t.Fatal(code, body)
			}
			time.Sleep(10 * time.Second)
		}
		w.upload(t)
		time.Sleep(time.Minute)
		w.exact(t, map[string]int{}, 1)
		if code, body := w.daemon.ask(t, "/readyz"); code != http.StatusOK {
			t.Errorf("%d %s", code, body)
		}
		if code, _ := w.daemon.ask(t, "/?store=Lisbon"); code != http.StatusOK {
			t.Errorf("a store can be read: %d", code)
		}
	})
}

// Where an item has a threshold of its own the page goes by it, as alerts do.
func TestThePageKnowsAnItemsOwnThreshold(t *testing.T) {
	inBubble(t, func(c *Config) { c.Notifier.ThresholdAttribute = "Reorder" }, func(t *testing.T, w *world) {
		row := inventory.DefaultTable.Attributes(inventory.Item{Key: inventory.Key{Store: "Faro", Item: "Lamp"}, Count: 7})
		row["Reorder"] = &types.AttributeValueMemberN{Value: "10"}
		if _, err := w.Tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: row}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for path, want := range map[string]string{"/?store=Faro": ">Low</span>", "/?store=Faro&item=Lamp": "<span data-n>10</span> — an alert is due"} {
			if _, body := w.daemon.ask(t, path); !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, body)
			}
		}
	})
}
