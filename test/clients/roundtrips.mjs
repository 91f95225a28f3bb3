// Round trips of the AWS SDK for JavaScript through the sandbox: one line of JSON for each, {"name": …, "error": …}.
// The endpoint and the credentials come from the environment, as for any client.
import assert from 'node:assert/strict'
import { S3Client, PutObjectCommand, GetObjectCommand, DeleteObjectCommand, ListObjectsV2Command, PutBucketTaggingCommand, GetBucketTaggingCommand, CreateMultipartUploadCommand, UploadPartCommand, CompleteMultipartUploadCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { SQSClient, GetQueueUrlCommand, SendMessageCommand, SendMessageBatchCommand, ReceiveMessageCommand, DeleteMessageCommand, TagQueueCommand, ListQueueTagsCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { SNSClient, CreateTopicCommand, SubscribeCommand, PublishCommand, TagResourceCommand as TagTopic, ListTagsForResourceCommand, ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns'
import { DynamoDBClient, PutItemCommand, GetItemCommand, QueryCommand, TransactWriteItemsCommand, BatchWriteItemCommand, DescribeTableCommand, UpdateTableCommand, TagResourceCommand as TagTable, ListTagsOfResourceCommand, DescribeLimitsCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient, DescribeStreamCommand, GetShardIteratorCommand, GetRecordsCommand } from '@aws-sdk/client-dynamodb-streams'
import { CloudWatchClient, PutMetricDataCommand, ListMetricsCommand, GetMetricStatisticsCommand, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'

const bucket = 'inventory', table = 'Inventory'
const s3 = new S3Client({ forcePathStyle: true })
const sqs = new SQSClient(), sns = new SNSClient(), db = new DynamoDBClient(), streams = new DynamoDBStreamsClient(), cloudwatch = new CloudWatchClient()

const body = async (key) => (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body.transformToString()
const queueUrl = async (name) => (await sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl
const receive = async (QueueUrl) => (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: ['All'] }))).Messages ?? []

const trips = {
  's3: an object': async () => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'feeds/Zürich & more.csv', Body: 'store,item,count\n', ContentType: 'text/csv', Metadata: { shop: 'a' } }))
    assert.equal(await body('feeds/Zürich & more.csv'), 'store,item,count\n')
    const list = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'feeds/' }))
    assert.deepEqual(list.Contents.map((o) => o.Key), ['feeds/Zürich & more.csv'])
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'feeds/Zürich & more.csv' }))
    await assert.rejects(body('feeds/Zürich & more.csv'), { name: 'NoSuchKey' })
  },
  's3: presigned URLs': async () => {
    const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket: bucket, Key: 'a b/presigned.csv', ContentType: 'text/csv' }), { expiresIn: 600 })
    const stored = await fetch(put, { method: 'PUT', body: 'by fetch', headers: { 'content-type': 'text/csv' } })
    assert.equal(stored.status, 200, await stored.text())
    const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: 'a b/presigned.csv', ResponseContentDisposition: 'attachment' }), { expiresIn: 600 })
    const read = await fetch(get)
    assert.equal(await read.text(), 'by fetch')
    assert.equal(read.headers.get('content-disposition'), 'attachment')
    const missing = await fetch(await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: 'missing' })))
    assert.equal(missing.status, 404)
  },
  's3: an expired URL': async () => {
    const old = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: 'missing' }), { expiresIn: 60, signingDate: new Date(Date.now() - 3600e3) })
    const answer = await fetch(old)
    assert.equal(answer.status, 403)
    assert.match(await answer.text(), /<Code>AccessDenied<\/Code><Message>Request has expired/)
  },
  's3: an upload in parts': async () => {
    const at = { Bucket: bucket, Key: 'parts' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at))
    const parts = []
    for (const [i, text] of ['x'.repeat(5 << 20), 'end'].entries()) {
      const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: i + 1, Body: text }))
      parts.push({ ETag, ChecksumCRC32, PartNumber: i + 1 })
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: parts } }))
    assert.equal((await body('parts')).length, (5 << 20) + 3)
  },
  's3: tags': async () => {
    const TagSet = [{ Key: 'team', Value: 'shops' }]
    await s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }))
    assert.deepEqual((await s3.send(new GetBucketTaggingCommand({ Bucket: bucket }))).TagSet, TagSet)
  },
  'sqs: messages': async () => {
    const url = await queueUrl('inventory-events-dlq')
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'one', MessageAttributes: { n: { DataType: 'Number', StringValue: '1' } } }))
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: 'a', MessageBody: 'two' }] }))
    const got = await receive(url)
    assert.deepEqual(got.map((m) => m.Body).sort(), ['one', 'two'])
    for (const m of got) await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: m.ReceiptHandle }))
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] }))
    assert.equal(Attributes.ApproximateNumberOfMessages, '0')
    await assert.rejects(queueUrl('nowhere'), { name: 'QueueDoesNotExist' })
  },
  'sqs: tags': async () => {
    const url = await queueUrl('inventory-events')
    await sqs.send(new TagQueueCommand({ QueueUrl: url, Tags: { team: 'shops' } }))
    assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl: url }))).Tags, { team: 'shops' })
  },
  'sns: a topic, its subscriber and its tags': async () => {
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'NoStock', Tags: [] }))
    await sns.send(new PublishCommand({ TopicArn, Subject: 'Inventory Alert!', Message: 'Berlin is out of stock of pen', MessageAttributes: { item: { DataType: 'String.Array', StringValue: '["pen"]' } } }))
    const [m] = await receive(await queueUrl('nostock-inbox'))
    assert.equal(JSON.parse(m.Body).Message, 'Berlin is out of stock of pen')
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: 'a@example.com' }))
    const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }))
    assert.deepEqual(Subscriptions.map((s) => s.Protocol).sort(), ['email', 'sqs'])
    await sns.send(new TagTopic({ ResourceArn: TopicArn, Tags: [{ Key: 'team', Value: 'shops' }] }))
    assert.deepEqual((await sns.send(new ListTagsForResourceCommand({ ResourceArn: TopicArn }))).Tags, [{ Key: 'team', Value: 'shops' }])
  },
  'dynamodb: items, an index, a transaction': async () => {
    const item = (name, count) => ({ Store: { S: 'Berlin' }, Item: { S: name }, Count: { N: String(count) }, due: { S: 'x' } })
    await db.send(new PutItemCommand({ TableName: table, Item: item('pen', 1) }))
    await db.send(new BatchWriteItemCommand({ RequestItems: { [table]: [{ PutRequest: { Item: item('ink', 2) } }] } }))
    const { Item } = await db.send(new GetItemCommand({ TableName: table, Key: { Store: { S: 'Berlin' }, Item: { S: 'pen' } } }))
    assert.deepEqual(Item, item('pen', 1))
    await db.send(new UpdateTableCommand({ TableName: table, AttributeDefinitions: [{ AttributeName: 'due', AttributeType: 'S' }], GlobalSecondaryIndexUpdates: [{ Create: { IndexName: 'look', KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }], Projection: { ProjectionType: 'KEYS_ONLY' } } }] }))
    const found = await db.send(new QueryCommand({ TableName: table, IndexName: 'look', KeyConditionExpression: 'due = :d', ExpressionAttributeValues: { ':d': { S: 'x' } } }))
    assert.equal(found.Count, 2)
    const cancelled = db.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName: table, Item: item('new', 1) } }, { Put: { TableName: table, Item: item('pen', 9), ConditionExpression: 'attribute_not_exists(due)' } }] }))
    await assert.rejects(cancelled, (e) => e.name === 'TransactionCanceledException' && e.CancellationReasons[1].Code === 'ConditionalCheckFailed')
  },
  'dynamodb: tags': async () => {
    const { Table } = await db.send(new DescribeTableCommand({ TableName: table }))
    await db.send(new TagTable({ ResourceArn: Table.TableArn, Tags: [{ Key: 'team', Value: 'shops' }] }))
    assert.deepEqual((await db.send(new ListTagsOfResourceCommand({ ResourceArn: Table.TableArn }))).Tags, [{ Key: 'team', Value: 'shops' }])
  },
  'streams: records': async () => {
    const { Table: { LatestStreamArn: StreamArn } } = await db.send(new DescribeTableCommand({ TableName: table }))
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }))
    const images = []
    for (const { ShardId } of StreamDescription.Shards) {
      const { ShardIterator } = await streams.send(new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
      const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }))
      for (const r of Records) images.push(r.dynamodb.NewImage.Item.S)
    }
    assert.deepEqual(images.sort(), ['ink', 'pen'])
  },
  'cloudwatch: a metric': async () => {
    const Dimensions = [{ Name: 'Service', Value: 'a' }], at = new Date(Date.now() - 60e3)
    await cloudwatch.send(new PutMetricDataCommand({ Namespace: 'n', MetricData: [{ MetricName: 'm', Dimensions, Timestamp: at, Values: [1, 3], Counts: [2, 1], Unit: 'Count' }] }))
    const { Metrics } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'n' }))
    assert.deepEqual(Metrics, [{ Namespace: 'n', MetricName: 'm', Dimensions }])
    const { Datapoints } = await cloudwatch.send(new GetMetricStatisticsCommand({ Namespace: 'n', MetricName: 'm', Dimensions, StartTime: new Date(at - 3600e3), EndTime: new Date(), Period: 3600, Statistics: ['Sum', 'Maximum'] }))
    assert.equal(Datapoints.reduce((sum, p) => sum + p.Sum, 0), 5)
    assert.ok(Datapoints[0].Timestamp instanceof Date)
    await assert.rejects(cloudwatch.send(new PutMetricDataCommand({ Namespace: 'AWS/EC2', MetricData: [{ MetricName: 'm', Value: 1 }] })), /parameter Namespace is invalid/)
  },
  'what the sandbox lacks is refused by name': async () => {
    await assert.rejects(db.send(new DescribeLimitsCommand()), /does not have the operation DescribeLimits/)
    await assert.rejects(cloudwatch.send(new DescribeAlarmsCommand()), /no operation DescribeAlarms/)
  }
}

for (const [name, trip] of Object.entries(trips)) {
  const error = await trip().then(() => null, (e) => String(e.stack ?? e))
  console.log(JSON.stringify({ name, error }))
}
