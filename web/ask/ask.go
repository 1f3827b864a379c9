// Package ask draws field definitions as questions and reads the answers: the
// same way for citizens, at the counter, and in the editor's preview.
package ask

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/web"
	"daftar/web/ui"
)

// maxAnswer is the longest answer that is read at all, in characters.
const maxAnswer = 2000

// Inputs are the names of a question's inputs, when the question itself is
// called name.
func Inputs(f registry.Field, name string) []string {
	if f.Type == registry.TypeDate {
		return []string{name + "-day", name + "-month", name + "-year"}
	}
	return []string{name}
}

// Fill is a stored value as the inputs take it back.
func Fill(f registry.Field, name string, value any) map[string][]string {
	given := f.Input(value)
	if f.Type != registry.TypeDate {
		return map[string][]string{name: given}
	}
	values := map[string][]string{}
	if len(given) == 1 {
		parts := strings.Split(given[0], "-")
		slices.Reverse(parts)
		for i, input := range Inputs(f, name) {
			if i < len(parts) {
				values[input] = []string{strings.TrimLeft(parts[i], "0")}
			}
		}
	}
	return values
}

// Read checks what was typed and returns the value to store; nil for no answer.
// What is wrong is noted under the input's name.
func Read(f registry.Field, name string, form *web.Form, check *fault.Check) any {
	given := form.All(name)
	if f.Type == registry.TypeDate {
		given = joinDate(form, name)
	} else if form.Text(check, name, maxAnswer); check.Failed(name) {
		return nil
	}
	value, err := f.Parse(given)
	var wrong *fault.Error
	if errors.As(err, &wrong) {
		for _, field := range wrong.Fields {
			field.Name = Inputs(f, name)[0]
			check.Add(field)
		}
	}
	return value
}

// joinDate makes one text of the three inputs; nothing when all are empty.
func joinDate(form *web.Form, name string) []string {
	var parts [3]string
	empty := true
	for i, part := range []string{"-year", "-month", "-day"} {
		parts[i] = i18n.LatinDigits(strings.TrimSpace(form.Get(name + part)))
		empty = empty && parts[i] == ""
		if n, err := strconv.Atoi(parts[i]); err == nil {
			parts[i] = fmt.Sprintf("%0*d", []int{4, 2, 2}[i], n)
		}
	}
	if empty {
		return nil
	}
	return []string{strings.Join(parts[:], "-")}
}

// choices are the radios or checkboxes of a field. A yes/no question always
// offers "I do not know", and several choices "none of these": an empty page is
// no answer.
func choices(ctx context.Context, f registry.Field) []ui.Choice {
	if f.Type == registry.TypeYesNo {
		return []ui.Choice{
			{Value: "yes", Label: i18n.T(ctx, "answer.yes")},
			{Value: "no", Label: i18n.T(ctx, "answer.no")},
			{Value: registry.Unknown, Label: i18n.T(ctx, "answer.unknown"), Apart: true},
		}
	}
	var list []ui.Choice
	for _, o := range f.Options {
		if !o.Retired {
			list = append(list, ui.Choice{Value: o.Code, Label: o.Label.For(ctx)})
		}
	}
	if f.Type == registry.TypeChoices {
		list = append(list, ui.Choice{Value: registry.NoneOf, Label: i18n.T(ctx, "answer.none"), Apart: true})
	}
	return list
}

func hint(ctx context.Context, f registry.Field) string {
	text := f.Help.For(ctx)
	if text == "" && f.Type == registry.TypeDate {
		text = i18n.T(ctx, "field.date_hint")
	}
	return text
}
