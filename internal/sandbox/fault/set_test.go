package fault_test

import (
	"testing"

	"inventoryd/internal/sandbox/fault"
)

func TestRulesMatchAndCount(t *testing.T) {
	get := fault.Call{Service: "s3", Operation: "GetObject", Client: "a"}
	for name, c := range map[string]struct {
		rule fault.Rule
		want string // one x for each of six calls that it applies to
	}{
		"an empty rule applies to all":   {fault.Rule{}, "xxxxxx"},
		"another service":                {fault.Rule{Service: "sqs"}, "------"},
		"another operation":              {fault.Rule{Operation: "PutObject"}, "------"},
		"another client":                 {fault.Rule{Client: "b"}, "------"},
		"all that is asked for":          {fault.Rule{Service: "s3", Operation: "GetObject", Client: "a"}, "xxxxxx"},
		"skip":                           {fault.Rule{Skip: 2}, "--xxxx"},
		"times":                          {fault.Rule{Times: 2}, "xx----"},
		"skip, then times":               {fault.Rule{Skip: 1, Times: 3}, "-xxx--"},
		"every second":                   {fault.Rule{Every: 2}, "-x-x-x"},
		"every second, twice":            {fault.Rule{Every: 2, Times: 2}, "-x-x--"},
		"skip one, then every second":    {fault.Rule{Skip: 1, Every: 2}, "--x-x-"},
		"a further condition that holds": {fault.Rule{Match: func(c fault.Call) bool { return c.Client == "a" }}, "xxxxxx"},
		"a further condition that fails": {fault.Rule{Match: func(fault.Call) bool { return false }}, "------"},
	} {
		t.Run(name, func(t *testing.T) {
			var set fault.Set
			set.Add(c.rule)
			got := ""
			for range 6 {
				if _, ok := set.Take(get); ok {
					got += "x"
				} else {
					got += "-"
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFirstRuleNotUsedUpApplies(t *testing.T) {
	var set fault.Set
	set.Add(fault.Rule{Times: 1, Effect: fault.Effect{Reset: true}})
	remove := set.Add(fault.Rule{Effect: fault.Effect{Drop: true}})
	if e, _ := set.Take(fault.Call{}); !e.Reset {
		t.Errorf("the first rule comes first, got %+v", e)
	}
	if e, _ := set.Take(fault.Call{}); !e.Drop {
		t.Errorf("the second follows, got %+v", e)
	}
	remove()
	remove()
	if _, ok := set.Take(fault.Call{}); ok {
		t.Error("a removed rule applies")
	}
}
