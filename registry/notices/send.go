package notices

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/notify"
	"daftar/registry"
)

// Out is what carries notices out of the house. A nil Mail or Text means that
// there is no gateway for the channel.
type Out struct {
	Mail     notify.Mailer
	Text     notify.Texter
	Messages *i18n.Bundle
	Link     string // the portal's origin: messages lead to its start and to no record
}

// stuck is how long a message may be on its way before its worker counts as
// killed. A gateway has answered, or not, within half a minute.
const stuck = 2 * time.Minute

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// Send carries a notice further on every channel that it may go on. It may run
// any number of times, at any moment, and be killed at any: each message is
// noted before it leaves, so none leaves twice; one whose worker was killed on
// the way is "unsure" and stays so. wait says when to run again; zero when all
// is done.
func (o Out) Send(ctx context.Context, d *db.DB, notice db.ID) (wait time.Duration, err error) {
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error { return plan(tx, notice) }); err != nil {
		return 0, err
	}
	for _, channel := range Channels() {
		var m *message
		var w time.Duration
		if err := d.WithTx(ctx, worker, func(tx db.Tx) (err error) {
			m, w, err = o.claim(tx, notice, channel)
			return err
		}); err != nil {
			return 0, err
		}
		if m != nil {
			gateway, sent := o.carry(ctx, *m)
			// The outcome is noted even when the program is just being stopped.
			if err := d.WithTx(context.WithoutCancel(ctx), worker, func(tx db.Tx) (err error) {
				w, err = m.note(tx, gateway, sent)
				return err
			}); err != nil {
				return 0, err
			}
		}
		if w > 0 && (wait == 0 || w < wait) {
			wait = w
		}
	}
	return wait, nil
}

// subject is whom a notice is for.
type subject struct {
	Person  *db.ID       `db:"person_id"`
	Account *db.ID       `db:"account_id"`
	Change  *db.ID       `db:"change_id"`
	Legal   bool         `db:"legal"`
	Planned sql.NullTime `db:"planned_at"`
}

func loadSubject(tx db.Tx, notice db.ID, suffix string) (subject, error) {
	var s subject
	err := tx.Get(&s, `
		select coalesce(n.person_id, (select a.person_id from account a where a.id = n.account_id)) as person_id, n.account_id, n.change_id, n.legal, n.planned_at
		from notice n where n.id = $1`+suffix, notice)
	return s, err
}

// plan decides which channels a notice goes on.
func plan(tx db.Tx, notice db.ID) error {
	s, err := loadSubject(tx, notice, " for update of n")
	if err != nil || s.Planned.Valid {
		return err
	}
	if s.Person != nil {
		for _, channel := range Channels() {
			t, why, err := reach(tx, *s.Person, channel, s.Legal, s.Change)
			if err != nil {
				return err
			}
			state, hint := "skipped", ""
			if why == "" {
				state, hint = "queued", hintOf(t.Contact)
				if t.address, err = addressOf(tx, t.Contact); err != nil {
					return err
				}
			}
			if err := tx.Exec(`
				insert into notice_delivery (notice_id, channel, state, why, hint, address, changed_at) values ($1, $2, $3, $4, $5, $6, $7)`,
				notice, channel, state, why, hint, t.address, tx.Now()); err != nil {
				return err
			}
		}
	}
	return tx.Exec(`update notice set planned_at = $2 where id = $1`, notice, tx.Now())
}

// message is one message on its way.
type message struct {
	id      db.ID
	channel string
	contact registry.Contact
	lang    string
	number  string // the contact's, with a country in front
	shared  bool   // others use the address too, or it carries the news of several
}

// claim takes a notice's delivery, and with it all that waits for the same
// address, and notes the message before it leaves. nil when there is nothing to
// send now.
func (o Out) claim(tx db.Tx, notice db.ID, channel string) (*message, time.Duration, error) {
	s, err := loadSubject(tx, notice, "")
	if err != nil || s.Person == nil {
		return nil, 0, err
	}
	t, why, err := reach(tx, *s.Person, channel, s.Legal, s.Change)
	if err != nil {
		return nil, 0, err
	}
	if why == "" { // one at a time to an address
		if t.address, err = addressOf(tx, t.Contact); err != nil {
			return nil, 0, err
		}
		if err := tx.Exec(`select pg_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(t.address))); err != nil {
			return nil, 0, err
		}
	}
	var d struct {
		State   string       `db:"state"`
		Not     sql.NullTime `db:"not_before"`
		Since   sql.NullTime `db:"since"`
		Carrier *db.ID       `db:"message_id"`
	}
	err = tx.Get(&d, `
		select d.state, d.not_before, m.created_at as since, d.message_id from notice_delivery d left join notice_message m on m.id = d.message_id
		where d.notice_id = $1 and d.channel = $2 for update of d`, notice, channel)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case d.State == "sending":
		if w := d.Since.Time.Add(stuck).Sub(tx.Now()); w > 0 {
			return nil, w, nil
		}
		return nil, 0, settle(tx, *d.Carrier, "unsure", "")
	case d.State != "queued":
		return nil, 0, nil
	case d.Not.Time.After(tx.Now()):
		return nil, d.Not.Time.Sub(tx.Now()), nil
	}
	if why == "" && (channel == ChannelEmail && o.Mail == nil || channel == ChannelText && o.Text == nil) {
		why = "no_gateway"
	}
	if why != "" { // what was safe when it was planned may be no longer
		return nil, 0, tx.Exec(`
			update notice_delivery set state = 'skipped', why = $3, hint = '', address = null, changed_at = $4 where notice_id = $1 and channel = $2`,
			notice, channel, why, tx.Now())
	}
	return o.begin(tx, notice, channel, s, t)
}

// begin starts a message, unless it has to wait for the morning or for the
// pause after the last one.
func (o Out) begin(tx db.Tx, notice db.ID, channel string, s subject, t to) (*message, time.Duration, error) {
	policy, err := LoadPolicy(tx)
	if err != nil {
		return nil, 0, err
	}
	zone, err := zone(tx)
	if err != nil {
		return nil, 0, err
	}
	var sent []time.Time
	if err := tx.Select(&sent, `
		select created_at from notice_message where address = $1 and state <> 'failed' and created_at > $2::timestamptz - interval '24 hours'
		order by created_at desc`, t.address, tx.Now()); err != nil {
		return nil, 0, err
	}
	next := policy.next(policy.Quiet(tx.Now(), zone), sent, t.Owner != "own")
	if next = policy.Quiet(next, zone); next.After(tx.Now()) {
		return nil, next.Sub(tx.Now()), tx.Exec(`update notice_delivery set not_before = $3, hint = $4, address = $5 where notice_id = $1 and channel = $2`,
			notice, channel, next, hintOf(t.Contact), t.address)
	}
	m := &message{id: tx.NewID(), channel: channel, contact: t.Contact, number: policy.international(t.Value), shared: t.Owner != "own"}
	if m.lang, err = Language(tx, s.Person, s.Account); err != nil {
		return nil, 0, err
	}
	if err := tx.Exec(`insert into notice_message (id, channel, address, created_at, changed_at) values ($1, $2, $3, $4, $4)`,
		m.id, channel, t.address, tx.Now()); err != nil {
		return nil, 0, err
	}
	if err := tx.Exec(`
		update notice_delivery set state = 'sending', message_id = $3, hint = $4, address = $5, changed_at = $6 where notice_id = $1 and channel = $2`,
		notice, channel, m.id, hintOf(t.Contact), t.address, tx.Now()); err != nil {
		return nil, 0, err
	}
	others, err := tx.Count(gather, m.id, tx.Now(), t.address, channel, t.Kind, t.Value)
	m.shared = m.shared || others > 0
	return m, 0, err
}

// gather adds everything that waits for the same address, as long as it is
// safe, wanted and not held.
const gather = `
	update notice_delivery d set state = 'sending', message_id = $1, changed_at = $2
	from (
		select n.id, n.legal, coalesce(n.person_id, (select a.person_id from account a where a.id = n.account_id)) as person_id
		from notice n) n
	left join notice_setting s on s.person_id = n.person_id
	where d.address = $3 and d.channel = $4 and d.state = 'queued' and n.id = d.notice_id
	and (n.legal or not coalesce(case d.channel when 'email' then s.email_off else s.sms_off end, false))
	and exists (select from contact c join person p on p.id = c.person_id
		where c.person_id = n.person_id and c.kind = $5 and c.value = $6 and not c.protected and 'notices' = any(c.safe) and p.status not in ('deceased', 'duplicate', 'error'))
	and not exists (select from contact_hold h where h.person_id = n.person_id and h.ended_at is null)`

// zone is where it is day or night.
func zone(tx db.Tx) (*time.Location, error) {
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return nil, err
	}
	return time.LoadLocation(settings.Country.TimeZone)
}

// carry hands a message to its gateway.
func (o Out) carry(ctx context.Context, m message) (gateway string, err error) {
	p := o.Messages.Printer(m.lang)
	if p == nil {
		p = o.Messages.Printer(i18n.Source)
	}
	words := "notice.out.own"
	if m.shared {
		words = "notice.out.shared"
	}
	body := p.T(words, "Link", o.Link+"/"+p.Tag)
	if m.channel == ChannelEmail {
		return "", o.Mail.Mail(ctx, notify.Mail{ID: m.id.String(), To: m.contact.Value, Subject: p.T("notice.out.subject"), Body: body, Lang: p.Tag})
	}
	return o.Text.Text(ctx, notify.Text{ID: m.id.String(), To: m.number, Body: body})
}

// note writes down what the gateway said.
func (m *message) note(tx db.Tx, gateway string, sent error) (time.Duration, error) {
	var refused notify.Refused
	var away notify.Away
	switch {
	case sent == nil:
		if err := tx.Exec(`update notice_message set gateway = nullif($2, '') where id = $1`, m.id, gateway); err != nil {
			return 0, err
		}
		return 0, settle(tx, m.id, "sent", "")
	case errors.As(sent, &refused):
		return 0, settle(tx, m.id, "failed", refused.Code)
	case errors.Is(sent, notify.ErrUnsure):
		return 0, settle(tx, m.id, "unsure", "")
	case errors.As(sent, &away):
		return m.again(tx, away.Code)
	}
	return m.again(tx, "error")
}

// settle is the end of a message and of every delivery that it carried.
func settle(tx db.Tx, id db.ID, state, why string) error {
	if err := tx.Exec(`update notice_message set state = $2, changed_at = $3 where id = $1 and state = 'sending'`, id, state, tx.Now()); err != nil {
		return err
	}
	return tx.Exec(`update notice_delivery set state = $2, why = $3, changed_at = $4 where message_id = $1 and state = 'sending'`, id, state, why, tx.Now())
}

// again puts what the message carried back into the queue, for later; after
// eight tries it has failed.
func (m *message) again(tx db.Tx, why string) (time.Duration, error) {
	var tries int
	if err := tx.Get(&tries, `select max(tries) + 1 from notice_delivery where message_id = $1`, m.id); err != nil {
		return 0, err
	}
	wait, more := backoff(tries)
	if !more {
		return 0, settle(tx, m.id, "failed", "gave_up")
	}
	if err := tx.Exec(`update notice_message set state = 'failed', changed_at = $2 where id = $1`, m.id, tx.Now()); err != nil {
		return 0, err
	}
	return wait, tx.Exec(`
		update notice_delivery set state = 'queued', message_id = null, tries = $2, why = $3, not_before = $4, changed_at = $5 where message_id = $1`,
		m.id, tries, why, tx.Now().Add(wait), tx.Now())
}

// Forgotten lists notices whose job was lost: that were never planned, or that
// wait although their time has come.
func Forgotten(tx db.Tx) ([]db.ID, error) {
	var ids []db.ID
	err := tx.Select(&ids, `
		select id from notice where planned_at is null and created_at < $1::timestamptz - interval '15 minutes'
		union
		select notice_id from notice_delivery where state in ('queued', 'sending') and greatest(changed_at, not_before) < $1::timestamptz - interval '15 minutes'
		limit 500`, tx.Now())
	return ids, err
}

// Report notes what a gateway says became of a message; false when it never
// took one of that name from us.
func Report(tx db.Tx, r notify.Delivery) (bool, error) {
	if !r.Delivered && !r.Failed {
		return true, nil // on its way
	}
	var known bool
	err := tx.Get(&known, `select note_delivery($1, $2, $3, $4)`, r.Ref, r.Delivered, r.Code, tx.Now())
	return known, err
}
