// Package ask draws field definitions as questions and reads the answers: the
// same way for citizens, at the counter, and in the editor's preview.
package ask

import (
	"context"
	"slices"

	"daftar/i18n"
	"daftar/registry"
	"daftar/web/ui"
)

// maxAnswer is the longest answer that is read at all, in characters.
const maxAnswer = 2000

// choices are the radios or checkboxes of a field. A yes/no question always
// offers "I do not know", and several choices "none of these": an empty page is
// no answer. An answer that is offered no more stands there where it was given.
func choices(ctx context.Context, f registry.Field, given []string) []ui.Choice {
	if f.Type == registry.TypeYesNo {
		return []ui.Choice{
			{Value: "yes", Label: i18n.T(ctx, "answer.yes")},
			{Value: "no", Label: i18n.T(ctx, "answer.no")},
			{Value: registry.Unknown, Label: i18n.T(ctx, "answer.unknown"), Apart: true},
		}
	}
	var list []ui.Choice
	for _, o := range f.Options {
		switch {
		case !o.Retired:
			list = append(list, ui.Choice{Value: o.Code, Label: o.Label.For(ctx)})
		case slices.Contains(given, o.Code):
			list = append(list, ui.Choice{Value: o.Code, Label: i18n.T(ctx, "field.option_retired", "Option", o.Label.For(ctx))})
		}
	}
	if f.Type == registry.TypeChoices {
		list = append(list, ui.Choice{Value: registry.NoneOf, Label: i18n.T(ctx, "answer.none"), Apart: true})
	}
	return list
}

// suffix is the unit beside a number that is typed.
func suffix(ctx context.Context, f registry.Field) string {
	if f.Type == registry.TypeMoney {
		return i18n.From(ctx).Currency()
	}
	return f.Unit.For(ctx)
}

func hint(ctx context.Context, f registry.Field) string {
	text := f.Help.For(ctx)
	if text == "" && f.Type == registry.TypeDate {
		text = i18n.T(ctx, "field.date_hint")
	}
	if text == "" && f.Type == registry.TypeArea {
		text = i18n.T(ctx, "field.place_hint")
	}
	return text
}
