// Package sandbox stands in for the AWS services that the daemon uses: S3, SQS, SNS, STS, DynamoDB with its streams
// and CloudWatch, in memory and on one port, speaking their real protocols, so that unmodified SDK clients and the AWS
// command line work with it.
//
// It is for tests and the demo. A request must be signed, but no signature is checked: the access key id only names the
// client, which scripted faults select by. Each service implements the operations that the daemon, its commands and its tests use, by
// the rules that AWS documents; any other operation is answered by an error that names it.
//
// In a testing/synctest bubble, Config's clients call the handler directly, without a socket, and everything that
// waits does so on the sandbox's clock: hours pass in milliseconds.
package sandbox

import (
	"sync"
	"sync/atomic"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/dynamo"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/metrics"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/internal/sandbox/policy"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/topics"
)

// Account and Region are where everything in the sandbox lives.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// Sandbox is an http.Handler that answers as the services do. Its services can also be called and looked into directly.
type Sandbox struct {
	Clock   *clock.Clock
	Tables  *dynamo.Service
	Objects *objects.Store
	Queues  *queues.Service
	Topics  *topics.Service
	Metrics *metrics.Service // CloudWatch

	policies struct {
		sync.RWMutex                           // guards by
		by           map[string]*policy.Policy // by client
	}
	faults   fault.Set
	requests atomic.Uint64 // numbers the requests, for their ids
}

// New returns a sandbox without any resources; Provision adds the usual ones.
func New() *Sandbox {
	c := &clock.Clock{}
	s := &Sandbox{Clock: c, Tables: dynamo.New(c), Queues: queues.New(c), Metrics: &metrics.Service{Now: c.Now}}
	s.Topics = topics.New(c, s.Queues)
	s.Objects = objects.New(c, s.deliver)
	return s
}

// Fault adds a rule behind those in force; remove takes it out.
func (s *Sandbox) Fault(r fault.Rule) (remove func()) { return s.faults.Add(r) }

// deliver brings an event notification of a bucket to its target. Like S3, it is answered an error where the target
// does not exist.
func (s *Sandbox) deliver(target string, event []byte) error {
	if topics.IsTopic(target) {
		return s.Topics.Notify(target, "Amazon S3 Notification", string(event))
	}
	return s.Queues.Deliver(target, queues.Message{Body: string(event)})
}
