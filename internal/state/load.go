package state

// The ledger: for each object that was loaded its row, with what is being done to it and how its last load ended.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

const (
	LoadKept   = 30 * 24 * time.Hour // a row of the ledger, after its last change
	MarkKept   = 12 * time.Hour      // a mark: as long as SQS lets a message be held
	loadShards = 16                  // partitions of the ledger
	maxLoadSK  = 1024                // bytes of bucket/key that stand in the key as they are
)

// LoadKey is the ledger's row of an object. Names that are too long stand there by their beginning and their SHA-256.
func LoadKey(app, bucket, key string) Key {
	name := bucket + "/" + key
	return Key{loadPartition(app, spread(name, loadShards)), hashed(name)}
}

func loadPartition(app string, shard int) string { return fmt.Sprintf("%s#load#%02d", app, shard) }

// Version is one state of an object, as S3 tells it in the headers of an answer.
type Version struct {
	ETag     string
	Version  string    // empty, or null: the bucket has no versions
	Modified time.Time // whole seconds
}

// Same reports whether two versions are the very same upload.
func (v Version) Same(other Version) bool {
	return v.ETag == other.ETag && v.Version == other.Version && v.Modified.Equal(other.Modified)
}

// Load is an object's row in the ledger.
type Load struct {
	Bucket, Key string

	// Marks are of those who load the object at present, or have died over it. Seq counts all that were ever set.
	Marks []string
	Seq   int64
	// Finished is what the table holds; nil: not known. It is there only while nobody can have written anything else since.
	Finished *Version
	// Frontier is how far a load has come that did not end; nil: none.
	Frontier *Frontier

	Last Ended // how the last load ended; its Status is empty before the first has
	// Released is the ETag of an upload that somebody has released: it is loaded whatever there is to say against it.
	Released string
}

// Ended says how a load ended.
type Ended struct {
	Status   string // loaded, failed, gone, ...
	At       time.Time
	Took     time.Duration // in whole milliseconds
	Size     int64         // in bytes as it is stored; -1: unknown
	Version  Version
	Books    map[string]int64 // rows by what became of them
	Instance string           // by which the load was done
	Error    string
}

// NewMark makes a mark: of a message, in one of its tries.
func NewMark(at time.Time, messageID, try string) string {
	return fmt.Sprintf("%013d#%s#%s", at.UnixMilli(), messageID, try)
}

// MarkOf reports whether a mark is of a message, in whichever of its tries.
func MarkOf(mark, messageID string) bool { return strings.Contains(mark, "#"+messageID+"#") }

// Lapsed reports whether a mark is so old that nobody can stand behind it any more.
func Lapsed(mark string, now time.Time) bool {
	ms, _, _ := strings.Cut(mark, "#")
	at, err := strconv.ParseInt(ms, 10, 64)
	return err != nil || now.Sub(time.UnixMilli(at)) > MarkKept
}

// MarkLoad is the update that sets a mark on an object's row, and returns the row.
func MarkLoad(table, app, bucket, key, mark string, now time.Time) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: LoadKey(app, bucket, key).Attributes(), ReturnValues: types.ReturnValueAllNew,
		UpdateExpression:         aws.String("SET #bucket = :bucket, #key = :key, #expires = :expires ADD #marks :marks, #seq :one"),
		ExpressionAttributeNames: map[string]string{"#bucket": "bucket", "#key": "key", "#expires": Expires, "#marks": "marks", "#seq": "seq"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":bucket": attribute.S(bucket), ":key": attribute.S(key), ":expires": attribute.N(now.Add(LoadKept).Unix()), ":marks": set(mark), ":one": attribute.N(1),
		},
	}
}

// ReleaseLoad is the update that releases an upload of an object.
func ReleaseLoad(table, app, bucket, key, etag string, now time.Time) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: LoadKey(app, bucket, key).Attributes(),
		UpdateExpression:         aws.String("SET #bucket = :bucket, #key = :key, #expires = :expires, #released = :released ADD #seq :none"),
		ExpressionAttributeNames: map[string]string{"#bucket": "bucket", "#key": "key", "#expires": Expires, "#released": "released", "#seq": "seq"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":bucket": attribute.S(bucket), ":key": attribute.S(key), ":expires": attribute.N(now.Add(LoadKept).Unix()), ":released": attribute.S(etag), ":none": attribute.N(0),
		},
	}
}

// Closing is how whoever has set a mark takes it away.
type Closing struct {
	Bucket, Key string
	Marks       []string // to remove: ours, and those that have lapsed
	Ended       *Ended   // how the load ended; nil: there was none
	Finished    *Version // what the table now holds, if nobody has set a mark since Seq; nil: nothing is said of it
	Seq         int64
	Void        bool // what the row says of the table's contents holds no more
}

// CloseLoad is the update that closes a load, whose frontier goes. With Finished it is conditional: where the condition fails, the same is to be done
// with Finished nil and Void.
func CloseLoad(table, app string, c Closing, now time.Time) *dynamodb.UpdateItemInput {
	names := map[string]string{"#expires": Expires, "#marks": "marks", "#frontier": "frontier"}
	values := map[string]types.AttributeValue{":expires": attribute.N(now.Add(LoadKept).Unix()), ":marks": set(c.Marks...)}
	sets := []string{"#expires = :expires"}
	assign := func(name string, v types.AttributeValue) {
		names["#"+name], values[":"+name] = name, v
		sets = append(sets, fmt.Sprintf("#%s = :%s", name, name))
	}
	if c.Ended != nil {
		assign("last", c.Ended.attribute())
	}
	in := &dynamodb.UpdateItemInput{TableName: &table, Key: LoadKey(app, c.Bucket, c.Key).Attributes()}
	remove := " REMOVE #frontier"
	switch {
	case c.Finished != nil:
		assign("finished", c.Finished.attribute())
		names["#seq"], values[":seq"] = "seq", attribute.N(c.Seq)
		in.ConditionExpression = aws.String("#seq = :seq")
	case c.Void:
		names["#finished"] = "finished"
		remove += ", #finished"
	}
	in.UpdateExpression = aws.String("SET " + strings.Join(sets, ", ") + remove + " DELETE #marks :marks")
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = names, values
	return in
}

func set(members ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: members}
}

func (v Version) attribute() types.AttributeValue {
	return attribute.M(map[string]types.AttributeValue{
		"etag": attribute.S(v.ETag), "version": attribute.S(v.Version), "modified": Instant(v.Modified),
	})
}

func (e Ended) attribute() types.AttributeValue {
	m := map[string]types.AttributeValue{
		"status": attribute.S(e.Status), "at": Instant(e.At), "took_ms": attribute.N(e.Took.Milliseconds()), "size": attribute.N(e.Size),
		"instance": attribute.S(e.Instance),
	}
	if e.Version != (Version{}) {
		m["version"] = e.Version.attribute()
	}
	if e.Error != "" {
		m["error"] = attribute.S(e.Error)
	}
	books := map[string]types.AttributeValue{}
	for column, rows := range e.Books {
		books[column] = attribute.N(rows)
	}
	m["books"] = attribute.M(books)
	return attribute.M(m)
}

// LoadOf reads an object's row.
func LoadOf(row map[string]types.AttributeValue) (Load, error) {
	r := reader{row: row}
	l := Load{Bucket: r.text("bucket"), Key: r.text("key"), Seq: r.number("seq"), Released: r.textIf("released")}
	l.Marks = slices.Sorted(slices.Values(attribute.Strings(row["marks"])))
	if row["finished"] != nil {
		v, err := versionOf(row["finished"])
		l.Finished, r.err = &v, errors.Join(r.err, err)
	}
	if row["frontier"] != nil {
		var err error
		l.Frontier, err = frontierOf(row["frontier"])
		r.err = errors.Join(r.err, err)
	}
	if row["last"] != nil {
		var err error
		l.Last, err = endedOf(row["last"])
		r.err = errors.Join(r.err, err)
	}
	if r.err != nil {
		return l, fmt.Errorf("ledger's row %s/%s: %w", l.Bucket, l.Key, r.err)
	}
	return l, nil
}

func versionOf(a types.AttributeValue) (Version, error) {
	m, ok := a.(*types.AttributeValueMemberM)
	if !ok {
		return Version{}, errors.New("a version is no map")
	}
	r := reader{row: m.Value}
	return Version{r.text("etag"), r.text("version"), r.instant("modified")}, r.err
}

func endedOf(a types.AttributeValue) (Ended, error) {
	m, ok := a.(*types.AttributeValueMemberM)
	if !ok {
		return Ended{}, errors.New("attribute last is no map")
	}
	r := reader{row: m.Value}
	e := Ended{
		Status: r.text("status"), At: r.instant("at"), Took: time.Duration(r.number("took_ms")) * time.Millisecond,
		Size: r.number("size"), Instance: r.text("instance"), Books: map[string]int64{},
	}
	if m.Value["version"] != nil {
		v, err := versionOf(m.Value["version"])
		e.Version, r.err = v, errors.Join(r.err, err)
	}
	if m.Value["error"] != nil {
		e.Error = r.text("error")
	}
	if books := attribute.Map(m.Value["books"]); books != nil {
		rows := reader{row: books}
		for column := range books {
			e.Books[column] = rows.number(column)
		}
		r.err = errors.Join(r.err, rows.err)
	}
	return e, r.err
}
