package i18n

import "strings"

// LatinDigits rewrites Arabic-Indic, Persian, Devanagari, Bengali and
// full-width digits as 0–9, so that people may type numbers as they write them.
func LatinDigits(s string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range [...]rune{'٠', '۰', '०', '০', '０'} {
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return r
	}, s)
}
