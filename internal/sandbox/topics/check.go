package topics

// What SNS takes of messages and batches, and what it refuses.

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/wire"
)

// validSubject: UTF-8 text without line breaks and control characters, of fewer than 100 characters ("Publish", parameter
// Subject). Where the page leaves room, the narrower reading holds: characters are those of UTF-16, and Unicode's own line
// breaks are some.
func validSubject(s string) bool {
	return s != "" && utf8.ValidString(s) && len(utf16.Encode([]rune(s))) < 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	numberText    = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)
)

// check holds a message against what the topic takes, and completes its deduplication id.
func (t *topic) check(m *message) error {
	switch {
	case strings.TrimSpace(m.body) == "": // the page only says "the message you want to send": the narrower reading, too
		return invalid("Empty message")
	case m.size() > t.limit():
		return invalid("Message too long")
	case m.structure == "json" && !hasDefault(m.body):
		return invalid("Message Structure - No default entry in JSON message body")
	case m.structure != "" && m.structure != "json":
		return invalid("MessageStructure")
	}
	for name, a := range m.attributes {
		if err := checkAttribute(name, a); err != nil {
			return err
		}
	}
	return t.checkFIFO(m)
}

// limit is the greatest size of a message in bytes.
func (t *topic) limit() int {
	if n, err := strconv.Atoi(t.attributes["MaximumMessageSize"]); err == nil {
		return n
	}
	return maxMessage
}

func hasDefault(body string) bool {
	var parts map[string]any
	_ = json.Unmarshal([]byte(body), &parts) // what is no JSON has no default
	_, ok := parts["default"].(string)
	return ok
}

func checkAttribute(name string, a attribute) error {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") ||
		strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return wire.Errorf("ParameterValueInvalid", "Invalid parameter: The message attribute name '%s' is invalid.", name)
	}
	kind, _, _ := strings.Cut(a.Type, ".")
	switch {
	case kind != "String" && kind != "Number" && kind != "Binary":
		return wire.Errorf("ParameterValueInvalid", "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	case a.Value == "":
		return wire.Errorf("ParameterValueInvalid", "The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.Type)
	case kind == "Number" && !numberText.MatchString(a.Value):
		return wire.Errorf("ParameterValueInvalid", "Could not cast message attribute '%s' value to number.", name)
	case kind == "Binary":
		if _, err := base64.StdEncoding.DecodeString(a.Value); err != nil {
			return wire.Errorf("ParameterValueInvalid", "The message attribute '%s' is not base64.", name)
		}
	}
	return nil
}

func (t *topic) checkFIFO(m *message) error {
	for name, id := range map[string]string{"MessageGroupId": m.group, "MessageDeduplicationId": m.deduplication} {
		if id != "" && !queues.ValidID(id) {
			return invalid(name + " Reason: " + name + " can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	if !t.fifo() {
		if m.deduplication != "" {
			return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
		}
		return nil
	}
	if m.group == "" {
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	if m.deduplication == "" {
		if t.attributes["ContentBasedDeduplication"] != "true" {
			return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.body))
		m.deduplication = hex.EncodeToString(sum[:])
	}
	return nil
}

// batchIDs checks a batch as a whole and returns its entries' ids.
func batchIDs(t *topic, f url.Values) ([]string, error) {
	var ids []string
	seen, size := map[string]bool{}, 0
	for i := 0; f.Has(entryPrefix(i) + "Id"); i++ {
		id := f.Get(entryPrefix(i) + "Id")
		if !entryID.MatchString(id) {
			return nil, wire.Errorf("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[id] {
			return nil, wire.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
		ids = append(ids, id)
		m, _ := read(f, entryPrefix(i)) // a bad subject fails its entry later
		size += m.size()
	}
	switch {
	case len(ids) == 0:
		return nil, wire.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(ids) > 10:
		return nil, wire.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	case size > t.limit():
		return nil, wire.Errorf("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
	}
	return ids, nil
}
