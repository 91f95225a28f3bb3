package queues

// Queues as a whole: create, find, list, change, purge, delete.

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// quarantine is how long a deleted queue's name cannot be used, and between two purges ("DeleteQueue", "PurgeQueue").
const quarantine = time.Minute

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string
}

type queueURLOut struct{ QueueUrl string }

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) createQueue(_ context.Context, in createQueueIn) (any, error) {
	fifo := in.Attributes["FifoQueue"] == "true"
	base, suffixed := strings.CutSuffix(in.QueueName, ".fifo")
	if !queueName.MatchString(base) || len(in.QueueName) > 80 || suffixed && !fifo {
		return nil, wire.Errorf("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if fifo && !suffixed {
		return nil, wire.Errorf("InvalidParameterValue", "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if q, ok := s.queues[in.QueueName]; ok {
		for name, value := range in.Attributes {
			if q.settings.given[name] != value {
				return nil, wire.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return queueURLOut{s.url(q)}, nil
	}
	if at, ok := s.deleted[in.QueueName]; ok && now.Sub(at) < quarantine {
		return nil, wire.Errorf("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	set, err := settings{}.with(in.Attributes, s.exists)
	if err != nil {
		return nil, err
	}
	q := newQueue(in.QueueName, set, now)
	q.tag(in.Tags)
	s.queues[in.QueueName] = q
	return queueURLOut{s.url(q)}, nil
}

// exists says whether an ARN names a queue. The caller holds mu.
func (s *Service) exists(arn string) bool {
	_, ok := s.queues[strings.TrimPrefix(arn, prefix)]
	return ok && strings.HasPrefix(arn, prefix)
}

type queueURLIn struct{ QueueName string }

func (s *Service) queueURL(_ context.Context, in queueURLIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[in.QueueName]
	if !ok {
		return nil, wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	}
	return queueURLOut{s.url(q)}, nil
}

type listQueuesIn struct {
	QueueNamePrefix string
	MaxResults      int
	NextToken       string
}

type listQueuesOut struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

// listQueues answers 1000 queues; only with MaxResults it tells of more ("ListQueues"). The token is the last name.
func (s *Service) listQueues(_ context.Context, in listQueuesIn) (any, error) {
	if in.MaxResults < 0 || in.MaxResults > 1000 {
		return nil, invalid(in.MaxResults, "MaxResults", "Must be between 1 and 1000.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := in.MaxResults
	if limit == 0 {
		limit = 1000
	}
	var out listQueuesOut
	last := ""
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if !strings.HasPrefix(name, in.QueueNamePrefix) || name <= in.NextToken {
			continue
		}
		if len(out.QueueUrls) == limit {
			if in.MaxResults > 0 {
				out.NextToken = last
			}
			break
		}
		out.QueueUrls = append(out.QueueUrls, s.url(s.queues[name]))
		last = name
	}
	return out, nil
}

type queueIn struct{ QueueUrl string }

func (s *Service) deleteQueue(_ context.Context, in queueIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	delete(s.queues, q.name)
	s.deleted[q.name] = s.clock.Now()
	q.notify() // who waits finds that it has gone
	return empty{}, nil
}

func (s *Service) purgeQueue(_ context.Context, in queueIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < quarantine {
		return nil, wire.Errorf("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = now
	for _, m := range q.byID {
		q.remove(m)
	}
	return empty{}, nil
}

type queueAttributesIn struct {
	QueueUrl       string
	AttributeNames []string
}

type queueAttributesOut struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Service) queueAttributes(_ context.Context, in queueAttributesIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	attributes, err := q.attributes(in.AttributeNames)
	return queueAttributesOut{attributes}, err
}

type setQueueAttributesIn struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Service) setQueueAttributes(_ context.Context, in setQueueAttributesIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if value, ok := in.Attributes["FifoQueue"]; ok && (value == "true") != q.settings.fifo {
		return nil, wire.Errorf("InvalidAttributeName", "Unknown Attribute FifoQueue.")
	}
	set, err := q.settings.with(in.Attributes, s.exists)
	if err != nil {
		return nil, err
	}
	q.settings, q.modified = set, s.clock.Now()
	return empty{}, nil
}
