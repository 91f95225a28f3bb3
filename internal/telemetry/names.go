package telemetry

import (
	"strings"

	"inventoryd/internal/config"
)

func checkNamespace(s string) error {
	switch {
	case s == "" || len(s) > 255:
		return config.Problemf("cloudwatch.namespace", "must have 1 to 255 characters")
	case strings.HasPrefix(s, "AWS/"):
		return config.Problemf("cloudwatch.namespace", "must not begin with AWS/, which is reserved")
	}
	return nil
}
