package letters_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/letters"
	"daftar/registry/notices"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	worker = db.Principal{Role: db.Jobs, Kind: "job"}
	writer = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{11}}
	reader = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{12}}
)

// town is two areas with a family in each; amina, of the first, has an account
// and a phone.
type town struct {
	*dbtest.DB
	t            *testing.T
	area, other  db.ID
	home, amina  db.ID
	account      db.Principal
	messages     *i18n.Bundle
	office, away registry.Reader
}

func newTown(t *testing.T, reviewed ...string) *town {
	t.Helper()
	o := &town{DB: dbtest.New(t), t: t, area: db.ID{1}, other: db.ID{2}, home: db.ID{3}, amina: db.ID{4}}
	o.Clock.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	var err error
	if o.messages, err = i18n.Load(locales.FS, time.UTC); err != nil {
		t.Fatal(err)
	}
	o.super(`insert into area (id, code, level, kind, name, l0) values ($1, 'A', 0, 'country', '{"en": "Here"}', $1), ($2, 'B', 0, 'country', '{"en": "Elsewhere"}', $2)`, o.area, o.other)
	o.super(`insert into household (id, ref, version, change_id, area_id, directions) values ($1, 'H-1', 1, $1, $2, 'Blue door')`, o.home, o.area)
	o.super(`insert into person (id, ref, version, change_id, full_name) values ($1, 'P-1', 1, $1, 'آمنة يوسف')`, o.amina)
	o.super(`insert into contact (person_id, kind, value, owner, safe) values ($1, 'phone', '+254700100471', 'own', '{notices}')`, o.amina)
	o.account = db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{5}}
	o.super(`insert into identity_provider (id, issuer) values ('citizen', 'http://c.example')`)
	o.super(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', 'a', $2, now())`, o.account.Actor, o.amina)
	o.office, o.away = registry.Reader{Areas: []db.ID{o.area}}, registry.Reader{Areas: []db.ID{o.other}, Protected: []db.ID{o.other}}
	o.do(worker, func(tx db.Tx) error { return letters.Install(tx, o.messages) })
	for _, language := range reviewed {
		o.do(reader, func(tx db.Tx) error { return letters.Review(tx, "refused", language, 1) })
	}
	return o
}

func (o *town) do(who db.Principal, fn func(db.Tx) error) {
	o.t.Helper()
	if err := o.WithTx(o.t.Context(), who, fn); err != nil {
		o.t.Fatal(err)
	}
}

// super runs a statement past every grant, key and trigger.
func (o *town) super(statement string, args ...any) {
	o.t.Helper()
	conn, err := pgx.Connect(context.Background(), o.URL(localpg.Superuser))
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), `set session_replication_role = replica`); err != nil {
		o.t.Fatal(err)
	}
	if _, err := conn.Exec(context.Background(), statement, args...); err != nil {
		o.t.Fatal(statement, ": ", err)
	}
}

func (o *town) language(tag string) {
	o.do(worker, func(tx db.Tx) error { return notices.SaveSetting(tx, o.amina, notices.Setting{Language: tag}) })
}

// send writes a refusal to amina and composes it.
func (o *town) send(once string) letters.Letter {
	o.t.Helper()
	o.do(writer, func(tx db.Tx) error {
		return letters.Send(tx, letters.New{Kind: "refused", Person: &o.amina, Household: &o.home, Once: once, Facts: letters.Facts{
			Programme: i18n.Text{"en": "Child grant", "ar": "منحة الطفل"}, Reference: "D-22222-22222",
			Reasons: []letters.Reason{{Text: i18n.Text{"en": "A child under six lives with you.", "ar": "يعيش معك طفل دون السادسة."}, In: "letter.reason.not_met"}},
		}})
	})
	return o.compose(once)
}

func (o *town) compose(once string) (l letters.Letter) {
	o.t.Helper()
	o.do(worker, func(tx db.Tx) error {
		var id db.ID
		if err := tx.Get(&id, `select id from letter where once = $1`, once); err != nil {
			return err
		}
		if err := letters.Compose(tx, o.messages, id); err != nil {
			return err
		}
		var err error
		l, err = letters.Load(tx, id)
		return err
	})
	return l
}

func (o *town) count(query string, args ...any) (n int) {
	o.t.Helper()
	o.do(worker, func(tx db.Tx) error { return tx.Get(&n, query, args...) })
	return n
}

func languages(l letters.Letter) string {
	var list []string
	for _, p := range l.Parts {
		s := p.Lang
		if p.Draft {
			s += " draft"
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

func text(p letters.Part) string {
	all := []string{p.Title}
	for _, para := range p.Paragraphs {
		all = append(all, para.Text)
		all = append(all, para.Items...)
	}
	return strings.Join(all, "\n")
}

// RULES R3: a letter goes out in a language whose text a person has reviewed;
// otherwise the reviewed text plus a marked draft; otherwise not at all.
func TestLettersGoOutInReviewedLanguages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reviewed, language, want string }{
		{"", "en", ""}, {"", "ar", ""},
		{"en", "en", "en"}, {"en", "ar", "en, ar draft"}, {"ar", "ar", "ar"}, {"ar", "en", "ar, en draft"}, {"en ar", "ar", "ar"},
		{"en", "sw", "en"}, // a language without any text
	} {
		o := newTown(t, strings.Fields(c.reviewed)...)
		o.language(c.language)
		l := o.send("one")
		if got := languages(l); got != c.want || l.Held() != (c.want == "") {
			t.Errorf("reviewed %q, she speaks %s: %q, not %q", c.reviewed, c.language, got, c.want)
		}
		if told := o.count(`select count(*) from notice where legal`); told != min(len(l.Parts), 1) {
			t.Errorf("reviewed %q: told %d times", c.reviewed, told)
		}
		for _, p := range l.Parts {
			if s := text(p); strings.ContainsAny(s, "{}") || !strings.Contains(s, "30") || !strings.Contains(s, "D-22222-22222") ||
				!strings.Contains(s, map[string]string{"en": "Not met: A child under six", "ar": "غير مستوفى: يعيش معك طفل"}[p.Lang]) {
				t.Errorf("%s: %s", p.Lang, s)
			}
		}
	}
}

// A letter that was held is written as soon as somebody has reviewed a text, and
// what was told does not change with the text afterwards.
func TestHeldUntilReviewed(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	if l := o.send("one"); !l.Held() {
		t.Fatal(languages(l))
	}
	if err := o.WithTx(t.Context(), o.account, func(tx db.Tx) error {
		var ref string
		if err := tx.Get(&ref, `select ref from letter`); err != nil {
			return err
		}
		_, err := letters.Open(tx, o.account.Actor, &o.amina, ref)
		return err
	}); !fault.Is(err, fault.NotFound) {
		t.Error("opened before it was written: ", err)
	}
	o.do(worker, func(tx db.Tx) error {
		held, err := letters.Held(tx)
		if held["refused"] != 1 {
			t.Error(held)
		}
		return err
	})
	o.super(`delete from outbox`)
	o.do(reader, func(tx db.Tx) error { return letters.Review(tx, "refused", "en", 1) })
	if n := o.count(`select count(*) from outbox where kind = 'compose_letter'`); n != 1 {
		t.Errorf("%d letters are asked for", n)
	}
	l := o.compose("one")
	before := text(l.Parts[0])
	o.do(writer, func(tx db.Tx) error {
		return letters.Write(tx, "refused", "en", "Another title", "{reasons}\n\nWithin {days} days.")
	})
	if languages(o.send("two")) != "en" || text(o.compose("one").Parts[0]) != before {
		t.Error("a letter changed after it was written")
	}
	if got := text(o.compose("two").Parts[0]); got != before {
		t.Error("an unreviewed text goes out: ", got)
	}
	// who wrote it does not review it
	review := func(who db.Principal, version int) error {
		return o.WithTx(t.Context(), who, func(tx db.Tx) error { return letters.Review(tx, "refused", "en", version) })
	}
	if err := review(writer, 2); !fault.Is(err, fault.Forbidden) {
		t.Error("reviewed by who wrote it: ", err)
	}
	if err := review(reader, 2); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{2, 3, 0} {
		if err := review(reader, version); !fault.Is(err, fault.Conflict) {
			t.Errorf("version %d again: %v", version, err)
		}
	}
	if got := text(o.send("three").Parts[0]); !strings.HasPrefix(got, "Another title") {
		t.Error(got)
	}
}

func TestTextsThatAreNone(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	for name, c := range map[string]struct{ kind, language, title, body, field, key string }{
		"no title":                {"refused", "en", " ", "{reasons}\n\n{days}", "title", "lettertext.error.empty"},
		"no body":                 {"refused", "en", "x", "", "body", "lettertext.error.empty"},
		"no reasons":              {"refused", "en", "x", "{days}", "body", "lettertext.error.must"},
		"no time to appeal":       {"refused", "en", "x", "{reasons}", "body", "lettertext.error.must"},
		"a name that is none":     {"refused", "en", "x", "{reasons}\n\n{days} {salary}", "body", "lettertext.error.name"},
		"a name that is none, on": {"refused", "en", "{name}", "{reasons}\n\n{days}", "title", "lettertext.error.name"},
		"a brace that is open":    {"refused", "en", "x", "{reasons}\n\n{days} {", "body", "lettertext.error.brace"},
		"reasons inside":          {"refused", "en", "x", "Because {reasons}.\n\n{days}", "body", "lettertext.error.alone"},
	} {
		err := o.WithTx(t.Context(), writer, func(tx db.Tx) error { return letters.Write(tx, c.kind, c.language, c.title, c.body) })
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "["+c.field+": "+c.key+"]") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range [][2]string{{"refused", "xx"}, {"nothing", "en"}} {
		if err := o.WithTx(t.Context(), writer, func(tx db.Tx) error { return letters.Write(tx, c[0], c[1], "x", "{reasons}\n\n{days}") }); !fault.Is(err, fault.NotFound) {
			t.Error(c, err)
		}
	}
}

// The program's own texts come in once, follow an update of the program, and
// leave alone what an office wrote.
func TestInstallingTexts(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	want := 2 * len(letters.Kinds())
	again := func() int {
		o.do(worker, func(tx db.Tx) error { return letters.Install(tx, o.messages) })
		return o.count(`select count(*) from letter_text`)
	}
	if n := again(); n != want || o.count(`select count(*) from letter_text where reviewed_at is not null or written_by is not null`) != 0 {
		t.Errorf("%d texts, not %d", n, want)
	}
	o.super(`update letter_text set body = 'as an earlier program had it' where kind = 'refused' and language = 'en'`)
	if n := again(); n != want+1 {
		t.Errorf("after an update %d", n)
	}
	o.do(writer, func(tx db.Tx) error { return letters.Write(tx, "refused", "ar", "ours", "{reasons}\n\n{days}") })
	if n := again(); n != want+2 {
		t.Errorf("over an office's own: %d", n)
	}
}

// Without a safe channel a letter goes to the printer; with one, after a week
// in which nobody opened it.
func TestTheWayToThePrinter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   letters.Paper
	}{
		"an account and a phone": {``, letters.NotOnPaper},
		"no account":             {`update account set person_id = null`, letters.Wanted},
		"no phone":               {`delete from contact`, letters.Wanted},
		"a phone that is unsafe": {`update contact set safe = '{codes}'`, letters.Wanted},
		"a protected phone":      {`update contact set protected = true`, letters.Wanted},
		"does not want messages": {`insert into notice_setting (person_id, sms_off, changed_at) select id, true, now() from person`, letters.NotOnPaper}, // legal all the same
		"reported dead":          {`insert into contact_hold (id, person_id, reason, since) select id, id, 'reported_dead', now() from person`, letters.Wanted},
	} {
		o := newTown(t, "en")
		if c.change != "" {
			o.super(c.change)
		}
		if l := o.send("one"); l.Paper != c.want {
			t.Errorf("%s: %s, not %s", name, l.Paper, c.want)
		}
	}

	o := newTown(t, "en")
	read, unread := o.send("read"), o.send("unread")
	open := func(l letters.Letter) {
		t.Helper()
		for range 2 {
			o.do(o.account, func(tx db.Tx) error {
				_, err := letters.Open(tx, o.account.Actor, &o.amina, strings.ToLower(l.Ref))
				return err
			})
		}
		o.do(worker, func(tx db.Tx) error { _, err := letters.Settle(tx, l.ID); return err })
	}
	open(read)
	late := func() string {
		o.do(worker, func(tx db.Tx) error { return letters.Print(tx) })
		return string(o.compose("read").Paper + " " + o.compose("unread").Paper)
	}
	o.Clock.Add(7*24*time.Hour - time.Second)
	if got := late(); got != "none none" {
		t.Error("within the week: ", got)
	}
	o.Clock.Add(2 * time.Second)
	if got := late(); got != "none wanted" {
		t.Error("after the week: ", got)
	}
	open(unread) // before anybody printed it
	if l := o.compose("unread"); l.Paper != letters.NotOnPaper || len(l.Events) != 2 {
		t.Errorf("%s, %+v", l.Paper, l.Events)
	}
	if served, ok := o.compose("read").Served(); !ok || served.Format(time.DateOnly) != "2026-03-02" {
		t.Error(served, ok)
	}
}

// The print queue is that of one's areas; what may not go to where somebody
// lives is for those who protect, and is not posted (RULES R5).
func TestThePrintQueue(t *testing.T) {
	t.Parallel()
	o := newTown(t, "en")
	o.super(`delete from contact`)
	l := o.send("one")
	queue := func(r registry.Reader) (rows []letters.Row) {
		o.do(writer, func(tx db.Tx) (err error) {
			rows, err = letters.Queue(tx, r, letters.Wanted, letters.Printed, letters.Posted)
			return err
		})
		return rows
	}
	find := func(r registry.Reader) (s letters.Sheet, err error) {
		err = o.WithTx(t.Context(), writer, func(tx db.Tx) (err error) { s, err = letters.Read(tx, r, l.Ref); return err })
		return s, err
	}
	note := func(r registry.Reader, step letters.Paper, day string) error {
		on, _ := time.Parse(time.DateOnly, day)
		return o.WithTx(t.Context(), writer, func(tx db.Tx) error { return letters.Note(tx, r, l.Ref, step, on, "", "") })
	}
	protector := registry.Reader{Areas: []db.ID{o.area}, Protected: []db.ID{o.area}}
	if rows := queue(o.office); len(rows) != 1 || rows[0].Name != "آمنة يوسف" || len(queue(o.away)) != 0 {
		t.Fatalf("%+v", rows)
	}
	if s, err := find(o.office); err != nil || s.Directions != "Blue door" || len(s.Place) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	for name, err := range map[string]error{
		"posted first":      note(o.office, letters.Posted, "2026-03-02"),
		"from the future":   note(o.office, letters.Printed, "2026-03-03"),
		"before it was":     note(o.office, letters.Printed, "2026-02-20"),
		"opened by us":      note(o.office, "opened", "2026-03-02"),
		"printed elsewhere": note(o.away, letters.Printed, "2026-03-02"),
	} {
		want := fault.Invalid
		if name == "printed elsewhere" {
			want = fault.NotFound
		}
		if !fault.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := note(o.office, letters.Printed, "2026-03-02"); err != nil {
		t.Fatal(err)
	}
	o.super(`update household set protected = true`)
	if _, err := find(o.office); !fault.Is(err, fault.NotFound) || len(queue(o.office)) != 0 {
		t.Error("of somebody protected: ", err)
	}
	if s, err := find(protector); err != nil || s.Directions != "" || s.Place != nil || !s.Protected {
		t.Errorf("%+v, %v", s, err)
	}
	if err := note(protector, letters.Posted, "2026-03-02"); !fault.Is(err, fault.Invalid) {
		t.Error("posted to somebody protected: ", err)
	}
	if err := note(protector, letters.SignedFor, "2026-03-02"); err != nil {
		t.Fatal(err)
	}
	o.super(`update household set protected = false`)
	o.super(`insert into contact_hold (id, person_id, reason, since) values ($1, $1, 'not_safe', now())`, o.amina)
	if _, err := find(o.office); !fault.Is(err, fault.NotFound) {
		t.Error("of somebody who said that she is not safe: ", err)
	}
	if n := o.count(`select count(*) from audit_event where action = 'letter.read' and subject = $1`, o.amina); n < 3 {
		t.Errorf("%d readings are logged", n)
	}
}

func TestLettersOfOthers(t *testing.T) {
	t.Parallel()
	o := newTown(t, "en")
	l := o.send("one")
	stranger := db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{6}}
	o.super(`insert into account (id, provider, sub, created_at) values ($1, 'citizen', 's', now())`, stranger.Actor)
	for name, c := range map[string]struct {
		account db.ID
		person  *db.ID
		ref     string
	}{"hers, as herself": {stranger.Actor, nil, l.Ref}, "hers, pretending": {o.account.Actor, &o.amina, l.Ref}, "none": {stranger.Actor, nil, "T-22222-22222"}, "nonsense": {stranger.Actor, nil, "x"}} {
		err := o.WithTx(t.Context(), stranger, func(tx db.Tx) error { _, err := letters.Open(tx, c.account, c.person, c.ref); return err })
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := o.count(`select count(*) from letter_event`); n != 0 {
		t.Error("opened by a stranger")
	}
}
