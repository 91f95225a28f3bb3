package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"inventoryd/stream"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestAuditPrintsEachChangeOnceAndGoesOnAfterARestart(t *testing.T) {
	environment(t, sandbox(t))
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cfg)
	first := audit(t)
	put(t, db, 0, 5)
	first.await(t, 5)
	first.stop(t)
	put(t, db, 5, 10)
	second := audit(t)
	second.await(t, 5)
	second.stop(t)
	for _, l := range second.lines(t) {
		if l.Kind != "INSERT" || l.New == nil || l.Old != nil {
			t.Errorf("%+v", l)
		}
	}
}

// TestTwoAuditsShareATableAndOneGoesOnAlone: each change is printed by one of them, also those after the other's end.
func TestTwoAuditsShareATableAndOneGoesOnAlone(t *testing.T) {
	environment(t, sandbox(t))
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cfg)
	first, second := audit(t), audit(t)
	for _, r := range []*running{first, second} {
		r.until(t, "ready", func() bool {
			return strings.HasSuffix(r.said(), "ready\n") && !strings.HasSuffix(r.said(), "not ready\n")
		})
	}
	put(t, db, 0, 20)
	printed := func() map[string]int {
		all := map[string]int{}
		for _, l := range append(first.lines(t), second.lines(t)...) {
			all[l.ID]++
		}
		return all
	}
	first.until(t, "20 changes", func() bool { return len(printed()) == 20 })
	first.stop(t)
	put(t, db, 20, 40)
	second.until(t, "40 changes", func() bool { return len(printed()) == 40 })
	second.stop(t)
	for id, times := range printed() {
		if times > 1 {
			t.Errorf("change %s was printed %d times", id, times)
		}
	}
}

// TestGapIsALine: what is missing stands among the changes.
func TestGapIsALine(t *testing.T) {
	var out bytes.Buffer
	l := &lines{out: json.NewEncoder(&out)}
	if err := l.gap(t.Context(), stream.Gap{Reason: "the stream was off"}); err != nil || !strings.Contains(out.String(), `"lost":"the stream was off"`) {
		t.Errorf("%s, %v", out.String(), err)
	}
}

// sandbox serves stand-ins of AWS and returns their address.
func sandbox(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "inventoryd")
	build := exec.Command("go", "-C", filepath.Join("..", ".."), "build", "-o", binary, "./cmd/inventoryd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary, "sandbox", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if _, address, ok := strings.Cut(scanner.Text(), "AWS_ENDPOINT_URL="); ok {
			return strings.Trim(address, `"'`)
		}
	}
	t.Fatal("the sandbox does not tell its address")
	return ""
}

func environment(t *testing.T, endpoint string) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "audit", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
}

func put(t *testing.T, db *dynamodb.Client, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Inventory"), Item: map[string]types.AttributeValue{
			"Store": &types.AttributeValueMemberS{Value: fmt.Sprint("store ", i)}, "Item": &types.AttributeValueMemberS{Value: "item"},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// running is an audit under way; it is also its output.
type running struct {
	cancel context.CancelFunc
	done   chan error
	mu     sync.Mutex // guards text
	text   bytes.Buffer
	talk   bytes.Buffer
}

func audit(t *testing.T) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- run(ctx, []string{"Inventory"}, r, talk{r}) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// talk is what the audit says of itself.
type talk struct{ *running }

func (r talk) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running.talk.Write(b)
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.talk.String()
}

// until waits until a condition holds.
func (r *running) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s: %s", what, r.said())
		}
	}
}

func (r *running) lines(t *testing.T) []line {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []line
	for _, text := range strings.Split(strings.TrimSpace(r.text.String()), "\n") {
		var l line
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// await waits for n lines, and that there are no more.
func (r *running) await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(r.lines(t)) < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d lines, want %d", len(r.lines(t)), n)
		}
	}
	if got := len(r.lines(t)); got > n {
		t.Fatalf("%d lines, want %d", got, n)
	}
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}
