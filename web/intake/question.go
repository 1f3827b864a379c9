package intake

import (
	"context"

	"github.com/a-h/templ"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// fieldQuestion asks for the value of one field definition, of the household or
// of a member. No answer is an answer.
var fieldQuestion = page{
	inputs: []string{"answer", "day", "month", "year"},
	key: func(v *visit) string {
		if v.member != nil {
			return "people/" + v.member.Key + "/q/" + v.field.Code
		}
		return "q/" + v.field.Code
	},
	fill: func(v *visit) map[string][]string {
		values := v.c.Draft.Fields
		if v.member != nil {
			values = v.member.Fields
		}
		return map[string][]string{"answer": v.field.Input(values[v.field.Code])}
	},
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		f.Text(&check, "answer", 2000)
		if err := check.Err(); err != nil {
			return nil, err
		}
		value, err := v.field.Parse(f.All("answer"))
		if err != nil {
			return nil, renamed(err, v.field.Code, "answer")
		}
		if v.member != nil {
			return v.on(func(m *cases.Member) { m.Set(v.field.Code, value) }), nil
		}
		return func(d *cases.Draft) error { d.Set(v.field.Code, value); return nil }, nil
	},
	view: func(v *visit, f *ui.Form) templ.Component { return questionPage(v, f) },
}

// fieldChoices are the radios or checkboxes of a field; a yes/no question
// always offers "I do not know".
func fieldChoices(ctx context.Context, f registry.Field) []ui.Choice {
	if f.Type == registry.TypeYesNo {
		return []ui.Choice{
			{Value: "yes", Label: i18n.T(ctx, "answer.yes")},
			{Value: "no", Label: i18n.T(ctx, "answer.no")},
			{Value: registry.Unknown, Label: i18n.T(ctx, "answer.unknown"), Apart: true},
		}
	}
	var list []ui.Choice
	for _, o := range f.Options {
		list = append(list, ui.Choice{Value: o.Code, Label: o.Label.For(ctx)})
	}
	return list
}

// choices are codes with their messages.
func choices(ctx context.Context, prefix string, codes []string) []ui.Choice {
	var list []ui.Choice
	for _, code := range codes {
		list = append(list, ui.Choice{Value: code, Label: i18n.T(ctx, prefix+code)})
	}
	return list
}
