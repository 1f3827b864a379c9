package oversight

import (
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Rules are from when on reading stands out. They are the setting "audit_alerts".
type Rules struct {
	ManyPerHour int `json:"many_per_hour"` // records of different people read outside cases
	Surname     int `json:"surname"`       // reads in a day of people with the officer's own family name
	Prominent   int `json:"prominent"`     // reads in a day of people whose record has the tag Prominent
	Refused     int `json:"refused"`       // times in a day that they asked for what is not there for them
}

// DefaultRules hold where a country has set none.
var DefaultRules = Rules{ManyPerHour: 30, Surname: 1, Prominent: 1, Refused: 20}

// Prominent is the tag of people whom many are curious about.
const Prominent = "prominent"

func loadRules(tx db.Tx) (Rules, error) {
	rules := DefaultRules
	var raw []byte
	err := tx.Get(&raw, `select value from setting where key = 'audit_alerts'`)
	if fault.Is(err, fault.NotFound) {
		return rules, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &rules)
	}
	return rules, err
}

// WatchEvery is how often reads are looked through: an alert is there well within
// five minutes.
const WatchEvery = time.Minute

// offCase are reads of records outside any case or change, in a window: who read
// whom, and when.
const offCase = `
	with looked as (
		select e.actor as staff_id, e.at, e.subject as person_id from audit_event e
		where e.at > $1 and e.actor_kind = 'staff' and e.action = 'person.read' and e.case_id is null and e.change_id is null
		union all
		select e.actor, e.at, m.person_id from audit_event e join membership m on m.household_id = e.subject and m.tie = 'usual' and m.end_date is null
		where e.at > $1 and e.actor_kind = 'staff' and e.action = 'household.read' and e.case_id is null and e.change_id is null
	)`

// patterns find, each in its own way, who reads what stands out: staff_id, first,
// last, reads. $1 is since when to look, $2 the rule's number.
var patterns = map[string]string{
	"many": offCase + `
		select staff_id, min(at) as first, max(at) as last, count(distinct person_id) as reads from looked
		group by staff_id having count(distinct person_id) > $2`,
	"surname": offCase + `
		select l.staff_id, min(l.at) as first, max(l.at) as last, count(distinct l.person_id) as reads
		from looked l join staff s on s.id = l.staff_id join person p on p.id = l.person_id
		where (regexp_match(name_fold(s.name), '[^ ]+$'))[1] = any (array[
			(regexp_match(name_fold(p.full_name), '[^ ]+$'))[1], (regexp_match(name_fold(p.full_name_latin), '[^ ]+$'))[1],
			(regexp_match(name_fold(p.family_name), '[^ ]+$'))[1]])
		group by l.staff_id having count(distinct l.person_id) >= $2`,
	"prominent": offCase + `
		select l.staff_id, min(l.at) as first, max(l.at) as last, count(distinct l.person_id) as reads
		from looked l join person p on p.id = l.person_id
		where '` + Prominent + `' = any (p.tags)
		group by l.staff_id having count(distinct l.person_id) >= $2`,
	"refused": `
		select staff_id, min(first_at) as first, max(last_at) as last, sum(tries) as reads from refused_attempt
		where staff_id is not null and kind <> 'purpose' and last_at > $1 group by staff_id having sum(tries) >= $2`,
}

// Watch looks through what was read of late and raises alerts: one a day for each
// officer and pattern, which grows. It returns how many are new.
func Watch(tx db.Tx) (int, error) {
	rules, err := loadRules(tx)
	if err != nil {
		return 0, err
	}
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return 0, err
	}
	raised := 0
	for _, kind := range []struct {
		name   string
		window time.Duration
		number int
	}{{"many", time.Hour, rules.ManyPerHour}, {"surname", 24 * time.Hour, rules.Surname}, {"prominent", 24 * time.Hour, rules.Prominent}, {"refused", 24 * time.Hour, rules.Refused}} {
		if kind.number <= 0 {
			continue
		}
		var found []struct {
			Staff db.ID     `db:"staff_id"`
			First time.Time `db:"first"`
			Last  time.Time `db:"last"`
			Reads int       `db:"reads"`
		}
		if err := tx.Select(&found, patterns[kind.name], tx.Now().Add(-kind.window), kind.number); err != nil {
			return raised, err
		}
		for _, f := range found {
			id := tx.NewID()
			n, err := tx.Count(`
				insert into audit_alert (id, ref, kind, staff_id, day, first_at, last_at, reads, raised_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
				on conflict (kind, staff_id, day) where kind not in ('passkey', 'not_me', 'emergency') do nothing`,
				id, registry.NewRef(registry.RefAlert, tx.Rand()), kind.name, f.Staff, today, f.First, f.Last, f.Reads, tx.Now())
			if err != nil {
				return raised, err
			}
			if n == 1 {
				raised++
				if err := audit.Write(tx, audit.Event{Action: "alert.raised", SubjectKind: "alert", Subject: id, Purpose: "check", Detail: map[string]any{"kind": kind.name}}); err != nil {
					return raised, err
				}
				continue
			}
			if err := grow(tx, kind.name, f.Staff, today, f.Last, f.Reads); err != nil {
				return raised, err
			}
		}
	}
	return raised, nil
}

// grow brings a day's alert up to date while nobody has closed it.
func grow(tx db.Tx, kind string, staff db.ID, day string, last time.Time, reads int) error {
	var id db.ID
	err := tx.Get(&id, `
		update audit_alert set last_at = greatest(last_at, $4), reads = greatest(reads, $5)
		where kind = $1 and staff_id = $2 and day = $3 and closed_at is null and (last_at < $4 or reads < $5) returning id`, kind, staff, day, last, reads)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "alert.grew", SubjectKind: "alert", Subject: id, Purpose: "check", Detail: map[string]any{"reads": reads}})
}

// Alert is a pattern that somebody should look into.
type Alert struct {
	ID       db.ID          `db:"id"`
	Ref      string         `db:"ref"`
	Kind     string         `db:"kind"`     // "many", "surname", "neighbour", "household", "prominent", "refused"; "passkey", "not_me", "emergency"
	StaffID  db.ID          `db:"staff_id"` // zero: it is about a citizen's account
	Staff    string         `db:"staff"`
	Person   string         `db:"person"` // reference of the record of that account; "" without one
	First    time.Time      `db:"first_at"`
	Last     time.Time      `db:"last_at"`
	Reads    int            `db:"reads"`
	Raised   time.Time      `db:"raised_at"`
	Closed   sql.NullTime   `db:"closed_at"`
	Closer   string         `db:"closer"`
	Finding  sql.NullString `db:"finding"`
	Note     string         `db:"note"`
	NoteLang string         `db:"note_lang"`
}

// AboutReading reports whether it is about what somebody read, or about what
// somebody did with how people sign in.
func (a Alert) AboutReading() bool {
	return a.Kind != "passkey" && a.Kind != "not_me" && a.Kind != "emergency" && a.Kind != "refused"
}

const alertQuery = `
	select a.id, a.ref, a.kind, coalesce(a.staff_id, '00000000-0000-0000-0000-000000000000') as staff_id, coalesce(s.name, '') as staff,
	       coalesce(p.ref, '') as person, a.first_at, a.last_at, a.reads, a.raised_at, a.closed_at, coalesce(c.name, '') as closer,
	       a.finding, a.note, a.note_lang
	from audit_alert a left join staff s on s.id = a.staff_id left join staff c on c.id = a.closed_by
	left join account o on o.id = a.account_id left join person p on p.id = o.person_id`

// Alerts lists them, those that nobody has closed first.
func Alerts(tx db.Tx) ([]Alert, error) {
	var list []Alert
	err := tx.Select(&list, alertQuery+` order by a.closed_at is not null, a.raised_at desc, a.id limit 200`)
	return list, err
}

// FindAlert is one of them.
func FindAlert(tx db.Tx, ref string) (Alert, error) {
	canonical, ok := registry.ParseRef(registry.RefAlert, ref)
	if !ok {
		return Alert{}, fault.Hidden()
	}
	var a Alert
	err := tx.Get(&a, alertQuery+` where a.ref = $1`, canonical)
	return a, err
}

// Close notes what came of looking into an alert. Nobody closes their own.
func Close(tx db.Tx, a Alert, finding, note, lang string) error {
	if a.StaffID == tx.Who().Actor {
		return fault.New(fault.Forbidden, "error.separate_hands")
	}
	n, err := tx.Count(`
		update audit_alert set closed_at = $2, closed_by = $3, finding = $4, note = $5, note_lang = $6 where id = $1 and closed_at is null`,
		a.ID, tx.Now(), tx.Who().Actor, finding, note, lang)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	return audit.Write(tx, audit.Event{Action: "alert.closed", SubjectKind: "alert", Subject: a.ID, Purpose: "check", Detail: map[string]any{"finding": finding}})
}

// Held is a record of which reads for protection are not shown to the person.
type Held struct {
	Ref   string    `db:"ref"`
	Reads int       `db:"reads"`
	First time.Time `db:"first"`
	Last  time.Time `db:"last"`
}

// HeldBack lists them, the oldest first, as the auditor.
func HeldBack(tx db.Tx) ([]Held, error) {
	var list []Held
	err := tx.Select(&list, `
		select p.ref, count(*) as reads, min(e.at) as first, max(e.at) as last
		from audit_event e join person p on p.id = e.subject
		where e.actor_kind = 'staff' and e.action = 'person.read'
		  and e.actor in (select r.staff_id from staff_scope r where r.role = 'protection') and protects(e.actor, e.at)
		  and not exists (select from look_release l where l.person_id = e.subject and l.up_to >= e.at and l.released_by <> e.actor)
		group by p.ref order by min(e.at), p.ref limit 200`)
	return list, err
}
