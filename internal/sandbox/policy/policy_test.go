package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"inventoryd/internal/sandbox/policy"
)

func parse(t *testing.T, statements string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPolicyGrantsWhatItSays(t *testing.T) {
	const table = "arn:aws:dynamodb:us-east-1:123456789012:table/Inventory"
	for name, c := range map[string]struct {
		statements string
		need       policy.Need
		want       bool
	}{
		"nothing":                 {``, policy.Need{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}, false},
		"the action":              {`{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"` + table + `"}`, policy.Need{Action: "dynamodb:PutItem", Resource: table}, true},
		"another action":          {`{"Effect":"Allow","Action":["dynamodb:PutItem"],"Resource":"` + table + `"}`, policy.Need{Action: "dynamodb:GetItem", Resource: table}, false},
		"another resource":        {`{"Effect":"Allow","Action":"dynamodb:*","Resource":"` + table + `"}`, policy.Need{Action: "dynamodb:GetItem", Resource: table + "2"}, false},
		"the index is another":    {`{"Effect":"Allow","Action":"dynamodb:Query","Resource":"` + table + `"}`, policy.Need{Action: "dynamodb:Query", Resource: table + "/index/look"}, false},
		"wildcards":               {`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::inv?ntory/*"}`, policy.Need{Action: "s3:GetObject", Resource: "arn:aws:s3:::inventory/a/b"}, true},
		"actions have no case":    {`{"Effect":"Allow","Action":"SQS:receivemessage","Resource":"*"}`, policy.Need{Action: "sqs:ReceiveMessage", Resource: "q"}, true},
		"no resource but *":       {`{"Effect":"Allow","Action":"sns:ListTopics","Resource":"arn:aws:sns:*"}`, policy.Need{Action: "sns:ListTopics", Resource: "*"}, false},
		"a denial wins":           {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, policy.Need{Action: "s3:GetObject", Resource: "x"}, false},
		"a condition that holds":  {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"inventoryd"}}}`, policy.Need{Action: "cloudwatch:PutMetricData", Resource: "*", Keys: map[string][]string{"cloudwatch:namespace": {"inventoryd"}}}, true},
		"a condition that fails":  {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"inventoryd"}}}`, policy.Need{Action: "cloudwatch:PutMetricData", Resource: "*", Keys: map[string][]string{"cloudwatch:namespace": {"other"}}}, false},
		"a key that is not there": {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"s3:prefix":["feeds/*"]}}}`, policy.Need{Action: "s3:ListBucket", Resource: "*"}, false},
		"like":                    {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"s3:prefix":["a/*","feeds/*"]}}}`, policy.Need{Action: "s3:ListBucket", Resource: "*", Keys: map[string][]string{"s3:prefix": {"feeds/x"}}}, true},
		"if it exists":            {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLikeIfExists":{"s3:prefix":"a"}}}`, policy.Need{Action: "s3:ListBucket", Resource: "*"}, true},
		"not equal":               {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"k":"a"}}}`, policy.Need{Action: "a:b", Resource: "*", Keys: map[string][]string{"k": {"a"}}}, false},
		"all values":              {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["app#*"]}}}`, policy.Need{Action: "a:b", Resource: "*", Keys: map[string][]string{"dynamodb:leadingkeys": {"app#1", "other"}}}, false},
		"any value":               {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringLike":{"dynamodb:LeadingKeys":["app#*"]}}}`, policy.Need{Action: "a:b", Resource: "*", Keys: map[string][]string{"dynamodb:leadingkeys": {"app#1", "other"}}}, true},
		"no value":                {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"k":"true"}}}`, policy.Need{Action: "a:b", Resource: "*"}, true},
	} {
		p := parse(t, c.statements)
		if got := p.Allows(c.need); got != c.want {
			t.Errorf("%s: granted %v", name, got)
		}
		if denied := p.Denied(); (len(denied) == 0) != c.want {
			t.Errorf("%s: denied %v", name, denied)
		}
	}
}

func TestStatementsThatGrantNothingAreNamed(t *testing.T) {
	p := parse(t, `{"Sid":"Read","Effect":"Allow","Action":"a:b","Resource":"*"},{"Effect":"Allow","Action":["a:c"],"Resource":"*"},{"Sid":"Never","Effect":"Allow","Action":"a:d","Resource":"*"}`)
	p.Allows(policy.Need{Action: "a:c", Resource: "x"})
	if got := fmt.Sprint(p.Unused()); got != "[Read a:b Never a:d]" {
		t.Errorf("unused: %s", got)
	}
}

func TestAHalfUnderstoodPolicyIsRefused(t *testing.T) {
	for words, document := range map[string]string{
		"NotAction":                   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"a","Resource":"*"}]}`,
		"Effect":                      `{"Version":"2012-10-17","Statement":[{"Action":"a","Resource":"*"}]}`,
		"needs Action and Resource":   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a"}]}`,
		"Version":                     `{"Statement":[]}`,
		"condition operator DateLess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a","Resource":"*","Condition":{"DateLess":{"k":"v"}}}]}`,
		"unexpected":                  `{`,
	} {
		if _, err := policy.Parse([]byte(document)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
