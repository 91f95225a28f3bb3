package loader

import (
	"testing"
)

// TestEachAnswerHasItsFate names every code that S3, SQS and DynamoDB document for the calls used, and what else comes back over
// such a connection.
func TestEachAnswerHasItsFate(t *testing.T) {
	for _, c := range []struct {
		of     asked
		status int
		code   string
		want   fate
	}{
		// GetObject: its own errors, and those of "Error responses" that a read can meet.
		{toRead, 304, "", same},
		{toRead, 412, "PreconditionFailed", changed},
		{toRead, 412, "", changed},
		{toRead, 416, "InvalidRange", changed},
		{toRead, 404, "NoSuchKey", gone},
		{toRead, 404, "NoSuchVersion", gone},
		{toRead, 404, "NoSuchBucket", denied},
		{toRead, 404, "NoSuchUpload", bucketWaits},
		{toRead, 404, "NoSuchAccessPoint", bucketWaits},
		{toRead, 403, "InvalidObjectState", mendable},
		{toRead, 403, "AccessDenied", denied},
		{toRead, 403, "AllAccessDisabled", denied},
		{toRead, 403, "AccountProblem", bucketWaits},
		{toRead, 403, "InvalidPayer", bucketWaits},
		{toRead, 403, "InvalidAccessKeyId", bucketWaits},
		{toRead, 403, "InvalidSecurity", bucketWaits},
		{toRead, 403, "NotSignedUp", bucketWaits},
		{toRead, 403, "RequestTimeTooSkewed", bucketWaits},
		{toRead, 403, "SignatureDoesNotMatch", bucketWaits},
		{toRead, 403, "MissingAuthenticationToken", bucketWaits},
		{toRead, 400, "ExpiredToken", bucketWaits},
		{toRead, 400, "InvalidToken", bucketWaits},
		{toRead, 400, "TokenRefreshRequired", bucketWaits},
		{toRead, 400, "CredentialsNotSupported", bucketWaits},
		{toRead, 400, "MissingSecurityHeader", bucketWaits},
		{toRead, 400, "AuthorizationHeaderMalformed", bucketWaits},
		{toRead, 400, "IllegalLocationConstraintException", bucketWaits},
		{toRead, 400, "RequestTimeout", waits},
		{toRead, 400, "InvalidRequest", bad}, // encrypted by a key of the customer's
		{toRead, 400, "InvalidArgument", bad},
		{toRead, 400, "InvalidBucketName", bad},
		{toRead, 400, "KeyTooLongError", bad},
		{toRead, 400, "InvalidURI", bad},
		{toRead, 405, "MethodNotAllowed", bad},
		{toRead, 409, "InvalidBucketState", bucketWaits},
		{toRead, 409, "OperationAborted", bucketWaits},
		{toRead, 301, "PermanentRedirect", bucketWaits},
		{toRead, 307, "TemporaryRedirect", bucketWaits},
		{toRead, 429, "TooManyRequests", bucketWaits},
		{toRead, 500, "InternalError", bucketWaits},
		{toRead, 501, "NotImplemented", bucketWaits},
		{toRead, 503, "ServiceUnavailable", bucketWaits},
		{toRead, 503, "SlowDown", bucketWaits},
		{toRead, 503, "Busy", bucketWaits},
		{toRead, 400, "KMS.DisabledException", mendable},
		{toRead, 400, "KMS.KMSInvalidStateException", mendable},
		{toRead, 400, "KMS.InvalidStateException", mendable},
		{toRead, 400, "KMS.NotFoundException", mendable},
		{toRead, 400, "KMS.InvalidKeyUsageException", mendable},
		{toRead, 400, "KMS.AccessDeniedException", denied},
		{toRead, 400, "KMS.KeyUnavailableException", bucketWaits},
		{toRead, 400, "KMS.DependencyTimeoutException", bucketWaits},
		{toRead, 400, "KMS.KMSInternalException", bucketWaits},
		{toRead, 400, "KMS.ThrottlingException", bucketWaits},
		{toRead, 400, "ThrottlingException", bucketWaits},
		{toRead, 503, "RequestLimitExceeded", bucketWaits},

		// What is not AWS's: no code, or nobody answered.
		{toRead, 0, "", bucketWaits},
		{toRead, 301, "", bucketWaits},
		{toRead, 302, "", bucketWaits},
		{toRead, 400, "", bucketWaits},
		{toRead, 401, "", bucketWaits},
		{toRead, 403, "", bucketWaits},
		{toRead, 404, "", bucketWaits},
		{toRead, 404, "NotFound", bucketWaits},
		{toRead, 405, "", bucketWaits},
		{toRead, 407, "", bucketWaits},
		{toRead, 410, "", bucketWaits},
		{toRead, 413, "", bucketWaits},
		{toRead, 451, "", bucketWaits},
		{toRead, 502, "", bucketWaits},
		{toRead, 503, "", bucketWaits},
		{toRead, 504, "", bucketWaits},
		{toRead, 511, "", bucketWaits},

		// PutObject, of a report: whatever it is, only objects with rejects wait.
		{toReport, 0, "", waits},
		{toReport, 403, "AccessDenied", waits},
		{toReport, 404, "NoSuchBucket", waits},
		{toReport, 400, "EncryptionTypeMismatch", waits},
		{toReport, 400, "InvalidRequest", waits},
		{toReport, 400, "InvalidWriteOffset", waits},
		{toReport, 400, "TooManyParts", waits},
		{toReport, 503, "SlowDown", waits},
		{toReport, 407, "", waits},
		{toSpill, 0, "", waits},

		// SQS: GetQueueUrl, ReceiveMessage, ChangeMessageVisibilityBatch, DeleteMessageBatch.
		{toQueue, 400, "QueueDoesNotExist", noQueue},
		{toQueue, 400, "AWS.SimpleQueueService.NonExistentQueue", noQueue},
		{toQueue, 400, "ReceiptHandleIsInvalid", notHeld},
		{toQueue, 400, "MessageNotInflight", notHeld},
		{toQueue, 400, "AWS.SimpleQueueService.MessageNotInflight", notHeld},
		{toQueue, 400, "InvalidAddress", allWait},
		{toQueue, 400, "InvalidSecurity", allWait},
		{toQueue, 400, "OverLimit", allWait},
		{toQueue, 400, "RequestThrottled", allWait},
		{toQueue, 400, "UnsupportedOperation", allWait},
		{toQueue, 400, "BatchEntryIdsNotDistinct", allWait},
		{toQueue, 400, "EmptyBatchRequest", allWait},
		{toQueue, 400, "InvalidBatchEntryId", allWait},
		{toQueue, 400, "TooManyEntriesInBatchRequest", allWait},
		{toQueue, 400, "KmsAccessDenied", allWait},
		{toQueue, 400, "KmsDisabled", allWait},
		{toQueue, 400, "KmsInvalidKeyUsage", allWait},
		{toQueue, 400, "KmsInvalidState", allWait},
		{toQueue, 400, "KmsNotFound", allWait},
		{toQueue, 400, "KmsOptInRequired", allWait},
		{toQueue, 400, "KmsThrottled", allWait},
		{toQueue, 403, "AccessDeniedException", allWait},
		{toQueue, 403, "ExpiredTokenException", allWait},
		{toQueue, 400, "UnrecognizedClientException", allWait},
		{toQueue, 500, "InternalFailure", allWait},
		{toQueue, 503, "ServiceUnavailable", allWait},
		{toQueue, 404, "", allWait},
		{toQueue, 407, "", allWait},
		{toQueue, 0, "", allWait},

		// DynamoDB: BatchWriteItem on the inventory's table.
		{toWrite, 400, "ValidationException", refused},
		{toWrite, 400, "ItemCollectionSizeLimitExceededException", refused},
		{toWrite, 400, "ProvisionedThroughputExceededException", throttled},
		{toWrite, 400, "RequestLimitExceeded", throttled},
		{toWrite, 400, "ThrottlingException", throttled},
		{toWrite, 400, "LimitExceededException", throttled},
		{toWrite, 429, "", throttled},
		{toWrite, 400, "ReplicatedWriteConflictException", allWait},
		{toWrite, 400, "ResourceNotFoundException", allWait},
		{toWrite, 400, "AccessDeniedException", allWait},
		{toWrite, 400, "IncompleteSignatureException", allWait},
		{toWrite, 400, "MissingAuthenticationTokenException", allWait},
		{toWrite, 400, "UnrecognizedClientException", allWait},
		{toWrite, 400, "ExpiredTokenException", allWait},
		{toWrite, 500, "InternalServerError", allWait},
		{toWrite, 503, "ServiceUnavailable", allWait},
		{toWrite, 404, "", allWait},
		{toWrite, 0, "", allWait},

		// DynamoDB: GetItem, PutItem, UpdateItem on the state table.
		{toState, 400, "ConditionalCheckFailedException", allWait}, // where a call may meet it, the call itself takes it
		{toState, 400, "ItemCollectionSizeLimitExceededException", allWait},
		{toState, 400, "ProvisionedThroughputExceededException", allWait},
		{toState, 400, "RequestLimitExceeded", allWait},
		{toState, 400, "ResourceNotFoundException", allWait},
		{toState, 400, "ReplicatedWriteConflictException", allWait},
		{toState, 400, "TransactionConflictException", allWait},
		{toState, 400, "ThrottlingException", allWait},
		{toState, 400, "ValidationException", allWait},
		{toState, 400, "AccessDeniedException", allWait},
		{toState, 500, "InternalServerError", allWait},
		{toState, 407, "", allWait},
		{toState, 0, "", allWait},
	} {
		if got := fateOf(answer{of: c.of, status: c.status, code: c.code}); got != c.want {
			t.Errorf("to %s, %d %q: %s, not %s", c.of, c.status, c.code, got, c.want)
		}
	}
}

// TestABucketElsewhereIsAskedThere has evidence beside status and code: a region that was not asked yet.
func TestABucketElsewhereIsAskedThere(t *testing.T) {
	for _, a := range []answer{
		{status: 301, code: "PermanentRedirect"},
		{status: 307, code: "TemporaryRedirect"},
		{status: 400, code: "AuthorizationHeaderMalformed"},
		{status: 400, code: "IllegalLocationConstraintException"},
		{status: 301},
	} {
		a.of, a.region = toRead, true
		if got := fateOf(a); got != elsewhere {
			t.Errorf("%+v: %s", a, got)
		}
	}
	if got := fateOf(answer{of: toRead, status: 403, code: "AccessDenied", region: true}); got != denied {
		t.Errorf("a denial is %s", got)
	}
}

// TestWhomADependencyStops is a property of the dependency.
func TestWhomADependencyStops(t *testing.T) {
	for f, want := range map[*failure]scope{
		{of: toReport, fate: waits}:                 stopsNone,
		{of: toSpill, fate: waits}:                  stopsNone,
		{of: toRead, fate: waits}:                   stopsNone,
		{of: toRead, fate: denied}:                  stopsNone,
		{of: toRead, fate: bucketWaits, shut: true}: stopsBucket,
	} {
		if got := f.dependency("b"); got.stops != want {
			t.Errorf("%+v: %+v", f, got)
		}
	}
	for _, d := range []dependency{theQueue, theTable, theState} {
		if d.stops != stopsAll {
			t.Errorf("%+v", d)
		}
	}
}

func TestARuleForEverythingThatIsAsked(t *testing.T) {
	for _, of := range []asked{toRead, toReport, toQueue, toWrite, toState, toSpill} {
		last := ""
		for _, r := range fates {
			if r.of == of && r.status == 0 && r.code == "" {
				last = string(r.fate)
			}
		}
		if last == "" {
			t.Errorf("nothing is said of what else may come of %s", of)
		}
	}
}
