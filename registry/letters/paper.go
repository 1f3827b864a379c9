package letters

import (
	"database/sql"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// Paper is how far a letter has come on paper. Each has the message
// "paper.<paper>".
type Paper string

// The states on paper.
const (
	NotOnPaper Paper = "none"
	Wanted     Paper = "wanted" // to be printed
	Printed    Paper = "printed"
	HandedOver Paper = "handed_over" // to a messenger, or the village head
	Posted     Paper = "posted"
	Returned   Paper = "returned" // it came back
	SignedFor  Paper = "signed_for"
)

// steps is the way of paper; the database keeps to the same.
var steps = map[Paper][]Paper{
	Wanted:     {Printed},
	Printed:    {Posted, HandedOver, SignedFor},
	HandedOver: {SignedFor, Returned},
	Posted:     {SignedFor, Returned},
	Returned:   {Wanted},
}

// Steps lists what can be noted next about a letter on paper.
func (p Paper) Steps() []Paper { return steps[p] }

// Event is one thing that happened to a letter.
type Event struct {
	What string    `db:"what"` // each has the message "paper.event.<what>"
	Day  time.Time `db:"on_day"`
	At   time.Time `db:"at"`
	By   string    `db:"name"`
	Note string    `db:"note"`
	Lang string    `db:"note_lang"`
}

// unopened is how long a letter may lie unread in the portal before it is
// printed.
const unopened = 7 * 24 * time.Hour

func want(tx db.Tx, l Letter) error {
	today, err := l.today(tx)
	if err != nil {
		return err
	}
	if err := tx.Exec(`update letter set paper = 'wanted', paper_at = $2 where id = $1`, l.ID, tx.Now()); err != nil {
		return err
	}
	if err := tx.Exec(`insert into letter_event (id, letter_id, at, what, on_day) values ($1, $2, $3, 'wanted', $4)`, tx.NewID(), l.ID, tx.Now(), today); err != nil {
		return err
	}
	return l.log(tx, string(Wanted))
}

// log writes into the audit log what happened to a letter: what was served when
// depends on it.
func (l Letter) log(tx db.Tx, what string) error {
	e := audit.Event{Action: "letter." + what, Detail: map[string]any{"letter": l.ID}}
	if l.Person != nil {
		e.SubjectKind, e.Subject = "person", *l.Person
	}
	if l.Case != nil {
		e.Case = *l.Case
	}
	return audit.Write(tx, e)
}

// Print puts the letters that nobody opened for a week into the print queue.
func Print(tx db.Tx) error {
	var ids []db.ID
	if err := tx.Select(&ids, `
		select l.id from letter l
		where l.paper = 'none' and l.composed_at < $1
		and not exists (select from letter_event e where e.letter_id = l.id and e.what = 'opened')
		order by l.composed_at limit 500 for update skip locked`, tx.Now().Add(-unopened)); err != nil {
		return err
	}
	for _, id := range ids {
		l, err := Load(tx, id)
		if err == nil {
			err = want(tx, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Settle takes a letter that was opened in the portal out of the print queue,
// and returns it with everything that happened.
func Settle(tx db.Tx, id db.ID) (Letter, error) {
	spared, err := tx.Count(`
		update letter set paper = 'none', paper_at = $2
		where id = $1 and paper = 'wanted' and exists (select from letter_event e where e.letter_id = $1 and e.what = 'opened')`, id, tx.Now())
	if err != nil {
		return Letter{}, err
	}
	l, err := Load(tx, id)
	if err != nil || spared == 0 {
		return l, err
	}
	return l, l.log(tx, "not_printed")
}

// Row is a letter in the print queue.
type Row struct {
	ID        db.ID     `db:"id"`
	Ref       string    `db:"ref"`
	Person    *db.ID    `db:"person_id"`
	Kind      string    `db:"kind"`
	Language  string    `db:"language"`
	Paper     Paper     `db:"paper"`
	PaperAt   time.Time `db:"paper_at"`
	Name      string    `db:"name"`
	AreaName  i18n.Text `db:"area_name"`
	Protected bool      `db:"protected"`
}

// careful is the condition that a letter may not go to where its reader lives:
// the place is told to nobody, or they said that they are not safe there
// (RULES R5). Such letters are handed over by those who protect.
const careful = `(coalesce(h.protected, false) or exists (
	select from contact_hold x where x.person_id = l.person_id and x.reason = 'not_safe' and x.ended_at is null))`

const visible = `exists (select from area a where a.id = coalesce(h.area_id, l.area_id)
	and (a.l0 = any(case when ` + careful + ` then $2::uuid[] else $1::uuid[] end) or a.l1 = any(case when ` + careful + ` then $2::uuid[] else $1::uuid[] end)
	  or a.l2 = any(case when ` + careful + ` then $2::uuid[] else $1::uuid[] end) or a.l3 = any(case when ` + careful + ` then $2::uuid[] else $1::uuid[] end)
	  or a.l4 = any(case when ` + careful + ` then $2::uuid[] else $1::uuid[] end) or a.l5 = any(case when ` + careful + ` then $2::uuid[] else $1::uuid[] end)))`

// Queue lists the letters on paper in the reader's areas, those that wait
// longest first, and logs whose they were.
func Queue(tx db.Tx, r registry.Reader, states ...Paper) ([]Row, error) {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	var rows []Row
	if err := tx.Select(&rows, `
		select l.id, l.ref, l.person_id, l.kind, l.language, l.paper, l.paper_at, coalesce(p.full_name, '') as name, n.name as area_name, `+careful+` as protected
		from letter l left join household h on h.id = l.household_id left join person p on p.id = l.person_id
		join area n on n.id = coalesce(h.area_id, l.area_id)
		where l.paper = any($3) and `+visible+` order by l.paper_at, l.id limit 200`,
		registry.Texts(r.Areas), registry.Texts(r.Protected), names); err != nil {
		return nil, err
	}
	var people []db.ID
	for _, row := range rows {
		if row.Person != nil {
			people = append(people, *row.Person)
		}
	}
	return rows, audit.WriteAbout(tx, audit.Event{Action: "letter.listed", Purpose: "print"}, registry.KindPerson, people)
}

// Held counts the letters of each kind that wait for a text to be reviewed.
func Held(tx db.Tx) (map[string]int, error) {
	var rows []struct {
		Kind string `db:"kind"`
		N    int    `db:"n"`
	}
	err := tx.Select(&rows, `select kind, count(*) as n from letter where body is null group by kind`)
	held := map[string]int{}
	for _, r := range rows {
		held[r.Kind] = r.N
	}
	return held, err
}

// Sheet is a letter with what stands above it on paper.
type Sheet struct {
	Letter
	Name       string          `db:"name"`
	Directions string          `db:"directions"`
	Protected  bool            `db:"protected"`
	Place      []registry.Area `db:"-"` // none where it is told to nobody
}

// Read is a letter for the office that prints it. The reading is logged. One
// that is not the reader's business and none are the same fault.NotFound.
func Read(tx db.Tx, r registry.Reader, ref string) (Sheet, error) {
	canonical, _ := registry.ParseRef(registry.RefLetter, ref)
	var row struct {
		ID         db.ID          `db:"id"`
		Name       string         `db:"name"`
		Directions sql.NullString `db:"directions"`
		Area       db.ID          `db:"area"`
		Protected  bool           `db:"protected"`
	}
	var s Sheet
	if err := tx.Get(&row, `
		select l.id, coalesce(p.full_name, '') as name, h.directions, coalesce(h.area_id, l.area_id) as area, `+careful+` as protected
		from letter l left join household h on h.id = l.household_id left join person p on p.id = l.person_id
		where l.ref = $3 and l.body is not null and `+visible, registry.Texts(r.Areas), registry.Texts(r.Protected), canonical); err != nil {
		return s, err
	}
	l, err := Load(tx, row.ID)
	if err != nil {
		return s, err
	}
	s = Sheet{Letter: l, Name: row.Name, Protected: row.Protected}
	if !row.Protected {
		s.Directions = row.Directions.String
		if s.Place, err = registry.AreaPath(tx, row.Area); err != nil {
			return s, err
		}
	}
	subject := db.ID{}
	if l.Person != nil {
		subject = *l.Person
	}
	return s, audit.Write(tx, audit.Event{Action: "letter.read", SubjectKind: "person", Subject: subject, Purpose: "print", Detail: map[string]any{"letter": l.ID}})
}

// Note writes down what happened to a letter on paper, on a day. What follows
// from it is a job.
func Note(tx db.Tx, r registry.Reader, ref string, step Paper, day time.Time, note, lang string) error {
	s, err := Read(tx, r, ref)
	if err != nil {
		return err
	}
	today, err := s.today(tx)
	if err != nil {
		return err
	}
	var check fault.Check
	if !slices.Contains(s.Paper.Steps(), step) {
		check.Fail("step", "paper.error.step")
	}
	calendarDay := registry.Date(s.ComposedAt.Time.Year(), s.ComposedAt.Time.Month(), s.ComposedAt.Time.Day()).AddDate(0, 0, -1)
	if day.After(today) || day.Before(calendarDay) {
		check.Fail("day", "paper.error.day")
	}
	if step == Posted && s.Protected {
		check.Fail("step", "paper.error.protected")
	}
	if err := check.Err(); err != nil {
		return err
	}
	moved, err := tx.Count(`update letter set paper = $2, paper_at = $3 where id = $1 and paper = $4`, s.ID, step, tx.Now(), s.Paper)
	if err != nil {
		return err
	}
	if moved == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := tx.Exec(`insert into letter_event (id, letter_id, at, what, on_day, note, note_lang) values ($1, $2, $3, $4, $5, $6, $7)`,
		tx.NewID(), s.ID, tx.Now(), string(step), day, note, lang); err != nil {
		return err
	}
	if err := s.log(tx, string(step)); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindFollowLetter, s.ID, 1)
}
