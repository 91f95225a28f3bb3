package dynamo

// A table's definition: what CreateTable takes and DescribeTable shows.

import (
	"regexp"
	"strings"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// definition is what never changes in a table's life.
type definition struct {
	name    string
	id      string
	key     schema
	created time.Time
}

func (d definition) arn() string {
	return "arn:aws:dynamodb:" + Region + ":" + Account + ":table/" + d.name
}

// nameOf is the name of a table that is given by its name or its ARN.
func nameOf(nameOrARN string) string {
	if rest, ok := strings.CutPrefix(nameOrARN, "arn:"); ok {
		_, name, _ := strings.Cut(rest, ":table/")
		return name
	}
	return nameOrARN
}

// billing is how a table's capacity is paid.
type billing struct {
	onDemand    bool
	read, write int
	warm        warm // what was asked for
}

// warm is WarmThroughput: what a table or an index takes at once.
type warm struct {
	ReadUnitsPerSecond, WriteUnitsPerSecond int

	Status string `json:",omitempty"`
}

// attributeDefinition and keyElement are the wire's form of a primary key.
type (
	attributeDefinition struct{ AttributeName, AttributeType string }
	keyElement          struct{ AttributeName, KeyType string }
	throughput          struct{ ReadCapacityUnits, WriteCapacityUnits int }
)

// streamSpecification asks for a stream.
type streamSpecification struct {
	StreamEnabled  bool
	StreamViewType string `json:",omitempty"`
}

// tableRequest is the parameters of CreateTable and UpdateTable.
type tableRequest struct {
	name, mode string
	attributes []attributeDefinition
	keys       []keyElement
	throughput *throughput
	warm       *warm
	stream     *streamSpecification
	protected  *bool          // against DeleteTable
	indexes    []indexRequest // nil: not mentioned
	updates    []indexUpdate
}

func (q *tableRequest) params() params {
	return params{
		"TableName": text(&q.name), "BillingMode": text(&q.mode),
		"ProvisionedThroughput": readThroughput(&q.throughput), "KeySchema": readKeys(&q.keys),
		"GlobalSecondaryIndexes": readIndexes(&q.indexes), "WarmThroughput": readWarm(&q.warm),
		"DeletionProtectionEnabled": func(in *attr.Reader) error { q.protected = new(bool); return flag(q.protected)(in) },
		"AttributeDefinitions": list(func(in *attr.Reader) error {
			var d attributeDefinition
			err := params{"AttributeName": text(&d.AttributeName), "AttributeType": text(&d.AttributeType)}.read(in, "AttributeDefinitions")
			q.attributes = append(q.attributes, d)
			return err
		}),
		"StreamSpecification": func(in *attr.Reader) error {
			q.stream = &streamSpecification{}
			return params{"StreamEnabled": flag(&q.stream.StreamEnabled), "StreamViewType": text(&q.stream.StreamViewType)}.read(in, "StreamSpecification")
		},
	}
}

func readKeys(to *[]keyElement) func(*attr.Reader) error {
	return list(func(in *attr.Reader) error {
		var k keyElement
		err := params{"AttributeName": text(&k.AttributeName), "KeyType": text(&k.KeyType)}.read(in, "KeySchema")
		*to = append(*to, k)
		return err
	})
}

func readThroughput(to **throughput) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		var read, write *int
		err := params{"ReadCapacityUnits": whole(&read), "WriteCapacityUnits": whole(&write)}.read(in, "ProvisionedThroughput")
		if err == nil && (read == nil || write == nil) {
			err = required(true, "provisionedThroughput.readCapacityUnits")
		}
		if err == nil {
			*to = &throughput{*read, *write}
		}
		return err
	}
}

func readWarm(to **warm) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		var read, write *int
		err := params{"ReadUnitsPerSecond": whole(&read), "WriteUnitsPerSecond": whole(&write)}.read(in, "WarmThroughput")
		*to = &warm{}
		if read != nil {
			(*to).ReadUnitsPerSecond = *read
		}
		if write != nil {
			(*to).WriteUnitsPerSecond = *write
		}
		return err
	}
}

var tableNamePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

func checkTableName(name string) error {
	switch {
	case name == "":
		return required(true, "tableName")
	case len(name) < 3 || len(name) > 255:
		return validation("TableName must be at least 3 characters long and at most 255 characters long")
	case !tableNamePattern.MatchString(name):
		return constraint("'"+name+"'", "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	return nil
}

// schema checks the table's key.
func (q *tableRequest) schema() (s schema, err error) {
	kinds, err := q.kinds()
	if err != nil {
		return s, err
	}
	if s, err = q.keySchema(q.keys, kinds); err != nil {
		return s, err
	}
	if q.indexes == nil && len(kinds) != len(q.keys) {
		return s, validation("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return s, nil
}

// kinds are the types of the attributes that keys may have.
func (q *tableRequest) kinds() (map[string]attr.Kind, error) {
	kinds := map[string]attr.Kind{}
	for _, a := range q.attributes {
		if err := oneOf(a.AttributeType, "attributeDefinitions.1.member.attributeType", "B", "N", "S"); err != nil {
			return nil, err
		}
		kinds[a.AttributeName] = attr.KindOf(a.AttributeType)
	}
	return kinds, nil
}

// keySchema checks the key schema of a table or an index.
func (q *tableRequest) keySchema(keys []keyElement, kinds map[string]attr.Kind) (s schema, err error) {
	if len(keys) == 0 || len(keys) > 2 {
		return s, required(true, "keySchema")
	}
	for i, k := range keys {
		kind, ok := kinds[k.AttributeName]
		if !ok {
			return s, validation("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				k.AttributeName, q.attributeNames())
		}
		if k.KeyType != [2]string{"HASH", "RANGE"}[i] {
			return s, validation("Invalid KeySchema: The %s KeySchemaElement is not a %s key type", [2]string{"first", "second"}[i], [2]string{"HASH", "RANGE"}[i])
		}
		*[2]*keyAttribute{&s.partition, &s.sort}[i] = keyAttribute{k.AttributeName, kind}
	}
	if s.partition.name == s.sort.name {
		return s, validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return s, nil
}

func (q *tableRequest) attributeNames() string {
	var all []string
	for _, a := range q.attributes {
		all = append(all, a.AttributeName)
	}
	return strings.Join(all, ", ")
}

func (q *streamSpecification) check() error {
	if q == nil {
		return nil
	}
	if err := oneOf(q.StreamViewType, "streamSpecification.streamViewType", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"); err != nil {
		return err
	}
	switch {
	case q.StreamEnabled && q.StreamViewType == "":
		return validation("One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true")
	case !q.StreamEnabled && q.StreamViewType != "":
		return validation("One or more parameter values were invalid: StreamViewType is not allowed when StreamEnabled is false")
	}
	return nil
}
