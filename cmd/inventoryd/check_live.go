package main

// The canary of `check --live`: one row of a store that is none, from the bucket to the teller. It is out of stock, so that it
// goes all the way; the notifier publishes it only in the name of inventory.CanaryAloud.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

const (
	canaryPatience = time.Minute // with each hop, for a daemon that is busy
	canaryLook     = 100 * time.Millisecond
)

// canary is one that is under way.
type canary struct {
	*doctor
	bucket, object string
	row            inventory.Key
	began          time.Time
	told           state.Item // its row at the end of the way
}

// hop is a part of the way: it is over when arrived says so.
type hop struct {
	name    string
	arrived func(context.Context) (bool, error)
	absent  string // what to look at when it is not over in time
}

// sendCanary sends an object with one row through a daemon that runs, times each hop, and removes what is left of it.
func (d *doctor) sendCanary(ctx context.Context, publish bool) {
	buckets := d.buckets
	if buckets == nil {
		buckets = bucketsOf(d.cfg)
	}
	if len(buckets) != 1 {
		d.say(failure, "live", "inventoryd check --live --bucket NAME", "it must know the one bucket for the canary")
		return
	}
	c := canary{doctor: d, bucket: buckets[0], began: time.Now(), row: inventory.Key{Store: inventory.Canary, Item: fmt.Sprint(time.Now().UnixNano())}}
	if publish {
		c.row.Store = inventory.CanaryAloud
	}
	c.object = c.row.Store + "-" + c.row.Item + ".csv"
	defer c.remove(context.WithoutCancel(ctx))
	hops := []hop{
		{"upload", c.upload, ""},
		{"row", c.inTable, "see whether a daemon runs (/readyz, its log), and what became of it: inventoryd loads " + shell("s3://"+c.bucket+"/"+c.object)},
		{"due", c.isDue, "see whether a daemon runs with its notifier (/readyz, its log): inventoryd shards shows who reads the table's stream"},
		{"told", c.isTold, "see why the daemon that tells does not (/readyz of the leading instance, its log)"},
	}
	for _, h := range hops {
		if !c.await(ctx, h) {
			return
		}
	}
	if publish && !d.cfg.Notifier.Send {
		d.say(warning, "live", "set notifier.send to true", "the canary was not published: notifier.send is false")
	}
}

// await waits for a hop to be over.
func (c *canary) await(ctx context.Context, h hop) bool {
	for end := time.Now().Add(canaryPatience); ; {
		arrived, err := h.arrived(ctx)
		if !c.asked("live", "what check --live takes ("+h.name+")", err) {
			return false
		}
		if arrived {
			c.say(good, "live", "", "%s after %s", h.name, time.Since(c.began).Round(time.Millisecond))
			return true
		}
		if time.Now().After(end) {
			c.say(failure, "live", h.absent, "the canary did not get from the hop before to %s within %s", h.name, canaryPatience)
			return false
		}
		if sleep.For(ctx, canaryLook) != nil {
			return false
		}
	}
}

func (c *canary) upload(ctx context.Context) (bool, error) {
	// Any header that the configuration knows: the preferred names.
	body := fmt.Sprintf("%s,%s,%s\n%s,%s,%d\n", c.column("store"), c.column("item"), c.column("count"), c.row.Store, c.row.Item, c.cfg.Notifier.Threshold)
	_, err := c.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &c.object, Body: strings.NewReader(body)})
	return true, err
}

func (c *canary) inTable(ctx context.Context) (bool, error) {
	out, err := c.Tables.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &c.cfg.Table.Name, Key: c.cfg.Table.KeyAttributes(c.row), ConsistentRead: aws.Bool(true),
	})
	return err == nil && len(out.Item) > 0, err
}

func (c *canary) isDue(ctx context.Context) (there bool, err error) {
	c.told, there, err = bookOf(c.cfg, c.Tables).Item(ctx, c.row)
	return there, err
}

func (c *canary) isTold(ctx context.Context) (bool, error) {
	there, err := c.isDue(ctx)
	return there && !c.told.Told.V.IsZero(), err
}

// remove removes the object and all rows; what was published stays in the history. The item's row goes before the table's, so
// that the removal is no restock of anything known.
func (c *canary) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, canaryPatience)
	defer cancel()
	_, err := c.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &c.object})
	var rows []state.Key
	if !c.told.Told.V.IsZero() && c.row.Store == inventory.Canary {
		rows = c.history(ctx)
	}
	rows = append(rows, state.ItemKey(c.cfg.App, c.row.Store, c.row.Item), state.LoadKey(c.cfg.App, c.bucket, c.object),
		state.FeedKey(c.cfg.App, c.bucket+"/"+c.object), state.StoreKey(c.cfg.App, c.row.Store, c.bucket+"/"+c.object))
	for _, k := range rows {
		_, problem := c.Tables.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &c.cfg.StateTable, Key: k.Attributes()})
		err = errors.Join(err, problem)
	}
	_, problem := c.Tables.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &c.cfg.Table.Name, Key: c.cfg.Table.KeyAttributes(c.row)})
	if err = errors.Join(err, problem); err != nil {
		c.say(warning, "live", "aws s3 rm "+shell("s3://"+c.bucket+"/"+c.object)+", and remove the rows of "+c.row.Store+" from the tables",
			"something of the canary could not be removed: %v", err)
	}
}

// history are the rows of what was told of it, as if; they come a moment after it counts as told.
func (c *canary) history(ctx context.Context) (keys []state.Key) {
	for end := time.Now().Add(5 * time.Second); len(keys) == 0 && time.Now().Before(end); {
		found, err := bookOf(c.cfg, c.Tables).History(ctx, c.told.Told.V, c.told.Told.V, c.row.Store)
		if err != nil {
			c.asked("live", "dynamodb:Query on "+c.cfg.StateTable, err)
			return nil
		}
		for _, h := range found {
			if len(h.Subjects) == 1 && h.Subjects[0].Item == c.row.Item {
				keys = append(keys, h.Key(c.cfg.App))
			}
		}
		if len(keys) == 0 {
			time.Sleep(canaryLook)
		}
	}
	return keys
}

// column is the name by which the canary's header calls a column.
func (d *doctor) column(name string) string {
	if names := d.cfg.Loader.Columns[name]; len(names) > 0 {
		return names[0]
	}
	return name
}
