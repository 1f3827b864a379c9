package settings_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/registry/settings"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// office is a member of staff, by number; the first answers for nothing.
func officer(n byte) db.Principal {
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{15: n}}
}

// open is a database with three areas and three members of staff.
func open(t *testing.T) *dbtest.DB {
	t.Helper()
	d := dbtest.New(t)
	as(t, d, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		statements := []string{
			`insert into area (id, code, level, kind, name) values ('00000000-0000-0000-0000-0000000000a0', 'MJ', 0, 'country', '{"en": "Marjan"}')`,
			`insert into area (id, code, level, kind, parent_id, name) select '00000000-0000-0000-0000-0000000000a1', 'MJ01', 1, 'region', id, '{"en": "One"}' from area where code = 'MJ'`,
			`insert into area (id, code, level, kind, parent_id, name) select '00000000-0000-0000-0000-0000000000a2', 'MJ02', 1, 'region', id, '{"en": "Two"}' from area where code = 'MJ'`,
			`insert into area (id, code, level, kind, parent_id, name) select '00000000-0000-0000-0000-0000000000b1', 'MJ0101', 2, 'district', id, '{"en": "One one"}' from area where code = 'MJ01'`,
			`insert into identity_provider (id, issuer) values ('staff', 'https://id.example')`,
			`insert into staff (id, provider, sub, name) values ('00000000-0000-0000-0000-000000000001', 'staff', 'a', 'Anna'),
				('00000000-0000-0000-0000-000000000002', 'staff', 'b', 'Badr'), ('00000000-0000-0000-0000-000000000003', 'staff', 'c', 'Chidi')`,
		}
		for _, s := range statements {
			if err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

func as(t *testing.T, d *dbtest.DB, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// change proposes what edit makes of the state, as officer 1.
func change(t *testing.T, d *dbtest.DB, edit func(*settings.File)) (ref string, done bool) {
	t.Helper()
	as(t, d, officer(1), func(tx db.Tx) (err error) {
		ref, done, err = try(tx, edit)
		return err
	})
	return ref, done
}

func try(tx db.Tx, edit func(*settings.File)) (string, bool, error) {
	old, err := settings.Read(tx)
	if err != nil {
		return "", false, err
	}
	f := &settings.File{Format: settings.Format}
	edit(f)
	next := old.With(f)
	if err := settings.Check(tx, f, old, next); err != nil {
		return "", false, err
	}
	return settings.Propose(tx, settings.Proposal{Origin: settings.OriginPage, Items: settings.Diff(old, next)})
}

func load(t *testing.T, d *dbtest.DB) (s *registry.Settings) {
	t.Helper()
	as(t, d, officer(1), func(tx db.Tx) (err error) { s, err = registry.LoadSettings(tx); return err })
	return s
}

func money(code string) func(*settings.File) {
	return func(f *settings.File) {
		f.Currency = &i18n.Money{Code: code, Decimals: 2, Name: i18n.Text{"en": "Dinar", "ar": "دينار"}}
	}
}

func brand(name string) func(*settings.File) {
	return func(f *settings.File) { f.Branding = &registry.Branding{Service: i18n.Text{"en": name, "ar": name}} }
}

// Money needs a second person; the name of the service does not.
func TestWhatTakesTwoPeople(t *testing.T) {
	t.Parallel()
	d := open(t)
	if _, done := change(t, d, brand("Sijil")); !done {
		t.Error("a name waits for somebody")
	}
	if got := load(t, d).Branding.Service["en"]; got != "Sijil" {
		t.Errorf("the service is called %q", got)
	}
	ref, done := change(t, d, money("KES"))
	if done || load(t, d).Currency.Code != "" {
		t.Fatal("the currency changed by one person's will")
	}
	err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error { return settings.Approve(tx, ref) })
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("the proposer approved: %v", err)
	}
	as(t, d, officer(2), func(tx db.Tx) error { return settings.Approve(tx, ref) })
	if got := load(t, d).Currency.Code; got != "KES" {
		t.Errorf("the currency is %q", got)
	}
	if err := d.WithTx(t.Context(), officer(3), func(tx db.Tx) error { return settings.Approve(tx, ref) }); !fault.Is(err, fault.Conflict) {
		t.Errorf("approved twice: %v", err)
	}
}

// What the code says about hands is what the database does.
func TestHandsAgreeWithTheDatabase(t *testing.T) {
	t.Parallel()
	d := open(t)
	var rows []struct {
		Kind  string `db:"kind"`
		Key   string `db:"key"`
		Hands int    `db:"hands"`
	}
	as(t, d, officer(1), func(tx db.Tx) error { return tx.Select(&rows, `select kind, key, hands from setting_kind`) })
	groups := 0
	for _, r := range rows {
		if got := settings.Hands([]settings.Item{{Kind: r.Kind, Key: r.Key}}); got != r.Hands {
			t.Errorf("%s %s takes %d, the code says %d", r.Kind, r.Key, r.Hands, got)
		}
		if r.Kind == settings.KindSetting {
			groups++
		}
	}
	if groups != len(registry.SettingGroups()) {
		t.Errorf("%d groups in the database", groups)
	}
}

// Raw SQL by a site's role gets round none of it.
func TestNoWayRound(t *testing.T) {
	t.Parallel()
	d := open(t)
	change(t, d, brand("Sijil"))
	ref, _ := change(t, d, money("KES"))
	for _, role := range []db.Role{db.Staff, db.Citizen, db.Jobs} {
		for _, statement := range []string{
			`insert into setting (key, value, updated_at) values ('currency', '{}', now())`,
			`update setting set value = '{}' where key = 'branding'`,
			`update setting_change set decided_by = '00000000-0000-0000-0000-000000000002', state = 'applied'`,
			`update setting_change_item set value = '{}'`,
			`insert into office (id, code, kind, name) values (gen_random_uuid(), 'x', 'counter', '{}')`,
			`insert into office_role (staff_id, role, office_id, valid_from) select id, 'sysadmin', gen_random_uuid(), now() from staff`,
			`update identifier_type set pattern = ''`,
			`select refresh_office_scope()`,
			`select apply_office('x', 0, '{}')`,
		} {
			if err := d.WithTx(t.Context(), db.Principal{Role: role, Kind: "staff", Actor: db.ID{15: 1}}, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
				t.Errorf("%s: %s", role, statement)
			}
		}
	}
	// another item for a proposal that somebody is looking at; one in somebody else's name
	for who, statement := range map[db.Principal]string{
		officer(1): `insert into setting_change_item (change_id, seq, kind, key, base, value) select id, 99, 'setting', 'clocks', 0, '{}' from setting_change where state = 'proposed'`,
		officer(2): `insert into setting_change (id, ref, origin, proposed_at, proposed_by) values (gen_random_uuid(), 'x', 'page', now(), '00000000-0000-0000-0000-000000000001')`,
	} {
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Error(statement)
		}
	}
	if err := d.WithTx(t.Context(), db.Principal{Role: db.Staff}, func(tx db.Tx) error { return settings.Approve(tx, ref) }); !fault.Is(err, fault.Forbidden) {
		t.Errorf("nobody in particular approved: %v", err)
	}
}

// Two that start from the same state: the second no longer fits.
func TestStaleProposal(t *testing.T) {
	t.Parallel()
	d := open(t)
	first, _ := change(t, d, money("KES"))
	second, _ := change(t, d, money("TZS"))
	as(t, d, officer(2), func(tx db.Tx) error { return settings.Approve(tx, first) })
	err := d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return settings.Approve(tx, second) })
	if !settings.IsStale(err) {
		t.Errorf("%v", err)
	}
	as(t, d, officer(2), func(tx db.Tx) error { return settings.MarkStale(tx, second) })
	as(t, d, officer(3), func(tx db.Tx) error {
		c, err := settings.Load(tx, second)
		if c.State != settings.Stale {
			t.Errorf("it is %s", c.State)
		}
		return err
	})
	if got := load(t, d).Currency.Code; got != "KES" {
		t.Error(got)
	}
}

func TestRefuseAndWithdraw(t *testing.T) {
	t.Parallel()
	d := open(t)
	refused, _ := change(t, d, money("KES"))
	withdrawn, _ := change(t, d, money("TZS"))
	for who, do := range map[byte]func(db.Tx) error{
		1: func(tx db.Tx) error { return settings.Refuse(tx, refused, "no", "en") },
		2: func(tx db.Tx) error { return settings.Withdraw(tx, withdrawn) },
	} {
		if err := d.WithTx(t.Context(), officer(who), do); err == nil {
			t.Errorf("officer %d did it", who)
		}
	}
	as(t, d, officer(2), func(tx db.Tx) error { return settings.Refuse(tx, refused, "We pay in shillings", "en") })
	as(t, d, officer(1), func(tx db.Tx) error { return settings.Withdraw(tx, withdrawn) })
	for _, ref := range []string{refused, withdrawn} {
		if err := d.WithTx(t.Context(), officer(3), func(tx db.Tx) error { return settings.Approve(tx, ref) }); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
	}
	as(t, d, officer(3), func(tx db.Tx) error {
		list, err := settings.List(tx)
		if len(list) != 2 || list[0].Proposer != "Anna" {
			t.Errorf("%v", list)
		}
		return err
	})
}

// A file always takes two people, and its draft is seen by its author alone.
func TestFileIsADraftFirst(t *testing.T) {
	t.Parallel()
	d := open(t)
	var ref string
	as(t, d, officer(1), func(tx db.Tx) error {
		p, err := settings.FromFile(tx, "x.yaml", []byte("daftar_settings: 1\nbranding: {service: {en: Sijil, ar: سجل}}\n"))
		if err != nil {
			return err
		}
		ref, err = settings.Store(tx, p)
		return err
	})
	if err := d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { _, err := settings.Load(tx, ref); return err }); !fault.Is(err, fault.NotFound) {
		t.Errorf("a draft is seen by others: %v", err)
	}
	as(t, d, officer(1), func(tx db.Tx) error {
		done, err := settings.Send(tx, ref)
		if done {
			t.Error("one person was enough")
		}
		return err
	})
	as(t, d, officer(2), func(tx db.Tx) error { return settings.Approve(tx, ref) })
	if got := load(t, d).Branding.Service["ar"]; got != "سجل" {
		t.Error(got)
	}
	var actions []string
	as(t, d, db.Principal{Role: db.Jobs}, func(tx db.Tx) error {
		return tx.Select(&actions, `select action from audit_event where subject_kind = 'setting_change' order by at, action`)
	})
	if got := strings.Join(slices.Sorted(slices.Values(actions)), " "); got != "settings.applied settings.drafted settings.proposed" {
		t.Error(got)
	}
}

// Every mistake is named with its line, and nothing of the file is used.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	d := open(t)
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Printer("en")
	good := "daftar_settings: 1\n"
	for _, c := range []struct{ file, want string }{
		{"", "settings.file.empty"},
		{"{", "1 settings.file.syntax"},
		{"daftar_settings: 2\n", "1 daftar_settings settings.file.format"},
		{"country:\n  name: {en: A}\n", "2? daftar_settings settings.file.format|1 daftar_settings settings.file.format"},
		{good + "colour: red\n", "2 colour settings.file.unknown"},
		{good + "clocks: {answer_days: soon}\n", "2 soon settings.file.type"},
		{good + "clocks: {answer_days: 1}\nclocks: {answer_days: 2}\n", "3 clocks settings.file.twice"},
		{good + "---\n" + good, "settings.file.two"},
		{good + "clocks:\n  answer_days: 0\n", "3 clocks.answer_days settings.error.between"},
		{good + "country: {name: {en: A, ar: ب}, code: mj, time_zone: Mars}\n", "2 country.code settings.error.area, 2 country.time_zone settings.error.time_zone"},
		{good + "languages:\n  offered: [en, tlh, en]\n", "3 languages.offered.1 settings.error.language, 3 languages.offered.2 settings.error.twice"},
		{good + "languages:\n  writing:\n    en: {digits: arab}\n    ar: {calendars: [persian, persian]}\n    xx: {}\n",
			"4 languages.writing.en.digits field.error.choice, 5 languages.writing.ar.calendars settings.error.calendars, 6 languages.writing.xx settings.error.language"},
		{good + "currency: {code: kes, decimals: 9, name: {en: S}, written: {en: KES}}\n",
			"2 currency.code settings.error.currency_code, 2 currency.decimals settings.error.between, 2 currency.name.ar settings.error.text, 2 currency.written.en settings.error.written"},
		{good + "working_days:\n  weekend: [sunday, sunday, funday]\n", "3 working_days.weekend.1 field.error.choice, 3 working_days.weekend.2 field.error.choice"},
		{good + "working_days:\n  weekend: [sunday, monday, tuesday, wednesday, thursday, friday, saturday]\n", "3 working_days.weekend settings.error.weekend"},
		{good + "working_days:\n  weekend: []\n  holidays:\n    - {day: 2026-02-30, name: {en: A, ar: ب}}\n    - {day: 2026-01-01, name: {en: A, ar: ب}, areas: [ZZ]}\n",
			"5 working_days.holidays.0.day field.error.date, 6 working_days.holidays.1.areas.0 settings.error.area"},
		{good + "retention: {socks: 3, audit: -1}\n", "2 retention.audit settings.error.between, 2 retention.socks settings.file.unknown"},
		{good + "branding: {service: {en: \"\"}, colour: pink}\n", "2 branding.colour field.error.choice, 2 branding.service.ar settings.error.text, 2 branding.service.en settings.error.text"},
		{good + "logo: {type: image/svg+xml, data: PHN2Zz48c2NyaXB0Lz48L3N2Zz4=, hash: x}\n", "2 logo.data settings.logo.type"},
		{good + "contact:\n  lines: []\n  links:\n    - {label: {en: A, ar: ب}, url: \"javascript:alert(1)\"}\n", "5 contact.links.0.url settings.error.url"},
		{good + "area_kinds:\n  - {level: 9, code: X, name: {en: A, ar: ب}}\n", "3 area_kinds.0.code field.error.code, 3 area_kinds.0.level settings.error.between"},
		{good + "identifiers:\n  - {code: a, name: {en: A, ar: ب}, pattern: \"[\"}\n  - {code: a, name: {en: A, ar: ب}, check_digit: guess}\n",
			"3 identifiers.0.pattern settings.error.pattern, 4 identifiers.1.check_digit field.error.choice, 4 identifiers.1.code settings.error.twice"},
		{good + "tags:\n  - {code: Bad Code, name: {en: A, ar: ب}}\n  - {code: a, name: {en: A, ar: ب}, of: [person, area]}\n  - {code: a, name: {en: B, ar: ت}}\n",
			"3 tags.0.code field.error.code, 4 tags.1.of.1 field.error.choice, 5 tags.2.code settings.error.twice"},
		{good + "identifiers:\n  - {code: national_id, name: {en: A, ar: ب}, retired: true}\n", "3 identifiers.0.retired settings.error.national_id"},
		{good + "offices:\n  - {code: a, kind: palace, parent: b, name: {en: A, ar: ب}, seat: ZZ, areas: [MJ99], phone: call me, opening: {monday: \"9-5\"}}\n",
			"3 offices.0.areas.0 settings.error.area, 3 offices.0.kind field.error.choice, 3 offices.0.opening.monday settings.error.hours, 3 offices.0.parent settings.error.office, 3 offices.0.phone settings.error.phone, 3 offices.0.seat settings.error.area"},
		{good + "offices:\n  - {code: a, kind: counter, parent: b, name: {en: A, ar: ب}}\n  - {code: b, kind: counter, parent: a, name: {en: A, ar: ب}}\n",
			"3 offices.0.parent rule.office_circle, 4 offices.1.parent rule.office_circle"},
		{good + "fields:\n  - {subject: person, code: x, type: choice, label: {en: A}}\n", "3 fields.0.label.ar field.error.label, 3 fields.0.options field.error.options"},
		{good + "fields:\n  - {subject: person, code: x, type: number, label: {en: A, ar: ب}, visible_when: nope}\n", "3 fields.0.visible_when field.error.expression"},
	} {
		err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
			_, err := settings.FromFile(tx, "x.yaml", []byte(c.file))
			return err
		})
		if got := told(err); !slices.Contains(strings.Split(c.want, "|"), got) {
			t.Errorf("%q:\n%s\nnot\n%s", c.file, got, c.want)
		}
		var f *fault.Error
		if errors.As(err, &f) {
			for _, one := range f.Fields {
				if why, ok := one.Args["Why"].(fault.Nested); ok && !p.Has(why.Key) {
					t.Errorf("no message %s", why.Key)
				}
			}
		}
	}
	if got := load(t, d); got.Version() != load(t, open(t)).Version() {
		t.Error("a file with mistakes changed something")
	}
	if err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
		_, err := settings.FromFile(tx, "x.yaml", bytes.Repeat([]byte("# "), settings.MaxFile))
		return err
	}); told(err) != "settings.file.too_large" {
		t.Error(err)
	}
}

// told is an error as "line path key, ...", in order.
func told(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return "no fault"
	}
	if len(f.Fields) == 0 {
		return f.Key
	}
	var list []string
	for _, one := range f.Fields {
		key := one.Key
		if why, ok := one.Args["Why"].(fault.Nested); ok {
			key = why.Key
		}
		list = append(list, strings.Join(strings.Fields(number(one.Args["Line"])+" "+text(one.Args["Key"])+" "+key), " "))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func number(v any) string {
	if v == nil {
		return ""
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

func text(v any) string { s, _ := v.(string); return s }

// What is exported comes in again the same, with every group filled.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	logo, err := settings.NewLogo("logo", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><title>x</title><path d="M0 0h20v10z" fill="#123"/></svg>`))
	if err != nil {
		t.Fatal(err)
	}
	from := &settings.File{Format: 1,
		Country:   &registry.Country{Name: i18n.Text{"en": "Marjan", "ar": "مرجان"}, Code: "MJ", TimeZone: "Africa/Nairobi"},
		Languages: &registry.Languages{Offered: []string{"ar", "en"}, Writing: map[string]i18n.Writing{"ar": {Digits: "arab", Calendars: []string{"gregorian", "islamic-umalqura"}}}},
		Currency:  &i18n.Money{Code: "KES", Decimals: 2, Name: i18n.Text{"en": "Shilling", "ar": "شلن"}, Written: i18n.Text{"en": "KSh {amount}"}},
		WorkingDays: &registry.WorkingDays{Weekend: []string{"friday"}, Holidays: []registry.Holiday{
			{Day: "2026-03-20", Name: i18n.Text{"en": "Eid", "ar": "عيد"}}, {Day: "2026-03-21", Name: i18n.Text{"en": "Eid", "ar": "عيد"}, Areas: []string{"MJ01", "MJ02"}}}},
		Clocks: &registry.Clocks{AnswerDays: 20}, Retention: &registry.Retention{"audit": 120, "drafts": 0},
		Branding: &registry.Branding{Service: i18n.Text{"en": "S", "ar": "س"}, Owner: i18n.Text{"en": "O", "ar": "ع"}, Colour: "navy"}, Logo: &logo,
		Contact: &registry.ServiceContact{Lines: []i18n.Text{{"en": "Call: 1", "ar": "اتصل: 1"}}, Links: []registry.Link{{Label: i18n.Text{"en": "Law", "ar": "القانون"}, URL: "https://law.example/x?y=1"}}},
		Identifiers: []settings.Identifier{{Code: "national_id", Name: i18n.Text{"en": "Number", "ar": "رقم"}, Pattern: `[A-Z]{2}(?:[0-9]{8})?`, CheckDigit: "luhn",
			Issuers: []registry.Issuer{{Code: "north", Name: i18n.Text{"en": "North", "ar": "شمال"}}}}, {Code: "old", Name: i18n.Text{"en": "Old", "ar": "قديم"}, Subject: "household", Retired: true}},
		Offices: []settings.Office{
			{Code: "b", Parent: "a", Kind: "counter", Name: i18n.Text{"en": "B", "ar": "ب"}, Areas: []string{"MJ0101"}},
			{Code: "a", Kind: "regional", Name: i18n.Text{"en": "A", "ar": "أ"}, Seat: "MJ0101", Areas: []string{"MJ02", "MJ01"}, Address: i18n.Text{"en": "Road: 1", "ar": "طريق"},
				Phone: "+254 700 1", Opening: map[string]string{"monday": "08:00-12:30"}}},
	}
	var file bytes.Buffer
	if _, err := from.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	d := open(t)
	bring := func(content []byte) int {
		var ref string
		var n int
		as(t, d, officer(1), func(tx db.Tx) error {
			p, err := settings.FromFile(tx, "x.yaml", content)
			if n = len(p.Items); err != nil || n == 0 {
				return err
			}
			ref, _, err = settings.Propose(tx, p)
			return err
		})
		if n > 0 {
			as(t, d, officer(2), func(tx db.Tx) error { return settings.Approve(tx, ref) })
		}
		return n
	}
	if n := bring(file.Bytes()); n != 13 {
		t.Errorf("%d things are new", n)
	}
	export := func() []byte {
		var out bytes.Buffer
		as(t, d, officer(1), func(tx db.Tx) error {
			s, err := settings.Read(tx)
			if err != nil {
				return err
			}
			_, err = s.File().WriteTo(&out)
			return err
		})
		return out.Bytes()
	}
	out := export()
	if n := bring(out); n != 0 {
		t.Errorf("the export differs in %d things", n)
	}
	if !bytes.Equal(out, export()) {
		t.Error("two exports differ")
	}
	for _, line := range []string{`  time_zone: Africa/Nairobi`, `    - {day: "2026-03-21", name: {ar: عيد, en: Eid}, areas: [MJ01, MJ02]}`, `  - {code: b, parent: a, kind: counter, name: {ar: ب, en: B}, areas: [MJ0101]}`} {
		if !bytes.Contains(out, []byte(line)) {
			t.Errorf("the export has no line %q:\n%s", line, out)
		}
	}
	s := load(t, d)
	if s.Logo.Hash != logo.Hash || s.Logo.Data != "" {
		t.Error("the logo is carried along with every page")
	}
	if c, err := s.Calendar(); err != nil || c.Zone.String() != "Africa/Nairobi" || !c.Holidays["2026-03-20"] || c.Holidays["2026-03-21"] {
		t.Error(c, err)
	}
}

// An office answers for its own areas and those of the offices below; who has a
// role there has it there at once, and loses it at once.
func TestRolesAtOffices(t *testing.T) {
	t.Parallel()
	d := open(t)
	offices := func(list ...settings.Office) {
		t.Helper()
		ref, _ := change(t, d, func(f *settings.File) { f.Offices = list })
		as(t, d, officer(2), func(tx db.Tx) error { return settings.Approve(tx, ref) })
	}
	name := i18n.Text{"en": "X", "ar": "س"}
	offices(settings.Office{Code: "top", Kind: "ministry", Name: name}, settings.Office{Code: "one", Parent: "top", Kind: "regional", Name: name, Seat: "MJ0101", Areas: []string{"MJ01", "MJ0101"}},
		settings.Office{Code: "two", Parent: "top", Kind: "regional", Name: name, Areas: []string{"MJ02"}})
	role := func(r settings.Role) (err error) {
		var ref string
		if err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) (err error) {
			ref, err = settings.ProposeRole(tx, r, settings.Proposal{Origin: settings.OriginPage})
			return err
		}); err != nil {
			return err
		}
		return d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return settings.Approve(tx, ref) })
	}
	grants := func() string {
		t.Helper()
		var codes []string
		as(t, d, officer(3), func(tx db.Tx) error {
			return tx.Select(&codes, `select r.role || '@' || a.code from staff_scope r join area a on a.id = r.area_id
				where r.staff_id = $1 and r.valid_from <= $2 and (r.valid_to is null or r.valid_to > $2) order by 1`, officer(3).Actor, tx.Now())
		})
		return strings.Join(codes, " ")
	}
	must := func(err error, want string) {
		t.Helper()
		if got := grants(); err != nil || got != want {
			t.Errorf("%q instead of %q (%v)", got, want, err)
		}
	}
	must(role(settings.Role{Staff: officer(3).Actor, Role: "verifier", Office: "top"}), "verifier@MJ01 verifier@MJ02")
	// Roles that exclude each other are refused when they would hold together.
	if err := role(settings.Role{Staff: officer(3).Actor, Role: "intake", Office: "one"}); !fault.Is(err, fault.Invalid) {
		t.Error("who checks takes in, too: ", err)
	}
	must(nil, "verifier@MJ01 verifier@MJ02")
	must(role(settings.Role{Staff: officer(3).Actor, Role: "grievance", Office: "one"}), "grievance@MJ01 verifier@MJ01 verifier@MJ02")
	must(role(settings.Role{Staff: officer(3).Actor, Role: "verifier", Office: "top", Ended: true}), "grievance@MJ01")
	d.Clock.Add(time.Hour)
	must(role(settings.Role{Staff: officer(3).Actor, Role: "verifier", Office: "two", Until: d.Now().Add(time.Hour).Format(time.RFC3339)}), "grievance@MJ01 verifier@MJ02")
	d.Clock.Add(2 * time.Hour)
	must(nil, "grievance@MJ01")
	offices(settings.Office{Code: "one", Parent: "top", Kind: "regional", Name: name, Closed: true})
	must(nil, "")
	if err := role(settings.Role{Staff: officer(3).Actor, Role: "intake", Office: "nowhere"}); err == nil {
		t.Error("a role at an office that is not there")
	}
	var office registry.Office
	var there bool
	as(t, d, officer(1), func(tx db.Tx) (err error) {
		a, err := registry.AreaByCode(tx, "MJ0101")
		if err != nil {
			return err
		}
		office, there, err = registry.OfficeFor(tx, a.ID)
		return err
	})
	if there {
		t.Errorf("a closed office answers: %s", office.Code)
	}
}

// A pattern that verified numbers do not fit is refused: their records could
// not be changed any more.
func TestPatternKeepsVerifiedNumbers(t *testing.T) {
	t.Parallel()
	d := open(t)
	as(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(1).Actor}, func(tx db.Tx) error {
		a, err := registry.AreaByCode(tx, "MJ0101")
		if err != nil {
			return err
		}
		home := tx.NewID()
		c, err := registry.Propose(tx, registry.OriginBatch, []registry.Item{
			{Kind: registry.KindHousehold, Subject: home, Data: registry.HouseholdData{Ref: registry.NewRef(registry.RefHousehold, tx.Rand()), AreaID: a.ID}},
			{Kind: registry.KindPerson, Subject: tx.NewID(), Data: registry.PersonData{Ref: registry.NewRef(registry.RefPerson, tx.Rand()), FullName: "A",
				Identifiers: []registry.IdentifierData{{Type: registry.NationalID, Value: "AB123", Status: "verified"}}}}})
		if err != nil {
			return err
		}
		return tx.Exec(`select set_config('x.c', $1, false)`, c.String())
	})
	as(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(2).Actor}, func(tx db.Tx) error {
		var c db.ID
		if err := tx.Get(&c, `select id from change`); err != nil {
			return err
		}
		if err := registry.Approve(tx, c); err != nil {
			return err
		}
		return registry.Apply(tx, c)
	})
	pattern := func(p string) error {
		ref, _ := change(t, d, func(f *settings.File) {
			f.Identifiers = []settings.Identifier{{Code: "national_id", Name: i18n.Text{"en": "N", "ar": "ر"}, Pattern: p}}
		})
		return d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return settings.Approve(tx, ref) })
	}
	err := pattern("[0-9]{9}")
	if !fault.Is(err, fault.Conflict) || settings.IsStale(err) {
		t.Errorf("%v", err)
	}
	if err := pattern("[A-Z]{2}[0-9]{3}|[0-9]{9}"); err != nil {
		t.Error(err)
	}
}

func TestPatternsAreTried(t *testing.T) {
	t.Parallel()
	d := open(t)
	as(t, d, officer(1), func(tx db.Tx) error {
		for _, c := range []struct {
			pattern, check, value string
			sound, fits, digits   bool
		}{
			{"", "none", "any thing", true, true, true},
			{"MJ[0-9]{8}", "none", "mj 1001-4471", true, true, true},
			{"MJ[0-9]{8}", "none", "MJ1", true, false, true},
			{"[0-9]+", "luhn", "79927398713", true, true, true},
			{"[0-9]+", "luhn", "79927398710", true, true, false},
			{"[0-9", "none", "1", false, false, true},
			{"(a+)+", "none", "aaa", false, false, true},
			{`(a)\1`, "none", "aa", false, false, true},
			{"(?=a)a", "none", "a", false, false, true},
			{`\p{Lu}`, "none", "A", false, false, true}, // the database does not know it
			{"(?:AB|CD)?[0-9]{3}", "none", "123", true, true, true},
		} {
			got, err := settings.Fits(tx, settings.Identifier{Pattern: c.pattern, CheckDigit: c.check}, c.value)
			if err != nil {
				return err
			}
			if got.Sound != c.sound || got.Fits != c.fits || got.Digits != c.digits {
				t.Errorf("%s with %s: %+v", c.pattern, c.value, got)
			}
		}
		return nil
	})
}

// Several processes agree: what one changes, another sees without asking.
func TestProcessesAgree(t *testing.T) {
	t.Parallel()
	d := open(t)
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	other, err := settings.NewLive(t.Context(), d.DB, messages)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); other.Follow(ctx, func(err error) { t.Error(err) }) }()
	for _, name := range []string{"Sijil", "Rejista", "Padrón"} {
		change(t, d, brand(name))
		deadline := time.Now().Add(20 * time.Second)
		for messages.Printer("en").Service() != name && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if got := messages.Printer("en").Service(); got != name {
			t.Errorf("the other process says %q", got)
		}
	}
	stop()
	<-done
	if got := (*settings.Live)(nil).Settings().Clocks.AnswerDays; got != 15 {
		t.Error(got)
	}
}

// The palette is the style sheet's, and every colour carries white words.
func TestPalette(t *testing.T) {
	t.Parallel()
	if got := settings.Contrast("#000000", "#ffffff"); got != 21 {
		t.Errorf("black on white: %f", got)
	}
	if got := settings.Contrast("#767676", "#ffffff"); got < 4.53 || got > 4.55 { // as WCAG's own examples have it
		t.Errorf("%f", got)
	}
	css, err := os.ReadFile("../../static/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]string{}
	for _, m := range regexp.MustCompile(`\.dft-brand-([a-z]+)\{--govuk-brand-colour: (#[0-9a-f]{6})\}`).FindAllStringSubmatch(string(css), -1) {
		in[m[1]] = m[2]
	}
	for _, c := range settings.Palette() {
		if got := settings.Contrast(c.Hex, settings.Words); got < 7 {
			t.Errorf("%s has a contrast of %.2f", c.Code, got)
		}
		if in[c.Code] != c.Hex {
			t.Errorf("%s is %q in the style sheet", c.Code, in[c.Code])
		}
	}
	if len(in) != len(settings.Palette()) {
		t.Errorf("the style sheet has %d colours", len(in))
	}
}

// shops is a file with one field.
const shops = `daftar_settings: 1
fields:
  - subject: household
    code: shops
    type: number
    label: {en: Shops, ar: دكاكين}
`

// A file that holds a field of which somebody has a draft takes the draft's place,
// whoever brings it in: a member of staff, or a command.
func TestFileOverADraft(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]db.Role{"staff": db.Staff, "command": db.Jobs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			draft := registry.Field{Subject: "household", Code: "shops", Type: registry.TypeText, Sensitivity: "personal", Section: "other", Label: i18n.Text{"en": "Draft"}}
			as(t, d, officer(3), func(tx db.Tx) error { _, err := fields.Store(tx, draft); return err })
			one, two := officer(1), officer(2)
			one.Role, two.Role = role, role
			var ref string
			as(t, d, one, func(tx db.Tx) error {
				p, err := settings.FromFile(tx, "x.yaml", []byte(shops))
				if err != nil {
					return err
				}
				if drafts, err := settings.Drafts(tx, p.Items); err != nil || len(drafts) != 1 {
					t.Errorf("the draft that gives way is not named: %v %v", drafts, err)
				}
				ref, _, err = settings.Propose(tx, p)
				return err
			})
			if err := settings.Finish(t.Context(), d.DB, ref, one, two); err != nil {
				t.Fatal(err)
			}
			as(t, d, officer(1), func(tx db.Tx) error {
				versions, err := fields.History(tx, draft.Key())
				if err == nil && (len(versions) != 1 || versions[0].State() != "published" || versions[0].Label["en"] != "Shops" || versions[0].Type != registry.TypeNumber) {
					t.Errorf("in use: %+v", versions)
				}
				return err
			})
		})
	}
}

// What a command cannot finish does not wait for anybody.
func TestFinishLeavesNothing(t *testing.T) {
	t.Parallel()
	d := open(t)
	ref, _ := change(t, d, money("KES"))
	if err := settings.Finish(t.Context(), d.DB, ref, officer(1), officer(1)); !fault.Is(err, fault.Forbidden) {
		t.Errorf("one person was enough: %v", err)
	}
	as(t, d, officer(2), func(tx db.Tx) error {
		c, err := settings.Load(tx, ref)
		if c.State != settings.Withdrawn {
			t.Errorf("it is %s", c.State)
		}
		return err
	})
}
