package main

// What a policy's statements are about: resources by their ARNs.

import (
	"fmt"
	"net/url"
	"strings"
)

func allow(sid string, on []string, actions ...string) policyStatement {
	return policyStatement{Sid: sid, Effect: "Allow", Action: actions, Resource: on}
}

// in is the ARN of something of this region and account.
func (g grants) in(service, name string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", g.place.partition, service, g.place.region, g.place.account, name)
}

// global is the ARN of something whose name says all.
func (g grants) global(service, name string) string {
	return fmt.Sprintf("arn:%s:%s:::%s", g.place.partition, service, name)
}

func (g grants) table(name string) []string { return []string{g.in("dynamodb", "table/"+name)} }

// queues is the ARN of a queue that is named, or that a URL names: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.
func (g grants) queues(q string) []string {
	if u, err := url.Parse(q); err == nil && u.Host != "" {
		if parts := strings.Split(strings.Trim(u.Path, "/"), "/"); len(parts) == 2 {
			g.place.account, q = parts[0], parts[1]
		}
		if host := strings.Split(u.Host, "."); len(host) > 2 && host[0] == "sqs" {
			g.place.region = host[1]
		}
	}
	return []string{g.in("sqs", q)}
}

func (g grants) topic() string {
	if t := g.cfg.Notifier.Topic; strings.HasPrefix(t, "arn:") {
		return t
	}
	return g.in("sns", g.cfg.Notifier.Topic)
}

func (g grants) bucketARNs() []string {
	var arns []string
	for _, b := range g.buckets {
		arns = append(arns, g.global("s3", b))
	}
	return arns
}

func (g grants) objects() []string {
	var arns []string
	for _, b := range g.buckets {
		arns = append(arns, g.global("s3", b+"/*"))
	}
	return arns
}
