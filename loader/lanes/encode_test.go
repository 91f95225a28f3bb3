package lanes

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
)

// sent is what the client sends for a call.
type sent struct {
	header http.Header
	body   any
}

// capture returns a client and what it sends.
func capture(t *testing.T) (*dynamodb.Client, *sent) {
	t.Helper()
	var s sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.header = r.Header.Clone()
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(text, &s.body)
		}
		if err != nil {
			t.Errorf("%v: %s", err, text)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"UnprocessedItems":{}}`)
	}))
	t.Cleanup(server.Close)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
		Retryer: aws.NopRetryer{}, DisableValidateResponseChecksum: true,
	}), &s
}

// TestTheBodyIsTheSDKsOwn compares a call with the same one serialized by the SDK.
func TestTheBodyIsTheSDKsOwn(t *testing.T) {
	table := inventory.Table{Name: "T-a.b_c", Store: `St"ore`, Item: "Größe\n", Count: "n"}
	rows := []Row{
		{Store: []byte("Zürich"), Item: []byte("Echo (2nd Gen)"), Count: 12},
		{Store: []byte(`"\/` + "\x00\x01\x1f\x7f\t\r\n"), Item: []byte("𝄞\u2028\u2029<>&'"), Count: -9223372036854775808},
		{Store: []byte("ends with \\"), Item: []byte(`"`), Count: 9223372036854775807},
	}
	client, s := capture(t)
	if _, _, err := NewDynamo(client, table).Put(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	ours := *s
	var requests []types.WriteRequest
	for _, r := range rows {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: table.Attributes(inventory.Item{
			Key: inventory.Key{Store: string(r.Store), Item: string(r.Item)}, Count: r.Count,
		})}})
	}
	_, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{table.Name: requests}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.body, ours.body); diff != "" {
		t.Error(diff)
	}
	for _, h := range []string{"X-Amz-Target", "Content-Type"} {
		if got, want := ours.header.Get(h), s.header.Get(h); got != want {
			t.Errorf("%s is %q, the SDK's is %q", h, got, want)
		}
	}
	if !strings.HasPrefix(ours.header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		t.Error("the call is not signed")
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "Zürich", `"\`, "\x00\n", "𝄞", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // rows hold valid text only
		}
		var got string
		if err := json.Unmarshal(append(appendText([]byte{'"'}, []byte(s)), '"'), &got); err != nil || got != s {
			t.Fatalf("%q comes back as %q: %v", s, got, err)
		}
	})
}

// BenchmarkPut is the cost of a call for 25 rows, the network left out.
func BenchmarkPut(b *testing.B) {
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""), Retryer: aws.NopRetryer{},
		DisableValidateResponseChecksum: true, HTTPClient: answer{},
	})
	d := NewDynamo(client, inventory.DefaultTable)
	rows := make([]Row, BatchSize)
	for i := range rows {
		rows[i] = Row{Store: []byte("store-0001"), Item: []byte("item-" + strings.Repeat("0", i)), Count: int64(i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Put(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
	}
}

// answer answers every call at once.
type answer struct{}

func (answer) Do(r *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"Inventory","CapacityUnits":25.0}]}`)),
	}, err
}
