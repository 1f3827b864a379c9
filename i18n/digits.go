package i18n

import (
	"slices"
	"strings"
)

// Numberings lists the digits that a language can be written in: "latn" 0–9,
// "arab" ٠–٩. Each has the message "digits.<code>".
func (l Locale) Numberings() []string {
	if l.Dir == "rtl" {
		return []string{"latn", "arab"}
	}
	return []string{"latn"}
}

// digits writes the digits of a number or a date as the language does here.
// References, phone numbers and codes keep 0–9.
func (p *Printer) digits(s string) string {
	if p.writing.Digits != "arab" {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '٠' + r - '0'
		}
		return r
	}, s)
}

func (l Locale) writes(digits string) bool { return slices.Contains(l.Numberings(), digits) }

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
