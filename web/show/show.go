// Package show puts registry values into words, the same way on every page.
package show

import (
	"cmp"
	"strings"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/web/ui"
)

// Birth says what is known about a birth date: the day, the month, the year, or
// the range of days that it may be.
func Birth(p *i18n.Printer, b registry.BirthDate) string {
	switch {
	case !b.Known():
		return p.T("birth.unknown")
	case b.Exact():
		return p.Day(b.From)
	}
	y, m, d := b.From.Date()
	switch {
	case d == 1 && m == time.January && b.To.Equal(registry.Date(y, time.December, 31)):
		return p.Year(y)
	case d == 1 && b.To.Equal(registry.Date(y, m+1, 0)):
		return p.MonthOf(y, m)
	}
	return p.T("birth.between", "From", p.Day(b.From), "To", p.Day(b.To))
}

// Age says how old somebody is on a day, as far as it is known: an age, or the
// youngest and oldest that they can be; nothing when nothing is known.
func Age(p *i18n.Printer, b registry.BirthDate, day time.Time) string {
	youngest, oldest := b.Age(day)
	switch {
	case youngest < 0:
		return ""
	case youngest == oldest:
		return p.Number(youngest)
	case youngest+1 == oldest:
		return p.T("age.either", "Young", p.Number(youngest), "Old", p.Number(oldest))
	}
	return p.T("age.between", "Young", p.Number(youngest), "Old", p.Number(oldest))
}

// FullName is what somebody is called, in their own script and in Latin letters.
func FullName(p *i18n.Printer, name, latin string) string {
	if name == "" || latin == "" || latin == name {
		return Name(p, cmp.Or(name, latin))
	}
	return p.T("search.two_names", "Name", apart(name), "Latin", apart(latin))
}

// Ended is what somebody in a list is called, with how their record ended, if it did.
func Ended(p *i18n.Printer, name, status string) string {
	if status == "" || status == registry.Active {
		return name
	}
	return p.T("search.ended", "Name", apart(name), "Outcome", p.T("outcome."+status))
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
	if s.Method != "" {
		text = p.List([]string{text, p.T("verification." + s.Method)})
	}
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
