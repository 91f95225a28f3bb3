package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/loader"
)

// stocked is what the table holds, the items' own thresholds included.
func stocked(t *testing.T, tables *dynamodb.Client, threshold string) map[inventory.Key]inventory.Item {
	t.Helper()
	rows := map[inventory.Key]inventory.Item{}
	pages := dynamodb.NewScanPaginator(tables, &dynamodb.ScanInput{TableName: aws.String(sandbox.Table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, attributes := range page.Items {
			item, err := inventory.DefaultTable.ItemOf(attributes)
			if err != nil {
				t.Fatal(err)
			}
			if threshold != "" {
				item.Threshold = inventory.ThresholdOf(attributes, threshold)
			}
			rows[item.Key] = item
		}
	}
	return rows
}

// randomFeed makes a feed of a few stores. Some rows are bad, some items come again, some texts are long.
func randomFeed(random *rand.Rand, again bool) string {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	for n := range 1 + random.IntN(80) {
		item := fmt.Sprint("item ", n)
		if again {
			item = fmt.Sprint("item ", random.IntN(40))
		}
		if n%17 == 3 {
			item += strings.Repeat("x", 900)
		}
		count := fmt.Sprint(random.IntN(4))
		switch random.IntN(12) {
		case 0:
			count = "many"
		case 1:
			count = "1.5"
		}
		fmt.Fprintf(&b, "store %d,%s,%s\n", n%(1+random.IntN(3)), item, count)
	}
	return b.String()
}

// embellish gives some items of the table attributes of their own: a threshold, or so much that they take several units.
func embellish(t *testing.T, random *rand.Rand, tables *dynamodb.Client, rows map[inventory.Key]inventory.Item) {
	t.Helper()
	for key, item := range rows {
		attributes := inventory.DefaultTable.Attributes(item)
		switch random.IntN(10) {
		case 0:
			attributes["Reorder"] = &types.AttributeValueMemberN{Value: fmt.Sprint(random.IntN(3))}
		case 1:
			attributes["Note"] = &types.AttributeValueMemberS{Value: strings.Repeat("n", random.IntN(4000))}
		case 2:
			attributes["Count"] = &types.AttributeValueMemberN{Value: "1E0"}
		default:
			continue
		}
		if _, err := tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: attributes}); err != nil {
			t.Fatal(key, err)
		}
	}
}

// TestADryRunForetellsTheLoad compares the forecasts of random feeds with what the loads then do; TEST_LONG has 500 of them.
func TestADryRunForetellsTheLoad(t *testing.T) {
	feeds := 60
	if os.Getenv("TEST_LONG") != "" {
		feeds = 500
	}
	s := newSandbox(t)
	all := newClients(s.Config("hand"), AWS{})
	for seed := range uint64(feeds) {
		random := rand.New(rand.NewPCG(seed, 3))
		cfg := defaults()
		cfg.Loader.Mode = []string{"put", "delta", "delta"}[seed%3]
		cfg.Notifier.Threshold = int64(random.IntN(2))
		if seed%3 == 2 {
			cfg.Loader.Attributes, cfg.Notifier.ThresholdAttribute = "keep", "Reorder"
		}
		cfg.Loader.Surroundings = loader.Surroundings{App: cfg.App, StateTable: cfg.StateTable, Table: cfg.Table}
		l, err := loader.New(loader.Clients{SQS: all.SQS, S3: all.S3, Tables: all.Tables, State: all.Tables}, cfg.Loader)
		if err != nil {
			t.Fatal(err)
		}
		embellish(t, random, all.Tables, stocked(t, all.Tables, cfg.Notifier.ThresholdAttribute))
		again := random.IntN(2) == 0
		path := filepath.Join(t.TempDir(), "feed.csv")
		if err := os.WriteFile(path, []byte(randomFeed(random, again)), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := loader.File(path)
		if err != nil {
			t.Fatal(err)
		}
		before := stocked(t, all.Tables, cfg.Notifier.ThresholdAttribute)
		told := &foretold{rules: cfg.Notifier.Rules}
		job := &loadJob{dry: true}
		dry, dryErr := l.Load(t.Context(), in, loader.Hand{Dry: true, Foretell: job.foretelling(told)})
		if !maps.EqualFunc(before, stocked(t, all.Tables, cfg.Notifier.ThresholdAttribute), func(a, b inventory.Item) bool { return a.Count == b.Count }) {
			t.Fatalf("seed %d: a dry run changes the table", seed)
		}
		real, realErr := l.Load(t.Context(), in, loader.Hand{})
		if fmt.Sprint(dryErr) != fmt.Sprint(realErr) {
			t.Fatalf("seed %d: the dry run says %v, the load %v", seed, dryErr, realErr)
		}
		if realErr != nil {
			continue
		}
		after, f := stocked(t, all.Tables, cfg.Notifier.ThresholdAttribute), dry.Forecast
		changes, out, back := int64(0), 0, 0
		for key, item := range after {
			old, there := before[key]
			var image *inventory.Item
			if there {
				image = &old
			}
			if !there || old.Count != item.Count {
				changes++
			}
			switch o, b := cfg.Notifier.Foretell(image, &item); {
			case !there || old.Count != item.Count:
				if o {
					out++
				}
				if b {
					back++
				}
			}
		}
		exact := cfg.Loader.Mode == "delta" || !again
		switch b := real.Books; {
		case dry.Books.Rejected != b.Rejected, f.Changes != changes, told.out != out, told.back != back:
			t.Errorf("seed %d: foretold %d rejected, %d changes, %d out, %d back; there were %d, %d, %d, %d",
				seed, dry.Books.Rejected, f.Changes, told.out, told.back, b.Rejected, changes, out, back)
		case exact && (f.Writes != b.Written || f.Cost.WriteUnits != real.Cost.WriteUnits || f.Cost.ReadUnits != real.Cost.ReadUnits):
			t.Errorf("seed %d (%s, %s): foretold %d writes, %+v; there were %d, %+v", seed, cfg.Loader.Mode, cfg.Loader.Attributes, f.Writes, f.Cost, b.Written, real.Cost)
		case f.Writes < b.Written || f.Cost.WriteUnits < real.Cost.WriteUnits:
			t.Errorf("seed %d: foretold at most %d writes, %+v; there were %d, %+v", seed, f.Writes, f.Cost, b.Written, real.Cost)
		}
	}
}

// TestAFeedThatDoesNotLoadIsToldWhatWouldLoadIt names a setting for each kind of feed.
func TestAFeedThatDoesNotLoadIsToldWhatWouldLoadIt(t *testing.T) {
	s := newSandbox(t)
	for body, want := range map[string]string{
		"store,item,count\nOslo,Lamp,1.000\nOslo,Fan,2.500\n": "with loader.thousands: point it would load: 2 rows read, 2 would be written, 0 rejected",
		"store,item,count\nZ\xfcrich,Lamp,1\n":                "with loader.encoding: windows-1252 it would load",
		"shop,article,pieces\nOslo,Lamp,1\n":                  "no single setting would make it load",
	} {
		path := filepath.Join(t.TempDir(), "feed.csv")
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _, err := loadByHand(t, s, func(j *loadJob) { j.dry = true }, path)
		if code(err) != exitFailed || !strings.Contains(out, want) {
			t.Errorf("%q: %v: %s", body, err, out)
		}
	}
}

// TestADryRunWithoutAnAccountSaysSo has nobody to ask, and looks at the feed.
func TestADryRunWithoutATableSaysSo(t *testing.T) {
	s := sandbox.New() // without a table
	out, notes, err := loadByHand(t, s, func(j *loadJob) { j.dry = true }, feedFile(t, "counts.csv"))
	if code(err) != exitFindings || !strings.Contains(notes, "looking at the feed alone, since the table cannot be asked: describe table Inventory") ||
		!strings.Contains(out, "16 rows read, 8 would be written, 8 rejected") {
		t.Errorf("%v\n%s\n%s", err, notes, out)
	}
}

// TestALoadTellsItsPrice loads two small rows.
func TestALoadTellsItsPrice(t *testing.T) {
	s := newSandbox(t)
	path := filepath.Join(t.TempDir(), "feed.csv")
	if err := os.WriteFile(path, []byte("store,item,count\nOslo,Lamp,1\nOslo,Fan,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dry, _, err := loadByHand(t, s, func(j *loadJob) { j.dry = true }, path)
	if err != nil || !strings.Contains(dry, "2 rows read, 2 would change, 0 are as the table has them, 0 merged, 0 rejected; 1 items would run out; 2 rows would be written: 2 write and 0 read units in 1 requests, $0.000001 on demand; asking took 2 read units") {
		t.Errorf("%v: %s", err, dry)
	}
	out, _, err := loadByHand(t, s, nil, path)
	if err != nil || !strings.Contains(out, "2 rows read, 2 written, 0 merged, 0 rejected; 2 write and 0 read units in 1 requests, $0.000001 on demand") {
		t.Errorf("%v: %s", err, out)
	}
}
