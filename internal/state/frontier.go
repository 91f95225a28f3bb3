package state

// The frontier of a load, in its object's row of the ledger.

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// Frontier says up to which line the rows of an object are in the table. It is of one message and one upload, read in one
// way, and void once another mark has been set: once the row's Seq is beyond its own.
type Frontier struct {
	Line    int64
	Message string
	Version Version
	Seq     int64  // of the marks that were set, the last one that counts
	Parser  int64  // version of the program's reading
	Rules   string // digest of the settings by which it was read
}

// StoreFrontier is the update that stores a frontier, on condition that no mark was set since its own.
func StoreFrontier(table, app, bucket, key string, f Frontier, now time.Time) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: LoadKey(app, bucket, key).Attributes(),
		UpdateExpression: aws.String("SET #frontier = :frontier, #expires = :expires"), ConditionExpression: aws.String("#seq = :seq"),
		ExpressionAttributeNames: map[string]string{"#frontier": "frontier", "#expires": Expires, "#seq": "seq"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":frontier": f.attribute(), ":expires": attribute.N(now.Add(LoadKept).Unix()), ":seq": attribute.N(f.Seq),
		},
	}
}

// DropFrontier is the update that removes a frontier.
func DropFrontier(table, app, bucket, key string) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: LoadKey(app, bucket, key).Attributes(),
		UpdateExpression: aws.String("REMOVE #frontier"), ExpressionAttributeNames: map[string]string{"#frontier": "frontier"},
	}
}

func (f Frontier) attribute() types.AttributeValue {
	return attribute.M(map[string]types.AttributeValue{
		"line": attribute.N(f.Line), "message": attribute.S(f.Message), "version": f.Version.attribute(), "seq": attribute.N(f.Seq),
		"parser": attribute.N(f.Parser), "rules": attribute.S(f.Rules),
	})
}

// frontierOf reads a frontier; one that cannot be read is none, and says why.
func frontierOf(a types.AttributeValue) (*Frontier, error) {
	m, ok := a.(*types.AttributeValueMemberM)
	if !ok {
		return nil, errors.New("attribute frontier is no map")
	}
	r := reader{row: m.Value}
	f := &Frontier{Line: r.number("line"), Message: r.text("message"), Seq: r.number("seq"), Parser: r.number("parser"), Rules: r.text("rules")}
	var err error
	f.Version, err = versionOf(m.Value["version"])
	return f, errors.Join(r.err, err)
}
