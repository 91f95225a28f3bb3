// Package dynamo stands in for DynamoDB and its streams.
package dynamo

import (
	"context"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/wire"
)

// Service is the tables of one account.
type Service struct{}

// New returns a service without tables.
func New(*clock.Clock) *Service { return &Service{} }

// Call answers one request.
func (*Service) Call(_ context.Context, r wire.Request) (any, error) {
	if r.Operation == "CreateTable" {
		return struct{}{}, nil
	}
	return nil, wire.Errorf("UnknownOperationException", "the sandbox's DynamoDB has no operation %s", r.Operation)
}
