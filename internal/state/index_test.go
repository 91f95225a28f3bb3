package state_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
)

func TestTheStateTableHasTheIndex(t *testing.T) {
	inSandbox(t, func(t *testing.T, _ *sandbox.Sandbox, c *dynamodb.Client) {
		for try, want := range []bool{true, false} {
			if created, err := state.EnsureState(t.Context(), c, "memory"); err != nil || created != want {
				t.Errorf("try %d: created %v, %v, want %v", try, created, err, want)
			}
		}
		out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("memory")})
		if err != nil {
			t.Fatal(err)
		}
		i := out.Table.GlobalSecondaryIndexes
		if len(i) != 1 || aws.ToString(i[0].IndexName) != "look" || i[0].Projection.ProjectionType != types.ProjectionTypeKeysOnly {
			t.Errorf("indexes %+v", i)
		}
	})
}

func TestAStateTableWithoutTheIndexSaysWhichCommandAddsIt(t *testing.T) {
	inSandbox(t, func(t *testing.T, _ *sandbox.Sandbox, c *dynamodb.Client) {
		if _, err := state.Ensure(t.Context(), c, "memory"); err != nil {
			t.Fatal(err)
		}
		_, err := state.EnsureState(t.Context(), c, "memory")
		if !errors.Is(err, state.ErrNoIndex) || !strings.Contains(err.Error(), "inventoryd setup") {
			t.Errorf("error %v", err)
		}
		if err := state.AddIndex(t.Context(), c, "memory"); err != nil {
			t.Fatal(err)
		}
		if _, err := state.EnsureState(t.Context(), c, "memory"); err != nil {
			t.Errorf("with the index: %v", err)
		}
	})
}
