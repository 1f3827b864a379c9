package notices_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/notify"
	"daftar/registry/notices"
)

func TestEveryKindHasItsWords(t *testing.T) {
	t.Parallel()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range i18n.Locales() {
		p := messages.Printer(l.Tag)
		for _, kind := range notices.Kinds() {
			for _, part := range []string{".title", ".text"} {
				if !p.Has("notice." + kind + part) {
					t.Errorf("%s: %s%s", l.Tag, kind, part)
				}
			}
		}
		for _, reason := range notices.Reasons() {
			if !p.Has("delivery.why." + reason) {
				t.Error(l.Tag, reason)
			}
		}
	}
}

// What leaves the house says that there is news, and where to sign in: no name,
// no reference, no programme, no link to a record (RULES R6).
func TestMessagesSayThatThereIsNews(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	h.contact(amina, "email amina@example.org own notices")
	notice := h.tell(amina, "first", false)
	if wait := h.send(notice); wait != 0 || h.states(notice) != "sms sent, email sent" {
		t.Fatal(wait, h.states(notice))
	}
	const text = "There is news for you. Sign in to read it: https://registry.example/en"
	if len(h.post.texts) != 1 || h.post.texts[0].To != "+254700100471" || h.post.texts[0].Body != text {
		t.Errorf("%+v", h.post.texts)
	}
	if m := h.post.mails; len(m) != 1 || m[0].To != "amina@example.org" || m[0].Subject != "There is news" || m[0].Body != text || m[0].Lang != "en" {
		t.Errorf("%+v", m)
	}
	h.do(worker, func(tx db.Tx) error { return notices.SaveSetting(tx, amina, notices.Setting{Language: "ar"}) })
	h.Clock.Add(time.Hour)
	h.send(h.tell(amina, "second", false))
	if got := h.post.texts[1].Body; got != "هناك جديد يخصك. سجّل الدخول لقراءته: https://registry.example/ar" {
		t.Error("in her language: ", got)
	}
	// Nothing of the address is kept but what tells one's own apart.
	var row string
	h.do(worker, func(tx db.Tx) error {
		return tx.Get(&row, `select string_agg(d::text, ' ') || (select string_agg(m::text, ' ') from notice_message m) from notice_delivery d`)
	})
	if strings.Contains(row, "700100471") || strings.Contains(row, "amina") || !strings.Contains(row, "…71") || !strings.Contains(row, "a…@example.org") {
		t.Error(row)
	}
	// nor a hash of it, which whoever has the table would find by trying all numbers
	for _, plain := range []string{"phone:+254700100471", "contact.phone|+254700100471", "+254700100471"} {
		if sum := sha256.Sum256([]byte(plain)); strings.Contains(row, hex.EncodeToString(sum[:])) {
			t.Error("the number is there as its hash")
		}
	}
}

func TestOnlyToWhereItIsSafe(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	person := h.person("tomas")
	for i, c := range []struct {
		contacts string
		legal    bool
		off      bool
		hold     string
		want     string
		to       string
	}{
		{"", false, false, "", "sms skipped no_contact, email skipped no_contact", ""},
		{"phone +2547001 own", false, false, "", "sms skipped not_safe, email skipped no_contact", ""},
		{"phone +2547001 own codes", false, false, "", "sms skipped not_safe, email skipped no_contact", ""},
		{"phone +2547001 own codes", true, false, "", "sms skipped not_safe, email skipped no_contact", ""}, // law does not make it safe
		{"phone +2547001 own notices protected", true, false, "", "sms skipped not_safe, email skipped no_contact", ""},
		{"phone +2547001 own codes notices", false, false, "", "sms sent, email skipped no_contact", "+2547001"},
		{"phone +2547001 own notices", false, true, "", "sms skipped opted_out, email skipped no_contact", ""},
		{"phone +2547001 own notices", true, true, "", "sms sent, email skipped no_contact", "+2547001"}, // legal
		{"phone +2547001 own notices", true, false, "reported_dead", "sms skipped held, email skipped no_contact", ""},
		{"phone +2547001 own notices", true, false, "not_safe", "sms skipped held, email skipped no_contact", ""},
		{"phone +2547003 helper notices; phone +2547002 shared notices; phone +2547001 own codes", false, false, "", "sms sent, email skipped no_contact", "+2547002"},
		{"phone +2547003 helper notices; phone +2547002 own notices protected", false, false, "", "sms sent, email skipped no_contact", "+2547003"},
		{"phone 0700123456 own notices", false, false, "", "sms sent, email skipped no_contact", "+254700123456"},
	} {
		h.noContacts(person)
		for _, spec := range strings.Split(c.contacts, "; ") {
			if spec != "" {
				h.contact(person, spec)
			}
		}
		h.do(worker, func(tx db.Tx) error { return notices.SaveSetting(tx, person, notices.Setting{TextOff: c.off}) })
		h.super(`insert into setting (key, value, updated_at) values ('notices', '{"prefix": "+254", "gap": 0, "gap_shared": 0, "per_day": 0}', $1) on conflict do nothing`, h.Now())
		if c.hold != "" {
			h.do(office, func(tx db.Tx) error { return notices.Hold(tx, person, c.hold, nil) })
		}
		h.post.texts = nil
		notice := h.tell(person, fmt.Sprint("news ", i), c.legal)
		h.send(notice)
		got := ""
		for _, text := range h.post.texts {
			got += text.To
		}
		if s := h.states(notice); s != c.want || got != c.to {
			t.Errorf("%q, legal %v, off %v, hold %q: %s to %q, not %s to %q", c.contacts, c.legal, c.off, c.hold, s, got, c.want, c.to)
		}
		if c.hold != "" {
			h.do(office, func(tx db.Tx) error { return notices.Release(tx, person, c.hold) })
		}
	}
}

// Whose number was changed is told on the old one, as far as that was safe, and
// never on the new one alone: whoever put it in reads that.
func TestTheOldChannelIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	h.super(`insert into setting (key, value, updated_at) values ('notices', '{"prefix": "+254", "gap": 0, "gap_shared": 0, "per_day": 0}', $1)`, h.Now())
	for i, c := range []struct {
		before, now string
		want        string
		to          string
	}{
		{"phone +2547001 own notices", "phone +2547009 own notices", "sms sent, email skipped no_contact", "+2547001"},
		{"phone +2547001 own notices", "", "sms sent, email skipped no_contact", "+2547001"},
		{"", "phone +2547009 own notices", "sms skipped no_contact, email skipped no_contact", ""},
		{"phone +2547001 own codes", "phone +2547009 own notices", "sms skipped no_contact, email skipped no_contact", ""},
		{"phone +2547001 own notices protected", "phone +2547009 own notices", "sms skipped no_contact, email skipped no_contact", ""},
		{"phone +2547001 own notices", "phone +2547001 own codes", "sms skipped not_safe, email skipped no_contact", ""}, // it is not safe any more
		{"phone +2547001 own notices", "phone +2547001 own notices protected", "sms skipped not_safe, email skipped no_contact", ""},
		{"phone +2547001 shared notices; email a@x.example own notices", "phone +2547009 own notices; email a@x.example own notices", "sms sent, email sent", "+2547001a@x.example"},
		{"phone +2547003 helper notices; phone +2547001 own codes", "phone +2547003 helper notices; phone +2547009 own notices", "sms sent, email skipped no_contact", "+2547003"},
	} {
		h.noContacts(amina)
		for _, spec := range strings.Split(c.now, "; ") {
			if spec != "" {
				h.contact(amina, spec)
			}
		}
		change := h.rerouted(amina, i, c.before)
		h.post.texts, h.post.mails = nil, nil
		var notice db.ID
		h.do(office, func(tx db.Tx) error {
			if err := notices.Tell(tx, notices.Notice{Kind: "contact_changed", Person: &amina, Change: &change, Legal: true, Once: fmt.Sprint("moved ", i)}); err != nil {
				return err
			}
			return tx.Get(&notice, `select id from notice where once = $1`, fmt.Sprint("moved ", i))
		})
		h.send(notice)
		got := ""
		for _, text := range h.post.texts {
			got += text.To
		}
		for _, mail := range h.post.mails {
			got += mail.To
		}
		if s := h.states(notice); s != c.want || got != c.to {
			t.Errorf("%q, then %q: %s to %q, not %s to %q", c.before, c.now, s, got, c.want, c.to)
		}
	}
}

// What changes between the plan and the sending counts: a contact that became
// unsafe in the meantime is not used.
func TestSafetyIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	h.Clock.Set(time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)) // eleven at night
	notice := h.tell(amina, "news", false)
	if wait := h.send(notice); wait != 8*time.Hour || h.states(notice) != "sms queued, email skipped no_contact" {
		t.Fatal(wait, h.states(notice))
	}
	h.super(`update contact set protected = true where person_id = $1`, amina)
	h.Clock.Add(8 * time.Hour)
	if h.send(notice); h.states(notice) != "sms skipped not_safe, email skipped no_contact" || h.post.count() > 0 {
		t.Error(h.states(notice))
	}
}

// While somebody is reported dead, nothing goes to that phone, whoever else
// uses it; a helper's phone goes on (RULES R16).
func TestThePhoneOfSomebodyReportedDead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tomas, joseph, zawadi := h.person("tomas"), h.person("joseph"), h.person("zawadi")
	for _, p := range []db.ID{tomas, joseph, zawadi} {
		h.noContacts(p)
	}
	h.contact(tomas, "phone +2547001 own notices")
	h.contact(tomas, "phone +2547009 helper notices")
	h.contact(joseph, "phone +2547001 shared notices") // his son's family uses it too
	h.contact(zawadi, "phone +2547009 helper notices") // served by the same helper
	h.do(office, func(tx db.Tx) error { return notices.Hold(tx, tomas, notices.ReportedDead, nil) })
	for who, want := range map[db.ID]string{tomas: "sms skipped held", joseph: "sms skipped held", zawadi: "sms sent"} {
		notice := h.tell(who, who.String(), true)
		h.send(notice)
		if got := h.states(notice); !strings.HasPrefix(got, want) {
			t.Errorf("%s, not %s", got, want)
		}
	}
	h.do(office, func(tx db.Tx) error { return notices.Release(tx, tomas, notices.ReportedDead) })
	h.Clock.Add(7 * time.Hour)
	notice := h.tell(joseph, "alive after all", false)
	if h.send(notice); !strings.HasPrefix(h.states(notice), "sms sent") {
		t.Error(h.states(notice))
	}
	h.super(`update person set status = 'deceased', status_reason = 'witnesses', status_date = '2026-03-01' where id = $1`, tomas)
	h.Clock.Add(8 * time.Hour)
	notice = h.tell(joseph, "dead", false)
	if h.send(notice); !strings.HasPrefix(h.states(notice), "sms skipped held") {
		t.Error(h.states(notice))
	}
}

// One notice is sent once, however many workers take it at the same time.
func TestOneNoticeIsSentOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	notice := h.tell(amina, "news", false)
	if again := h.tell(amina, "news", false); again != notice {
		t.Error("told twice")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := h.out.Send(context.Background(), h.DB.DB, notice); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if h.post.count() != 1 || h.states(notice) != "sms sent, email skipped no_contact" {
		t.Error(h.post.count(), h.states(notice))
	}
	if wait := h.send(notice); wait != 0 || h.post.count() != 1 {
		t.Error("run again: ", wait, h.post.count())
	}
}

// A worker that is killed while a message is on its way has perhaps sent it: it
// is never sent again, and says so.
func TestAKilledWorkerSendsNothingTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	notice := h.tell(amina, "news", false)
	handed, killed := make(chan struct{}), make(chan struct{})
	h.post.hold = func(context.Context) { close(handed); <-killed }
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // dies without a word, as a killed process does
		_, _ = notices.Out{Text: dying{h.post}, Messages: h.out.Messages}.Send(context.Background(), h.DB.DB, notice)
	}()
	<-handed
	h.post.hold = nil
	// another worker takes the job meanwhile: it waits
	if wait := h.send(notice); wait <= 0 || wait > 2*time.Minute || !strings.HasPrefix(h.states(notice), "sms sending") {
		t.Error(wait, h.states(notice))
	}
	close(killed)
	<-done
	h.Clock.Add(3 * time.Minute)
	if wait := h.send(notice); wait != 0 || !strings.HasPrefix(h.states(notice), "sms unsure") || h.post.count() != 1 {
		t.Error(wait, h.states(notice), h.post.count())
	}
	h.Clock.Add(24 * time.Hour)
	h.send(notice)
	if h.post.count() != 1 {
		t.Error("sent twice")
	}
	// the gateway knows better
	h.report("", true, false)
}

// dying takes the message and kills its worker.
type dying struct{ *post }

func (d dying) Text(ctx context.Context, t notify.Text) (string, error) {
	_, _ = d.post.Text(ctx, t)
	panic("killed")
}

func (h *house) report(ref string, delivered, want bool) {
	h.t.Helper()
	h.do(db.Principal{Role: db.Citizen, Kind: "anonymous"}, func(tx db.Tx) error {
		known, err := notices.Report(tx, notify.Delivery{Ref: ref, Delivered: delivered, Failed: !delivered, Code: "gateway 30003"})
		if known != want {
			h.t.Errorf("%s is known: %v", ref, known)
		}
		return err
	})
}

func TestTheGatewayReports(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	notice := h.tell(h.person("amina"), "news", false)
	h.send(notice)
	ref := "SM" + h.post.texts[0].ID
	h.report("SM0", true, false)
	h.report(ref, false, true)
	if got := h.states(notice); !strings.HasPrefix(got, "sms failed gateway 30003") {
		t.Error(got)
	}
	h.report(ref, true, true)  // it arrived after all
	h.report(ref, false, true) // late and out of order
	if got := h.states(notice); got != "sms delivered, email skipped no_contact" {
		t.Error(got)
	}
}

func TestTriesAgainLaterAndNotForEver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	h.super(`insert into setting (key, value, updated_at) values ('notices', '{"quiet_from": "", "quiet_to": ""}', $1)`, h.Now())
	away := func(int) error { return notify.Away{Code: "gateway 503"} }
	h.post.fail = func(n int) error {
		if n < 3 {
			return away(n)
		}
		return nil
	}
	notice := h.tell(amina, "news", false)
	for _, want := range []time.Duration{time.Minute, 5 * time.Minute, 0} {
		if wait := h.send(notice); wait != want {
			t.Errorf("waits %s, not %s: %s", wait, want, h.states(notice))
		}
		if early := h.send(notice); early != want { // the job runs too early
			t.Errorf("early: %s", early)
		}
		h.Clock.Add(want)
	}
	if got := h.states(notice); got != "sms sent, email skipped no_contact" || h.post.count() != 3 {
		t.Error(got, h.post.count())
	}
	h.post.fail = away
	h.Clock.Add(time.Hour)
	notice = h.tell(amina, "never", false)
	tries := 0
	for wait := time.Duration(1); wait > 0; tries++ {
		wait = h.send(notice)
		h.Clock.Add(wait)
	}
	if got := h.states(notice); tries != 8 || got != "sms failed gave_up, email skipped no_contact" {
		t.Error(tries, got)
	}
	h.post.fail = func(int) error { return notify.Refused{Code: "gateway 21211"} }
	h.Clock.Add(24 * time.Hour)
	notice = h.tell(amina, "refused", false)
	if wait := h.send(notice); wait != 0 || h.states(notice) != "sms failed gateway 21211, email skipped no_contact" {
		t.Error(wait, h.states(notice))
	}
	h.post.fail = func(int) error { return notify.ErrUnsure }
	h.Clock.Add(24 * time.Hour)
	notice = h.tell(amina, "unsure", false)
	if wait := h.send(notice); wait != 0 || h.states(notice) != "sms unsure, email skipped no_contact" {
		t.Error(wait, h.states(notice))
	}
	h.out.Text = nil
	notice = h.tell(amina, "none", false)
	if wait := h.send(notice); wait != 0 || h.states(notice) != "sms skipped no_gateway, email skipped no_contact" {
		t.Error(wait, h.states(notice))
	}
}

// A helper's phone that serves two hundred people gets one message for all of
// them, and the next one not before six hours.
func TestNoFloodForAHelper(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.super(`insert into person (id, ref, version, change_id) select gen_random_uuid(), 'P-' || i, 1, gen_random_uuid() from generate_series(1, 200) i`)
	h.super(`insert into contact (person_id, kind, value, owner, safe) select id, 'phone', '+254700999999', 'helper', '{notices}' from person where ref like 'P-%'`)
	var people []db.ID
	h.do(worker, func(tx db.Tx) error {
		return tx.Select(&people, `select id from person where ref like 'P-%' order by id`)
	})
	if len(people) != 200 {
		t.Fatal(len(people))
	}
	var told []db.ID
	for i, p := range people[:100] {
		told = append(told, h.tell(p, fmt.Sprint("a", i), false))
	}
	var all sync.WaitGroup
	for _, part := range slices.Collect(slices.Chunk(told, 25)) {
		all.Go(func() {
			for _, n := range part {
				if _, err := h.out.Send(context.Background(), h.DB.DB, n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	first := h.post.count()
	if first < 1 || first > 1 {
		t.Errorf("%d messages for the first hundred", first)
	}
	if got := h.post.texts[0].Body; got != "There is news for somebody who is reached here. They can sign in to read it: https://registry.example/en" {
		t.Error(got)
	}
	waits := map[time.Duration]int{}
	for i, p := range people[100:] {
		n := h.tell(p, fmt.Sprint("b", i), false)
		told = append(told, n)
		waits[h.send(n)]++
	}
	if h.post.count() != first || waits[6*time.Hour] != 100 {
		t.Error("within six hours: ", h.post.count(), waits)
	}
	h.Clock.Add(6 * time.Hour)
	for _, n := range told {
		h.send(n)
	}
	if h.post.count() != first+1 {
		t.Errorf("%d messages in all", h.post.count())
	}
	for _, n := range told {
		if got := h.states(n); got != "sms sent, email skipped no_contact" {
			t.Fatal(got)
		}
	}
}

func TestFourADay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	for i := range 4 {
		h.send(h.tell(amina, fmt.Sprint(i), false))
		h.Clock.Add(20 * time.Minute)
	}
	if h.post.count() != 4 {
		t.Fatal(h.post.count())
	}
	if wait := h.send(h.tell(amina, "fifth", false)); h.post.count() != 4 || wait != 24*time.Hour-80*time.Minute {
		t.Error(wait, h.post.count())
	}
}

// Quiet hours are those of the place where the citizen is.
func TestQuietHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, zone, at, want string }{
		{"21:00", "07:00", "Africa/Nairobi", "2026-03-02T17:59:59Z", "2026-03-02T17:59:59Z"},
		{"21:00", "07:00", "Africa/Nairobi", "2026-03-02T18:00:00Z", "2026-03-03T04:00:00Z"},
		{"21:00", "07:00", "Africa/Nairobi", "2026-03-02T23:30:00Z", "2026-03-03T04:00:00Z"},
		{"21:00", "07:00", "Africa/Nairobi", "2026-03-03T04:00:00Z", "2026-03-03T04:00:00Z"},
		{"21:00", "07:00", "Asia/Kathmandu", "2026-03-02T15:15:00Z", "2026-03-03T01:15:00Z"},
		{"12:00", "15:00", "Asia/Jakarta", "2026-03-02T06:00:00Z", "2026-03-02T08:00:00Z"},
		{"12:00", "15:00", "Asia/Jakarta", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"},
		{"", "", "Africa/Nairobi", "2026-03-02T23:30:00Z", "2026-03-02T23:30:00Z"},
		{"22:00", "22:00", "Africa/Nairobi", "2026-03-02T23:30:00Z", "2026-03-02T23:30:00Z"},
		{"21:00", "07:00", "America/New_York", "2026-03-08T04:00:00Z", "2026-03-08T11:00:00Z"}, // clocks go forward in that night
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, c.at)
		got := notices.Policy{QuietFrom: c.from, QuietTo: c.to}.Quiet(at, zone)
		if got.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%s-%s in %s at %s: until %s, not %s", c.from, c.to, c.zone, c.at, got.UTC().Format(time.RFC3339), c.want)
		}
	}
}

func TestForgottenNoticesAreFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina := h.person("amina")
	lost := h.tell(amina, "lost", false)
	h.Clock.Add(10 * time.Minute)
	h.send(h.tell(amina, "sent", false))
	forgotten := func() (ids []db.ID) {
		h.do(worker, func(tx db.Tx) (err error) { ids, err = notices.Forgotten(tx); return err })
		return ids
	}
	if ids := forgotten(); len(ids) != 0 {
		t.Error("too early: ", ids)
	}
	h.Clock.Add(10 * time.Minute)
	if ids := forgotten(); len(ids) != 1 || ids[0] != lost {
		t.Error(ids)
	}
}

// The portal shows people their own inbox; the database does not give it
// another's, whatever is asked.
func TestTheInboxIsOnesOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	amina, joseph := h.person("amina"), h.person("joseph")
	account := func(person *db.ID, sub string) db.Principal {
		var id db.ID
		h.do(worker, func(tx db.Tx) error {
			id = tx.NewID()
			return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', $2, $3, $4)`, id, sub, person, tx.Now())
		})
		return db.Principal{Role: db.Citizen, Kind: "citizen", Actor: id}
	}
	hers, his, strangers := account(&amina, "a"), account(&joseph, "j"), account(nil, "s")
	h.send(h.tell(amina, "for her", true))
	h.do(his, func(tx db.Tx) error { // from the portal too, about others, told once
		for range 2 {
			if err := notices.Tell(tx, notices.Notice{Kind: "case_message", Account: &strangers.Actor, Once: "for a stranger"}); err != nil {
				return err
			}
		}
		return nil
	})
	inbox := func(who db.Principal, account db.ID, person *db.ID) (list []notices.Told) {
		h.do(who, func(tx db.Tx) (err error) { list, err = notices.Inbox(tx, account, person); return err })
		return list
	}
	mine := inbox(hers, hers.Actor, &amina)
	if len(mine) != 1 || mine[0].Kind != "decision_made" || !mine[0].Legal || len(mine[0].Channels) != 2 || mine[0].Channels[1].Hint != "…71" {
		t.Fatalf("%+v", mine)
	}
	if got := inbox(strangers, strangers.Actor, nil); len(got) != 1 || got[0].Kind != "case_message" {
		t.Errorf("%+v", got)
	}
	if got := inbox(his, hers.Actor, &amina); len(got) != 0 {
		t.Errorf("he reads hers: %+v", got)
	}
	for name, who := range map[string]db.Principal{"of another": his, "of a stranger": strangers} {
		err := h.WithTx(t.Context(), who, func(tx db.Tx) error {
			_, err := notices.Read(tx, hers.Actor, &amina, mine[0].Ref)
			return err
		})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
		h.do(who, func(tx db.Tx) error {
			n, err := tx.Count(`update notice set read_at = $1`, tx.Now())
			if name == "of another" && n != 0 {
				t.Error("he marks others' as read")
			}
			return err
		})
		if err := h.WithTx(t.Context(), who, func(tx db.Tx) error { return notices.SaveSetting(tx, amina, notices.Setting{TextOff: true}) }); err == nil {
			t.Errorf("%s changes how she is told", name)
		}
	}
	h.Clock.Add(time.Minute)
	h.do(hers, func(tx db.Tx) error {
		if n, err := notices.Unread(tx, hers.Actor, &amina); err != nil || n != 1 {
			t.Error(n, err)
		}
		_, err := notices.Read(tx, hers.Actor, &amina, strings.ToLower(mine[0].Ref))
		if err != nil {
			return err
		}
		n, err := notices.Unread(tx, hers.Actor, &amina)
		if n != 0 {
			t.Error("still unread")
		}
		return err
	})
	for _, statement := range []string{`delete from notice`, `update notice set person_id = null`, `update notice_delivery set state = 'sent'`, `select from notice_message`, `update contact_hold set ended_at = now()`} {
		if h.WithTx(t.Context(), hers, func(tx db.Tx) error { return tx.Exec(statement) }) == nil {
			t.Error("the portal may ", statement)
		}
	}
}

func TestThePolicyIsASetting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do(worker, func(tx db.Tx) error {
		p, err := notices.LoadPolicy(tx)
		if p != (notices.Policy{QuietFrom: "21:00", QuietTo: "07:00", Gap: 15, GapShared: 360, PerDay: 4}) {
			t.Errorf("%+v", p)
		}
		return err
	})
	raw, _ := json.Marshal(notices.Policy{PerDay: 1})
	h.super(`insert into setting (key, value, updated_at) values ('notices', $1, now())`, string(raw))
	h.do(worker, func(tx db.Tx) error {
		p, err := notices.LoadPolicy(tx)
		if p != (notices.Policy{PerDay: 1}) {
			t.Errorf("%+v", p)
		}
		return err
	})
}
