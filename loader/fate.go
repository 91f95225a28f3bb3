package loader

// What an error of a service means: one table for all of the loader. Nothing else in it judges.

import (
	"net/http"
	"slices"
	"strings"

	"inventoryd/loader/lanes"
)

// asked is what was asked of which service.
type asked string

const (
	toRead   asked = "read an object"            // S3, GetObject
	toReport asked = "write a report"            // S3, PutObject; or a directory
	toQueue  asked = "use the queue"             // SQS
	toWrite  asked = "write rows"                // DynamoDB, BatchWriteItem on the inventory's table
	toRoll   asked = "read the items of a store" // DynamoDB, Query on the inventory's table
	toState  asked = "use the state table"       // DynamoDB
	toSpill  asked = "keep rejects for a while"  // a temporary file
)

// answer is what is known of a call that did not do what it was to do.
type answer struct {
	of     asked
	status int    // of HTTP; 0: nobody answered, or not AWS
	code   string // AWS's; empty: none

	region bool // the answer, or what is known of the bucket, leads to a region that was not asked yet
}

// fate is what a failed call means for those who need it.
type fate string

const (
	same      fate = "same"      // the object is still the one that was read
	changed   fate = "changed"   // the object was replaced: begin again with the current one
	gone      fate = "gone"      // the object is not there
	elsewhere fate = "elsewhere" // ask the bucket's own region

	bad      fate = "bad"      // nothing helps: for good, and remembered
	mendable fate = "mendable" // no try helps, people may: left to the queue, and tried again when it comes back
	held     fate = "held"     // nothing is wrong with it, and people are to look at it
	denied   fate = "denied"   // not for us, as far as is known: mendable once that is sure

	waits       fate = "waits"        // what needs this call waits, and nothing else
	bucketWaits fate = "bucket waits" // all that is in the bucket waits
	allWait     fate = "all wait"     // every load needs it
	throttled   fate = "throttled"    // as allWait, and less is to be asked for

	refused fate = "refused"  // the table takes these rows under no circumstances
	notHeld fate = "not held" // the message is no longer ours
	noQueue fate = "no queue" // there is no such queue: the end of the run
)

// rule gives answers a fate. Empty fields match all; a code that ends in * matches those that begin so, and "?" any code at
// all.
type rule struct {
	of     asked
	status int
	code   string
	fate   fate
}

func (r rule) matches(a answer) bool {
	if r.of != a.of || r.status != 0 && r.status != a.status {
		return false
	}
	if stem, open := strings.CutSuffix(r.code, "*"); open {
		return strings.HasPrefix(a.code, stem)
	}
	return r.code == "" || r.code == a.code || r.code == "?" && a.code != ""
}

// fates is the table; the first rule that matches holds. Codes are those of "Error responses" (S3), "Common error types" and the
// operations' pages (SQS, DynamoDB), "Error codes" of KMS.
var fates = []rule{
	{toRead, http.StatusNotModified, "", same},
	{toRead, http.StatusPreconditionFailed, "", changed},
	{toRead, http.StatusRequestedRangeNotSatisfiable, "", changed}, // it is shorter than it was
	{toRead, http.StatusNotFound, "NoSuchKey", gone},
	{toRead, http.StatusNotFound, "NoSuchVersion", gone},
	{toRead, http.StatusNotFound, "NoSuchBucket", denied}, // a mistake of somebody's, not an upload that has gone
	{toRead, http.StatusNotFound, "", bucketWaits},

	{toRead, http.StatusForbidden, "InvalidObjectState", mendable}, // archived
	{toRead, 0, "KMS.DisabledException", mendable},
	{toRead, 0, "KMS.NotFoundException", mendable},
	{toRead, 0, "KMS.InvalidStateException", mendable},
	{toRead, 0, "KMS.KMSInvalidStateException", mendable},
	{toRead, 0, "KMS.InvalidKeyUsageException", mendable},
	{toRead, 0, "KMS.AccessDeniedException", denied},
	{toRead, 0, "KMS.*", bucketWaits},

	{toRead, 0, "AccessDenied", denied},
	{toRead, 0, "AccessDeniedException", denied},
	{toRead, 0, "Forbidden", denied}, // of stores that are like S3
	{toRead, 0, "AllAccessDisabled", denied},
	{toRead, 0, "AccountProblem", bucketWaits},
	{toRead, 0, "NotSignedUp", bucketWaits},
	{toRead, 0, "InvalidPayer", bucketWaits},

	// Who we are, and where: every object of the bucket has the same answer.
	{toRead, 0, "InvalidAccessKeyId", bucketWaits},
	{toRead, 0, "SignatureDoesNotMatch", bucketWaits},
	{toRead, 0, "ExpiredToken", bucketWaits},
	{toRead, 0, "InvalidToken", bucketWaits},
	{toRead, 0, "TokenRefreshRequired", bucketWaits},
	{toRead, 0, "InvalidSecurity", bucketWaits},
	{toRead, 0, "MissingSecurityHeader", bucketWaits},
	{toRead, 0, "CredentialsNotSupported", bucketWaits},
	{toRead, 0, "AuthorizationHeaderMalformed", bucketWaits},
	{toRead, 0, "IllegalLocationConstraintException", bucketWaits},
	{toRead, 0, "RequestTimeTooSkewed", bucketWaits},
	{toRead, 0, "InvalidBucketState", bucketWaits},
	{toRead, 0, "OperationAborted", bucketWaits},

	{toRead, 0, "RequestTimeout", waits},
	{toRead, 0, "RequestTimeoutException", waits},
	{toRead, http.StatusTooManyRequests, "", bucketWaits},
	{toRead, 0, "Throttling*", bucketWaits},
	{toRead, 0, "RequestLimitExceeded", bucketWaits},
	{toRead, 0, "SlowDown", bucketWaits},

	{toRead, http.StatusBadRequest, "?", bad},
	{toRead, http.StatusMethodNotAllowed, "?", bad},
	{toRead, http.StatusLengthRequired, "?", bad},
	{toRead, http.StatusRequestEntityTooLarge, "?", bad},
	{toRead, 0, "", bucketWaits}, // outages, and what is not AWS's

	{toReport, 0, "", waits},
	{toSpill, 0, "", waits},

	{toQueue, 0, "QueueDoesNotExist", noQueue},
	{toQueue, 0, "AWS.SimpleQueueService.NonExistentQueue", noQueue},
	{toQueue, 0, "com.amazonaws.sqs#QueueDoesNotExist", noQueue},
	{toQueue, 0, "ReceiptHandleIsInvalid", notHeld},
	{toQueue, 0, "MessageNotInflight", notHeld},
	{toQueue, 0, "AWS.SimpleQueueService.MessageNotInflight", notHeld},
	{toQueue, 0, "", allWait},

	{toWrite, 0, "ValidationException", refused},
	{toWrite, 0, "ItemCollectionSizeLimitExceededException", refused},
	{toWrite, 0, "ProvisionedThroughputExceededException", throttled},
	{toWrite, 0, "RequestLimitExceeded", throttled},
	{toWrite, 0, "LimitExceededException", throttled},
	{toWrite, 0, "Throttl*", throttled},
	{toWrite, http.StatusTooManyRequests, "", throttled},
	{toWrite, 0, "", allWait},

	{toRoll, 0, "", allWait},
	{toState, 0, "", allWait},
}

// fateOf looks an answer up. A bucket that is to be asked in another region is no trouble of its own.
func fateOf(a answer) fate {
	if a.of == toRead && a.region && leadsElsewhere(a) {
		return elsewhere
	}
	for _, r := range fates {
		if r.matches(a) {
			return r.fate
		}
	}
	return waits // there is a rule for everything that is asked
}

// leadsElsewhere reports whether an answer is one of the ways in which S3 says that a bucket is in another region.
func leadsElsewhere(a answer) bool {
	return a.status == http.StatusMovedPermanently || a.status == http.StatusTemporaryRedirect ||
		slices.Contains([]string{"PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}, a.code)
}

// refusesUs reports whether an answer says that we may not, or that nobody knows who we are: trying soon mends nothing.
func refusesUs(a answer) bool {
	return a.status == http.StatusForbidden || strings.HasPrefix(a.code, "AccessDenied") || strings.HasSuffix(a.code, ".AccessDeniedException") ||
		slices.Contains([]string{
			"Forbidden", "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature", "InvalidClientTokenId",
			"ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken",
			"RequestTimeTooSkewed", "MissingAuthenticationTokenException", "AuthorizationHeaderMalformed", "NoSuchBucket",
		}, a.code)
}

// verdict is what a fate of the table means for the batch that was to be written.
func (f fate) verdict() lanes.Verdict {
	switch f {
	case refused:
		return lanes.Refuse
	case throttled:
		return lanes.Throttle
	}
	return lanes.Retry
}
