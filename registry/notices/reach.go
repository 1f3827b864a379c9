package notices

import (
	"slices"
	"strings"
	"unicode/utf8"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/seal"
)

// Channels beside the portal. Each has the message "delivery.channel.<code>".
const (
	ChannelEmail = "email"
	ChannelText  = "sms"
)

// Channels lists them.
func Channels() []string { return []string{ChannelText, ChannelEmail} }

// Reasons lists why a notice does not go out on a channel. Each has the message
// "delivery.why.<code>".
func Reasons() []string {
	return []string{"no_contact", "not_safe", "opted_out", "held", "no_gateway", "gave_up"}
}

// Setting is how somebody wants to be told.
type Setting struct {
	Language string `db:"language"` // "": as they last used it
	EmailOff bool   `db:"email_off"`
	TextOff  bool   `db:"sms_off"`
}

// Off reports whether somebody opted out of a channel.
func (s Setting) Off(channel string) bool {
	return channel == ChannelEmail && s.EmailOff || channel == ChannelText && s.TextOff
}

// LoadSetting reads how somebody wants to be told: on every channel, until
// they say otherwise.
func LoadSetting(tx db.Tx, person db.ID) (Setting, error) {
	var s Setting
	err := tx.Get(&s, `select language, email_off, sms_off from notice_setting where person_id = $1`, person)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return s, err
}

// SaveSetting changes it.
func SaveSetting(tx db.Tx, person db.ID, s Setting) error {
	if err := tx.Exec(`
		insert into notice_setting (person_id, language, email_off, sms_off, changed_at) values ($1, $2, $3, $4, $5)
		on conflict (person_id) do update set language = excluded.language, email_off = excluded.email_off,
			sms_off = excluded.sms_off, changed_at = excluded.changed_at`, person, s.Language, s.EmailOff, s.TextOff, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "notice.settings_saved", SubjectKind: "person", Subject: person})
}

// Language is the language to write to somebody in: the one that they chose,
// else the one in which they last asked for something.
func Language(tx db.Tx, person, account *db.ID) (string, error) {
	var list []string
	err := tx.Select(&list, `
		select language from (
			select s.language, 0 as rank, s.changed_at as at from notice_setting s where s.person_id = $1
			union all
			select c.language, 1, c.created_at from case_file c join account a on a.id = c.account_id where a.person_id = $1 or a.id = $2) x
		where language <> '' order by rank, at desc limit 1`, person, account)
	if err != nil || len(list) == 0 {
		return i18n.Source, err
	}
	return list[0], nil
}

// Reasons of a hold.
const (
	ReportedDead = "reported_dead"
	NotSafe      = "not_safe"
)

// Hold keeps everything from a person's phone and mailbox until it is released:
// somebody reported them dead, or they said that they are not safe. What
// concerns them stays in the portal, and letters go on paper.
func Hold(tx db.Tx, person db.ID, reason string, kase *db.ID) error {
	held, err := tx.Count(`insert into contact_hold (id, person_id, reason, case_id, since) values ($1, $2, $3, $4, $5) on conflict do nothing`,
		tx.NewID(), person, reason, kase, tx.Now())
	if err != nil || held == 0 {
		return err
	}
	e := audit.Event{Action: "contact.held", SubjectKind: "person", Subject: person} // the reason is told to nobody who reads the log
	if kase != nil {
		e.Case = *kase
	}
	return audit.Write(tx, e)
}

// Release ends a hold.
func Release(tx db.Tx, person db.ID, reason string) error {
	ended, err := tx.Count(`update contact_hold set ended_at = $3 where person_id = $1 and reason = $2 and ended_at is null`, person, reason, tx.Now())
	if err != nil || ended == 0 {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "contact.released", SubjectKind: "person", Subject: person})
}

// to is where a notice may go.
type to struct {
	registry.Contact
	address []byte // addressOf, once something is to be noted
}

// Reachable reports whether some channel beside the portal is safe for somebody
// and their own choice lets it.
func Reachable(tx db.Tx, person db.ID) (bool, error) {
	for _, channel := range Channels() {
		if _, why, err := reach(tx, person, channel, true, nil); err != nil || why == "" {
			return err == nil, err
		}
	}
	return false, nil
}

// reach finds the contact of a person for a channel: of those that a change left
// alone or took away, where it is about one. why says why there is none; it is of
// Reasons.
func reach(tx db.Tx, person db.ID, channel string, legal bool, change *db.ID) (t to, why string, err error) {
	contacts, err := registry.Contacts(tx, person)
	if err != nil {
		return t, "", err
	}
	var gone []registry.Contact
	if change != nil {
		before, err := registry.ContactsBefore(tx, person, *change)
		if err != nil {
			return t, "", err
		}
		gone, contacts = formerly(contacts, before)
	}
	if t.Contact, why = choose(gone, kindOf(channel)); why != "" {
		t.Contact, why = choose(contacts, kindOf(channel))
	}
	if why != "" {
		return t, why, nil
	}
	setting, err := LoadSetting(tx, person)
	if err != nil {
		return t, "", err
	}
	if setting.Off(channel) && !legal {
		return t, "opted_out", nil
	}
	var held bool
	err = tx.Get(&held, `
		select exists (select from person p where p.id = $1 and p.status in ('deceased', 'duplicate', 'error'))
		or exists (select from contact_hold h where h.person_id = $1 and h.ended_at is null)
		or exists (`+silenced+`)`, person, t.Kind, t.Value)
	if held {
		why = "held"
	}
	return t, why, err
}

// formerly tells apart the contacts that somebody had before: those that are gone,
// and those that are still theirs, with what is safe on them now.
func formerly(now, before []registry.Contact) (gone, kept []registry.Contact) {
	for _, old := range before {
		i := slices.IndexFunc(now, func(c registry.Contact) bool { return c.Kind == old.Kind && c.Value == old.Value })
		if i < 0 {
			gone = append(gone, old)
		} else {
			kept = append(kept, now[i])
		}
	}
	return gone, kept
}

// silenced finds an address, $2 and $3, that is the phone of somebody who is
// dead or reported so (RULES R16). A helper's phone, which serves others too,
// is not.
const silenced = `select from contact c join person p on p.id = c.person_id
	where c.kind = $2 and c.value = $3 and c.owner <> 'helper'
	and (p.status = 'deceased' or exists (select from contact_hold h where h.person_id = p.id and h.reason = 'reported_dead' and h.ended_at is null))`

func kindOf(channel string) string {
	if channel == ChannelEmail {
		return registry.ContactEmail
	}
	return registry.ContactPhone
}

// choose picks the contact of a kind that is safest for notices: one's own
// before a shared one before a helper's. A protected one is never used.
func choose(contacts []registry.Contact, kind string) (registry.Contact, string) {
	why := "no_contact"
	var safe []registry.Contact
	for _, c := range contacts {
		if c.Kind != kind {
			continue
		}
		if c.Protected || !c.SafeFor("notices") {
			why = "not_safe"
			continue
		}
		safe = append(safe, c)
	}
	if len(safe) == 0 {
		return registry.Contact{}, why
	}
	owners := registry.ContactOwners()
	return slices.MinFunc(safe, func(a, b registry.Contact) int {
		if d := slices.Index(owners, a.Owner) - slices.Index(owners, b.Owner); d != 0 {
			return d
		}
		return strings.Compare(a.Value, b.Value)
	}), ""
}

// addressOf is an address as it is compared: the queue holds no phone numbers, nor
// anything that could be tried against all there are.
func addressOf(tx db.Tx, c registry.Contact) ([]byte, error) {
	return seal.Mark(tx, "contact."+c.Kind, c.Value)
}

// hintOf is enough to tell one's own addresses apart: the last two digits of a
// number, the first letter of an address.
func hintOf(c registry.Contact) string {
	if c.Kind == registry.ContactEmail {
		name, host, _ := strings.Cut(c.Value, "@")
		_, size := utf8.DecodeRuneInString(name)
		return name[:size] + "…@" + host
	}
	return "…" + c.Value[max(0, len(c.Value)-2):]
}
