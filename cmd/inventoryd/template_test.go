package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"inventoryd/internal/state"
)

// deploy/cloudformation.yaml is held to what it describes: the program's own policy, tables and alarms, and AWS's schemas.

type stack struct {
	Parameters map[string]any
	Resources  map[string]struct {
		Type       string
		DependsOn  any
		Properties map[string]any
	}
	Outputs map[string]any
}

func template(t *testing.T) (s stack, text []byte) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(top, "deploy/cloudformation.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := yaml.Unmarshal(file, &plain); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(plain); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s, text
}

// each calls f with every map in v, the innermost ones too.
func eachMap(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			eachMap(inner, f)
		}
	case []any:
		for _, inner := range v {
			eachMap(inner, f)
		}
	}
}

func TestEachReferenceOfTheTemplateIsResolved(t *testing.T) {
	s, text := template(t)
	n := 0
	known := func(name string) {
		n++
		_, parameter := s.Parameters[name]
		if _, resource := s.Resources[name]; !parameter && !resource && !strings.HasPrefix(name, "AWS::") {
			t.Errorf("nothing is called %s", name)
		}
	}
	var plain any
	_ = json.Unmarshal(text, &plain)
	variable := regexp.MustCompile(`\$\{([A-Za-z:]+)\}`)
	eachMap(plain, func(m map[string]any) {
		if name, ok := m["Ref"].(string); ok {
			known(name)
		}
		if call, ok := m["Fn::GetAtt"].([]any); ok {
			known(call[0].(string))
		}
		if sub, ok := m["Fn::Sub"].(string); ok {
			for _, v := range variable.FindAllStringSubmatch(sub, -1) {
				known(v[1])
			}
		}
	})
	for _, r := range s.Resources {
		for _, name := range variable.FindAllString("", -1) {
			known(name)
		}
		switch d := r.DependsOn.(type) {
		case string:
			known(d)
		case []any:
			for _, name := range d {
				known(name.(string))
			}
		}
	}
	for name := range s.Parameters {
		if !strings.Contains(string(text), `"Ref":"`+name+`"`) && !strings.Contains(string(text), "${"+name+"}") {
			t.Errorf("the parameter %s is never used", name)
		}
	}
	if n < 50 {
		t.Errorf("%d references were found", n)
	}
}

func TestTheTemplateGrantsWhatIAMPolicyPrints(t *testing.T) {
	s, _ := template(t)
	g := grants{cfg: defaults(), place: place{"${AWS::Partition}", "${AWS::Region}", "${AWS::AccountId}"}, buckets: []string{"${BucketName}"}}
	var want any
	text, err := json.Marshal(g.policy("run"))
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(text, &want)
	eachMap(want, func(m map[string]any) {
		list, _ := m["Resource"].([]any)
		for i, r := range list {
			if strings.Contains(r.(string), "${") {
				list[i] = map[string]any{"Fn::Sub": r}
			}
		}
	})
	got := s.Resources["Role"].Properties["Policies"].([]any)[0].(map[string]any)["PolicyDocument"]
	if d := cmp.Diff(want, got); d != "" {
		lines := &strings.Builder{}
		for _, statement := range want.(map[string]any)["Statement"].([]any) {
			line, _ := json.Marshal(statement)
			lines.WriteString("              - " + string(line) + "\n")
		}
		t.Errorf("%s\nthe statements are\n%s", d, lines)
	}
}

func TestTheTemplatesTablesAreThoseOfSetup(t *testing.T) {
	s, _ := template(t)
	box := newSandbox(t)
	tables := dynamodb.NewFromConfig(box.Config("setup"))
	cfg := defaults()
	if _, err := setup(t.Context(), tables, cfg.StateTable, state.EnsureState); err != nil {
		t.Fatal(err)
	}
	if _, err := setup(t.Context(), tables, cfg.Stream.LeaseTable, state.Ensure); err != nil {
		t.Fatal(err)
	}
	for resource, name := range map[string]string{"Inventory": cfg.Table.Name, "State": cfg.StateTable, "Leases": cfg.Stream.LeaseTable} {
		out, err := tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			t.Fatal(err)
		}
		ttl, err := tables.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
		if err != nil {
			t.Fatal(err)
		}
		p := s.Resources[resource].Properties
		made := map[string]any{"TableName": name, "KeySchema": withoutNothing(plainly(t, out.Table.KeySchema)), "AttributeDefinitions": withoutNothing(plainly(t, out.Table.AttributeDefinitions))}
		if out.Table.StreamSpecification != nil {
			made["StreamSpecification"] = map[string]any{"StreamViewType": string(out.Table.StreamSpecification.StreamViewType)}
		}
		if a := ttl.TimeToLiveDescription.AttributeName; a != nil {
			made["TimeToLiveSpecification"] = map[string]any{"AttributeName": *a, "Enabled": true}
		}
		var indexes []any
		for _, i := range out.Table.GlobalSecondaryIndexes {
			indexes = append(indexes, map[string]any{
				"IndexName": *i.IndexName, "KeySchema": plainly(t, i.KeySchema), "Projection": map[string]any{"ProjectionType": string(i.Projection.ProjectionType)},
			})
		}
		if indexes != nil {
			made["GlobalSecondaryIndexes"] = indexes
		}
		for _, ours := range []string{"BillingMode", "PointInTimeRecoverySpecification"} {
			delete(p, ours)
		}
		byName := func(v any) string { return v.(map[string]any)["AttributeName"].(string) }
		for _, m := range []map[string]any{made, p} {
			slices.SortFunc(m["AttributeDefinitions"].([]any), func(a, b any) int { return strings.Compare(byName(a), byName(b)) })
		}
		if d := cmp.Diff(made, p); d != "" {
			t.Errorf("%s: setup and the template: %s", name, d)
		}
	}
}

func plainly(t *testing.T, v any) (plain any) {
	t.Helper()
	if err := json.Unmarshal([]byte(asJSON(t, v)), &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestTheTemplateHasTheAlarmsOfTheMetrics(t *testing.T) {
	s, _ := template(t)
	page, err := os.ReadFile(filepath.Join(top, "docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `[a-z.]+` \\| `[a-z_]+` \\| `([A-Za-z]+)` \\|.*\\*\\*Alarm\\*\\*").FindAllStringSubmatch(string(page), -1) {
		want[m[1]] = true
	}
	got := map[string]bool{}
	for _, r := range s.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			got[r.Properties["MetricName"].(string)] = true
		}
	}
	if d := cmp.Diff(want, got); d != "" || len(want) < 20 {
		t.Errorf("docs/metrics.md and the template: %s", d)
	}
}

func TestTheTemplateFitsAWSsSchemas(t *testing.T) {
	check := filepath.Join(top, "test/installed/schema.mjs")
	if _, err := os.Stat(filepath.Join(top, "test/installed/node_modules")); err != nil {
		t.Skip("the schemas are not here: test/installed/install brings them")
	}
	_, text := template(t)
	run := func(template string) (string, error) {
		c := exec.Command("node", check)
		c.Stdin = strings.NewReader(template)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := run(string(text))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Log(out)
	for _, spoilt := range [][2]string{{`"KeySchema"`, `"KeySchemas"`}, {`"AWS::SNS::Topic"`, `"AWS::SNS::Topics"`}, {`["Events","Arn"]`, `["Events","Arns"]`}} {
		if out, err := run(strings.Replace(string(text), spoilt[0], spoilt[1], 1)); err == nil {
			t.Errorf("%s passes: %s", spoilt[1], out)
		}
	}
}
