package intake

import (
	"fmt"
	"strings"

	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web/show"
	"daftar/web/ui"
)

// Happening tells one event of a case: coded reasons and facts in the reader's
// language, people's own words as written and labelled as theirs (RULES R3).
func Happening(p *i18n.Printer, k cases.Case, form cases.Form, e cases.Event, staff bool) ui.Happening {
	h := ui.Happening{Title: p.T("case.action." + string(e.Action)), When: p.Time(e.At)}
	if staff {
		h.Title = p.T("office.action." + string(e.Action))
		if e.StaffName != "" {
			h.When = p.T("case.when_by", "When", h.When, "Name", e.StaffName)
		}
	}
	if e.Reason.Valid {
		h.Lines = append(h.Lines, p.T("case.reason."+e.Reason.String))
		for _, r := range cases.Reasons() {
			if fact, _ := e.Facts["fact"].(string); r.Code == e.Reason.String && fact != "" {
				h.Lines = append(h.Lines, p.T("case.fact."+r.Fact+"."+fact))
			}
		}
	}
	if outcome, _ := e.Facts["outcome"].(string); outcome != "" {
		h.Lines = append(h.Lines, p.T("case.recommends."+outcome))
	}
	for _, a := range AskedPages(p, k, form, e) {
		h.Lines = append(h.Lines, a.Title)
	}
	by := "words.officer"
	if e.ActorKind == "citizen" {
		by = "words.applicant"
		if !staff {
			by = "words.you"
		}
	}
	h.Words = ui.Words{By: p.T(by), Text: e.Note, Lang: e.NoteLang}
	return h
}

// AskedPage is a question of the form that somebody is asked to look at again.
type AskedPage struct{ Page, Title string }

// AskedPages lists the pages of an "asked" event.
func AskedPages(p *i18n.Printer, k cases.Case, form cases.Form, e cases.Event) []AskedPage {
	var list []AskedPage
	pages, _ := e.Facts["pages"].([]any)
	for _, page := range pages {
		path := fmt.Sprint(page)
		if title := PageTitle(p, k, form, path); title != "" {
			list = append(list, AskedPage{Page: path, Title: title})
		}
	}
	return list
}

// PageTitle names a page of the form: "Date of birth: Nila"; "" for a page that
// is not there any more.
func PageTitle(p *i18n.Printer, k cases.Case, form cases.Form, path string) string {
	about := func(what, key string) string {
		m := k.Draft.Member(key)
		if m == nil {
			return ""
		}
		return p.T("page.about_person", "What", what, "Name", show.Name(p, m.FullName))
	}
	if rest, ok := strings.CutPrefix(path, "documents/"); ok {
		return about(p.T("document.title"), rest)
	}
	if rest, ok := strings.CutPrefix(path, "people/"); ok {
		key, page, _ := strings.Cut(strings.TrimSuffix(rest, "/evidence"), "/")
		if code, ok := strings.CutPrefix(page, "q/"); ok {
			f, _ := form.Fields.Of(registry.KindPerson).Get(code)
			return about(f.Label.In(p), key)
		}
		titles := map[string]string{"name": "name.full", "birth": "birth.label", "about": "about.label", "id": "id.label"}
		if titles[page] == "" {
			return ""
		}
		return about(p.T(titles[page]), key)
	}
	if code, ok := strings.CutPrefix(strings.TrimSuffix(path, "/evidence"), "q/"); ok {
		f, _ := form.Fields.Of(registry.KindHousehold).Get(code)
		return f.Label.In(p)
	}
	switch path {
	case "people", "area", "directions":
		return p.T(map[string]string{"people": "people.title", "area": "area.label", "directions": "directions.label"}[path])
	}
	return ""
}
