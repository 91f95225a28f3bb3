package event

// Which events bring an object to load, which are known to bring none, and what is to be sent in place of any other.

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// families are what the names of events of S3 and its like begin with ("Supported event types for SQS, SNS, and Lambda"):
// true, where each event of the family brings an object.
var families = map[string]bool{
	"ObjectCreated": true,

	"ObjectRemoved": false, "ObjectRestore": false, "ReducedRedundancyLostObject": false, "Replication": false,
	"LifecycleExpiration": false, "LifecycleTransition": false, "IntelligentTiering": false, "ObjectTagging": false, "ObjectAcl": false,
	"ObjectAccessed": false, // MinIO's
}

// loadsNamed reports whether an event of this name brings an object. A name that nobody knows is an error.
func loadsNamed(name string) (bool, error) {
	family, kind, _ := strings.Cut(name, ":")
	loads, known := families[family]
	switch {
	case name == "":
		return false, errors.New("eventName is missing")
	case name == "ObjectRestore:Completed":
		return true, nil
	case !known, loads && kind == "":
		return false, fmt.Errorf("eventName is %.64q, which is no event of S3's notifications; let the bucket send ObjectCreated:* (and ObjectRestore:Completed) to the queue", name)
	}
	return loads, nil
}

// details are the detail types of S3's own events in EventBridge ("Amazon S3 event type mapping"): true, where it brings an
// object.
var details = map[string]bool{
	"Object Created": true, "Object Restore Completed": true,

	"Object Deleted": false, "Object Restore Initiated": false, "Object Restore Expired": false, "Object Tags Added": false,
	"Object Tags Deleted": false, "Object ACL Updated": false, "Object Storage Class Changed": false, "Object Access Tier Changed": false,
}

// loadsDetail reports whether an event of EventBridge brings an object. A detail type that nobody knows is an error.
func loadsDetail(name string) (bool, error) {
	loads, known := details[name]
	if known {
		return loads, nil
	}
	remedy := "let the rule send those of the detail type Object Created (and Object Restore Completed)"
	if strings.Contains(name, "CloudTrail") {
		remedy = "turn on the bucket's own events for EventBridge (in its properties), and let the rule send those of the detail type Object Created in place of CloudTrail's"
	}
	return false, fmt.Errorf("the detail type is %.64q, none of S3's (%s); %s", name, strings.Join(slices.Sorted(maps.Keys(details)), ", "), remedy)
}
