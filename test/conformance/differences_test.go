package conformance

// differences are how the stand-ins are known to differ from AWS's documentation: by stand-in and case ("service/name"),
// the reason.
var differences = map[string]map[string]string{
	"DynamoDB Local": {},
	"fauxqs":         {},
}
