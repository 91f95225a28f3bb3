// Package stream reads the change stream of a DynamoDB table and hands every record to one function, on one machine or
// on several, and loses nothing that DynamoDB still holds.
//
//	config := stream.DefaultConfig()
//	config.App = "orders"
//	reader, err := stream.New(streams, tables, "Orders", func(ctx context.Context, batch []stream.Record) error {
//		for i, record := range batch {
//			if err := publish(ctx, record.New); err != nil {
//				return stream.FailedAt(i, err)
//			}
//		}
//		return nil
//	}, config)
//	...
//	err = reader.Run(ctx)
//
// # What it promises
//
// At least once: every record that can be read while some instance runs is given to the handler, and again after a
// crash if its checkpoint was not stored yet (one is written each second, between calls of the handler). What DynamoDB
// dropped, or may have dropped, before it was read, after 24 hours, or never recorded, while the stream was off, is a [Gap]: written to the
// lease table, logged, counted, and given to Runtime.OnGap until that returns nil.
//
// In order, for each item, at first delivery: in order within a shard, a child shard only after its parent was read to
// its end, and a stream that was enabled anew only after the one before it. What is delivered again is a suffix, in
// order. There is no order among unrelated shards.
//
// One reader: an instance holds its shards by a lease. It begins no call of the handler after its lease ran out, nor after
// another has begun to read the shard, and the call's context ends with the lease. A call that has begun may still finish,
// so handlers must bear repetition; Record.ID identifies a record.
//
// # States of a shard
//
//	          its parent has       the leader, or who          its last page
//	          been read out        read the parent             was handled
//	waiting ────────────────▶ ready ────────────────▶ held ────────────────▶ ended ──▶ its row is deleted
//	                            ▲                       │                                after two days
//	                            └───────────────────────┘
//	                       handed over, released, or its owner died
//
// # Several instances
//
// Any number of instances may read one table: each joins with a row of its own in the lease table, and what it holds
// lives and dies with that row ([Config].LeaseDuration, D). The one that joined first leads: it lists the stream, makes
// the rows of new shards and decides who reads what, so that loads are equal within a tenth or one shard. All that it
// decides stands in the shards' rows; each other instance holds and reads its shards without it. Whoever reads a shard to
// its end goes on with its children. A shard moves by one write of its holder, which stores how far it is read and names
// the taker. A reader that is stopped gives its shards away in the same manner: they are read on within D/5 and a second.
// After a crash that takes up to 1.6 D and a second; a restart on the same host with Config.StateDir need not wait. A shard
// that an instance cannot read for two minutes goes to one that can.
//
// # The lease table
//
// Checkpoints and leases are rows of one DynamoDB table (Config.LeaseTable, keys pk and sk, both strings), which is
// created where that is permitted. It may be shared by the readers of several tables. The rows are: the stream
// (`<table>`, `stream`), the instances (`<table>#instances`, id) and the shards (`<table>#shards`, `<label>#<shard>`).
// A checkpoint is the stream's label and the sequence number of the last record of an unbroken row of records that
// were dealt with, as [Position] writes it; it never passes a record that was not. List reads the rows, Reset sets
// shards back.
//
// # Failures
//
// An error of the handler is taken for an outage of something that it needs: the records are delivered again after
// 200 ms to 30 s, for ever, and Reader.Ready fails meanwhile. An error marked with [Permanent], or a panic, is the
// record's own fault: after Config.MaxAttempts attempts the record goes to Runtime.Divert, of which [DeadLetters] makes one that writes a
// [Letter] to an SQS queue, or blocks its shard where there is none.
//
// Errors of AWS are retried by the reader itself, each in its own way; whatever retries the clients given to [New] have
// are left out. Only a wrong set-up ends [Reader.Run]: a table without a stream that carries new images, a lease
// table that belongs to another program or is deleted at run time.
//
// # Permissions
//
// On the table: dynamodb:DescribeTable; on its streams: dynamodb:ListStreams, DescribeStream, GetShardIterator and GetRecords. On the
// lease table: dynamodb:DescribeTable, Query, UpdateItem and DeleteItem, and, for it to be made, CreateTable and
// UpdateTimeToLive. On the queue of DeadLetters: sqs:SendMessage, and GetQueueUrl where it is given by its name.
//
// # Metrics
//
// Counters: records.read, which is records.processed + records.before.start + records.diverted + records.returned; gaps,
// get.records.calls, stream.errors, leases.lost, checkpoint.failures. Gauges: iterator.age, retention.headroom and
// oldest.unread.shard.age, in seconds; shards.held and shards.waiting; leader, which is 1 where this instance leads. Counters of the leader: shard.moves, rows.remade.
//
// # Cost
//
// A shard is read every 250 ms while it is busy and ever more rarely while it is quiet, down to Config.IdlePoll. Each
// read is a billed call of GetRecords. An idle shard costs one goroutine with a small stack: its calls run on a pool
// of at most 256 goroutines that have large ones. With all that is known of it, it takes about 10 KiB. The text of all
// records in memory is bounded by Config.Memory. Records keep DynamoDB's JSON and read attributes from it when asked
// ([Image.Lookup]).
//
// # Map of the package
//
// What users touch: config.go, handler.go, record.go, value.go, gap.go, letter.go, status.go;
// for commands, with no reader running: inspect.go, reset.go.
//
// A reader's life: reader.go (construction and run), prepare.go (what must be right first), tenure.go (one life of an
// instance) and farewell.go (its end), host.go (the host's lock), watch.go (the other instances), reporter.go (OnGap),
// mailbox.go (how goroutines tell one another).
//
// What is known and decided: catalogue.go, closing.go and lineage.go (the shards, and streams that follow one another),
// coordinator.go (what is done here), leading.go (what a leader decides), internal/plan (who shall have what), orders.go
// (its writes), looks.go (who is told of them), estate.go (who gets what at a stop). Finding shards: listing.go, streams.go, succession.go (children), discovery.go (calls and rows).
//
// One shard: shard.go, read.go, deliver.go, checkpoint.go, pacing.go, load.go, then remedy.go and decide.go (errors),
// handover.go and ending.go (how it leaves).
//
// Edges: row.go, sequence.go, store.go, update.go (the lease table), caller.go and errorkind.go (calls and their errors),
// fetch.go, page.go, internal/jsontext (GetRecords' JSON), budget.go (memory), clock.go, trouble.go, metrics.go.
package stream
