package queues

// A queue's attributes: what may be set, what it means, what is answered.

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// settings are the attributes that may be set, as they were given and as they are used.
type settings struct {
	given map[string]string // with the defaults

	visibility, retention, delay, wait time.Duration
	maxSize                            int
	fifo, contentBased                 bool
	redrive                            *redrive
}

// redrive is the attribute RedrivePolicy.
type redrive struct {
	Target string      `json:"deadLetterTargetArn"`
	Max    json.Number `json:"maxReceiveCount"`
	max    int
}

// bounds are the numeric attributes with their least, greatest and default values ("SetQueueAttributes").
var bounds = map[string][3]int{
	"VisibilityTimeout":             {0, 43_200, 30},
	"MessageRetentionPeriod":        {60, 1_209_600, 345_600},
	"DelaySeconds":                  {0, 900, 0},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"MaximumMessageSize":            {1024, maxMessage, maxMessage},
}

// maxMessage is the size of a message, and of a batch in all ("SendMessage": 1 MiB since August 2025).
const maxMessage = 1 << 20

// stored attributes are kept and answered; the sandbox attaches no rules to them.
var stored = map[string]bool{
	"Policy": true, "RedriveAllowPolicy": true, "KmsMasterKeyId": true, "KmsDataKeyReusePeriodSeconds": true,
	"SqsManagedSseEnabled": true, "DeduplicationScope": true, "FifoThroughputLimit": true,
}

// with returns the settings with some attributes changed; an empty text takes away a stored one.
func (s settings) with(changes map[string]string, exists func(arn string) bool) (settings, error) {
	given := maps.Clone(s.given)
	if given == nil {
		given = map[string]string{"SqsManagedSseEnabled": "true"}
		for name, b := range bounds {
			given[name] = strconv.Itoa(b[2])
		}
	}
	s.given = given
	for name, value := range changes {
		if err := s.set(name, value, exists); err != nil {
			return s, err
		}
	}
	seconds := func(name string) time.Duration {
		n, _ := strconv.Atoi(given[name]) // set checked it
		return time.Duration(n) * time.Second
	}
	s.visibility, s.retention = seconds("VisibilityTimeout"), seconds("MessageRetentionPeriod")
	s.delay, s.wait = seconds("DelaySeconds"), seconds("ReceiveMessageWaitTimeSeconds")
	s.maxSize, _ = strconv.Atoi(given["MaximumMessageSize"])
	return s, nil
}

func (s *settings) set(name, value string, exists func(arn string) bool) error {
	b, number := bounds[name]
	switch {
	case number:
		if n, err := strconv.Atoi(value); err != nil || n < b[0] || n > b[1] {
			return badAttribute(name)
		}
	case name == "FifoQueue" || name == "ContentBasedDeduplication":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return badAttribute(name)
		}
		if name == "FifoQueue" {
			s.fifo = on
		} else {
			s.contentBased = on
		}
	case name == "RedrivePolicy":
		if err := s.setRedrive(value, exists); err != nil {
			return err
		}
	case !stored[name]:
		return wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	if value == "" {
		delete(s.given, name)
	} else {
		s.given[name] = value
	}
	return nil
}

func (s *settings) setRedrive(value string, exists func(arn string) bool) error {
	if value == "" {
		s.redrive = nil
		return nil
	}
	var r redrive
	if err := json.Unmarshal([]byte(value), &r); err != nil || r.Target == "" || r.Max == "" {
		return invalid(value, "RedrivePolicy", "Amazon SQS can't create the redrive policy, as it’s in an unsupported format.")
	}
	n, err := strconv.Atoi(r.Max.String())
	if err != nil || n < 1 || n > 1000 {
		return invalid(value, "RedrivePolicy", "Invalid value for maxReceiveCount: "+r.Max.String()+", valid values are from 1 to 1000 both inclusive.")
	}
	if !exists(r.Target) {
		return invalid(value, "RedrivePolicy", "Dead letter target does not exist.")
	}
	r.max = n
	s.redrive = &r
	return nil
}

func badAttribute(name string) error {
	return wire.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// attributes answers those named, or all.
func (q *queue) attributes(names []string) (map[string]string, error) {
	all := maps.Clone(q.settings.given)
	delayed := len(q.hidden) - q.flying
	visible := len(q.byID) - len(q.hidden)
	for name, value := range map[string]any{
		"QueueArn":                              q.arn(),
		"CreatedTimestamp":                      q.created.Unix(),
		"LastModifiedTimestamp":                 q.modified.Unix(),
		"ApproximateNumberOfMessages":           visible,
		"ApproximateNumberOfMessagesNotVisible": q.flying,
		"ApproximateNumberOfMessagesDelayed":    delayed,
	} {
		all[name] = fmt.Sprint(value)
	}
	asked := map[string]string{}
	for _, name := range names {
		value, ok := all[name]
		_, bounded := bounds[name]
		switch {
		case name == "All":
			return all, nil
		case ok:
			asked[name] = value
		case !bounded && !stored[name] && !strings.HasPrefix(name, "Fifo") && name != "RedrivePolicy" && name != "ContentBasedDeduplication":
			return nil, wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return asked, nil
}
