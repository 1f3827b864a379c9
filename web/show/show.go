// Package show puts registry values into words, the same way on every page.
package show

import (
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/web/ui"
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
		text = p.T("source.with_case", "Source", text, "Case", Unbroken(s.CaseRef))
	}
	return text
}

// Unbroken keeps a reference in one line of running text.
func Unbroken(ref string) string { return strings.ReplaceAll(ref, "-", "\u2011") }

// Sourced finds the source of a value in a record's provenance and says it.
func Sourced(p *i18n.Printer, sources map[db.ID]registry.Source, from registry.Provenance, value string) string {
	id, ok := from.Of(value)
	if !ok {
		return ""
	}
	return Source(p, sources[id])
}

// Fields are the values of a record that have a definition, with their sources.
func Fields(p *i18n.Printer, fields registry.Fields, subject string, values registry.Values, from registry.Provenance, sources map[db.ID]registry.Source) []ui.Row {
	var rows []ui.Row
	for _, f := range fields.Of(subject) {
		if value, ok := values[f.Code]; ok {
			rows = append(rows, ui.Row{Key: f.Label.In(p), Value: f.Show(p, value), Lines: Rows(p, fields, f, value), Source: Sourced(p, sources, from, f.Code)})
		}
	}
	return rows
}

// Rows puts each row of a roster into one line; nil for any other field.
func Rows(p *i18n.Printer, fields registry.Fields, f registry.Field, value any) []string {
	var lines []string
	for _, row := range registry.Rows(value) {
		lines = append(lines, RosterRow(p, fields, f, row))
	}
	return lines
}

// RosterRow is a row in one line: "Crop: maize, Size: 1.5 ha".
func RosterRow(p *i18n.Printer, fields registry.Fields, roster registry.Field, row registry.Row) string {
	var parts []string
	for _, column := range fields.Columns(roster) {
		if text := column.Show(p, row[column.Code]); text != "" {
			parts = append(parts, p.T("roster.value", "Label", column.Label.In(p), "Value", text))
		}
	}
	if len(parts) == 0 {
		return p.T("roster.empty")
	}
	return p.List(parts)
}
