package copies

import (
	"strings"
	"testing"
	"time"

	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/copies"
	"daftar/web/ui"
)

// The document has a name for every part and every value of the file, in every
// language, and shows what is in it.
func TestDocumentNamesEverything(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	c := copies.Copy{Made: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Sections: map[string][]map[string]any{}}
	examples := map[string]any{"text": "a text", "number": 3.0, "yes": true, "time": "2026-03-02T09:00:00Z", "date": "2026-03-02",
		"list": []any{"one", map[string]any{"code": "two"}}, "object": map[string]any{"roof": "tin", "rooms": 2.0, "nothing": nil}}
	for _, s := range copies.Sections() {
		entry := map[string]any{}
		for _, f := range s.Fields {
			if examples[f.Type] == nil {
				t.Errorf("%s.%s is of a type that is none: %q", s.Code, f.Name, f.Type)
			}
			entry[f.Name] = examples[f.Type]
		}
		c.Sections[s.Code] = []map[string]any{entry}
	}
	for _, tag := range []string{"en", "ar"} {
		p := b.Printer(tag)
		ctx := ui.WithChrome(i18n.With(t.Context(), p), ui.Chrome{Site: "portal"})
		var html strings.Builder
		labels := map[string]i18n.Text{"roof": {"en": "Roof", "ar": "السقف"}}
		if err := paperPage(parts(p, c, labels), p.Time(c.Made), "Amina").Render(ctx, &html); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{p.T("copy.value", "Name", labels["roof"].In(p), "Value", "tin"), p.Time(c.Made), p.T("copy.looks"), p.T("copy.without")} {
			if !strings.Contains(html.String(), want) {
				t.Errorf("%s: the document lacks %q", tag, want)
			}
		}
		for _, list := range [][]copies.Request{nil, {{Ref: "3-2", Asked: c.Made}}} {
			if err := copiesPage(list, len(list) > 0).Render(ctx, &html); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := b.Misses(); n > 0 {
		t.Errorf("%d messages are missing", n)
	}
}
