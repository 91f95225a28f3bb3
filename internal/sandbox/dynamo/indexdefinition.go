package dynamo

// What CreateTable and UpdateTable take of indexes.

import (
	"fmt"
	"slices"
	"strings"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Limits of indexes ("Quotas in Amazon DynamoDB": secondary indexes per table, projected attributes per table).
const (
	maxIndexes   = 20
	maxProjected = 100
)

// indexRequest is the definition of an index.
type indexRequest struct {
	name       string
	keys       []keyElement
	projection *projection
	throughput *throughput
}

// indexUpdate is one of UpdateTable's: an index to create, one to delete by its name, or one whose throughput changes.
type indexUpdate struct {
	create *indexRequest
	remove string
	change *throughput
}

// requestedIndex is an index to be made.
type requestedIndex struct {
	indexDefinition
	billing billing
}

func (x *indexRequest) read(in *attr.Reader) error {
	return params{
		"IndexName": text(&x.name), "KeySchema": readKeys(&x.keys), "ProvisionedThroughput": readThroughput(&x.throughput),
		"Projection": func(in *attr.Reader) error {
			x.projection = &projection{}
			return params{
				"ProjectionType": text(&x.projection.ProjectionType),
				"NonKeyAttributes": list(func(in *attr.Reader) error {
					name, err := in.String()
					x.projection.NonKeyAttributes = append(x.projection.NonKeyAttributes, name)
					return err
				}),
			}.read(in, "Projection")
		},
	}.read(in, "GlobalSecondaryIndex")
}

func readIndexes(to *[]indexRequest) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		*to = []indexRequest{}
		return in.Array(func() error {
			var x indexRequest
			err := x.read(in)
			*to = append(*to, x)
			return err
		})
	}
}

func readIndexUpdates(to *[]indexUpdate) func(*attr.Reader) error {
	return list(func(in *attr.Reader) error {
		var u indexUpdate
		err := params{
			"Create": func(in *attr.Reader) error { u.create = &indexRequest{}; return u.create.read(in) },
			"Delete": object("Delete", params{"IndexName": text(&u.remove)}),
			"Update": object("Update", params{"IndexName": text(&u.remove), "ProvisionedThroughput": readThroughput(&u.change)}),
		}.read(in, "GlobalSecondaryIndexUpdates")
		*to = append(*to, u)
		return err
	})
}

// indexDefinitions checks the indexes of a table to be made.
func (q *tableRequest) indexDefinitions(key schema, b billing) (list []requestedIndex, err error) {
	switch {
	case q.indexes == nil:
		return nil, nil
	case len(q.indexes) == 0:
		return nil, validation("One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty")
	case len(q.indexes) > maxIndexes:
		return nil, tooManyIndexes()
	}
	kinds, err := q.kinds()
	if err != nil {
		return nil, err
	}
	used, projected := map[string]bool{key.partition.name: true}, 0
	for _, k := range key.attributes() {
		used[k.name] = true
	}
	for i := range q.indexes {
		d, err := q.indexDefinition(&q.indexes[i], key, b, kinds)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(o requestedIndex) bool { return o.name == d.name }) {
			return nil, validation("One or more parameter values were invalid: Duplicate index name: %s", d.name)
		}
		for _, k := range d.key.attributes() {
			used[k.name] = true
		}
		projected += len(d.projection.NonKeyAttributes)
		list = append(list, d)
	}
	if len(kinds) != len(used) {
		return nil, validation("One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [%s]", q.attributeNames())
	}
	if projected > maxProjected {
		return nil, validation("One or more parameter values were invalid: Number of projected attributes exceeds the limit of %d", maxProjected)
	}
	return list, nil
}

func tooManyIndexes() error {
	return validation("One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of %d", maxIndexes)
}

// indexDefinition checks one index of a table that has that key and billing.
func (q *tableRequest) indexDefinition(x *indexRequest, table schema, b billing, kinds map[string]attr.Kind) (d requestedIndex, err error) {
	if len(x.name) < 3 || len(x.name) > 255 || !tableNamePattern.MatchString(x.name) {
		return d, constraint("'"+x.name+"'", "globalSecondaryIndexes.1.member.indexName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	d.name, d.table = x.name, table
	if d.key, err = q.keySchema(x.keys, kinds); err != nil {
		return d, err
	}
	d.key.ofIndex = true
	if err := x.projection.check(); err != nil {
		return d, err
	}
	d.projection, d.billing = *x.projection, billing{onDemand: b.onDemand}
	switch {
	case b.onDemand && x.throughput != nil:
		return d, validation("One or more parameter values were invalid: ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.name)
	case !b.onDemand && x.throughput == nil:
		return d, validation("One or more parameter values were invalid: ProvisionedThroughput must be specified for index: %s", x.name)
	case x.throughput != nil:
		d.billing.read, d.billing.write = x.throughput.ReadCapacityUnits, x.throughput.WriteCapacityUnits
	}
	return d, nil
}

func (p *projection) check() error {
	if p == nil {
		return required(true, "globalSecondaryIndexes.1.member.projection")
	}
	if p.ProjectionType == "" {
		return validation("One or more parameter values were invalid: Unknown ProjectionType: null")
	}
	if err := oneOf(p.ProjectionType, "globalSecondaryIndexes.1.member.projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY"); err != nil {
		return err
	}
	names := slices.Sorted(slices.Values(p.NonKeyAttributes))
	switch {
	case p.ProjectionType == "INCLUDE" && len(names) == 0:
		return validation("One or more parameter values were invalid: ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case p.ProjectionType != "INCLUDE" && len(names) > 0:
		return validation("One or more parameter values were invalid: ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	case len(slices.Compact(names)) != len(p.NonKeyAttributes):
		return validation("One or more parameter values were invalid: Duplicate attribute in NonKeyAttributes: [%s]", strings.Join(p.NonKeyAttributes, ", "))
	}
	return nil
}

func (d *indexDefinition) arn(table string) string { return fmt.Sprintf("%s/index/%s", table, d.name) }
