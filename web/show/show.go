// Package show puts registry values into words, the same way on every page.
package show

import (
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// Birth says what is known about a birth date: the day, or the range of days
// it may be.
func Birth(p *i18n.Printer, b registry.BirthDate) string {
	switch {
	case !b.Known():
		return p.T("birth.unknown")
	case b.Exact():
		return p.Day(b.From)
	}
	return p.T("birth.between", "From", p.Day(b.From), "To", p.Day(b.To))
}

// Code is the message of a code, or nothing for no code.
func Code(p *i18n.Printer, prefix, code string) string {
	if code == "" {
		return ""
	}
	return p.T(prefix + code)
}

// Name is what somebody is called; a record may have no name.
func Name(p *i18n.Printer, name string) string {
	if name == "" {
		return p.T("person.unnamed")
	}
	return name
}

// Source says where a value comes from and when it was given.
func Source(p *i18n.Printer, s registry.Source) string {
	if s.Kind == "" {
		return ""
	}
	text := p.T("source."+string(s.Kind), "Date", p.Date(s.At))
	if s.CaseRef != "" {
		text = p.T("source.with_case", "Source", text, "Case", unbroken(s.CaseRef))
	}
	return text
}

// unbroken keeps a reference in one line of running text.
func unbroken(ref string) string { return strings.ReplaceAll(ref, "-", "\u2011") }

// Sourced finds the source of a value in a record's provenance and says it.
func Sourced(p *i18n.Printer, sources map[db.ID]registry.Source, from registry.Provenance, value string) string {
	id, ok := from.Of(value)
	if !ok {
		return ""
	}
	return Source(p, sources[id])
}
