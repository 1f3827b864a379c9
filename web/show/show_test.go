package show_test

import (
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/web/show"
)

func TestValuesInWords(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(1991, 6, 2, 0, 0, 0, 0, time.UTC)
	for _, lang := range []string{"en", "ar"} {
		p := b.Printer(lang)
		exact, between := show.Birth(p, registry.BirthDate{From: day, To: day}), show.Birth(p, registry.BirthDate{From: day, To: day.AddDate(1, 0, -1)})
		if exact != p.Day(day) || !strings.Contains(between, p.Day(day)) || exact == between || show.Birth(p, registry.BirthDate{}) != p.T("birth.unknown") {
			t.Errorf("%s, %s", exact, between)
		}
		if show.Code(p, "sex.", "") != "" || show.Code(p, "sex.", "female") != p.T("sex.female") {
			t.Error("codes")
		}
		if show.Name(p, "") != p.T("person.unnamed") || show.Name(p, "آمنة") != "آمنة" {
			t.Error("names")
		}
		for _, kind := range []registry.SourceKind{registry.SourceSelf, registry.SourceCounter, registry.SourceNationalID, registry.SourceImport} {
			id := db.ID{1}
			sources := map[db.ID]registry.Source{id: {Kind: kind, At: day}}
			if got := show.Sourced(p, sources, registry.Provenance{"name": id}, "name"); !strings.Contains(got, p.Date(day)) {
				t.Errorf("%s: %s", kind, got)
			}
			if got := show.Sourced(p, sources, registry.Provenance{"name": id}, "sex"); got != "" {
				t.Errorf("a value without a source has one: %s", got)
			}
		}
	}
	if b.Misses() > 0 {
		t.Errorf("%d messages are missing", b.Misses())
	}
}
