package show

import (
	"math"
	"strconv"

	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/dedup"
	"daftar/web/ui"
)

// TwoNames is a name with the one in Latin letters, where there is another.
func TwoNames(p *i18n.Printer, name, latin string) string {
	if latin != "" && latin != name {
		return p.T("search.two_names", "Name", Name(p, name), "Latin", latin)
	}
	return Name(p, name)
}

// Strength says in a word how much speaks for two records being of one person.
func Strength(p *i18n.Printer, s dedup.Score) string { return p.T("dedup.strength." + strength(s)) }

// StrengthColour is the colour of its tag.
func StrengthColour(s dedup.Score) string {
	return map[string]string{"number": "red", "strong": "orange", "good": "yellow", "some": "grey"}[strength(s)]
}

func strength(s dedup.Score) string {
	switch {
	case s.Forced:
		return "number"
	case s.Points >= dedup.StrongPoints:
		return "strong"
	case s.Points >= dedup.GoodPoints:
		return "good"
	}
	return "some"
}

// Reason is one reason of a score with what it is worth.
type Reason struct {
	Text string
	For  bool
	// Points is the weight as people read it: "+8", "−3".
	Points string
}

// Reasons tells what speaks for and against two records being of one person.
func Reasons(p *i18n.Printer, s dedup.Score) []Reason {
	var list []Reason
	for _, part := range s.Parts {
		r := Reason{Text: p.T("dedup."+part.Code, "Count", p.Number(part.N)), For: part.Points > 0}
		points := strconv.FormatFloat(math.Abs(part.Points), 'f', 1, 64)
		if r.Points = "+" + points; !r.For {
			r.Points = "−" + points
		}
		list = append(list, r)
	}
	return list
}

// Alike lists who in the registry may be people who are about to come in: for
// each pair the new person, and whom they seem to be. link is where a record is,
// or "" for somebody who may not open it.
func Alike(p *i18n.Printer, pairs []dedup.Pair, link func(ref string) string) (columns []ui.Column, rows [][]ui.Cell) {
	for _, key := range []string{"dedup.who", "dedup.may_be", "search.column.reference", "search.column.born", "area.label", "dedup.strength"} {
		columns = append(columns, ui.Column{Title: p.T(key)})
	}
	for _, pair := range pairs {
		ref := ui.Cell{Text: pair.B.Ref, Path: link(pair.B.Ref), LTR: true}
		if pair.B.New {
			ref = ui.Cell{Text: p.T("dedup.in_this")}
		}
		area := pair.B.Area.In(p)
		if pair.B.Protected {
			area = p.T("search.protected")
		}
		rows = append(rows, []ui.Cell{{Text: Name(p, pair.A.Name)}, {Text: TwoNames(p, pair.B.Name, pair.B.Latin)}, ref, {Text: years(p, pair.B)}, {Text: area},
			{Text: Strength(p, pair.Score), Colour: StrengthColour(pair.Score)}})
	}
	return columns, rows
}

func years(p *i18n.Printer, s dedup.Side) string {
	switch from, to := s.Years(); {
	case from == 0:
		return p.T("birth.unknown")
	case from == to:
		return strconv.Itoa(from)
	default:
		return p.T("search.years", "From", strconv.Itoa(from), "To", strconv.Itoa(to))
	}
}

// PersonValue is what one of a person's own values is called, and how two records
// tell it.
func PersonValue(p *i18n.Printer, name string, a, b registry.PersonData) (label string, said [2]string) {
	for i, d := range []registry.PersonData{a, b} {
		switch name {
		case "birth":
			said[i] = born(p, d.BirthFrom, d.BirthTo)
		case "sex":
			said[i] = Code(p, "sex.", d.Sex)
		case "full_name":
			said[i] = d.FullName
		case "full_name_latin":
			said[i] = d.FullNameLatin
		case "family_name":
			said[i] = d.FamilyName
		case "given_name":
			said[i] = d.GivenName
		case "other_names":
			said[i] = d.OtherNames
		}
	}
	return p.T(labels[name]), said
}
