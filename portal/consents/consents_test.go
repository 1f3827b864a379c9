package consents

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/audit"
	"daftar/registry/consent"
	"daftar/web/ui"
)

// What rests on consent has a way to say yes or to take it back, whatever else has
// neither.
func TestOnlyConsentCanBeGivenAndWithdrawn(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	given := consent.Consent{Ref: "4-22222-22222", Purpose: "research", Version: 1, Language: "en", Given: now, Expires: now.AddDate(2, 0, 0)}
	research := consent.Purpose{Code: "research", Basis: audit.Consent, Version: 1, Text: i18n.Text{"en": "They may read it.", "ar": "يجوز لهم أن يقرؤوه."}, Months: sql.NullInt64{Int64: 24, Valid: true}}
	work := research
	work.Code = "employment"
	uses := []use{{Purpose: consent.Purpose{Code: "casework", Basis: audit.PublicTask}}, {Purpose: research, Standing: &given}, {Purpose: work}}
	for _, tag := range []string{"en", "ar"} {
		p := b.Printer(tag)
		ctx := ui.WithChrome(i18n.With(t.Context(), p), ui.Chrome{Site: "portal"})
		var html strings.Builder
		if err := consentsPage(uses, []consent.Consent{given}, true).Render(ctx, &html); err != nil {
			t.Fatal(err)
		}
		for want, n := range map[string]int{"/consents/give/employment": 1, "/consents/give/research": 0, "/consents/give/casework": 0, given.Ref + "/withdraw": 1} {
			if got := strings.Count(html.String(), want); got != n {
				t.Errorf("%s: %s is there %d times", tag, want, got)
			}
		}
		html.Reset()
		if err := receiptPage(given, nil, text(research, given), now).Render(ctx, &html); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(html.String(), `lang="en"`) || !strings.Contains(html.String(), "They may read it.") {
			t.Errorf("%s: the receipt does not say what was agreed to, in the language of then", tag)
		}
		taken := given
		taken.Withdrawn = sql.NullTime{Time: now, Valid: true}
		html.Reset()
		if err := receiptPage(taken, nil, "", now).Render(ctx, &html); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(html.String(), "/withdraw") || !strings.Contains(html.String(), p.T("consent.is_withdrawn")) {
			t.Errorf("%s: what was taken back can be taken back", tag)
		}
	}
	if n := b.Misses(); n > 0 {
		t.Errorf("%d messages are missing", n)
	}
}
