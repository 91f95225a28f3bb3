package objects

// The operation that a request means: S3 tells them apart by method, path, query and header.

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// subresources are the query parameters that change what a request means.
var subresources = []string{
	"accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "inventory", "legal-hold", "lifecycle", "location",
	"logging", "metrics", "notification", "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
	"replication", "requestPayment", "restore", "retention", "select", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website",
}

// names of the operations by method, place ("service", "bucket", "object") and subresources.
var names = map[[3]string]string{
	{"GET", "service", ""}:                   "ListBuckets",
	{"PUT", "bucket", ""}:                    "CreateBucket",
	{"HEAD", "bucket", ""}:                   "HeadBucket",
	{"DELETE", "bucket", ""}:                 "DeleteBucket",
	{"GET", "bucket", "location"}:            "GetBucketLocation",
	{"GET", "bucket", "versioning"}:          "GetBucketVersioning",
	{"PUT", "bucket", "versioning"}:          "PutBucketVersioning",
	{"GET", "bucket", "notification"}:        "GetBucketNotificationConfiguration",
	{"PUT", "bucket", "notification"}:        "PutBucketNotificationConfiguration",
	{"GET", "bucket", "tagging"}:             "GetBucketTagging",
	{"PUT", "bucket", "tagging"}:             "PutBucketTagging",
	{"DELETE", "bucket", "tagging"}:          "DeleteBucketTagging",
	{"GET", "bucket", ""}:                    "ListObjects",
	{"GET", "bucket", "versions"}:            "ListObjectVersions",
	{"POST", "bucket", "delete"}:             "DeleteObjects",
	{"GET", "object", ""}:                    "GetObject",
	{"HEAD", "object", ""}:                   "HeadObject",
	{"PUT", "object", ""}:                    "PutObject",
	{"DELETE", "object", ""}:                 "DeleteObject",
	{"POST", "object", "uploads"}:            "CreateMultipartUpload",
	{"PUT", "object", "partNumber,uploadId"}: "UploadPart",
	{"POST", "object", "uploadId"}:           "CompleteMultipartUpload",
	{"DELETE", "object", "uploadId"}:         "AbortMultipartUpload",
	{"GET", "object", "uploadId"}:            "ListParts",
}

// Operation names the S3 operation that a request means; one that the store does not know is spelled out, say
// "GET object ?acl".
func Operation(r *http.Request) string {
	query := r.URL.Query()
	bucket, key := split(r)
	place := "object"
	switch {
	case bucket == "":
		place = "service"
	case key == "":
		place = "bucket"
	}
	sub := present(query)
	name, ok := names[[3]string{r.Method, place, sub}]
	switch {
	case !ok:
		return r.Method + " " + place + " ?" + sub
	case name == "ListObjects" && query.Get("list-type") == "2":
		return "ListObjectsV2"
	case r.Header.Get("X-Amz-Copy-Source") == "":
		return name
	case name == "PutObject":
		return "CopyObject"
	case name == "UploadPart":
		return "UploadPartCopy"
	}
	return name
}

// present are the subresources of a query, in order.
func present(query url.Values) string {
	list := ""
	for _, s := range subresources {
		if !query.Has(s) {
			continue
		}
		if list != "" {
			list += ","
		}
		list += s
	}
	return list
}

// knownHeaders are those of S3's own that the store reads, or need not: how a request is signed, framed and digested.
// X-Amz-Meta-* and those of digests are known, too.
var knownHeaders = map[string]bool{
	"X-Amz-Content-Sha256": true, "X-Amz-Date": true, "X-Amz-Security-Token": true, "X-Amz-User-Agent": true,
	"X-Amz-Decoded-Content-Length": true, "X-Amz-Trailer": true, "X-Amz-Sdk-Checksum-Algorithm": true,
	"X-Amz-Checksum-Algorithm": true, "X-Amz-Checksum-Mode": true, "X-Amz-Checksum-Type": true,
	"X-Amz-Copy-Source": true, "X-Amz-Metadata-Directive": true,
}

// parameters are those of a query that the store reads, or need not, beside the subresources, response-… and those of a
// presigned request.
var parameters = map[string]bool{
	"versionId": true, "list-type": true, "prefix": true, "delimiter": true, "max-keys": true, "marker": true, "start-after": true,
	"continuation-token": true, "encoding-type": true, "key-marker": true, "x-id": true,
}

// unread names a header or a parameter that asks for something that the store does not do, "" for none.
func unread(r *http.Request) string {
	for name := range r.URL.Query() {
		override, isOverride := strings.CutPrefix(name, "response-")
		if isOverride && slices.Contains(overrides, override) || strings.HasPrefix(name, "X-Amz-") || isDigest(name) || parameters[name] || slices.Contains(subresources, name) {
			continue
		}
		return "parameter " + name
	}
	for name := range r.Header {
		sum, isSum := strings.CutPrefix(name, "X-Amz-Checksum-")
		if isSum && checksums[sum] != nil || strings.HasPrefix(name, "X-Amz-Meta-") || knownHeaders[name] {
			continue
		}
		if strings.HasPrefix(name, "X-Amz-") {
			return "header " + name
		}
	}
	return ""
}

// isDigest tells whether a parameter is one of those that today's SDKs sign into an URL for a body that they do not have yet;
// S3 does not hold the body that comes against them.
func isDigest(name string) bool {
	return strings.HasPrefix(name, "x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm"
}

// overrides are the query parameters by which a GetObject changes headers of its answer.
var overrides = []string{"cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"}
