package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestSettings is a country at work on its settings while people use the
// portal: the name of the service holds at once, the currency and the holidays
// once a second person has confirmed them; nothing is restarted.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			countryAtWork(t, lang)
		})
	}
}

func countryAtWork(t *testing.T, lang string) {
	s := ownSystem(t)
	rosa := signedIn(t, s.portal(), lang, "rosa")
	ref := rosa.starts(t, "/apply")
	income := "/apply/" + ref + "/q/monthly_income"
	rosa.sees(t, income, map[string]string{"en": "MJD", "ar": "د.م."}[lang])

	admin := newBrowser(t, "settings", s.admin(), lang, true)
	admin.staffSignIn("sysadmin")
	admin.press(`.govuk-service-navigation__link[href$="/settings"]`)
	admin.look("settings")

	admin.renames(rosa)
	dpo := admin.colleague("settings-dpo", s.admin())
	dpo.staffSignIn("dpo")
	admin.changesMoney(dpo, rosa, income)
	admin.importsHolidays(t, s, dpo, rosa, ref)
	admin.looksAround(s)

	// what only the second person may read, and nobody else
	dpo.open("/settings/currency")
	dpo.says(dpo.say("error.title.forbidden"))
	dpo.forgive()
	if n := s.sql(t, `select count(*) from audit_event where action = 'settings.applied' and actor_kind = 'staff'`); n < "3" {
		t.Errorf("%s changes are in the audit log", n)
	}
}

func (v *Visitor) sees(t *testing.T, path, text string) {
	t.Helper()
	if page := v.mustGet(t, path); !strings.Contains(page, text) {
		t.Errorf("%s does not say %q", path, text)
	}
}

// renames gives the service another name and colour, and a logo.
func (b *Browser) renames(rosa *Visitor) {
	b.t.Helper()
	b.open("/settings/branding")
	b.fill("branding.service.en", "")
	b.next()
	b.says(b.say("settings.error.text"))
	b.look("branding-error")
	b.fill("branding.service.en", "Sijil")
	b.fill("branding.service.ar", "سجل مرجان")
	b.choose("branding.colour", "purple")
	b.waits("#preview", "سجل مرجان")
	b.look("branding")
	b.next()
	b.says(b.say("setting.state.applied"), "Sijil")
	b.look("branding-done")
	name := map[string]string{"en": "Sijil", "ar": "سجل مرجان"}[b.lang]
	rosa.sees(b.t, "/home", "– "+name+"</title>")
	rosa.sees(b.t, "/home", "dft-brand-purple")

	b.open("/settings/logo")
	b.next()
	b.says(b.say("settings.logo.missing"))
	bad, good := filepath.Join(b.t.TempDir(), "bad.svg"), filepath.Join(b.t.TempDir(), "good.svg")
	for path, inside := range map[string]string{bad: `<script>alert(1)</script>`, good: `<path d="M0 0h60v20z" fill="#4c2c92"/>`} {
		if err := os.WriteFile(path, []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20">`+inside+`</svg>`), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=logo]`), []string{bad}))
	b.next()
	b.says("script")
	b.look("logo-error")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=logo]`), []string{good}))
	b.next()
	b.says(b.say("setting.state.applied"))
	b.look("logo-done")
	b.open("/settings/logo")
	b.look("logo")
	if shown := b.find(`String(document.querySelector('header img').naturalWidth > 0)`); shown != "true" {
		b.t.Error("the logo is not shown")
	}
	rosa.sees(b.t, "/home", `src="/logo/`)
}

// changesMoney proposes another currency; it holds when it is confirmed.
func (b *Browser) changesMoney(dpo *Browser, rosa *Visitor, income string) {
	b.t.Helper()
	b.open("/settings/currency")
	b.look("currency")
	b.fill("currency.code", "KES9")
	b.fill("currency.written.en", "KSh")
	b.next()
	b.says(b.say("settings.error.currency_code"), b.say("settings.error.written", "Amount", "{amount}"))
	b.holds("currency.code", "KES9")
	b.look("currency-error")
	b.fill("currency.code", "KES")
	b.fill("currency.written.en", "KSh {amount}")
	b.fill("currency.written.ar", "{amount} ش.ك")
	b.waits("#preview", "KSh 1,250")
	b.fill("reason", "Act 7 of 2026")
	b.next()
	b.says(b.say("setting.state.proposed"), "KSh {amount}", "Act 7 of 2026")
	b.look("currency-proposed")
	if decide := b.find(`String(document.querySelector('[name=decision]') !== null)`); decide != "false" {
		b.t.Error("the proposer can confirm")
	}
	before, after := map[string]string{"en": "MJD", "ar": "د.م."}[b.lang], map[string]string{"en": "KSh", "ar": "ش.ك"}[b.lang]
	rosa.sees(b.t, income, before)

	dpo.open("/settings")
	dpo.says(dpo.say("setting.changes"))
	dpo.look("waiting")
	dpo.press(`.govuk-notification-banner a`)
	dpo.look("changes")
	dpo.press(`main td a`)
	dpo.next()
	dpo.says(dpo.say("setting.error.decision"))
	dpo.choose("decision", "refuse")
	dpo.next()
	dpo.says(dpo.say("setting.error.note"))
	dpo.look("decide-error")
	dpo.choose("decision", "approve")
	dpo.next()
	dpo.says(dpo.say("setting.state.applied"))
	dpo.look("decided")
	rosa.sees(b.t, income, after)
}

// importsHolidays brings a file in, first with mistakes: the days of rosa's
// answer move.
func (b *Browser) importsHolidays(t *testing.T, s *System, dpo *Browser, rosa *Visitor, ref string) {
	t.Helper()
	today := s.sql(t, `select to_char(now() at time zone 'Africa/Nairobi', 'YYYY-MM-DD')`)
	day, err := time.Parse(time.DateOnly, today)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody rests at the end of the week, but for the next four days; three days
	// to answer: the seventh.
	file := "daftar_settings: 1\nclocks: {answer_days: 3}\nworking_days:\n  weekend: []\n  holidays:\n"
	for n := 1; n <= 4; n++ {
		file += fmt.Sprintf("    - {day: %q, name: {en: Feast %d, ar: عيد %d}}\n", day.AddDate(0, 0, n).Format(time.DateOnly), n, n)
	}
	upload := func(content string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "country.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		b.open("/settings/file")
		b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=file]`), []string{path}))
		b.next()
	}
	b.open("/settings/file")
	b.look("file")
	b.next()
	b.says(b.say("settings.file.missing"))
	upload(strings.Replace(file, "answer_days: 3", "answer_days: 0", 1) + "colour: red\n")
	b.says(b.say("settings.file.unknown", "Line", 10, "Key", "colour"))
	upload(strings.Replace(file, "answer_days: 3", "answer_days: 0", 1))
	b.says(b.say("settings.file.at", "Line", 2, "Key", "clocks.answer_days", "Why", b.say("settings.error.between", "Min", 1, "Max", 180)))
	b.look("file-error")
	upload(file)
	b.says(b.say("setting.state.draft"), "answer_days", "Feast 4")
	b.look("file-diff")
	b.pressText(b.say("setting.send"))
	b.says(b.say("setting.state.proposed"))
	change := b.location()
	change = change[strings.Index(change, "/settings"):]
	dpo.open(change)
	dpo.choose("decision", "approve")
	dpo.next()
	dpo.says(dpo.say("setting.state.applied"))

	rosa.fills(t, "/apply/"+ref, rosasHousehold())
	rosa.mustSave(t, "/apply/"+ref+"/check", form("/apply/:ref/check"))
	due := day.AddDate(0, 0, 7)
	if got := s.sql(t, `select due_on from case_file where ref = '`+ref+`'`); got != due.Format(time.DateOnly) {
		t.Errorf("the answer is due on %s, not %s", got, due.Format(time.DateOnly))
	}
	her := b.colleague("settings-rosa", s.portal())
	her.open("/sign-in?to=/apply/" + ref + "/receipt")
	her.signIn("rosa")
	her.says(fmt.Sprint(due.Day()), her.say("receipt.office"), map[string]string{"en": "Capital regional office", "ar": "مكتب إقليم العاصمة"}[b.lang])
	her.look("receipt")
	her.open("/privacy")
	her.says(her.say("privacy.kept"))
	her.look("privacy")
}

// looksAround opens every other page, with something typed where it matters.
func (b *Browser) looksAround(s *System) {
	b.t.Helper()
	for _, page := range []string{"country", "languages", "writing", "working-days", "holidays", "clocks", "retention", "contact", "numbers", "numbers/new", "offices", "offices/new", "staff"} {
		b.open("/settings/" + page)
		b.look(strings.ReplaceAll(page, "/", "-"))
	}
	b.open("/settings/writing")
	b.choose("languages.writing.ar.digits", "arab")
	b.pick("languages.writing.ar.second", "islamic-umalqura")
	b.do(chromedp.SendKeys(chromedp.CSS(`select[name="languages.writing.ar.second"]`), " ")) // tells the page that something was typed
	b.waits("#preview", "١٢٬٣٤٥٫٥")
	b.next()
	b.says(b.say("setting.state.applied"))
	b.open("/settings/numbers/national_id")
	b.fill("number", "mj 1001-4471")
	b.pressText(b.say("setting.try_go"))
	b.says("MJ10014471")
	b.look("number-tried")
	b.open("/settings/offices/capital")
	b.fill("offices.0.areas", "MJ01 MJ9")
	b.fill("offices.0.opening.friday", "9 to 5")
	b.next()
	b.says(b.say("settings.error.area", "Code", "MJ9"), b.say("settings.error.hours"))
	b.look("office-error")
	b.open("/settings/staff")
	b.press(`main td a`)
	b.next()
	b.says(b.say("setting.error.role"), b.say("setting.error.choose_office"))
	b.look("role-error")
	b.choose("role", "auditor")
	b.pick("office", "north")
	b.next()
	b.says(b.say("role.conflict.auditor"))
	b.look("role-conflict")
	b.choose("role", "grievance")
	b.pressText(b.say("setting.preview_role"))
	b.says(b.say("setting.would_see"), b.say("nav.queue"))
	b.look("role-preview")
	b.next()
	b.says(b.say("setting.state.proposed"))
	b.look("role-proposed")
	b.pressText(b.say("setting.withdraw"))
	b.says(b.say("setting.state.withdrawn"))
}
