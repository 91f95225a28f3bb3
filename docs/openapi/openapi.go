// Package openapi holds the description of the page's API, which the daemon serves too.
package openapi

import _ "embed"

// Spec is the description, OpenAPI 3.1 in YAML.
//
//go:embed inventory.yaml
var Spec []byte
