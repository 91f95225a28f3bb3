package conformance

// The case of STS.

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

var _ = add("sts",
	Case{Name: "the caller's account, id and ARN", Doc: "GetCallerIdentity", Run: func(t *T, e *Env) {
		out, err := sts.NewFromConfig(e.Config).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		t.ok(err)
		t.equal("an account of 12 digits", len(*out.Account), 12)
		t.equal("the ARN names the account", strings.HasPrefix(*out.Arn, "arn:aws:") && strings.Contains(*out.Arn, ":"+*out.Account+":"), true)
		t.equal("an id", aws.ToString(out.UserId) != "", true)
	}},
)
