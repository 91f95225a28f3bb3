package conformance

// Reasons that several of fauxqs's differences share.
const (
	noEvents     = "fauxqs takes a notification configuration and sends nothing; the end-to-end test on it sends the events itself"
	noVersions   = "fauxqs keeps one version of an object and ignores version ids"
	noMultipart  = "fauxqs does not find the parts that the SDK uploads"
	noLists      = "fauxqs answers listings on one page, without a token"
	laxPublish   = "fauxqs does not check what is published"
	laxBatch     = "fauxqs does not check the entries of a batch, nor their number or size"
	laxIntegrity = "fauxqs ignores digests and checksums"
	laxHandle    = "fauxqs takes any text for a receipt handle and answers success"
	noConditions = "fauxqs knows conditions on reads, not on writes"
	laxIDs       = "fauxqs takes any text for a group or a deduplication id"
	laxTopic     = "fauxqs looks for any text among its topics"
)

// fauxqsDifferences are by case; each was seen with fauxqs 1.9.2, and AWS's page named in the case says otherwise.
var fauxqsDifferences = func() map[string]string {
	all := map[string]string{
		"s3/content type and metadata are kept":                                "fauxqs loses Content-Encoding",
		"s3/the default content type is binary/octet-stream":                   "fauxqs answers application/octet-stream",
		"s3/a key of 1024 bytes is taken, of 1025 refused":                     "fauxqs takes keys of any length",
		"s3/If-Modified-Since answers 304 for what is older":                   "fauxqs compares milliseconds with a header of seconds",
		"s3/If-Match that holds outweighs If-Unmodified-Since":                 "fauxqs wants both to hold",
		"s3/listings are in the order of the keys' bytes":                      "fauxqs sorts by language",
		"s3/a bad bucket name is refused":                                      "fauxqs takes any name",
		"s3/a page holds 1000 keys at most":                                    "fauxqs takes a larger max-keys at its word",
		"sns/a message of structure json has a text for each protocol":         "fauxqs delivers the JSON as it is",
		"sns/a filter policy that is none is refused":                          "fauxqs takes any text for a policy",
		"sns/each element of a String.Array is matched":                        "fauxqs compares the list's text",
		"sns/an element's prefix is matched":                                   "fauxqs compares the list's text",
		"sns/policies may be on the body, into its objects and lists":          "fauxqs does not look into objects",
		"sns/mail waits for its reader's confirmation":                         "fauxqs confirms at once",
		"s3/a bucket keeps its tags":                                           "fauxqs takes tags and answers an empty list",
		"sns/a bad topic name is refused":                                      "fauxqs takes any name",
		"sns/a topic takes larger messages where its attribute says so":        "fauxqs is older than that attribute",
		"sns/a FIFO topic delivers in order and once":                          "fauxqs answers no sequence number",
		"sqs/creating a queue again with the same attributes returns it":       "fauxqs answers QueueNameExists, the name of the shape; the code that AWS's model gives it is QueueAlreadyExists",
		"sqs/a purged queue is empty, and is not purged twice a minute":        "fauxqs purges as often as it is asked to",
		"sqs/what went to the dead-letter queue names its source":              "fauxqs has no DeadLetterQueueSourceArn",
		"sqs/the receive count goes on in the dead-letter queue":               "fauxqs counts the receive that moved the message, too",
		"sqs/a redrive policy names a queue that exists":                       "fauxqs does not look",
		"sqs/a FIFO queue gives messages in order within a group":              "fauxqs gives one message of a group for each receive, which is allowed but slower",
		"sqs/attributes are returned only on demand, also by prefix":           "fauxqs returns all attributes where none is asked for",
		"sqs/a delay beyond 15 minutes is refused":                             "fauxqs takes any delay",
		"sqs/the visibility of a message that is to be seen cannot be changed": "fauxqs answers success",
	}
	for reason, names := range map[string][]string{
		noEvents: {
			"s3/a notification that is configured sends a test event", "s3/an object that is put is told of, its key form-encoded",
			"s3/an event in a bucket with versioning names the version", "s3/the sequencer grows along a key's history",
			"s3/events are filtered by prefix and suffix", "s3/a queue that is not there cannot be notified",
			"s3/the notification configuration is returned", "s3/copies and multipart uploads have names of their own",
		},
		noVersions: {
			"s3/each version is read by its id", "s3/a delete puts a marker on top, and the versions stay",
			"s3/a marker that is deleted brings the object back", "s3/a version that is deleted is gone for good",
			"s3/what was there before versioning has the version null", "s3/a version id that cannot be is refused",
			"s3/all versions and markers are listed, newest first", "s3/a bucket tells whether it keeps versions",
			"s3/suspended versioning replaces the version null alone",
		},
		noMultipart: {
			"s3/the parts of an upload become one object", "s3/the ETag of an upload is the MD5 of its parts' MD5s",
			"s3/a part sent again takes the first one's place", "s3/a part that is too small is refused", "s3/the parts of an upload are listed",
		},
		noConditions: {"s3/PutObject with If-None-Match: * does not replace", "s3/PutObject with If-Match replaces only what is meant"},
		noLists:      {"sns/topics are listed in pages of 100", "sqs/queues are listed by prefix, in pages"},
		laxIDs: {
			"sns/group and deduplication ids are of ASCII's letters, digits and punctuation, 128 at most",
			"sqs/group and deduplication ids are of ASCII's letters, digits and punctuation, 128 at most",
		},
		laxTopic:     {"sns/what is no ARN is refused", "sns/a batch to a topic that is not there"},
		laxIntegrity: {"s3/a wrong Content-MD5 is refused", "s3/a wrong checksum is refused", "s3/the checksum of an upload is returned on demand"},
		laxPublish: {
			"sns/a subject has no line breaks and no control characters", "sns/a subject has fewer than 100 characters",
			"sns/an attribute without a value is refused", "sns/a number that is none is refused",
			"sns/an attribute's name has letters, digits, _, - and ., and does not begin with AWS.",
		},
		laxBatch: {
			"sns/a batch publishes up to ten messages", "sns/entries of a batch fail inside an answer of status 200",
			"sns/a batch of more than 256 KiB in all is refused", "sns/attributes count towards the size of a batch",
			"sns/ids of a batch differ, and there is one at least", "sns/a bad subject or message fails its entry of a batch alone",
			"sqs/entries of a batch fail inside an answer of status 200",
		},
		laxHandle: {
			"sqs/a FIFO queue refuses a receipt handle that has expired", "sqs/what is no receipt handle is refused",
			"sqs/a batch deletes, and names the entries that it cannot", "sqs/a receipt handle is one of the queue's",
		},
	} {
		for _, name := range names {
			all[name] = reason
		}
	}
	return all
}()
