package event

import (
	"encoding/json"
	"net/url"
)

// Again is the body of a message that has an object looked at once more, as S3 would tell of it.
func Again(bucket, key string) string {
	record := map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
		"s3": map[string]any{"bucket": map[string]string{"name": bucket}, "object": map[string]string{"key": url.QueryEscape(key)}},
	}
	body, err := json.Marshal(map[string]any{"Records": []any{record}})
	if err != nil {
		panic(err) // texts
	}
	return string(body)
}
