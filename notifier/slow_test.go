package notifier

import (
	"bytes"
	"hash/fnv"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"go.uber.org/zap"

	"inventoryd/internal/inventory"
)

// slow lets each call take a millisecond or two, as its content says: so calls that begin at one instant arrive in an order
// that is the same in every run.
type slow struct{ next http.RoundTripper }

// atRandom are the parts of a call that differ from run to run: the SDK's token, the name of the teller.
var atRandom = regexp.MustCompile(`"ClientRequestToken":"[^"]*"|":teller":\{"S":"[^"]*"\}`)

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	said := append(atRandom.ReplaceAll(body, nil), r.Header.Get("X-Amz-Target")+" "+r.Header.Get("Authorization")[:40]...)
	var sum uint64
	for _, word := range bytes.FieldsFunc(said, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) { // maps come in any order
		h := fnv.New64a()
		h.Write(word)
		sum += h.Sum64()
	}
	time.Sleep(time.Millisecond + time.Duration(sum%uint64(time.Millisecond)))
	return s.next.RoundTrip(r)
}

// repeatable makes a notifier whose course is the same in every run.
func (w *world) repeatable(client string, change func(*Config)) *Notifier {
	w.Helper()
	c := DefaultConfig()
	c.App, c.StateTable, c.Table, c.Logger = "shop", stateTable, inventory.DefaultTable, zap.NewNop()
	c.jitter = func(wait time.Duration) time.Duration { return wait / 2 }
	change(&c)
	cfg := w.Config(client)
	cfg.HTTPClient = &http.Client{Transport: slow{cfg.HTTPClient.(*http.Client).Transport}}
	tables := dynamodb.NewFromConfig(cfg)
	topics := sns.NewFromConfig(cfg, func(o *sns.Options) { o.Retryer = aws.NopRetryer{} })
	n, err := New(Clients{SNS: topics, State: tables, Table: tables}, c)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// ownTopic makes a topic with a queue that is subscribed to it.
func (w *world) ownTopic(t *testing.T, name string, fifo bool) (arn, queue string) {
	t.Helper()
	queue = "inbox-of-" + name
	var attributes map[string]string
	if fifo {
		name, queue, attributes = name+".fifo", queue+".fifo", map[string]string{"FifoTopic": "true"}
	}
	if _, err := w.topics("test").CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attributes}); err != nil {
		t.Fatal(err)
	}
	w.subscribe(queue, topicARN(name), nil)
	return topicARN(name), queue
}
