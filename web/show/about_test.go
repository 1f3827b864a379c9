package show

import (
	"strings"
	"testing"
	"time"

	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
)

// A record that is told of another day has the age of that day.
func TestAgeOnAnotherDay(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r := Record{P: b.Printer("en"), on: registry.Date(2026, time.November, 28)}
	d := registry.PersonData{BirthFrom: "1992-03-02", BirthTo: "1992-03-02"}
	for age, r := range map[string]Record{"34": r, "33": r.About(registry.Date(2026, time.January, 1))} {
		if lines := strings.Join(r.birth(d).Lines, " "); !strings.Contains(lines, age) {
			t.Errorf("%q instead of %s", lines, age)
		}
	}
}
