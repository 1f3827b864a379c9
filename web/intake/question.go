package intake

import (
	"context"
	"io"
	"slices"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/ui"
)

// fieldQuestion asks for the value of one field definition, of the household or
// of a member. No answer is an answer. A roster's page lists its rows.
var fieldQuestion = page{
	named: func(v *visit) []string {
		if v.field.Type == registry.TypeRoster {
			return []string{"another"}
		}
		return ask.Inputs(v.field, "answer")
	},
	key: (*visit).fieldKey,
	load: func(v *visit, tx db.Tx) error {
		if v.field.Type == registry.TypeArea {
			return v.loadAreas(tx)
		}
		return nil
	},
	fill: func(v *visit) map[string][]string { return ask.Fill(v.field, "answer", v.answers()[v.field.Code]) },
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		if v.field.Type == registry.TypeFile {
			return nil, fault.Hidden() // a photo has an address of its own
		}
		if v.field.Type == registry.TypeRoster {
			f.Choice(&check, "another", []string{"yes", "no"}, "roster.error.another")
			return func(*cases.Draft) error { return nil }, check.Err()
		}
		if v.field.Type == registry.TypeArea {
			code := f.Get("answer")
			if code == "" {
				return v.set(nil), nil
			}
			if !slices.ContainsFunc(append(v.areas, v.path[1:]...), func(a registry.Area) bool { return a.Code == code }) {
				check.Fail("answer", "area.error.missing")
			}
			return v.set(code), check.Err()
		}
		answers := &ask.Answers{Form: f, Check: &check, Places: ask.PlacesOf(v.Ctx)}
		value := answers.Read(v.field, "answer", v.answers()[v.field.Code])
		if answers.Err() != nil {
			return nil, answers.Err()
		}
		return v.set(value), check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component {
		switch v.field.Type {
		case registry.TypeRoster:
			return rosterPage(v, f)
		case registry.TypeArea:
			return placePage(v, f)
		case registry.TypeFile:
			p := v.site.answer("")
			return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
				there, err := p.taken(v)
				if err != nil {
					return err
				}
				return photoPage(p, v, f, there).Render(ctx, w)
			})
		}
		return questionPage(v, f)
	},
	next: func(v *visit, _ *cases.Draft, f *web.Form) string {
		if code := f.Get("answer"); v.field.Type == registry.TypeArea && code != "" && code != v.path[len(v.path)-1].Code && v.hasSubareas(code) {
			to := v.at(v.fieldKey()) + "?in=" + code
			if v.Query("from") == "check" {
				to += "&from=check"
			}
			return to
		}
		if f.Get("another") == "yes" {
			return v.at(v.fieldKey() + "/rows/new")
		}
		return v.after(v.fieldKey())
	},
}

// fieldKey is the page of the field in the path.
func (v *visit) fieldKey() string {
	if v.member != nil {
		return "people/" + v.member.Key + "/q/" + v.field.Code
	}
	return "q/" + v.field.Code
}

// answers are those of the member in the path, or of the household.
func (v *visit) answers() registry.Values {
	if v.member != nil {
		return v.member.Fields
	}
	return v.c.Draft.Fields
}

// set stores a value of the field in the path.
func (v *visit) set(value any) func(*cases.Draft) error {
	if v.member != nil {
		return v.on(func(m *cases.Member) { m.Set(v.field.Code, value) })
	}
	return func(d *cases.Draft) error { d.Set(v.field.Code, value); return nil }
}

// choices are codes with their messages.
func choices(ctx context.Context, prefix string, codes []string) []ui.Choice {
	var list []ui.Choice
	for _, code := range codes {
		list = append(list, ui.Choice{Value: code, Label: i18n.T(ctx, prefix+code)})
	}
	return list
}
