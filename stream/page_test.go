package stream

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const answer = `{"NextShardIterator":"next","Records":[{"awsRegion":"us-east-1","dynamodb":{"ApproximateCreationDateTime":1480642020,
	"Keys":{"ID":{"S":"a"}},"NewImage":{"ID":{"S":"a"},"Text":{"S":"quo\"te \u00e9 ] } ,"},"N":{"N":"12.50"},"Yes":{"BOOL":true},"No":{"NULL":true},
	"Bytes":{"B":"AAEC"},"Words":{"SS":["x","y"]},"Numbers":{"NS":["1","2"]},"Blobs":{"BS":["AA=="]},"List":{"L":[{"S":"l"},{"L":[]}]},"Map":{"M":{"k":{"N":"1"},"e":{"M":{}}}}},
	"SequenceNumber":"300000000000000499659","SizeBytes":41,"StreamViewType":"NEW_AND_OLD_IMAGES"},
	"eventID":"e4e3","eventName":"INSERT","eventSource":"aws:dynamodb","eventVersion":"1.1","userIdentity":{"PrincipalId":"p","Type":"Service"}},
	{"eventID":"e4e4","eventName":"REMOVE","dynamodb":{"Keys":{"ID":{"S":"b"}},"OldImage":{"ID":{"S":"b"}},"NewImage":null,"SequenceNumber":"300000000000000499660","ApproximateCreationDateTime":1.48064202025E9}}]}`

func TestPageHasTheRecordsOfAnAnswer(t *testing.T) {
	p, err := parsePage(answer, "label", "shard")
	if err != nil || len(p.records) != 2 || p.next != "next" {
		t.Fatalf("%+v, %v", p, err)
	}
	first, second := p.records[0], p.records[1]
	if first.ID != "e4e3" || first.Kind != Insert || first.Sequence != "300000000000000499659" || first.Stream != "label" || first.Shard != "shard" ||
		!first.Created.Equal(time.Unix(1480642020, 0)) || first.Old.Exists() || !first.New.Exists() {
		t.Errorf("first: %+v", first)
	}
	if first.By != (Identity{"Service", "p"}) || first.By.Expired() || second.By != (Identity{}) {
		t.Errorf("by %+v and %+v", first.By, second.By)
	}
	if second.Kind != Remove || second.New.Exists() || !second.Old.Exists() || !second.Created.Equal(time.Unix(1480642020, 250e6)) {
		t.Errorf("second: %+v", second)
	}
	if got := first.Position(); got != "label#0000000000000000000300000000000000499659" {
		t.Errorf("position %s", got)
	}
}

func TestImageLookup(t *testing.T) {
	p, _ := parsePage(answer, "label", "shard")
	image := p.records[0].New
	v, ok := image.Lookup("Text")
	if s, isS := v.S(); !ok || !isS || s != `quo"te é ] } ,` || v.Type() != "S" {
		t.Errorf("Text: %q", s)
	}
	v, _ = image.Lookup("N")
	if n, isN := v.N(); !isN || n != "12.50" {
		t.Errorf("N: %q", n)
	}
	if _, isS := v.S(); isS {
		t.Error("a number is no string")
	}
	v, _ = image.Lookup("Yes")
	if value, isBool := v.Bool(); !value || !isBool {
		t.Error("Yes is not true")
	}
	if _, ok := image.Lookup("k"); ok {
		t.Error("an attribute within another is found")
	}
	if _, ok := (Image{}).Lookup("ID"); ok {
		t.Error("no item has an attribute")
	}
	if n := testing.AllocsPerRun(100, func() { image.Lookup("Map") }); n > 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

func TestImageAttributeValuesAreTheSDKs(t *testing.T) {
	p, _ := parsePage(answer, "label", "shard")
	got, err := p.records[0].New.AttributeValues()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]types.AttributeValue{
		"ID": &types.AttributeValueMemberS{Value: "a"}, "Text": &types.AttributeValueMemberS{Value: `quo"te é ] } ,`},
		"N": &types.AttributeValueMemberN{Value: "12.50"}, "Yes": &types.AttributeValueMemberBOOL{Value: true}, "No": &types.AttributeValueMemberNULL{Value: true},
		"Bytes": &types.AttributeValueMemberB{Value: []byte{0, 1, 2}}, "Words": &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
		"Numbers": &types.AttributeValueMemberNS{Value: []string{"1", "2"}}, "Blobs": &types.AttributeValueMemberBS{Value: [][]byte{{0}}},
		"List": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "l"}, &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}},
		"Map":  &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"k": &types.AttributeValueMemberN{Value: "1"}, "e": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPagesThatMakeNoSenseAreErrors(t *testing.T) {
	for _, body := range []string{
		"", "nonsense", "[]", `{"Records":`, `{"Records":[{]}`, `{"Records":[{"eventID":"a"}]}`, `{"Records":[{} {}]}`, `{"NextShardIterator":"a`,
		`{"Records":[{"dynamodb":{"SequenceNumber":"1","ApproximateCreationDateTime":"soon"}}]}`, `{"NextShardIterator":7}`,
		`{"Records":[{"dynamodb":{"SequenceNumber":"1","NewImage":{"a":`, "<html>",
		`{}`, `{"Records":null,"NextShardIterator":null}`, `{"message":"try later"}`, // or they would end the shard
	} {
		if p, err := parsePage(body, "l", "s"); err == nil {
			t.Errorf("%s: %+v", body, p)
		}
	}
	for _, body := range []string{` { "Records" : [ ] } `, `{"Records":[],"NextShardIterator":null}`} {
		if p, err := parsePage(body, "l", "s"); err != nil || len(p.records) > 0 || p.next != "" {
			t.Errorf("%s: %+v, %v", body, p, err)
		}
	}
}

// FuzzPage: whatever is valid JSON of the right shape reads as encoding/json reads it, and nothing makes it panic.
func FuzzPage(f *testing.F) {
	f.Add(answer)
	f.Add(`{"Records":[{"eventID":"\ud83d\ude00","dynamodb":{"SequenceNumber":"1","Keys":{}}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parsePage(body, "l", "s")
		if err != nil {
			return
		}
		for _, r := range p.records {
			for _, image := range []Image{r.Keys, r.Old, r.New} {
				image.Lookup("ID")
				_, _ = image.AttributeValues() // an error is fine, a panic is not
			}
		}
		var want struct {
			Records []struct {
				EventID  string `json:"eventID"`
				Dynamodb struct {
					SequenceNumber string
					NewImage       json.RawMessage
				} `json:"dynamodb"`
			}
		}
		if !json.Valid([]byte(body)) || json.Unmarshal([]byte(body), &want) != nil || hasTwins(body) {
			return
		}
		if len(want.Records) != len(p.records) {
			t.Fatalf("%d records, want %d", len(p.records), len(want.Records))
		}
		for i, r := range p.records {
			if r.ID != want.Records[i].EventID || r.Sequence != want.Records[i].Dynamodb.SequenceNumber {
				t.Fatalf("record %d: %+v, want %+v", i, r, want.Records[i])
			}
		}
	})
}

// hasTwins is true of text where encoding/json, which ignores case and takes the last of twins, may differ from us.
func hasTwins(body string) bool {
	lower := strings.ToLower(body)
	for _, name := range []string{"records", "eventid", "dynamodb", "sequencenumber", "newimage"} {
		if strings.Count(lower, name) != strings.Count(body, map[string]string{
			"records": "Records", "eventid": "eventID", "dynamodb": "dynamodb", "sequencenumber": "SequenceNumber", "newimage": "NewImage",
		}[name]) || strings.Count(lower, name) > 1 || strings.Contains(body, `\u`) {
			return true
		}
	}
	return false
}

func TestAnswersOfOtherClientsAreReadToo(t *testing.T) {
	text, next := "a", "next"
	number := "300000000000000499659"
	created := time.Unix(1480642020, 0)
	body, err := encode(t.Context(), &dynamodbstreams.GetRecordsOutput{NextShardIterator: &next, Records: []streamtypes.Record{{
		EventID: &text, EventName: streamtypes.OperationTypeModify,
		Dynamodb: &streamtypes.StreamRecord{
			SequenceNumber: &number, ApproximateCreationDateTime: &created,
			Keys:     map[string]streamtypes.AttributeValue{"ID": &streamtypes.AttributeValueMemberS{Value: "k"}},
			NewImage: map[string]streamtypes.AttributeValue{"ID": &streamtypes.AttributeValueMemberS{Value: "k"}, "L": &streamtypes.AttributeValueMemberL{Value: []streamtypes.AttributeValue{&streamtypes.AttributeValueMemberN{Value: "3"}}}},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePage(body, "l", "s")
	if err != nil || len(p.records) != 1 || p.next != next {
		t.Fatalf("%s: %+v, %v", body, p, err)
	}
	r := p.records[0]
	if r.ID != text || r.Kind != Modify || r.Sequence != number || !r.Created.Equal(created) || r.New.JSON() == "" || r.Old.Exists() {
		t.Errorf("%+v", r)
	}
}

func TestAnswerOfAnotherClientThatIsEmptyIsNoEnd(t *testing.T) {
	body, err := encode(t.Context(), &dynamodbstreams.GetRecordsOutput{}) // as the SDK reads an empty body
	if err != nil {
		t.Fatal(err)
	}
	if p, err := parsePage(body, "l", "s"); err == nil {
		t.Errorf("%s: %+v", body, p)
	}
	body, err = encode(t.Context(), &dynamodbstreams.GetRecordsOutput{Records: []streamtypes.Record{}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := parsePage(body, "l", "s"); err != nil || p.next != "" {
		t.Errorf("%s: %+v, %v", body, p, err)
	}
}

func TestRecordsFromBeforeTheStartAreDroppedAndOthersAreNot(t *testing.T) {
	start := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	number := func(n int) string { return fmt.Sprintf("%021d", n) }
	metrics, err := newInstruments(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &shard{t: &tenure{Reader: &Reader{metrics: metrics}, stream: streamRow{Start: start}}}
	s.at.last = number(1)
	due := s.due([]Record{
		{Sequence: number(1), Created: start},
		{Sequence: number(2), Created: start.Add(-time.Second)},
		{Sequence: number(3)},
		{Sequence: number(4), Created: start},
	})
	if len(due) != 2 || due[0].Sequence != number(3) || s.at.last != number(2) {
		t.Errorf("due %+v, frontier %s", due, s.at.last)
	}
}

func TestSequenceNumbersAndPositions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"999999999999999999999", "1000000000000000000000", -1},
		{"300000000000000000001", "300000000000000000001", 0},
		{"000000000000000000012", "000000000000000000009", 1},
		{strings.Repeat("9", 40), "1" + strings.Repeat("0", 39), 1},
	} {
		got := compareSequences(c.a, c.b)
		if (got < 0) != (c.want < 0) || (got > 0) != (c.want > 0) {
			t.Errorf("%s against %s: %d", c.a, c.b, got)
		}
		if strings.Compare(Position("l", c.a), Position("l", c.b)) != c.want {
			t.Errorf("positions of %s and %s compare otherwise", c.a, c.b)
		}
	}
	for _, sequence := range []string{"000000000000000000012", "300000000000000499659", strings.Repeat("9", 40)} {
		if got, err := sequenceOf("l", Position("l", sequence)); err != nil || got != sequence {
			t.Errorf("%s becomes %s, %v", sequence, got, err)
		}
	}
	for _, wrong := range []string{"", ended, "l#", "l#12", Position("m", "300000000000000499659"), "l#" + strings.Repeat("x", 40)} {
		if got, err := sequenceOf("l", wrong); err == nil {
			t.Errorf("%q is the position of %s", wrong, got)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	var records []string
	for i := range maxRecords {
		records = append(records, fmt.Sprintf(`{"awsRegion":"us-east-1","dynamodb":{"ApproximateCreationDateTime":1795740208,"Keys":{"Item":{"S":"item-%d"},"Store":{"S":"store-%d"}},"NewImage":{"Count":{"N":"%d"},"Item":{"S":"item-%[1]d"},"Store":{"S":"store-%d"}},"SequenceNumber":"%025d","SizeBytes":70,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventID":"%032x","eventName":"INSERT","eventSource":"aws:dynamodb","eventVersion":"1.1"}`,
			i*7919%100_000, i%300, i*31%977, i%300, 1_000_000+i, i*7_777_777))
	}
	text := `{"NextShardIterator":"next","Records":[` + strings.Join(records, ",") + `]}`
	b.ReportAllocs()
	for b.Loop() {
		p, err := parsePage(text, "label", "shard")
		if err != nil || len(p.records) != maxRecords {
			b.Fatal(len(p.records), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/maxRecords, "ns/record")
}
