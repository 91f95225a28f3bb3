// Package queues stands in for SQS: an in-memory core (queue.go, fifo.go), with a thin layer that speaks its JSON
// protocol on top. The rules and the words of its errors are those of the Amazon SQS Developer Guide and API Reference;
// comments name the pages.
package queues

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/wire"
)

// Service is the queues of one account. It implements wire.Service and is safe for concurrent use.
type Service struct {
	clock    *clock.Clock
	endpoint atomic.Value // string: the beginning of the queues' URLs

	mu       sync.Mutex // guards what follows and all that the queues hold; never held over a wait
	queues   map[string]*queue
	deleted  map[string]time.Time // names of queues deleted, until they may be used again
	inFlight int                  // how many messages of a queue may be in flight

	messages atomic.Uint64 // numbers the messages: ids and FIFO sequence numbers
}

const (
	account = "123456789012"
	prefix  = "arn:aws:sqs:us-east-1:" + account + ":"
)

// New returns a service without queues.
func New(c *clock.Clock) *Service {
	s := &Service{clock: c, queues: map[string]*queue{}, deleted: map[string]time.Time{}, inFlight: inFlightLimit}
	s.At("http://sandbox")
	return s
}

// At sets the beginning of the queues' URLs: some clients call a queue by its URL alone.
func (s *Service) At(endpoint string) { s.endpoint.Store(endpoint) }

type operation func(context.Context, *Service, []byte) (any, error)

var operations = map[string]operation{
	"CreateQueue":             decoded((*Service).createQueue),
	"GetQueueUrl":             decoded((*Service).queueURL),
	"ListQueues":              decoded((*Service).listQueues),
	"DeleteQueue":             decoded((*Service).deleteQueue),
	"PurgeQueue":              decoded((*Service).purgeQueue),
	"GetQueueAttributes":      decoded((*Service).queueAttributes),
	"SetQueueAttributes":      decoded((*Service).setQueueAttributes),
	"ListQueueTags":           decoded((*Service).listQueueTags),
	"TagQueue":                decoded((*Service).tagQueue),
	"UntagQueue":              decoded((*Service).untagQueue),
	"SendMessage":             decoded((*Service).sendMessage),
	"ReceiveMessage":          decoded((*Service).receiveMessage),
	"DeleteMessage":           decoded((*Service).deleteMessage),
	"ChangeMessageVisibility": decoded((*Service).changeVisibility),
}

func decoded[In any](f func(*Service, context.Context, In) (any, error)) operation {
	return func(ctx context.Context, s *Service, body []byte) (any, error) {
		in, err := decode[In](body)
		if err != nil {
			return nil, err
		}
		return f(s, ctx, in)
	}
}

// decode reads a request; a parameter that the sandbox does not have is refused by its name.
func decode[In any](body []byte) (in In, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, wire.Errorf("SerializationException", "the sandbox's SQS cannot read the request: %v", err)
	}
	return in, nil
}

// Call answers one request.
func (s *Service) Call(ctx context.Context, r wire.Request) (any, error) {
	if f, ok := batches[r.Operation]; ok {
		return f(s, r.Body, wire.Spread{Share: r.Unprocessed})
	}
	f, ok := operations[r.Operation]
	if !ok {
		return nil, wire.Errorf("UnknownOperationException", "the sandbox's SQS has no operation %s", r.Operation)
	}
	return f(ctx, s, r.Body)
}

// empty is the answer of operations that have none.
type empty struct{}

// find looks a queue up by its URL, ARN or name. The caller holds mu.
func (s *Service) find(name string) (*queue, error) {
	if name == "" {
		return nil, missing("QueueUrl")
	}
	if strings.HasPrefix(name, prefix) {
		name = name[len(prefix):]
	} else if u, err := url.Parse(name); err == nil {
		name = path.Base(u.Path)
	}
	if q, ok := s.queues[name]; ok {
		q.promote(s.clock.Now())
		return q, nil
	}
	return nil, wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
}

func (s *Service) url(q *queue) string {
	return s.endpoint.Load().(string) + "/" + account + "/" + q.name
}

func (q *queue) arn() string { return prefix + q.name }

// nextID numbers a new message.
func (s *Service) nextID() (id string, sequence uint64) {
	n := s.messages.Add(1)
	return fmt.Sprintf("%08x-5a4d-4b0e-8000-%012x", n>>32, n), n
}

func missing(parameter string) error {
	return wire.Errorf("MissingParameter", "The request must contain the parameter %s.", parameter)
}

func invalid(value any, parameter, reason string) error {
	return wire.Errorf("InvalidParameterValue", "Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}
