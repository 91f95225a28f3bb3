package loader_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/transport"
	"inventoryd/loader"
	"inventoryd/test/standins"
)

// faulty is a proxy in front of a table that throttles, breaks connections before and after the call, and answers 5xx.
func faulty(t *testing.T, target string) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchWriteItem") {
			proxy.ServeHTTP(w, r)
			return
		}
		switch {
		case n%20 == 0 && n <= 40: // a table that throttles for good is filled at its pace, which takes its time
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too much"}`)
		case n%20 == 5:
			panic(http.ErrAbortHandler) // before the call
		case n%20 == 10:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // after it
		case n%20 == 15:
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusInternalServerError)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestFaultsInFrontOfDynamoDBLocal loads a file into AWS's own stand-in through throttling, resets and 5xx.
func TestFaultsInFrontOfDynamoDBLocal(t *testing.T) {
	endpoint := standins.DynamoDBLocal(t)
	client := func(endpoint string) *dynamodb.Client {
		return dynamodb.New(dynamodb.Options{
			Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("LOADERFAULTS", "secret", ""),
			Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: transport.PlainBody(http.DefaultTransport), Timeout: 10 * time.Second},
		})
	}
	direct := client(endpoint)
	table := inventory.DefaultTable
	_, err := direct.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table.Name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &table.Store, AttributeType: types.ScalarAttributeTypeS}, {AttributeName: &table.Item, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &table.Store, KeyType: types.KeyTypeHash}, {AttributeName: &table.Item, KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := loader.DefaultConfig()
	cfg.Lanes = 8
	l, err := loader.New(loader.Clients{Tables: client(faulty(t, endpoint))}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	feed, want := feedOf(1000, "Zürich", `"Quito" \ 1`, "Osaka\n")
	for key, count := range want { // names are trimmed
		if trimmed := strings.TrimSpace(key.Store); trimmed != key.Store {
			delete(want, key)
			want[inventory.Key{Store: trimmed, Item: key.Item}] = count
		}
	}
	feed = strings.ReplaceAll(feed, "\"Quito\" \\ 1,", "\"\"\"Quito\"\" \\ 1\",")
	feed = strings.ReplaceAll(feed, "Osaka\n,", "\"Osaka\n\",")
	p, err := l.Load(t.Context(), loader.Stream("feed", strings.NewReader(feed)), loader.Hand{})
	if b := p.Books; err != nil || b.Read != 1000 || b.Read != b.Written+b.Merged {
		t.Fatalf("%v, %+v", err, p)
	}
	got := map[inventory.Key]int64{}
	pages := dynamodb.NewScanPaginator(direct, &dynamodb.ScanInput{TableName: &table.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, attributes := range page.Items {
			item, err := table.ItemOf(attributes)
			if err != nil {
				t.Fatal(err)
			}
			got[item.Key] = item.Count
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}
