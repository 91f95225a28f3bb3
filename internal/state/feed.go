package state

// The ledger of feeds: what each feed last brought, what of it was held back, and whether it has come when it should.

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

const (
	FeedKept   = 400 * 24 * time.Hour // the row of a feed, after its last change
	StoreKept  = 30 * 24 * time.Hour  // who loads a store, after the last load
	FeedStores = 20                   // stores of a load that its feed's row names
)

// hashed is a name as a key holds it: as it is, or, where it is too long, its beginning and its SHA-256.
func hashed(name string) string {
	if len(name) <= maxLoadSK {
		return name
	}
	return strings.ToValidUTF8(name[:900], "") + "#" + digest(name)
}

// FeedKey is the row of a feed.
func FeedKey(app, feed string) Key {
	return Key{feedPartition(app, spread(feed, loadShards)), hashed(feed)}
}

func feedPartition(app string, shard int) string { return fmt.Sprintf("%s#feed#%02d", app, shard) }

// Brought is one upload of a feed.
type Brought struct {
	Bucket, Key string
	Version     Version // Modified is when it came
	At          time.Time
	Rows, Zeros int64    // that can be used, and those of them that say that nothing is left
	Stores      []string // that it names, FeedStores at most
	StoreCount  int64
	Zeroed      int64  // absent items that became 0
	Note        string // what else there is to say of it; "" nothing
}

// Feed is a feed's row.
type Feed struct {
	Name string
	Good *Brought  // the last one that was loaded; nil: none yet
	Held *Brought  // the last one, where it is held back; its Note says why
	Came time.Time // Last-Modified of the newest upload that was loaded or held back

	// What is expected of it: the rule, since when the watch knows it, the last deadline that was judged, and the deadline that
	// passed without an upload and was told; zero: it has come since.
	Rule      string
	RuleSince time.Time
	Judged    time.Time
	Late      time.Time
}

// FeedOf reads a feed's row.
func FeedOf(row map[string]types.AttributeValue) (Feed, error) {
	r := reader{row: row}
	f := Feed{
		Name: r.text("name"), Came: r.instantIf("came"),
		Rule: r.textIf("rule"), RuleSince: r.instantIf("rule_since"), Judged: r.instantIf("judged"), Late: r.instantIf("late"),
	}
	for _, one := range []struct {
		name string
		into **Brought
	}{{"good", &f.Good}, {"held", &f.Held}} {
		if !r.has(one.name) {
			continue
		}
		b, err := broughtOf(row[one.name])
		*one.into, r.err = &b, errors.Join(r.err, err)
	}
	if r.err != nil {
		return f, fmt.Errorf("row of feed %s: %w", f.Name, r.err)
	}
	return f, nil
}

func (b Brought) attribute() types.AttributeValue {
	m := map[string]types.AttributeValue{
		"bucket": attribute.S(b.Bucket), "key": attribute.S(b.Key), "version": b.Version.attribute(), "at": Instant(b.At), "rows": attribute.N(b.Rows), "zeros": attribute.N(b.Zeros),
		"store_count": attribute.N(b.StoreCount),
	}
	if len(b.Stores) > 0 {
		m["stores"] = texts(b.Stores)
	}
	if b.Zeroed > 0 {
		m["zeroed"] = attribute.N(b.Zeroed)
	}
	if b.Note != "" {
		m["note"] = attribute.S(b.Note)
	}
	return attribute.M(m)
}

func broughtOf(a types.AttributeValue) (Brought, error) {
	m, ok := a.(*types.AttributeValueMemberM)
	if !ok {
		return Brought{}, errors.New("an upload is no map")
	}
	r := reader{row: m.Value}
	b := Brought{
		Bucket: r.text("bucket"), Key: r.text("key"), At: r.instant("at"), Rows: r.number("rows"), Zeros: r.number("zeros"), StoreCount: r.number("store_count"),
		Stores: textsIn(m.Value["stores"]), Note: r.textIf("note"),
	}
	version, err := versionOf(m.Value["version"])
	b.Version, r.err = version, errors.Join(r.err, err)
	if n := r.maybe("zeroed"); n != nil {
		b.Zeroed = *n
	}
	return b, r.err
}

// feedUpdate begins the update of a feed's row.
func feedUpdate(table, app, feed string, now time.Time, set map[string]types.AttributeValue) *dynamodb.UpdateItemInput {
	all := map[string]types.AttributeValue{"name": attribute.S(feed), Expires: attribute.N(now.Add(FeedKept).Unix())}
	maps.Copy(all, set)
	names, values := map[string]string{}, map[string]types.AttributeValue{}
	var sets []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		names["#"+name], values[":"+name] = name, all[name]
		sets = append(sets, fmt.Sprintf("#%s = :%s", name, name))
	}
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: FeedKey(app, feed).Attributes(), UpdateExpression: aws.String("SET " + strings.Join(sets, ", ")),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew,
	}
}

// BringFeed is the update that notes an upload of a feed: loaded, or held back. Its condition fails where a newer one has been noted.
func BringFeed(table, app, feed string, b Brought, held bool, now time.Time) *dynamodb.UpdateItemInput {
	what := "good"
	if held {
		what = "held"
	}
	in := feedUpdate(table, app, feed, now, map[string]types.AttributeValue{what: b.attribute(), "came": Instant(b.Version.Modified)})
	in.ConditionExpression = aws.String("attribute_not_exists(#came) OR #came <= :came")
	if !held {
		in.ExpressionAttributeNames["#held"] = "held"
		*in.UpdateExpression += " REMOVE #held"
	}
	return in
}

// SeeRule is the update that notes since when a feed is expected by a rule. Its condition fails where that is known.
func SeeRule(table, app, feed, rule string, now time.Time) *dynamodb.UpdateItemInput {
	in := feedUpdate(table, app, feed, now, map[string]types.AttributeValue{"rule": attribute.S(rule), "rule_since": Instant(now)})
	in.ExpressionAttributeNames["#late"] = "late"
	*in.UpdateExpression += " REMOVE #late"
	in.ConditionExpression = aws.String("attribute_not_exists(#rule) OR #rule <> :rule")
	return in
}

// ForgetRule is the update that forgets a rule by which a feed is not expected any more, and what was late by it. Its condition fails
// where another rule has taken its place.
func ForgetRule(table, app, feed, rule string, now time.Time) *dynamodb.UpdateItemInput {
	in := feedUpdate(table, app, feed, now, nil)
	in.ExpressionAttributeNames["#rule"], in.ExpressionAttributeValues[":rule"] = "rule", attribute.S(rule)
	remove := []string{"#rule"}
	for _, name := range []string{"rule_since", "judged", "late"} {
		in.ExpressionAttributeNames["#"+name] = name
		remove = append(remove, "#"+name)
	}
	*in.UpdateExpression += " REMOVE " + strings.Join(remove, ", ")
	in.ConditionExpression = aws.String("#rule = :rule")
	return in
}

// LateFeed is the update that notes that a feed was not there by a deadline; its answer says whether it is now. Its condition fails
// where the deadline was judged.
func LateFeed(table, app, feed string, deadline, now time.Time) *dynamodb.UpdateItemInput {
	in := feedUpdate(table, app, feed, now, map[string]types.AttributeValue{"late": Instant(deadline)})
	in.ExpressionAttributeNames["#judged"] = "judged"
	in.ConditionExpression = aws.String("attribute_not_exists(#judged) OR #judged < :late")
	return in
}

// JudgeFeed is the update that notes that a deadline was judged. Its condition fails where it, or a later one, has been.
func JudgeFeed(table, app, feed string, deadline, now time.Time) *dynamodb.UpdateItemInput {
	in := feedUpdate(table, app, feed, now, map[string]types.AttributeValue{"judged": Instant(deadline)})
	in.ConditionExpression = aws.String("attribute_not_exists(#judged) OR #judged < :judged")
	return in
}

// FeedCame is the update that notes that a late feed has come. Its condition fails where that is noted, or it is late once more.
func FeedCame(table, app, feed string, deadline, now time.Time) *dynamodb.UpdateItemInput {
	in := feedUpdate(table, app, feed, now, nil)
	in.ExpressionAttributeNames["#late"], in.ExpressionAttributeValues[":late"] = "late", Instant(deadline)
	*in.UpdateExpression += " REMOVE #late"
	in.ConditionExpression = aws.String("#late = :late")
	return in
}

// StoreKey is the row that says that a feed loads a store.
func StoreKey(app, store, feed string) Key {
	return Key{app + "#store#" + digest(store)[:32], hashed(feed)}
}

// StoreFeed says when a feed last loaded a store, to about a day.
type StoreFeed struct {
	Feed string
	At   time.Time
}

// Attributes is the row as it is put.
func (s StoreFeed) Attributes(app, store string) map[string]types.AttributeValue {
	row := StoreKey(app, store, s.Feed).Attributes()
	row["feed"], row["at"], row[Expires] = attribute.S(s.Feed), Instant(s.At), attribute.N(s.At.Add(StoreKept).Unix())
	return row
}

// StoreFeedOf reads the row.
func StoreFeedOf(row map[string]types.AttributeValue) (StoreFeed, error) {
	r := reader{row: row}
	s := StoreFeed{Feed: r.text("feed"), At: r.instant("at")}
	if r.err != nil {
		return s, fmt.Errorf("row of a store's feed %s: %w", s.Feed, r.err)
	}
	return s, nil
}
