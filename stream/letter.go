package stream

// This file: what becomes of records that cannot be handled: a function takes them, such as one that writes letters to a
// dead-letter queue.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Letter is the body of a message in the dead-letter queue, as JSON: a record that could not be handled, why, and
// where it was.
type Letter struct {
	Version  int             `json:"version"` // 1
	Table    string          `json:"table"`
	Stream   string          `json:"stream"`
	Shard    string          `json:"shard"`
	Sequence string          `json:"sequence"`
	EventID  string          `json:"event_id"`
	Kind     Kind            `json:"kind"`
	Created  time.Time       `json:"created"`
	Error    string          `json:"error"`
	Keys     json.RawMessage `json:"keys,omitempty"` // images as DynamoDB's JSON
	Old      json.RawMessage `json:"old,omitempty"`
	New      json.RawMessage `json:"new,omitempty"`
	Cut      bool            `json:"cut,omitempty"` // the images were left out: the message would have been too large
}

// Limits of a letter. SQS takes messages of up to 262,144 bytes on every queue ("Amazon SQS message quotas").
const (
	maxLetter     = 262_144
	maxLetterText = 8 << 10 // of the error
)

func newLetter(table string, r Record, cause error) Letter {
	return Letter{
		Version: 1, Table: table, Stream: r.Stream, Shard: r.Shard, Sequence: r.Sequence, EventID: r.ID, Kind: r.Kind, Created: r.Created,
		Error: strings.ToValidUTF8(cause.Error()[:min(len(cause.Error()), maxLetterText)], ""),
		Keys:  json.RawMessage(r.Keys.json), Old: json.RawMessage(r.Old.json), New: json.RawMessage(r.New.json),
	}
}

// Record returns the record that the letter is about. A letter that was cut has no images.
func (l Letter) Record() Record {
	return Record{
		ID: l.EventID, Stream: l.Stream, Shard: l.Shard, Sequence: l.Sequence, Kind: l.Kind, Created: l.Created,
		Keys: Image{string(l.Keys)}, Old: Image{string(l.Old)}, New: Image{string(l.New)},
	}
}

// text is the message's body, without the images where it would be too large.
func (l Letter) text() (string, error) {
	body, err := json.Marshal(l)
	if err == nil && len(body) > maxLetter {
		l.Old, l.New, l.Cut = nil, nil, true
		body, err = json.Marshal(l)
	}
	if err != nil {
		return "", fmt.Errorf("write record %s as JSON: %w", l.EventID, err)
	}
	return string(body), nil
}

// ParseLetter reads the body of a message in the dead-letter queue.
func ParseLetter(body string) (Letter, error) {
	var l Letter
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		return Letter{}, fmt.Errorf("read a dead letter: %w", err)
	}
	if l.Version != 1 || l.Sequence == "" {
		return Letter{}, errors.New("read a dead letter: the message is none of version 1")
	}
	return l, nil
}

// Diverter takes a record that cannot be handled, and why, to where somebody will look after it. It returns nil once the
// record is safe there: the checkpoint passes it then. After an error it is called again, and the shard waits. It may be
// called from many goroutines, and again for a record that it has taken.
type Diverter func(ctx context.Context, r Record, cause error) error

// Queue is what the reader needs of SQS's client; *sqs.Client is one.
type Queue interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// DeadLetters is a Diverter that writes the table's records as Letters to an SQS queue, which is given by its name or URL.
func DeadLetters(queue Queue, name, table string) Diverter {
	return (&letters{queue: queue, name: name, table: table}).send
}

// letters sends records to the dead-letter queue. Safe for concurrent use.
type letters struct {
	queue Queue
	name  string // the queue's name or URL
	table string

	mu  sync.Mutex // guards url
	url string     // resolved at the first use
}

func (l *letters) send(ctx context.Context, r Record, cause error) error {
	url, err := l.resolve(ctx)
	if err != nil {
		return err
	}
	body, err := newLetter(l.table, r, cause).text()
	if err != nil {
		return err
	}
	if _, err := l.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}, onceQueue); err != nil {
		return fmt.Errorf("send record %s to queue %s: %w", r.ID, l.name, err)
	}
	return nil
}

func (l *letters) resolve(ctx context.Context) (string, error) {
	if strings.Contains(l.name, "://") {
		return l.name, nil
	}
	l.mu.Lock()
	url := l.url
	l.mu.Unlock()
	if url != "" {
		return url, nil
	}
	out, err := l.queue.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &l.name}, onceQueue)
	if err != nil {
		return "", fmt.Errorf("find the dead-letter queue %s: %w", l.name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.url = deref(out.QueueUrl)
	return l.url, nil
}
