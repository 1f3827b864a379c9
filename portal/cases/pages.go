package cases

import (
	"daftar/blob"
	"daftar/registry/cases"
)

// Pages are those that need more than the request.
type Pages struct {
	Blobs *blob.Dir
	Codes cases.Codes
}
