package sandbox

// Calls held to an IAM policy: which permissions each needs ("Actions, resources, and condition keys" of each service in the
// Service Authorization Reference), and how each service refuses a call that lacks one.

import (
	"fmt"
	"net/http"
	"strings"

	"inventoryd/internal/sandbox/policy"
	"inventoryd/internal/sandbox/wire"
)

// Enforce has the calls of a client (by its access key id) denied unless the policy grants them; nil lifts it. An empty
// client means all that have no policy of their own.
func (s *Sandbox) Enforce(client string, p *policy.Policy) {
	s.policies.Lock()
	defer s.policies.Unlock()
	if s.policies.by == nil {
		s.policies.by = map[string]*policy.Policy{}
	}
	s.policies.by[client] = p
}

// held is the policy that a client is held to; nil for none.
func (s *Sandbox) held(client string) *policy.Policy {
	s.policies.RLock()
	defer s.policies.RUnlock()
	if p, ok := s.policies.by[client]; ok {
		return p
	}
	return s.policies.by[""]
}

// permit refuses a call that its client's policy does not grant.
func (s *Sandbox) permit(c call) error {
	p := s.held(c.Client)
	if p == nil || c.Service == "sts" { // GetCallerIdentity needs no permission
		return nil
	}
	for _, n := range s.needs(c) {
		if !p.Allows(n) {
			return denied(c, n)
		}
	}
	return nil
}

// needs are the permissions that a call needs, all of them.
func (s *Sandbox) needs(c call) []policy.Need {
	switch c.Service {
	case "s3":
		return s.objectNeeds(c)
	case "dynamodb", "streams":
		return tableNeeds(c)
	case "sqs":
		return queueNeeds(c)
	case "sns":
		return topicNeeds(c)
	case "cloudwatch":
		return metricNeeds(c)
	}
	return []policy.Need{{Action: c.Service + ":" + c.Operation, Resource: "*"}}
}

// denied is the refusal as the service words it.
func denied(c call, n policy.Need) error {
	service, operation, _ := strings.Cut(n.Action, ":")
	switch service {
	case "sns":
		n.Action = "SNS:" + operation
	case "sqs":
		n.Action = "sqs:" + strings.ToLower(operation)
	}
	resource := n.Resource
	if service == "s3" {
		resource = `"` + resource + `"`
	}
	text := fmt.Sprintf("User: arn:aws:iam::%s:user/%s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		Account, c.Client, n.Action, resource, n.Action)
	if service == "cloudwatch" {
		text = strings.Replace(text, " on resource: *", "", 1)
	}
	e := &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: text}
	switch service {
	case "dynamodb":
		e.Status, e.Code = http.StatusBadRequest, "AccessDeniedException"
	case "sns":
		e.Code = "AuthorizationError"
	}
	return e
}
