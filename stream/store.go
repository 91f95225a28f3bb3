package stream

// This file: the rows of one table in the lease table. Each method is one attempt of one call (or one paged query);
// the caller decides on errors. All writes are conditional.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// store is the rows of one table's stream in the lease table.
type store struct {
	rows   Rows
	leases string // the lease table
	table  string // the table whose stream is read
}

func (s store) streamKey() item {
	return item{colPK: attribute.S(s.table), colSK: attribute.S("stream")}
}
func (s store) instances() string { return s.table + "#instances" }

func (s store) shardKey(k shardKey) item {
	return item{colPK: attribute.S(s.table + "#shards"), colSK: attribute.S(k.String())}
}

// stream reads the stream's row; false: there is none yet.
func (s store) stream(ctx context.Context) (streamRow, bool, error) {
	found, err := s.read(ctx, s.streamKey())
	return decodeStream(found), found != nil, err
}

// createStream writes the stream's row, or returns the one that another instance has just written.
func (s store) createStream(ctx context.Context, r streamRow) (streamRow, error) {
	set := item{colApp: attribute.S(r.App), colARN: attribute.S(r.ARN), colSince: instant(r.Since)}
	if !r.Start.IsZero() {
		set[colStart] = instant(r.Start)
	}
	written, err := s.update(ctx, s.streamKey(), set, nil, "attribute_not_exists(pk)", nil)
	var exists *conflictError
	if errors.As(err, &exists) && exists.item != nil {
		return decodeStream(exists.item), nil
	}
	return decodeStream(written), err
}

// moveStream records that the table has a new stream, and the gap between the two. Of several instances one wins; the
// others get its row.
func (s store) moveStream(ctx context.Context, old, arn string, gap Gap) (streamRow, error) {
	set := item{colARN: attribute.S(arn), gapColumn(gap.Number): gap.encode()}
	written, err := s.update(ctx, s.streamKey(), set, nil, "#arn = :old", item{":old": attribute.S(old)})
	var moved *conflictError
	if errors.As(err, &moved) && moved.item != nil {
		return decodeStream(moved.item), nil
	}
	return decodeStream(written), err
}

// shards reads the rows of all shards.
func (s store) shards(ctx context.Context) ([]shardRow, error) {
	found, err := s.query(ctx, "pk = :pk", item{":pk": attribute.S(s.table + "#shards")})
	rows := make([]shardRow, len(found))
	for i := range found {
		rows[i] = decodeShard(found[i])
	}
	return rows, err
}

// create writes the row of a shard that was just discovered, or returns the one that is there. The parent's row is
// told of its child first, so that it never outlives a child that nobody has read.
func (s store) create(ctx context.Context, r shardRow) (shardRow, error) {
	if r.Parent != "" {
		if err := s.addChild(ctx, r); err != nil {
			return shardRow{}, err
		}
	}
	written, err := s.update(ctx, s.shardKey(r.key()), r.encode(), nil, "attribute_not_exists(pk)", nil)
	var exists *conflictError
	if errors.As(err, &exists) && exists.item != nil {
		return decodeShard(exists.item), nil
	}
	return decodeShard(written), err
}

// addChild tells the parent's row, if it has one, of a child.
func (s store) addChild(ctx context.Context, child shardRow) error {
	_, err := s.rows.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.leases, Key: s.shardKey(child.parentKey()),
		UpdateExpression:          aws.String("ADD #children :child"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeNames:  map[string]string{"#children": colChildren},
		ExpressionAttributeValues: item{":child": &types.AttributeValueMemberSS{Value: []string{child.ID}}},
	}, once)
	if err != nil && classify(err) != conflict { // the parent has no row
		return fmt.Errorf("write row %s in table %s: %w", child.parentKey(), s.leases, err)
	}
	return nil
}

// claim makes an instance that will read it at once the owner of a shard that is as it was seen: free, a dead
// instance's, or given to it.
func (s store) claim(ctx context.Context, seen shardRow, me string) (shardRow, error) {
	epoch := seen.Epoch
	if seen.Owner != me {
		epoch++
	}
	set := item{colOwner: attribute.S(me), colEpoch: attribute.N(epoch), colConfirmed: attribute.N(epoch)}
	if !seen.ended() {
		set[colState] = attribute.S(StateHeld)
	}
	written, err := s.change(ctx, seen, set, []string{colTo}, "")
	var taken *conflictError
	if errors.As(err, &taken) && taken.item != nil {
		if now := decodeShard(taken.item); now.Owner == me && now.Epoch == epoch && now.Confirmed == epoch {
			return now, nil // the answer of an earlier attempt was lost
		}
	}
	return written, err
}

// assign gives a shard that is as it was seen, and that its owner, if it has one that lives, has not begun to read.
func (s store) assign(ctx context.Context, seen shardRow, to string) (shardRow, error) {
	unread := ""
	if seen.Owner != "" && !seen.begun() {
		unread = "(attribute_not_exists(#confirmed) OR #confirmed < #epoch)"
	}
	set := item{colOwner: attribute.S(to), colEpoch: attribute.N(seen.Epoch + 1), colState: attribute.S(StateReady)}
	written, err := s.change(ctx, seen, set, []string{colTo}, unread)
	var taken *conflictError
	if errors.As(err, &taken) && taken.item != nil {
		if now := decodeShard(taken.item); now.Owner == to && now.Epoch == seen.Epoch+1 {
			return now, nil // the answer of an earlier attempt was lost
		}
	}
	return written, err
}

// ask asks the owner of a shard that is as it was seen to hand it over.
func (s store) ask(ctx context.Context, seen shardRow, to string) (shardRow, error) {
	return s.change(ctx, seen, item{colTo: attribute.S(to)}, nil, "")
}

// change writes columns of a shard whose owner and epoch are as they were seen, under one more condition.
func (s store) change(ctx context.Context, seen shardRow, set item, remove []string, also string) (shardRow, error) {
	condition, values := "#epoch = :seen AND attribute_not_exists(#owner)", item{":seen": attribute.N(seen.Epoch)}
	if seen.Owner != "" {
		condition, values[":from"] = "#epoch = :seen AND #owner = :from", attribute.S(seen.Owner)
	}
	if also != "" {
		condition += " AND " + also
	}
	written, err := s.update(ctx, s.shardKey(seen.key()), set, remove, condition, values)
	if err != nil {
		return shardRow{}, err
	}
	return decodeShard(written), nil
}

// listed notes when a complete listing of the table's latest stream began.
func (s store) listed(ctx context.Context, at time.Time) error {
	_, err := s.update(ctx, s.streamKey(), item{colListed: instant(at)}, nil, "attribute_exists(pk)", nil)
	return err
}

// save writes columns of a row that its owner holds; it never moves the checkpoint back, even when an earlier write
// arrives late.
func (s store) save(ctx context.Context, held shardRow, set item, remove ...string) error {
	condition := "#owner = :me AND #epoch = :held"
	values := item{":me": attribute.S(held.Owner), ":held": attribute.N(held.Epoch)}
	if _, moves := set[colCheckpoint]; moves {
		condition += " AND (attribute_not_exists(#checkpoint) OR #checkpoint <= :checkpoint)"
	}
	_, err := s.update(ctx, s.shardKey(held.key()), set, remove, condition, values)
	return err
}

// reset makes a shard that is as it was seen one of which nothing has been read. Until the instant read it was read:
// what was deleted of that is no gap.
func (s store) reset(ctx context.Context, seen shardRow, read, from time.Time) error {
	set := item{colState: attribute.S(StateWaiting), colEpoch: attribute.N(seen.Epoch + 1)}
	remove := []string{colCheckpoint, colSequence, colOwner, colEnded, colLastEvent, colPoison, colAttempts, colTo, colFailed}
	if !read.IsZero() {
		set[colTip] = instant(read)
	}
	if from.IsZero() {
		remove = append(remove, colFrom)
	} else {
		set[colFrom] = instant(from.Truncate(time.Second)) // as records' times of creation are
	}
	_, err := s.update(ctx, s.shardKey(seen.key()), set, remove, "#epoch = :seen", item{":seen": attribute.N(seen.Epoch)})
	return err
}

// settle stores a gap that was told.
func (s store) settle(ctx context.Context, g Gap) error {
	key := s.streamKey()
	if g.Shard != "" {
		key = s.shardKey(shardKey{g.Stream, g.Shard})
	}
	_, err := s.update(ctx, key, item{gapColumn(g.Number): g.encode()}, nil, "attribute_exists(pk)", nil)
	var gone *conflictError
	if errors.As(err, &gone) {
		return nil // the row went with its shard
	}
	return err
}

// remove deletes the row of an ended shard that is as it was seen.
func (s store) remove(ctx context.Context, seen shardRow) error {
	_, err := s.rows.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.leases, Key: s.shardKey(seen.key()),
		ConditionExpression:       aws.String("#epoch = :seen AND #checkpoint = :ended"),
		ExpressionAttributeNames:  map[string]string{"#epoch": colEpoch, "#checkpoint": colCheckpoint},
		ExpressionAttributeValues: item{":seen": attribute.N(seen.Epoch), ":ended": attribute.S(ended)},
	}, once)
	if classify(err) == conflict {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete row %s in table %s: %w", seen.key(), s.leases, err)
	}
	return nil
}
