package conformance

const streamsOlder = "its version does not know AT_TIMESTAMP"

// differences are how the stand-ins are known to differ from AWS's documentation: by stand-in and case ("service/name"),
// the reason.
var differences = map[string]map[string]string{
	"DynamoDB Local": {
		"dynamodb/BatchWriteItem puts and deletes":                                          "counts two units for a write that replaces or deletes an item",
		"dynamodb/UPDATED_NEW of a nested path is the path":                                 "returns the whole top-level attribute",
		"dynamodb/a table is given by its ARN as well":                                      "its version is older than that",
		"dynamodb/a table keeps its tags":                                                   "has no tags",
		"dynamodb/UpdateTable adds an index, which gets the items that are there":           "takes items whose keys have another type into the index",
		"dynamodb/an update that cannot be made cancels its transaction as ValidationError": "refuses the call as a ValidationException",
		"dynamodb/a transaction consumes two units for each KB, of its indexes too":         "counts four units for each KB of items of more than one",
		"dynamodb/CreateTable answers CREATING":                                             "creates at once and says ACTIVE",
		"dynamodb/CreateTable refuses capacity for an on-demand table":                      "does not check",
		"streams/AT_TIMESTAMP begins with the first record of that time":                    streamsOlder,
		"streams/AT_TIMESTAMP in the future is refused":                                     streamsOlder,
		"streams/CHILD_SHARDS lists the children of one parent":                             "ignores ShardFilter",
		"streams/a stream has several shards from the beginning":                            "has one open shard",
		"streams/GetRecords returns at most 1 MB":                                           "pages by the number of records only",
		"streams/a record's time is floored to the second":                                  "floors to the minute",
	},
	"fauxqs": fauxqsDifferences,
}
