package intake

import (
	"strings"

	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web/show"
)

// AskedPage is a question of the form that somebody is asked to look at again.
type AskedPage struct{ Page, Title string }

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
