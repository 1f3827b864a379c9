package figures

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/figures"
	"daftar/registry/oversight"
	"daftar/static"
	"daftar/web/ui"
)

func january(measure, code string, n int) figures.Figure {
	return figures.Figure{Month: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Measure: measure, Code: code, N: sql.NullInt64{Int64: int64(n), Valid: n >= 0}}
}

var names = figures.Names{
	Kinds: map[string]i18n.Text{
		"registration": {"en": "Registration", "ar": "التسجيل"},
		"alive":        {"en": "Someone whom the registry calls dead is alive", "ar": "شخص يعده السجل متوفى وهو حي"},
	},
	Reasons: map[string]i18n.Text{"proven_false": {"en": "Something that you told us was proven wrong.", "ar": "ثبت أن شيئا مما قلته غير صحيح."}},
}

// Every number that a chart draws is in the table beside it, what is withheld is
// drawn nowhere, and no style needs more than the policy allows.
func TestChartsAndTablesSayTheSame(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"en", "ar"} {
		p := b.Printer(tag)
		v := page{Month: p.MonthOf(2026, 1), Query: "?month=2026-01", Form: &ui.Form{Values: map[string][]string{"month": {"2026-01"}}},
			Months: []ui.Choice{{Value: "2026-01", Label: p.MonthOf(2026, 1)}}, Head: &oversight.Head{Size: 1234, At: time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)}}
		v.Charts = charts(p, []figures.Figure{
			january(figures.Received, "registration", 1200), january(figures.Received, "alive", -1), january(figures.Received, "", 1215),
			january(figures.Decided, "refused.proven_false", 40), january(figures.Decided, "approved", 300), january(figures.Decided, "", 340),
			january(figures.Appeals, "", 0),
		}, names, v.Month)
		var course []figures.Figure
		for i, n := range []int{80, 90, -1, 60, 75} {
			for _, f := range []figures.Figure{january(figures.Due, figures.OnTime, n), january(figures.Due, "", 100)} {
				f.Month = f.Month.AddDate(0, i-4, 0)
				course = append(course, f)
			}
		}
		v.Share = shares(p, course)
		ctx := ui.WithChrome(i18n.With(t.Context(), p), ui.Chrome{Site: "portal", Path: "/figures", Languages: b.Locales(), Inline: style(p.Dir), Colour: "teal"})
		var html strings.Builder
		if err := figuresPage(v).Render(ctx, &html); err != nil {
			t.Fatal(err)
		}
		s := html.String()
		if dir := os.Getenv("PAGES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, "figures-"+tag+".html"), []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []int{1200, 40, 300} {
			if got := strings.Count(s, ">"+p.Number(n)+"<"); got != 2 {
				t.Errorf("%s: %d is there %d times instead of in a chart and a table", tag, n, got)
			}
		}
		if bars := strings.Count(s, "<rect"); bars != 3 {
			t.Errorf("%s: %d bars for 3 numbers that are known", tag, bars)
		}
		if lines, points := strings.Count(s, "<polyline"), strings.Count(s, "<circle"); lines != 2 || points != 4 {
			t.Errorf("%s: a gap among five points leaves two lines and four points, not %d and %d", tag, lines, points)
		}
		if strings.Contains(s, " style=") || regexp.MustCompile(` (x|y|cx|cy|width)="-`).MatchString(s) {
			t.Errorf("%s: a style in the page, or something outside the drawing", tag)
		}
		for _, svg := range strings.Split(s, "<svg ")[1:] {
			labelled := regexp.MustCompile(`aria-labelledby="(\S+) (\S+)"`).FindStringSubmatch(svg)
			if labelled == nil || !strings.Contains(svg, `<title id="`+labelled[1]+`">`) || !strings.Contains(svg, `<desc id="`+labelled[2]+`">`) {
				t.Errorf("%s: a chart without a name", tag)
			}
		}
	}
}

func style(dir string) string {
	return string(static.Load()[map[string]string{"ltr": "portal.css", "rtl": "portal.rtl.css"}[dir]].Plain)
}

func TestNothingYet(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	ctx := ui.WithChrome(i18n.With(t.Context(), b.Printer("en")), ui.Chrome{Site: "portal"})
	var html strings.Builder
	if err := figuresPage(page{}).Render(ctx, &html); err != nil {
		t.Fatal(err)
	}
	if s := html.String(); !strings.Contains(s, b.Printer("en").T("figures.none")) || strings.Contains(s, "<svg") || strings.Contains(s, ".csv") {
		t.Error("an empty page offers what is not there")
	}
}
