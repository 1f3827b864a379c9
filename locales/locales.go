// Package locales holds the message files, one per language. English is the
// source; the gates in package i18n hold the others to it.
package locales

import "embed"

// FS holds active.<tag>.toml for every shipped language.
//
//go:embed *.toml
var FS embed.FS
