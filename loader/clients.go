package loader

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/loader/delta"
	"inventoryd/loader/lanes"
	"inventoryd/loader/wire"
)

// Clients are the services that the loader speaks to; the SDK's clients fit.
type Clients struct {
	SQS    Queue
	S3     Bucket
	Tables Tables     // the inventory's table; the client must not retry
	State  State      // the state table; the client must not retry
	Wire   *wire.Wire // to the table, for calls that succeed (loader.fast_path); may be nil
}

// Tables is what the loader needs of DynamoDB for the inventory's table.
type Tables interface {
	lanes.Bulk
	lanes.Updater
	delta.Client
}

// Queue is what the loader needs of SQS.
type Queue interface {
	Receiver
	Holder
}

// Receiver brings messages.
type Receiver interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

// Holder keeps messages, hands them back and ends them.
type Holder interface {
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// Bucket is what the loader needs of S3.
type Bucket interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// State is what the loader needs of DynamoDB for the state table, and to read the items of a store.
type State interface {
	dynamodb.QueryAPIClient
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}
