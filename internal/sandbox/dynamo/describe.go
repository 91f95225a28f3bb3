package dynamo

// A table as DescribeTable and the answers of its changes show it.

import (
	"slices"
	"strings"
	"time"
)

// description is a table as the API shows it.
type description struct {
	TableName, TableArn, TableId, TableStatus string

	CreationDateTime      float64
	ItemCount             int
	TableSizeBytes        int
	AttributeDefinitions  []attributeDefinition
	KeySchema             []keyElement
	ProvisionedThroughput provisioned
	BillingModeSummary    *billingSummary `json:",omitempty"`
	WarmThroughput        warm

	DeletionProtectionEnabled bool

	GlobalSecondaryIndexes []*describedIndex `json:",omitempty"`
	*streamDescription
}

// describedIndex is an index as the API shows it.
type describedIndex struct {
	IndexName, IndexArn, IndexStatus string

	Backfilling           *bool `json:",omitempty"` // of one that is CREATING in a table that was there before
	KeySchema             []keyElement
	Projection            projection
	ProvisionedThroughput provisioned
	WarmThroughput        warm
	IndexSizeBytes        int
	ItemCount             int
}

type provisioned struct{ NumberOfDecreasesToday, ReadCapacityUnits, WriteCapacityUnits int }

type billingSummary struct{ BillingMode string }

// streamDescription is what a table says of its latest stream.
type streamDescription struct {
	LatestStreamArn, LatestStreamLabel string

	StreamSpecification *streamSpecification `json:",omitempty"`
}

func (t *table) describe(now time.Time) *description {
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := &description{
		TableName: t.name, TableArn: t.arn(), TableId: t.id, TableStatus: t.status(now), CreationDateTime: seconds(t.created),
		ItemCount: t.rows.Len(), TableSizeBytes: t.bytes, KeySchema: t.key.elements(), ProvisionedThroughput: t.billing.provisioned(),
		WarmThroughput: t.billing.warmed(t.capacity.count()), DeletionProtectionEnabled: t.protected,
	}
	if t.billing.onDemand {
		d.BillingModeSummary = &billingSummary{"PAY_PER_REQUEST"}
	}
	for _, k := range t.keyAttributes() {
		d.AttributeDefinitions = append(d.AttributeDefinitions, attributeDefinition{k.name, k.kind.String()})
	}
	for _, ix := range t.indexes {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, ix.describe(t, now))
	}
	if t.stream != nil {
		d.streamDescription = t.stream.described()
	}
	return d
}

func (ix *index) describe(t *table, now time.Time) *describedIndex {
	d := &describedIndex{
		IndexName: ix.name, IndexArn: ix.arn(t.arn()), IndexStatus: ix.status(now), KeySchema: ix.key.elements(), Projection: ix.projection,
		ProvisionedThroughput: ix.billing.provisioned(), WarmThroughput: ix.billing.warmed(ix.capacity.count()), IndexSizeBytes: ix.bytes, ItemCount: ix.rows.Len(),
	}
	if d.IndexStatus == "CREATING" && t.activeAt.Before(ix.activeAt) {
		backfilling := true
		d.Backfilling = &backfilling
	}
	return d
}

// creating has the indexes that were just made be so: no answer that makes one says ACTIVE.
func (d *description) creating(made func(name string) bool) {
	for _, ix := range d.GlobalSecondaryIndexes {
		if made(ix.IndexName) {
			ix.IndexStatus = "CREATING"
		}
	}
}

// elements are the key as the API shows it.
func (s schema) elements() (list []keyElement) {
	for i, k := range s.attributes() {
		list = append(list, keyElement{k.name, [2]string{"HASH", "RANGE"}[i]})
	}
	return list
}

// keyAttributes are those of the table's key and of its indexes', each once.
func (t *table) keyAttributes() []keyAttribute {
	all := slices.Clone(t.key.attributes())
	for _, ix := range t.indexes {
		for _, k := range ix.key.attributes() {
			if !slices.Contains(all, k) {
				all = append(all, k)
			}
		}
	}
	return all
}

// status is the TableStatus. The table is locked.
func (t *table) status(now time.Time) string {
	if now.Before(t.activeAt) {
		return "CREATING"
	}
	for _, ix := range t.indexes {
		if now.Before(ix.activeAt) || now.Before(ix.goneAt) {
			return "UPDATING"
		}
	}
	return "ACTIVE"
}

// busy refuses a change of a table that is not ACTIVE.
func (t *table) busy(status string) error {
	return inUse("Attempt to change a resource which is still in use: Table is being %s: %s", strings.ToLower(status[:len(status)-3])+"ed", t.name)
}

// sweep forgets the indexes that are deleted by now.
func (t *table) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.indexes = slices.DeleteFunc(t.indexes, func(ix *index) bool { return !ix.goneAt.IsZero() && !now.Before(ix.goneAt) })
}
