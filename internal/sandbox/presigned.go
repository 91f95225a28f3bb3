package sandbox

// Presigned URLs ("Authenticating Requests: Using Query Parameters"): no signature is checked, their time is.

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// maxExpires is a week, in seconds.
const maxExpires = 604800

// expired refuses a presigned request whose time is over, or cannot be.
func expired(query url.Values, now time.Time) error {
	if !query.Has("X-Amz-Expires") {
		return nil
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	signed, notTime := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	switch {
	case err != nil || notTime != nil || seconds < 0:
		return wire.Errorf("AuthorizationQueryParametersError", "X-Amz-Expires should be a number, and X-Amz-Date a time such as 20261122T120000Z")
	case seconds > maxExpires:
		return wire.Errorf("AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	case now.After(signed.Add(time.Duration(seconds) * time.Second)):
		return &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Request has expired"}
	}
	return nil
}
