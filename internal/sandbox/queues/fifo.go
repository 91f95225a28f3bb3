package queues

// What a FIFO queue has on top: groups that wait for their first message, and deduplication.

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// deduplicationInterval ("Exactly-once processing in Amazon SQS").
const deduplicationInterval = 5 * time.Minute

type fifo struct {
	flying map[string]int // by group: messages in flight, for which the group waits
	recent map[string]sent
	oldest []string // keys of recent, by age
}

// sent is what a repeated message is answered.
type sent struct {
	id       string
	sequence uint64
	at       time.Time
}

func (f *fifo) land(group string) {
	if f.flying[group]--; f.flying[group] == 0 {
		delete(f.flying, group)
	}
}

// repeated finds the message that was accepted with this deduplication id within the interval.
func (f *fifo) repeated(id string, now time.Time) (sent, bool) {
	for len(f.oldest) > 0 && now.Sub(f.recent[f.oldest[0]].at) >= deduplicationInterval {
		delete(f.recent, f.oldest[0])
		f.oldest = f.oldest[1:]
	}
	s, ok := f.recent[id]
	return s, ok
}

func (f *fifo) remember(id string, s sent) {
	f.recent[id] = s
	f.oldest = append(f.oldest, id)
}

var idText = regexp.MustCompile(`^[!-~]{1,128}$`)

// ValidID says whether s can be a group or a deduplication id, of SQS and of SNS: letters, digits and punctuation of ASCII
// ("SendMessage").
func ValidID(s string) bool { return idText.MatchString(s) }

// checkIDs checks those that there are.
func (m *Message) checkIDs() error {
	for name, id := range map[string]string{"MessageGroupId": m.Group, "MessageDeduplicationId": m.Deduplication} {
		if id != "" && !ValidID(id) {
			return invalid(id, name, name+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	return nil
}

// checkFIFO holds a message against the queue's kind and completes its deduplication id.
func (q *queue) checkFIFO(m *Message) error {
	const wrongKind = "The request include parameter that is not valid for this queue type"
	if err := m.checkIDs(); err != nil {
		return err
	}
	if q.fifo == nil {
		if m.Deduplication != "" {
			return invalid(m.Deduplication, "MessageDeduplicationId", wrongKind)
		}
		return nil
	}
	if m.Group == "" {
		return missing("MessageGroupId")
	}
	if m.Delay != nil && *m.Delay > 0 {
		return invalid(int(m.Delay.Seconds()), "DelaySeconds", wrongKind)
	}
	if m.Deduplication == "" {
		if !q.settings.contentBased {
			return wire.Errorf("InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.Body))
		m.Deduplication = hex.EncodeToString(sum[:])
	}
	return nil
}
