package conformance

// What the daemon and its commands rely on, operation by operation: that a good call succeeds, the errors that they tell
// apart or name to their users, the limits that they keep to. The source is searched for the operations, and the cases are
// watched while they run on the sandbox: an operation, an error or a limit that no case shows fails the suite.

import (
	"inventoryd/internal/sandbox/fault"
)

// reliance is what is relied on of one operation.
type reliance struct {
	operation string             // "dynamodb/GetItem"
	call      func(w shop) error // a good call
	// given are the codes of the errors that the service gives by itself: cases bring each of them about.
	given []string
	// limits are the cases, of the same service, that hold the sandbox to them.
	limits []string
}

// scripted are the errors that no client can bring about, by service: throttling, outages, lack of permission, as the
// services word them. Each is scripted for each operation.
var scripted = map[string][]fault.Error{
	// "Error handling with DynamoDB", "Common errors" of both APIs.
	"dynamodb": dynamoErrors,
	"streams":  append([]fault.Error{{Status: 400, Code: "LimitExceededException", Message: "Too many readers"}}, dynamoErrors...),
	// "Common Error Types" of each API; ReceiveMessage's own (RequestThrottled, KmsAccessDenied).
	"sqs": {
		{Status: 400, Code: "RequestThrottled"},
		{Status: 400, Code: "ThrottlingException"},
		{Status: 400, Code: "KmsAccessDenied"},
		{Status: 403, Code: "AccessDenied"},
		{Status: 403, Code: "InvalidClientTokenId"},
		{Status: 403, Code: "ExpiredToken"},
		{Status: 500, Code: "InternalError"},
		{Status: 503, Code: "ServiceUnavailable"},
	},
	// Publish's own, and common ones.
	"sns": {
		{Status: 429, Code: "Throttled"},
		{Status: 400, Code: "Throttling"},
		{Status: 400, Code: "KMSThrottling"},
		{Status: 400, Code: "KMSAccessDenied"},
		{Status: 400, Code: "KMSDisabled"},
		{Status: 403, Code: "AuthorizationError"},
		{Status: 403, Code: "InvalidClientTokenId"},
		{Status: 403, Code: "ExpiredToken"},
		{Status: 500, Code: "InternalError"},
		{Status: 503, Code: "ServiceUnavailable"},
	},
	// "Error responses".
	"s3": {
		{Status: 503, Code: "SlowDown"},
		{Status: 500, Code: "InternalError"},
		{Status: 503, Code: "ServiceUnavailable"},
		{Status: 400, Code: "RequestTimeout"},
		{Status: 403, Code: "AccessDenied"},
		{Status: 403, Code: "InvalidObjectState"},
		{Status: 403, Code: "SignatureDoesNotMatch"},
		{Status: 400, Code: "ExpiredToken"},
		{Status: 301, Code: "PermanentRedirect"},
	},
	// PutMetricData's own, and common ones.
	"cloudwatch": {
		{Status: 400, Code: "Throttling"}, {Status: 403, Code: "AccessDenied"}, {Status: 500, Code: "InternalServiceFault"}, {Status: 503, Code: "ServiceUnavailable"},
	},
}

var dynamoErrors = []fault.Error{
	{Status: 400, Code: "ThrottlingException"},
	{Status: 400, Code: "ProvisionedThroughputExceededException"},
	{Status: 400, Code: "RequestLimitExceeded"},
	{Status: 400, Code: "AccessDeniedException"},
	{Status: 400, Code: "UnrecognizedClientException"},
	{Status: 400, Code: "InvalidSignatureException"},
	{Status: 400, Code: "ExpiredTokenException"},
	{Status: 400, Code: "MissingAuthenticationTokenException"},
	{Status: 500, Code: "InternalServerError"},
	{Status: 503, Code: "ServiceUnavailable"},
}

// Codes that several operations give.
const (
	noResource = "ResourceNotFoundException"
	invalid    = "ValidationException"
	condition  = "ConditionalCheckFailedException"
	throughput = "ProvisionedThroughputExceededException"
	noQueue    = "NonExistentQueue"
)

const keySizes = "keys are held to their sizes wherever they are named"

var reliances = []reliance{
	{"cloudwatch/PutMetricData", shop.putMetrics, []string{"InvalidParameterValue", "InvalidParameterCombination", "MissingParameter"}, []string{
		"a call takes 1000 data and refuses 1001", "a datum takes 150 values and refuses 151", "a body of more than 1 MB is refused, unless it is compressed below",
		"a datum may be two weeks old and two hours ahead", "dimensions are of ASCII, not blank, and 30 at most",
	}},
	{"dynamodb/BatchGetItem", shop.batchGet, []string{noResource, invalid, throughput}, []string{
		"BatchGetItem takes 100 keys and refuses 101", "BatchGetItem refuses one key twice", "BatchGetItem answers at most 16 MB and names the rest", keySizes,
		"BatchGetItem leaves what exceeds the capacity unprocessed, as it was asked for",
	}},
	{"dynamodb/BatchWriteItem", shop.batchWrite, []string{noResource, invalid, throughput}, []string{
		"BatchWriteItem takes 25 requests and refuses 26", "BatchWriteItem refuses one item twice", "BatchWriteItem leaves what exceeds the capacity unprocessed", keySizes,
	}},
	{"dynamodb/CreateTable", shop.createTable, []string{"ResourceInUseException", invalid}, []string{
		"CreateTable refuses names that are too short or have other characters", "a table that is being created cannot be used",
	}},
	{"dynamodb/DeleteItem", shop.deleteItem, []string{noResource, invalid, condition}, []string{keySizes}},
	{"dynamodb/DescribeTable", shop.describeTable, []string{noResource}, nil},
	{"dynamodb/DescribeTimeToLive", shop.describeTimeToLive, nil, nil},
	{"dynamodb/GetItem", shop.getItem, []string{noResource, invalid}, []string{keySizes}},
	{"dynamodb/PutItem", shop.putItem, []string{noResource, invalid, condition, throughput}, []string{
		"a partition key of 2048 bytes is taken, of 2049 refused", "a sort key of 1024 bytes is taken, of 1025 refused",
		"an item of 400 KB is taken, one of a byte more refused", "a number of 39 digits is refused",
	}},
	{"dynamodb/Query", shop.query, []string{noResource, invalid}, []string{"Query pages at 1 MB", "reads of an index are not consistent", "an index lags behind its table"}},
	{"dynamodb/Scan", shop.scan, []string{noResource, invalid}, []string{"Scan pages at 1 MB"}},
	{"dynamodb/TransactWriteItems", shop.transact, []string{noResource, invalid, "TransactionCanceledException", "IdempotentParameterMismatchException"}, []string{
		"a transaction takes 100 writes and refuses 101", "a transaction of more than 4 MB is refused", "two writes of one item in a transaction are refused",
		"another transaction under way is a conflict", "a transaction's token is forgotten after ten minutes",
	}},
	{"dynamodb/UpdateTable", shop.updateTable, []string{noResource, invalid, "LimitExceededException"}, []string{
		"an index that is being made cannot be read, and its table not be changed", "one index is made or deleted at a time",
	}},
	{"dynamodb/UpdateItem", shop.updateItem, []string{noResource, invalid, condition}, []string{
		keySizes, "an update that makes the item too large is refused", "an expression of more than 4 KB is refused",
	}},
	{"dynamodb/UpdateTimeToLive", shop.updateTimeToLive, []string{noResource, invalid}, nil},
	{"streams/DescribeStream", shop.describeStream, []string{noResource, invalid}, []string{
		"DescribeStream pages by Limit until there is no last shard", "a disabled stream is gone after a day",
	}},
	{"streams/ListStreams", shop.listStreams, nil, []string{"ListStreams names the streams of a table"}},
	{"streams/GetShardIterator", shop.shardIterator, []string{noResource, invalid, "TrimmedDataAccessException"}, []string{
		"sequence numbers have 21 to 40 digits and grow", "records are trimmed after 24 hours",
	}},
	{"streams/GetRecords", shop.records, []string{noResource, invalid, "ExpiredIteratorException", "TrimmedDataAccessException"}, []string{
		"GetRecords returns at most 1000 records", "GetRecords returns at most 1 MB", "an iterator lives for 15 minutes", "records are trimmed after 24 hours",
	}},
	{"s3/DeleteObject", shop.deleteObject, nil, nil},
	{"s3/GetBucketNotificationConfiguration", shop.bucketNotification, nil, []string{"the notification configuration is returned"}},
	{"s3/ListBuckets", shop.listBuckets, nil, nil},
	{"s3/GetObject", shop.getObject, []string{"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "PreconditionFailed", "InvalidRange", "InvalidArgument"}, []string{
		"a range to the end resumes a read",
	}},
	{"s3/ListObjectsV2", shop.listObjects, []string{"NoSuchBucket"}, []string{"a page holds 1000 keys at most"}},
	{"s3/PutObject", shop.putObject, []string{"NoSuchBucket", "KeyTooLongError"}, []string{"a key of 1024 bytes is taken, of 1025 refused"}},
	{"sns/GetTopicAttributes", shop.topicAttributes, []string{"NotFound"}, nil},
	{"sns/ListSubscriptionsByTopic", shop.listSubscriptions, nil, []string{"mail waits for its reader's confirmation"}},
	{"sns/ListTopics", shop.listTopics, nil, []string{"topics are listed in pages of 100"}},
	{"sns/Publish", shop.publish, []string{"NotFound", "InvalidParameter"}, []string{
		"a message of 256 KiB is taken, of a byte more refused", "each element of a String.Array is matched", "after five minutes it delivers again",
		"a mail subscription of more than ten messages a second is deactivated",
		"a subject has fewer than 100 characters", "a subject has no line breaks and no control characters", "an attribute without a value is refused",
		"group and deduplication ids are of ASCII's letters, digits and punctuation, 128 at most",
	}},
	{"sqs/ChangeMessageVisibility", shop.hideOne, []string{noQueue}, nil},
	{"sqs/ChangeMessageVisibilityBatch", shop.hideBatch, []string{noQueue, "TooManyEntriesInBatchRequest"}, []string{
		"a batch changes the visibility of ten messages at most, with ids that differ", "in a batch, too, the 12 hours begin with the receive",
		"in a batch, the visibility of a message received again since is the sender's fault", "entries of a batch may fail by no fault of the sender",
	}},
	{"sqs/DeleteMessage", shop.deleteMessage, []string{noQueue, "ReceiptHandleIsInvalid"}, nil},
	{"sqs/DeleteMessageBatch", shop.deleteBatch, []string{noQueue, "TooManyEntriesInBatchRequest"}, []string{
		"a batch deletes ten messages at most, with ids that differ", "in a batch, an older receipt handle succeeds without effect",
		"entries of a batch may fail by no fault of the sender",
	}},
	{"sqs/GetQueueAttributes", shop.queueAttributes, []string{noQueue}, nil},
	{"sqs/GetQueueUrl", shop.queueURL, []string{noQueue}, nil},
	{"sqs/ReceiveMessage", shop.receive, []string{noQueue, "InvalidParameterValue"}, []string{
		"a receive brings ten messages at most", "a long poll of more than 20 seconds is refused", "the 12 hours begin with the receive",
	}},
	{"sqs/SendMessage", shop.send, []string{noQueue, "InvalidParameterValue", "InvalidMessageContents"}, []string{
		"a message of 1 MiB is taken, of a byte more refused", "characters that XML cannot hold are refused",
	}},
}
