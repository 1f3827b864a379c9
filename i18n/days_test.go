package i18n

import (
	"database/sql"
	"testing"
	"time"

	"daftar/locales"
)

// No message shows a time as a program writes it, whatever kind of value holds it.
func TestDaysInMessages(t *testing.T) {
	t.Parallel()
	b, err := Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC)
	for _, tag := range []string{"en", "ar"} {
		p := b.Printer(tag)
		want := p.T("case.error.may_object", "Date", p.Day(day))
		for _, value := range []any{day, &day, sql.NullTime{Time: day, Valid: true}} {
			if got := p.T("case.error.may_object", "Date", value); got != want {
				t.Errorf("%T: %s", value, got)
			}
		}
		none := p.T("case.error.may_object", "Date", "")
		for _, value := range []any{(*time.Time)(nil), sql.NullTime{}} {
			if got := p.T("case.error.may_object", "Date", value); got != none {
				t.Errorf("%T without a day: %s", value, got)
			}
		}
	}
}
