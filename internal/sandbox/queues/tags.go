package queues

// Tags of queues, as infrastructure tools set and read them.

import (
	"context"
	"maps"
)

type tagQueueIn struct {
	QueueUrl string
	Tags     map[string]string
}

type untagQueueIn struct {
	QueueUrl string
	TagKeys  []string
}

type listQueueTagsOut struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listQueueTags(_ context.Context, in queueIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return listQueueTagsOut{maps.Clone(q.tags)}, nil
}

func (s *Service) tagQueue(_ context.Context, in tagQueueIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.tag(in.Tags)
	return empty{}, nil
}

func (q *queue) tag(tags map[string]string) {
	if q.tags == nil {
		q.tags = map[string]string{}
	}
	maps.Copy(q.tags, tags)
}

func (s *Service) untagQueue(_ context.Context, in untagQueueIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(q.tags, k)
	}
	return empty{}, nil
}
