// Package migrations holds the schema as numbered SQL files, applied by goose.
// Each table's grants stand beside it; a role that is not named has none.
package migrations

import "embed"

// FS holds the migration files.
//
//go:embed *.sql
var FS embed.FS
