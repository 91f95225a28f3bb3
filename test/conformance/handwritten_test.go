package conformance

// The bodies of BatchWriteItem that the loader writes by hand, past the SDK's encoding.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	stock "inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/loader/lanes"
)

// oddTexts are what bodies written by hand may get wrong.
var oddTexts = []string{"plain", `"\/`, "tab\tline\nbell\x07", "Zürich 日本 😀", "\u2028<>&\x7f", strings.Repeat("x", 1024), "{\"S\":\"\"}"}

func oddRows() (rows []lanes.Row) {
	for i, text := range oddTexts {
		rows = append(rows, lanes.Row{Store: []byte(text), Item: []byte(text), Count: int64(-i)})
	}
	return rows
}

var _ = add("dynamodb",
	Case{Name: "batches as the loader writes them are taken, whatever their texts", Doc: "BatchWriteItem", Run: func(t *T, e *Env) {
		d := open(t, e)
		table := lanes.NewDynamo(d.Client, stock.DefaultTable)
		left, units, err := table.Put(t.Context(), oddRows())
		t.ok(err)
		t.equal("unprocessed", len(left), 0)
		t.equal("the units", units, float64(len(oddTexts)+2)) // the longest takes three
		for i, text := range oddTexts {
			d.stored(text, text, counted(text, text, -i))
		}
		_, _, err = table.Put(t.Context(), append(oddRows(), oddRows()[0]))
		t.refused(err, "ValidationException", "Provided list of item keys contains duplicates")
	}},
)

// verifying holds the signature of each request to what the request carries.
type verifying struct {
	http.RoundTripper
	t        *testing.T
	verified int
}

func (v *verifying) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	again := r.Clone(r.Context())
	again.Header.Del("Authorization")
	credentials, err := sandbox.New().Config("loader").Credentials.Retrieve(r.Context())
	if err != nil {
		return nil, err
	}
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "dynamodb", sandbox.Region, at); err != nil {
		return nil, err
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		v.t.Errorf("the signature is %s, want %s", got, want)
	}
	v.verified++
	return v.RoundTripper.RoundTrip(r)
}

func TestBatchesAsTheLoaderWritesThemAreSignedForWhatTheyCarry(t *testing.T) {
	box := sandbox.New()
	if err := box.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := &verifying{sandbox.Direct(box), t, 0}
	cfg := box.Config("loader")
	cfg.HTTPClient = &http.Client{Transport: v}
	left, _, err := lanes.NewDynamo(dynamodb.NewFromConfig(cfg), stock.DefaultTable).Put(t.Context(), oddRows())
	if err != nil || len(left) != 0 || v.verified != 1 {
		t.Errorf("%d requests, %d rows left, %v", v.verified, len(left), err)
	}
}
