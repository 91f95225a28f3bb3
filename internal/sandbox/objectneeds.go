package sandbox

// Which permissions the calls of S3 need ("Actions, resources, and condition keys for Amazon S3").

import (
	"net/http"
	"net/url"
	"strings"

	"inventoryd/internal/sandbox/policy"
)

// objectActions are the actions of operations whose names differ.
var objectActions = map[string]string{
	"HeadObject": "GetObject", "HeadBucket": "ListBucket", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "ListBuckets": "ListAllMyBuckets",
	"ListObjectVersions": "ListBucketVersions", "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject",
	"CopyObject": "PutObject", "UploadPartCopy": "PutObject", "ListParts": "ListMultipartUploadParts", "DeleteObjects": "DeleteObject",
	"GetBucketNotificationConfiguration": "GetBucketNotification", "PutBucketNotificationConfiguration": "PutBucketNotification",
}

func (s *Sandbox) objectNeeds(c call) []policy.Need {
	query := c.Request.URL.Query()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.Request.URL.Path, "/"), "/")
	action := c.Operation
	if other, ok := objectActions[action]; ok {
		action = other
	}
	if query.Get("versionId") != "" && (action == "GetObject" || action == "DeleteObject") {
		action += "Version"
	}
	n := policy.Need{Action: "s3:" + action, Resource: "arn:aws:s3:::" + bucket}
	switch {
	case bucket == "":
		n.Resource = "*"
	case key != "":
		n.Resource += "/" + key
	case c.Operation == "DeleteObjects":
		n.Resource += "/*"
	case strings.HasPrefix(action, "ListBucket"):
		n.Keys = map[string][]string{}
		for _, name := range []string{"prefix", "delimiter", "max-keys"} {
			if query.Has(name) {
				n.Keys["s3:"+name] = []string{query.Get(name)}
			}
		}
	}
	needs := []policy.Need{n}
	if source := c.Request.Header.Get("X-Amz-Copy-Source"); source != "" {
		path, _, _ := strings.Cut(source, "?")
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
		needs = append(needs, policy.Need{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + strings.TrimPrefix(path, "/")})
	}
	if s.hidesAbsence(c, bucket, key) {
		needs = append(needs, policy.Need{Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + bucket})
	}
	return needs
}

// hidesAbsence tells whether S3 answers that an object is not there only to those who may list its bucket: others are denied
// ("GetObject", "HeadObject").
func (s *Sandbox) hidesAbsence(c call, bucket, key string) bool {
	if c.Operation != "GetObject" && c.Operation != "HeadObject" || c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		return false
	}
	if c.Request.URL.Query().Get("versionId") != "" {
		return false
	}
	_, _, ok := s.Objects.Object(bucket, key)
	return !ok
}
