package state_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

// inSandbox runs a test in virtual time with an empty account.
func inSandbox(t *testing.T, test func(*testing.T, *sandbox.Sandbox, *dynamodb.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New()
		test(t, s, dynamodb.NewFromConfig(s.Config("a")))
	})
}

func TestEnsureMakesTheTableOnceAndLeavesItThen(t *testing.T) {
	inSandbox(t, func(t *testing.T, _ *sandbox.Sandbox, c *dynamodb.Client) {
		for try, want := range []bool{true, false, false} {
			created, err := state.Ensure(t.Context(), c, "memory")
			if err != nil || created != want {
				t.Errorf("try %d: created %v, %v, want %v", try, created, err, want)
			}
		}
		out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("memory")})
		if err != nil {
			t.Fatal(err)
		}
		if out.Table.TableStatus != types.TableStatusActive {
			t.Errorf("Ensure returned while the table is %s", out.Table.TableStatus)
		}
		ttl, err := c.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("memory")})
		if err != nil || aws.ToString(ttl.TimeToLiveDescription.AttributeName) != state.Expires {
			t.Errorf("time to live: %+v, %v", ttl, err)
		}
	})
}

func TestInstancesThatStartAtOnceAgreeOnOneTable(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, _ *dynamodb.Client) {
		var all sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for i := range 8 {
			all.Go(func() {
				created, err := state.Ensure(t.Context(), dynamodb.NewFromConfig(s.Config(string(rune('a'+i)))), "memory")
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if created {
					made++
				}
			})
		}
		all.Wait()
		if made != 1 {
			t.Errorf("%d instances say that they made the table, want 1", made)
		}
	})
}

func TestAnotherInstanceMayBeFasterBetweenLookAndCreate(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, c *dynamodb.Client) {
		faster := dynamodb.NewFromConfig(s.Config("faster"))
		s.Fault(fault.Rule{Client: "a", Operation: "CreateTable", Effect: fault.Effect{Do: func() {
			if created, err := state.Ensure(t.Context(), faster, "memory"); !created || err != nil {
				t.Errorf("the faster one: %v, %v", created, err)
			}
		}}})
		if created, err := state.Ensure(t.Context(), c, "memory"); created || err != nil {
			t.Errorf("the slower one: created %v, %v", created, err)
		}
	})
}

func TestATableThatDoesNotFitIsRefusedWithTheRemedy(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, c *dynamodb.Client) {
		if err := s.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := state.Ensure(t.Context(), c, sandbox.Table)
		if !errors.Is(err, state.ErrUnfit) || !strings.Contains(err.Error(), "table Inventory: ") ||
			!strings.Contains(err.Error(), "its primary key is not (pk, sk)") || !strings.Contains(err.Error(), "name another one in the configuration (state_table, stream.lease_table)") {
			t.Errorf("error %v", err)
		}
	})
}

func TestATableThatCannotBeMadeNamesTheCommandThatMakesIt(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, c *dynamodb.Client) {
		s.Fault(fault.Rule{Operation: "CreateTable", Effect: fault.AccessDeniedJSON})
		_, err := state.Ensure(t.Context(), c, "memory")
		if err == nil || !strings.Contains(err.Error(), "table memory does not exist and cannot be created (create it with `inventoryd setup`)") {
			t.Errorf("error %v", err)
		}
	})
}

func TestTimeToLiveIsTurnedOnThoughTheMakerDied(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, c *dynamodb.Client) {
		s.Fault(fault.Rule{Operation: "UpdateTimeToLive", Times: 1, Effect: fault.Effect{Reset: true}})
		if _, err := state.Ensure(t.Context(), c, "memory"); err == nil || !strings.Contains(err.Error(), "turn time to live on for table memory (attribute expires)") {
			t.Errorf("the first try: %v", err)
		}
		if created, err := state.Ensure(t.Context(), c, "memory"); created || err != nil {
			t.Errorf("the second try: created %v, %v", created, err)
		}
		ttl, err := c.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("memory")})
		if err != nil || aws.ToString(ttl.TimeToLiveDescription.AttributeName) != state.Expires {
			t.Errorf("time to live: %+v, %v", ttl, err)
		}
	})
}

func TestATableThatDynamoDBDoesNotKnowYetIsWaitedFor(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, c *dynamodb.Client) {
		s.Fault(fault.Rule{Operation: "DescribeTable", Skip: 1, Times: 5, Effect: fault.Effect{Error: &fault.Error{Code: "ResourceNotFoundException", Message: "Requested resource not found"}}})
		if created, err := state.Ensure(t.Context(), c, "memory"); !created || err != nil {
			t.Errorf("created %v, %v", created, err)
		}
	})
}

func TestEnsureEndsWithItsContext(t *testing.T) {
	inSandbox(t, func(t *testing.T, s *sandbox.Sandbox, c *dynamodb.Client) {
		s.Fault(fault.Rule{Operation: "DescribeTable", Effect: fault.Effect{Hang: true}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := state.Ensure(ctx, c, "memory"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestOneAppClaimsAStateTableForOneInventory(t *testing.T) {
	inSandbox(t, func(t *testing.T, _ *sandbox.Sandbox, c *dynamodb.Client) {
		if _, err := state.Ensure(t.Context(), c, "memory"); err != nil {
			t.Fatal(err)
		}
		for _, claim := range []struct {
			app, arn string
			ok       bool
		}{
			{"shop", "arn:inventory", true},
			{"shop", "arn:inventory", true}, // another instance
			{"shop", "arn:other", false},
			{"shop2", "arn:other", true}, // apps may share a table
		} {
			err := state.Claim(t.Context(), c, "memory", claim.app, claim.arn)
			if claim.ok && err != nil || !claim.ok && !errors.Is(err, state.ErrUnfit) {
				t.Errorf("claim of %s for %s: %v", claim.app, claim.arn, err)
			}
		}
	})
}
