package i18n

import "unicode"

// LatinScript reports whether every letter of s is a Latin one; so it is of a
// text without letters.
func LatinScript(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) && !unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited) {
			return false
		}
	}
	return true
}
