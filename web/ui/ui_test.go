package ui_test

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/web/ui"
)

const hostile = `"><script>alert(1)</script>`

func speak(t *testing.T, lang string) context.Context {
	t.Helper()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return ui.WithChrome(i18n.With(t.Context(), b.Printer(lang)), ui.Chrome{Site: "portal", Path: "/apply?x=1", Languages: b.Locales(), SignedIn: true, Name: hostile})
}

func render(t *testing.T, ctx context.Context, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	ids        = regexp.MustCompile(` id="([^"]*)"`)
	fragments  = regexp.MustCompile(` href="#([^"]+)"`)
	described  = regexp.MustCompile(` aria-(?:describedby|labelledby)="([^"]*)"`)
	labels     = regexp.MustCompile(`<label [^>]*for="([^"]+)"`)
	inputNames = regexp.MustCompile(`<(?:input|select|textarea) [^>]*id="([^"]+)"`)
)

func all(re *regexp.Regexp, s string) (out []string) {
	for _, m := range re.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

// everyInput is a page with each kind of input, all of them wrong and holding
// what an attacker typed.
func everyInput() templ.Component {
	var check fault.Check
	values := map[string][]string{}
	for _, name := range []string{"text", "area", "radios", "boxes", "select", "day", "file"} {
		check.Fail(name, "field.error.characters")
		values[name] = []string{hostile}
	}
	f := &ui.Form{Values: values, Err: check.Fault()}
	q := func(name string) ui.Question { return ui.Question{Name: name, Label: hostile, Hint: hostile, Of: f} }
	choices := []ui.Choice{{Value: "a", Label: hostile, Hint: hostile}, {Value: hostile, Label: "b", Apart: true}}
	inputs := templ.Join(
		ui.Text(ui.TextProps{Question: q("text"), Suffix: hostile}), ui.Area(q("area"), "4"), ui.Radios(q("radios"), choices), ui.Checkboxes(q("boxes"), choices),
		ui.Select(q("select"), "choose", choices), ui.Date(q("birth")), ui.FileInput(q("file"), "image/png"))
	form := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return ui.Submit(f).Render(templ.WithChildren(ctx, inputs), w)
	})
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return ui.Page(ui.PageProps{Title: hostile, Form: f}).Render(templ.WithChildren(ctx, form), w)
	})
}

func TestInputsHangTogether(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar", "en-XA"} {
		page := render(t, speak(t, lang), everyInput())
		if strings.Contains(page, "<script>alert") {
			t.Error("a value got out of its place")
		}
		known := all(ids, page)
		for i, id := range known {
			if slices.Contains(known[:i], id) {
				t.Errorf("the id %q is there twice", id)
			}
		}
		links := all(fragments, page)
		if len(links) != 8 { // the inputs and the skip link
			t.Errorf("%d links: %v", len(links), links)
		}
		for _, id := range append(links, all(labels, page)...) {
			if !slices.Contains(known, id) {
				t.Errorf("nothing has the id %q", id)
			}
		}
		for _, list := range all(described, page) {
			for _, id := range strings.Fields(list) {
				if !slices.Contains(known, id) {
					t.Errorf("nothing has the id %q that describes", id)
				}
			}
		}
		for _, id := range all(inputNames, page) {
			if !slices.Contains(all(labels, page), id) {
				t.Errorf("the input %q has no label", id)
			}
		}
		for _, name := range []string{"text", "area", "radios", "boxes", "select", "birth", "file"} {
			if !slices.Contains(known, name+"-error") || !slices.ContainsFunc(all(described, page), func(s string) bool {
				return slices.Contains(strings.Fields(s), name+"-error") && slices.Contains(strings.Fields(s), name+"-hint")
			}) {
				t.Errorf("%q is not described by its hint and its error", name)
			}
		}
	}
}

func TestNamesAreSetApart(t *testing.T) {
	t.Parallel()
	ctx := speak(t, "en")
	for name, c := range map[string]templ.Component{
		"summary list": ui.SummaryList([]ui.Row{{Key: "Name", Value: "آمنة", Lines: []string{"آمنة"}}}),
		"table":        ui.Table("t", []ui.Column{{Title: "Name"}}, [][]ui.Cell{{{Text: "آمنة"}}, {{Text: "آمنة", Path: "/x"}}}),
	} {
		html := render(t, ctx, c)
		if n := strings.Count(html, "<bdi>آمنة</bdi>"); n != 2 {
			t.Errorf("%s: %d of 2 in %s", name, n, html)
		}
	}
	if html := render(t, ctx, ui.SummaryList([]ui.Row{{Key: "Reference", Value: "A-1", LTR: true}})); !strings.Contains(html, `<bdi dir="ltr">A-1</bdi>`) {
		t.Error(html)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	ctx := speak(t, "ar")
	for _, c := range []struct {
		html templ.Component
		want []string
	}{
		{ui.Pagination("", ""), nil},
		{ui.Pagination("", "/cases?after=x&view=open"), []string{`href="/ar/cases?after=x&amp;view=open" rel="next"`}},
		{ui.Pagination("/cases", ""), []string{`href="/ar/cases" rel="prev"`}},
		{ui.Timeline([]ui.Happening{{Title: "T", When: "W", Lines: []string{"L"}, Words: ui.Words{By: "B", Text: hostile, Lang: "en"}}}),
			[]string{"<ol", "<h3", `<blockquote class="dft-words govuk-body" lang="en" dir="auto">&#34;&gt;&lt;script&gt;`}},
		{ui.Table("caption", []ui.Column{{Title: "One"}, {Title: "Two", Numeric: true}}, [][]ui.Cell{{{Text: hostile}, {Text: "2", Colour: "red"}}}),
			[]string{`<caption class="govuk-table__caption govuk-table__caption--m">caption</caption>`, `<th scope="col"`, `data-label="Two"`, `govuk-tag--red`}},
		{ui.TaskList([]ui.Task{{ID: "a", Title: "A", Path: "/a", Status: "S"}, {ID: "b", Title: "B", Status: "later", Colour: "grey"}}),
			[]string{`href="/ar/a" aria-describedby="a-status"`, `id="b-status"`}},
	} {
		html := render(t, ctx, c.html)
		if c.want == nil && html != "" || strings.Contains(html, "<script") {
			t.Error(html)
		}
		for _, part := range c.want {
			if !strings.Contains(html, part) {
				t.Errorf("no %s in %s", part, html)
			}
		}
	}
}
