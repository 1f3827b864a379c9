package settings

import (
	"slices"
	"strings"

	"github.com/a-h/templ"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

// tags are written a line each: the code, the name in each language, and the kinds
// of record when it is not for all.
var tags = page{
	path: "tags", title: "setting.tags",
	named: func(*visit) []string { return []string{"tags"} },
	fill: func(v *visit) map[string][]string {
		var lines []string
		for _, tag := range v.state.Settings.Tags {
			parts := []string{tag.Code}
			for _, l := range v.languages {
				parts = append(parts, tag.Name[l.Tag])
			}
			if len(tag.Of) > 0 {
				parts = append(parts, strings.Join(tag.Of, " "))
			}
			lines = append(lines, strings.Join(parts, " | "))
		}
		return map[string][]string{"tags": {strings.Join(lines, "\n")}}
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		list := v.readTags(form.Text(check, "tags", longest), check)
		return part(func(f *settings.File) { f.Tags = &list })
	},
	view:  func(v *visit, f *ui.Form) templ.Component { return tagInputs(v, f) },
	input: func(string) string { return "tags" },
}

func (v *visit) readTags(text string, check *fault.Check) registry.Tags {
	var list registry.Tags
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.Split(line, "|")
		for n := range parts {
			parts[n] = strings.TrimSpace(parts[n])
		}
		if len(parts) < 1+len(v.languages) || len(parts) > 2+len(v.languages) {
			check.Fail("tags", "setting.error.tag", "Line", i+1)
			return nil
		}
		tag := registry.Tag{Code: parts[0], Name: i18n.Text{}}
		for n, l := range v.languages {
			if parts[n+1] != "" {
				tag.Name[l.Tag] = parts[n+1]
			}
		}
		if len(parts) == 2+len(v.languages) {
			tag.Of = strings.Fields(parts[len(parts)-1])
		}
		if slices.ContainsFunc(tag.Of, func(kind string) bool { return !slices.Contains(subjects(), kind) }) {
			check.Fail("tags", "setting.error.tag", "Line", i+1)
			return nil
		}
		list = append(list, tag)
	}
	return list
}
