package lease

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

const duration = 15 * time.Second

func TestObserverCallsAnInstanceDeadAfterItsDurationAndNotBefore(t *testing.T) {
	start := time.Now()
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	row := func(counter int64) []Instance { return []Instance{{ID: "a", Counter: counter}} }
	long := func(counter int64) []Instance { return []Instance{{ID: "a", Counter: counter, Duration: time.Minute}} }
	short := func(counter int64) []Instance {
		return []Instance{{ID: "a", Counter: counter, Duration: 10 * time.Second}}
	}
	type look struct {
		asked, answered float64
		rows            []Instance
		named           []string
		want            Verdict
	}
	for name, looks := range map[string][]look{
		"moves":                           {{0, 0, row(1), nil, Suspect}, {5, 5, row(2), nil, Alive}, {25, 25, row(3), nil, Alive}},
		"stands still":                    {{0, 0, row(1), nil, Suspect}, {14.9, 14.9, row(1), nil, Suspect}, {15, 15, row(1), nil, Dead}},
		"moves, then stands still":        {{0, 0, row(1), nil, Suspect}, {9, 9, row(2), nil, Alive}, {23.9, 24, row(2), nil, Suspect}, {24, 24, row(2), nil, Dead}},
		"a slow answer is no evidence":    {{0, 9, row(1), nil, Suspect}, {15, 30, row(1), nil, Suspect}, {24, 24, row(1), nil, Dead}},
		"marked":                          {{0, 0, []Instance{{ID: "a", Counter: 7, Dead: true}}, nil, Dead}},
		"named without a row":             {{0, 0, nil, []string{"a"}, Suspect}, {14, 14, nil, []string{"a"}, Suspect}, {15, 15, nil, []string{"a"}, Dead}},
		"its row is deleted":              {{0, 0, row(1), nil, Suspect}, {10, 10, nil, []string{"a"}, Suspect}, {25, 25, nil, []string{"a"}, Dead}},
		"its row is deleted, nobody asks": {{0, 0, row(1), nil, Suspect}, {10, 10, nil, nil, Suspect}, {25, 25, nil, nil, Dead}},
		"missing, then there once more":   {{0, 0, row(1), nil, Suspect}, {10, 10, nil, nil, Suspect}, {20, 20, row(1), nil, Alive}},
		"a longer lease":                  {{0, 0, long(1), nil, Suspect}, {59, 59, long(1), nil, Suspect}, {60, 60, long(1), nil, Dead}},
		"a shorter lease":                 {{0, 0, short(1), nil, Suspect}, {9.9, 9.9, short(1), nil, Suspect}, {10, 10, short(1), nil, Dead}},
		"missing beside a longer lease":   {{0, 0, long(1), nil, Suspect}, {10, 10, nil, nil, Suspect}, {69, 69, nil, nil, Suspect}, {70, 70, nil, nil, Dead}},
	} {
		t.Run(name, func(t *testing.T) {
			o := NewObserver(duration)
			for i, l := range looks {
				verdicts := o.Look(at(l.asked), at(l.answered), l.rows, l.named...)
				if got, ok := verdicts["a"]; ok && got != l.want {
					t.Fatalf("look %d: %v, want %v", i, got, l.want)
				}
			}
		})
	}
}

func TestObserverSaysWhenASuspectIsDue(t *testing.T) {
	o, now := NewObserver(duration), time.Now()
	if _, ok := o.Due(); ok {
		t.Error("there is no suspect yet")
	}
	o.Look(now, now.Add(time.Second), []Instance{{ID: "a"}, {ID: "b", Dead: true}})
	if due, ok := o.Due(); !ok || !due.Equal(now.Add(time.Second+duration)) {
		t.Errorf("due %v, want %v after the answer", due.Sub(now), duration)
	}
}

// bench is a table of instances in a bubble.
func bench(t *testing.T, f func(t *testing.T, s *sandbox.Sandbox, group func(client string) Group)) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New()
		_, err := dynamodb.NewFromConfig(s.Config("test")).CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: aws.String("leases"), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
				{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
			},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, s, func(client string) Group {
			return Group{Rows: dynamodb.NewFromConfig(s.Config(client)), Table: "leases", PK: "app#instances"}
		})
	})
}

// beat registers an instance and renews it until stop is called, which returns what Run returned.
func beat(t *testing.T, g Group, id string) (h *Heartbeat, stop func() error) {
	t.Helper()
	return beatFor(t, g, Instance{ID: id, Duration: duration}, nil)
}

func beatFor(t *testing.T, g Group, self Instance, slept func() time.Duration) (h *Heartbeat, stop func() error) {
	t.Helper()
	h = New(g, self, slept)
	for attempt := 0; h.Join(t.Context()) != nil; attempt++ {
		if attempt > 5 {
			t.Fatal("it cannot join")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx, Told{}) }()
	return h, func() error { cancel(); return <-done }
}

func TestHeartbeatStaysGoodWhileItIsRenewed(t *testing.T) {
	bench(t, func(t *testing.T, _ *sandbox.Sandbox, group func(string) Group) {
		h, stop := beat(t, group("a"), "a")
		good, err := h.Await(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if !h.Good() || good.Err() != nil {
			t.Error("the lease lapsed")
		}
		rows, err := group("a").List(t.Context())
		if err != nil || len(rows) != 1 || rows[0].Counter < 200 || rows[0].Host == "" {
			t.Errorf("rows %+v, %v", rows, err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := h.Resign(t.Context()); err != nil {
			t.Error(err)
		}
		if rows, _ := group("a").List(t.Context()); h.Good() || !rows[0].Dead {
			t.Errorf("after it left: good %v, %+v", h.Good(), rows)
		}
	})
}

func TestHeartbeatLapsesBeforeAnObserverMayCallItDeadAndComesBack(t *testing.T) {
	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		registered := time.Now()
		h, stop := beat(t, group("a"), "a")
		good, _ := h.Await(t.Context())
		heal := s.Fault(fault.Rule{Client: "a", Effect: fault.Unavailable})
		<-good.Done()
		if after := time.Since(registered); after != duration-duration/5 || !errors.Is(context.Cause(good), ErrLapsed) || h.Good() {
			t.Errorf("lapsed after %v: %v", after, context.Cause(good))
		}
		time.Sleep(time.Minute)
		heal()
		again, err := h.Await(t.Context())
		if err != nil || again.Err() != nil || !h.Good() {
			t.Errorf("the lease does not come back: %v", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHeartbeatThatWasBuriedEndsForGood(t *testing.T) {
	bench(t, func(t *testing.T, _ *sandbox.Sandbox, group func(string) Group) {
		h, stop := beat(t, group("a"), "a")
		good, _ := h.Await(t.Context())
		time.Sleep(time.Second)
		rows, err := group("b").List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if buried, err := group("b").Bury(t.Context(), rows[0]); err != nil || !buried {
			t.Fatal(buried, err)
		}
		time.Sleep(duration / 5)
		synctest.Wait()
		if h.Good() || good.Err() == nil {
			t.Error("its lease is still good after a renewal was refused")
		}
		if err := stop(); !errors.Is(err, ErrDead) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestBuryingSparesAnInstanceThatHasMoved(t *testing.T) {
	bench(t, func(t *testing.T, _ *sandbox.Sandbox, group func(string) Group) {
		h, stop := beat(t, group("a"), "a")
		rows, _ := group("b").List(t.Context())
		time.Sleep(duration/5 + time.Second)
		if buried, err := group("b").Bury(t.Context(), rows[0]); err != nil || buried {
			t.Error(buried, err)
		}
		if err := stop(); err != nil || !h.Good() {
			t.Error(err)
		}
	})
}

func TestHeartbeatBearsLostAnswers(t *testing.T) {
	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		s.Fault(fault.Rule{Client: "a", Operation: "UpdateItem", Every: 2, Effect: fault.Effect{Drop: true}})
		h, stop := beat(t, group("a"), "a")
		good, _ := h.Await(t.Context())
		time.Sleep(10 * time.Minute)
		if good.Err() != nil {
			t.Error("the lease lapsed")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestIDsDiffer(t *testing.T) {
	if a, b := NewID(), NewID(); a == b {
		t.Errorf("%s twice", a)
	}
}
