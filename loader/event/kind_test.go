package event_test

import (
	"fmt"
	"strings"
	"testing"

	"inventoryd/loader/event"
)

func direct(name string) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":%q,"awsRegion":"eu-west-1","s3":{"bucket":{"name":"b"},"object":{"key":"a.csv"}}}]}`, name)
}

func bridge(detailType string) string {
	return fmt.Sprintf(`{"source":"aws.s3","detail-type":%q,"region":"eu-west-1","detail":{"bucket":{"name":"b"},"object":{"key":"a.csv"}}}`, detailType)
}

// TestEachKindOfEventHasItsMeaning holds the closed lists: what loads, what is known to bring nothing, and what is refused
// with the remedy.
func TestEachKindOfEventHasItsMeaning(t *testing.T) {
	const loads, nothing = "loads", "nothing"
	for body, want := range map[string]string{
		direct("ObjectCreated:Put"):                     loads,
		direct("ObjectCreated:CompleteMultipartUpload"): loads,
		direct("s3:ObjectCreated:Post"):                 loads,
		direct("ObjectCreated:Anything"):                loads,
		direct("ObjectRestore:Completed"):               loads,
		direct("s3:ObjectRestore:Completed"):            loads,
		bridge("Object Created"):                        loads,
		bridge("Object Restore Completed"):              loads,

		direct("ObjectRestore:Post"):                     nothing,
		direct("ObjectRestore:Delete"):                   nothing,
		direct("ObjectRemoved:Delete"):                   nothing,
		direct("ObjectRemoved:DeleteMarkerCreated"):      nothing,
		direct("ReducedRedundancyLostObject"):            nothing,
		direct("Replication:OperationFailedReplication"): nothing,
		direct("LifecycleExpiration:Delete"):             nothing,
		direct("LifecycleTransition"):                    nothing,
		direct("IntelligentTiering"):                     nothing,
		direct("ObjectTagging:Put"):                      nothing,
		direct("ObjectAcl:Put"):                          nothing,
		direct("s3:ObjectAccessed:Get"):                  nothing,
		bridge("Object Deleted"):                         nothing,
		bridge("Object Restore Initiated"):               nothing,
		bridge("Object Restore Expired"):                 nothing,
		bridge("Object Tags Added"):                      nothing,
		bridge("Object Tags Deleted"):                    nothing,
		bridge("Object ACL Updated"):                     nothing,
		bridge("Object Storage Class Changed"):           nothing,
		bridge("Object Access Tier Changed"):             nothing,

		direct("PutObject"):                    `"PutObject"`,
		direct("ObjectCreated"):                "ObjectCreated:*",
		direct(""):                             "eventName is missing",
		direct("ObjectBorrowed:Put"):           "let the bucket send ObjectCreated:*",
		bridge("AWS API Call via CloudTrail"):  "turn on the bucket's own events for EventBridge",
		bridge("Object Borrowed"):              "the detail type Object Created",
		`{"Type":"SubscriptionConfirmation"}`:  "confirm the queue's subscription",
		`{"Type":"UnsubscribeConfirmation"}`:   "confirm the queue's subscription",
		`{"Records":[]}`:                       "neither Records nor the source aws.s3",
		`{"source":"aws.ec2","detail-type":1}`: "no event of S3",
	} {
		m, err := event.Decode(body)
		switch {
		case want == loads:
			if err != nil || len(m.Objects) != 1 || m.Objects[0].Region != "eu-west-1" || m.Objects[0].Size != -1 {
				t.Errorf("%s: %+v, %v", body, m, err)
			}
		case want == nothing:
			if err != nil || m.Ignored != 1 || len(m.Objects) > 0 {
				t.Errorf("%s: %+v, %v", body, m, err)
			}
		case err == nil || !strings.Contains(err.Error(), want) || len(m.Objects)+m.Ignored > 0:
			t.Errorf("%s: %+v, %v", body, m, err)
		}
	}
}
