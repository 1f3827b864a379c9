package i18n_test

import (
	"testing"
	"time"

	"daftar/i18n"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// New year's days and months as calendars of the countries print them.
func TestOtherCalendars(t *testing.T) {
	t.Parallel()
	b := load(t)
	for _, c := range []struct{ calendar, day, en string }{
		{"persian", "2024-03-19", "29 Esfand 1402"},
		{"persian", "2024-03-20", "1 Farvardin 1403"}, // Nowruz
		{"persian", "2025-03-20", "30 Esfand 1403"},   // a leap year
		{"persian", "2025-03-21", "1 Farvardin 1404"},
		{"persian", "1979-02-11", "22 Bahman 1357"},
		{"ethiopic", "2023-09-11", "6 Pagumen 2015"}, // a leap year
		{"ethiopic", "2023-09-12", "1 Meskerem 2016"},
		{"ethiopic", "2024-09-11", "1 Meskerem 2017"}, // Enkutatash
		{"ethiopic", "2025-01-07", "29 Tahsas 2017"},  // Genna
		{"islamic-umalqura", "2025-03-01", "1 Ramadan 1446"},
		{"islamic-umalqura", "2025-03-30", "1 Shawwal 1446"},
		{"islamic-umalqura", "2025-06-06", "10 Dhuʻl-Hijjah 1446"},
		{"islamic-umalqura", "1902-01-15", "5 Shawwal 1319"}, // the capture of Riyadh
		{"persian", "1890-01-01", "1 January 1890"},          // before the table
		{"persian", "2150-01-01", "1 January 2150"},          // and after it
		{"mayan", "2026-03-27", "27 March 2026"},
	} {
		b.Configure(i18n.Setup{Writing: map[string]i18n.Writing{"en": {Calendars: []string{c.calendar}}}})
		if got := b.Printer("en").Day(day(c.day)); got != c.en {
			t.Errorf("%s in the %s calendar: %s, not %s", c.day, c.calendar, got, c.en)
		}
	}
}

// A day's calendar date is counted on: no day is left out, none comes twice.
func TestCalendarsHaveEveryDay(t *testing.T) {
	t.Parallel()
	b := load(t)
	for _, calendar := range i18n.Calendars() {
		b.Configure(i18n.Setup{Writing: map[string]i18n.Writing{"en": {Calendars: []string{calendar}}}})
		p, seen := b.Printer("en"), map[string]bool{}
		for d := day("1900-01-01"); d.Year() < 2101; d = d.AddDate(0, 0, 1) {
			s := p.Day(d)
			if seen[s] {
				t.Fatalf("%s comes twice in the %s calendar", s, calendar)
			}
			seen[s] = true
		}
	}
}

func TestTwoCalendarsAndArabicDigits(t *testing.T) {
	t.Parallel()
	b := load(t)
	b.Configure(i18n.Setup{Writing: map[string]i18n.Writing{
		"ar": {Digits: "arab", Calendars: []string{i18n.Gregorian, "islamic-umalqura"}},
		"en": {Digits: "arab"}, // English has none
	}})
	ar, en := b.Printer("ar"), b.Printer("en")
	for got, want := range map[string]string{
		ar.Day(day("2026-03-27")):                             "٢٧ مارس ٢٠٢٦ (٨ شوال ١٤٤٧)",
		ar.Time(time.Date(2026, 3, 27, 9, 5, 0, 0, time.UTC)): "٢٧ مارس ٢٠٢٦ (٨ شوال ١٤٤٧)، ٠٩:٠٥",
		ar.Number(1234567):                                    "١٬٢٣٤٬٥٦٧",
		ar.Decimal(1234.5):                                    "١٬٢٣٤٫٥",
		ar.Decimal(3):                                         "٣",
		ar.N("people.count", 11):                              "١١ شخصا حتى الآن.",
		en.Day(day("2026-03-27")):                             "27 March 2026",
		en.Decimal(1234.25):                                   "1,234.25",
		en.Decimal(0.1 + 0.2):                                 "0.3",
		en.Decimal(100):                                       "100",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestMoneyAsTheCountryWritesIt(t *testing.T) {
	t.Parallel()
	b := load(t)
	if got := b.Printer("en").Money(1200); got != "1,200" {
		t.Errorf("without a currency: %q", got)
	}
	b.Configure(i18n.Setup{Money: i18n.Money{Code: "MJD", Decimals: 2, Written: i18n.Text{"ar": "{amount} د.م."}},
		Writing: map[string]i18n.Writing{"ar": {Digits: "arab"}}})
	en, ar := b.Printer("en"), b.Printer("ar")
	if got := en.Money(1200); got != "MJD 1,200" {
		t.Errorf("in a language that nothing is said about: %q", got)
	}
	if got := ar.Money(1200.5); got != "١٬٢٠٠٫٥٠ د.م." {
		t.Errorf("%q", got)
	}
	if got := ar.Money(1200); got != "١٬٢٠٠ د.م." {
		t.Errorf("%q", got)
	}
	if got := ar.Currency(); got != "د.م." {
		t.Errorf("%q", got)
	}
	b.Configure(i18n.Setup{Money: i18n.Money{Code: "MJD", Decimals: 2}})
	if got := b.Printer("en").Money(0.5); got != "MJD 0.50" {
		t.Errorf("%q", got)
	}
	if got := b.Printer("en").Currency(); got != "MJD" {
		t.Errorf("%q", got)
	}
}

func TestOfferedLanguages(t *testing.T) {
	t.Parallel()
	b := load(t)
	before := b.Printer("ar")
	b.Configure(i18n.Setup{Offered: []string{"ar", "tlh"}, Service: i18n.Text{"ar": "السجل"}})
	if list := b.Locales(); len(list) != 1 || list[0].Tag != "ar" {
		t.Errorf("%v", list)
	}
	if b.Offers("en") || !b.Offers("ar") || !b.Offers(i18n.Pseudo) {
		t.Error("what is on offer is not what was said")
	}
	if got := b.Preferred("fr, en;q=0.9").Tag; got != "ar" {
		t.Errorf("who speaks none of them gets %s", got)
	}
	if got := b.Printer("ar").Service(); got != "السجل" {
		t.Error(got)
	}
	if got := before.Service(); got != "دفتر" {
		t.Errorf("a page that had begun changed: %q", got)
	}
	b.Configure(i18n.Setup{Offered: []string{"tlh"}})
	if len(b.Locales()) != len(i18n.Shipped()) {
		t.Error("nothing is offered")
	}
}
