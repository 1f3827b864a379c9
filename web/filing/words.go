package filing

import (
	"fmt"
	"slices"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

// Story is what is needed to tell a case's events in words.
type Story struct {
	Kind  kinds.Kind
	Title func(page string) string // of a page that somebody is asked to look at again; "" for none
}

// StoryOf reads it.
func StoryOf(c *web.Ctx, tx db.Tx, k cases.Case) (Story, error) {
	kind, err := k.Of(tx)
	if err != nil {
		return Story{}, err
	}
	s := Story{Kind: kind}
	if k.Kind == "registration" {
		form, err := intake.LoadForm(tx, k.Channel == cases.ChannelCounter)
		s.Title = func(page string) string { return intake.PageTitle(c.Printer(), k, form, page) }
		return s, err
	}
	f, err := cases.FilingOf(tx, k)
	if err == nil {
		s.Kind = f.Form.Kind // with the documents that a country asks for
	}
	s.Title = func(page string) string {
		if page == proofPage {
			return c.Printer().T("filing.proof.title")
		}
		if found, ok := f.Form.Page(f.Draft.Answers, strings.TrimPrefix(page, "q/")); ok {
			return label(c.Printer(), found)
		}
		return ""
	}
	return s, err
}

// Happening tells one event of a case: coded reasons and facts in the reader's
// language, people's own words as written and labelled as theirs (RULES R3).
func (s Story) Happening(p *i18n.Printer, e cases.Event, staff bool) ui.Happening {
	site := "case.action."
	if staff {
		site = "office.action."
	}
	action := string(e.Action)
	if e.Action == cases.Said && e.ActorKind == "staff" {
		action = "said_office"
	}
	h := ui.Happening{Title: s.say(p, site, action), When: p.Time(e.At)}
	if staff && e.StaffName != "" {
		h.When = p.T("case.when_by", "When", h.When, "Name", e.StaffName)
	}
	fact := func(name string) string { v, _ := e.Facts[name].(string); return v }
	if e.Reason.Valid {
		text, detail := s.Kind.ReasonText(e.Reason.String, fact("fact"))
		for _, t := range []i18n.Text{text, detail} {
			if line := t.In(p); line != "" {
				h.Lines = append(h.Lines, line)
			}
		}
	}
	if outcome := fact("outcome"); outcome != "" {
		h.Lines = append(h.Lines, p.T("case.recommends."+outcome))
	}
	if reached := fact("reached"); reached != "" {
		h.Lines = append(h.Lines, p.T("case.late."+reached))
	}
	if found := fact("found"); found != "" {
		h.Lines = append(h.Lines, p.T("visit.found."+found))
	}
	if verdict := fact("verdict"); verdict != "" {
		h.Lines = append(h.Lines, p.T("doubt.said."+verdict))
	}
	if name := fact("name"); name != "" {
		h.Lines = append(h.Lines, p.T("office.assigned_to", "Name", name))
	}
	if ref := fact("case"); ref != "" {
		h.Lines = append(h.Lines, ref)
	}
	for _, a := range s.Asked(e) {
		h.Lines = append(h.Lines, a.Title)
	}
	by := "words.officer"
	if e.ActorKind != "staff" {
		by = "words.applicant"
		if !staff {
			by = "words.you"
		} else if e.Action == cases.Objected || e.Action == cases.Agreed {
			by = "words.affected"
		}
	}
	h.Words = ui.Words{By: p.T(by), Text: e.Note, Lang: e.NoteLang}
	return h
}

// say is the message of an action, or the family's own where it has one: a
// complaint is not an application.
func (s Story) say(p *i18n.Printer, prefix, code string) string {
	if own := prefix + s.Kind.Family + "." + code; p.Has(own) {
		return p.T(own)
	}
	return p.T(prefix + code)
}

// State is what a state is called for a kind: "case.state." to citizens,
// "office.state." to staff.
func State(p *i18n.Printer, kind kinds.Kind, state cases.State, staff bool) string {
	prefix := "case.state."
	if staff {
		prefix = "office.state."
	}
	return Story{Kind: kind}.say(p, prefix, string(state))
}

// Asked lists the pages of an "asked" event.
func (s Story) Asked(e cases.Event) []intake.AskedPage {
	var list []intake.AskedPage
	pages, _ := e.Facts["pages"].([]any)
	for _, page := range pages {
		path := fmt.Sprint(page)
		if title := s.Title(path); title != "" {
			list = append(list, intake.AskedPage{Page: path, Title: title})
		}
	}
	return list
}

// FormAt is where the answers of a case are: those of a registration stand with
// intake.
func FormAt(k cases.Case, page string) string {
	base := Base
	switch {
	case k.Kind == "registration" && k.Channel == cases.ChannelCounter:
		base = "/counter"
	case k.Kind == "registration":
		base = "/apply"
	}
	return strings.TrimSuffix(base+"/"+k.Ref+"/"+page, "/")
}

// Sections are the answers of a case of any kind, to be read. Of a registration,
// only the fields that are seen.
func Sections(c *web.Ctx, tx db.Tx, k cases.Case, seen func(registry.Field) bool, place bool) ([]intake.Section, error) {
	if k.Kind == "registration" {
		form, err := intake.LoadForm(tx, k.Channel == cases.ChannelCounter)
		if err != nil {
			return nil, err
		}
		form.Fields = slices.DeleteFunc(form.Fields, func(f registry.Field) bool { return !seen(f) })
		return intake.Answers(c, tx, k, form, nil)
	}
	f, err := cases.FilingOf(tx, k)
	if err != nil {
		return nil, err
	}
	kept, err := cases.PlaceKept(tx, k)
	if err != nil {
		return nil, err
	}
	return []intake.Section{{ID: "answers", Title: c.Printer().T("case.said"), Rows: Answers(c, f, nil, place || !kept)}}, nil
}

// ValueNames is what values are called, by their names in a proposal.
func ValueNames(c *web.Ctx, tx db.Tx, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return show.ValueNames(tx, c.Printer(), names)
}
