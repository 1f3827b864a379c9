package letters

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/deadline"
	"daftar/registry/jobs"
	"daftar/registry/notices"
)

// Reason is one reason of a decision: a text of the rule, or a message of our
// own. In is a message that says the text as its {{.Condition}}.
type Reason struct {
	Text i18n.Text `json:"text,omitempty"`
	In   string    `json:"in,omitempty"`
	Key  string    `json:"key,omitempty"`
}

func (r Reason) words(p *i18n.Printer) string {
	switch {
	case r.Key != "":
		return p.T(r.Key)
	case r.In != "":
		return p.T(r.In, "Condition", r.Text.In(p))
	}
	return r.Text.In(p)
}

// Facts are what a letter is about.
type Facts struct {
	Programme i18n.Text `json:"programme,omitempty"`
	Reference string    `json:"reference"` // of the decision or the case
	Reasons   []Reason  `json:"reasons,omitempty"`
	Days      int       `json:"days"` // to appeal
}

// New is a letter to be written: to one person, by their record, or by their
// account while they have none.
type New struct {
	Kind            string
	Person, Account *db.ID
	Household       *db.ID
	Area            db.ID // whose office prints it, where there is no household
	Case, Decision  *db.ID
	Facts           Facts
	Once            string // names the letter: it is written once
}

// Send has a letter written, in this transaction. A job finds the words: it
// goes out in a language whose text was reviewed, or waits until one was.
func Send(tx db.Tx, n New) error {
	lang, err := notices.Language(tx, n.Person, n.Account)
	if err != nil {
		return err
	}
	if n.Facts.Days == 0 {
		n.Facts.Days = deadline.AppealDays
	}
	facts, err := json.Marshal(n.Facts)
	if err != nil {
		return err
	}
	id := tx.NewID()
	added, err := tx.Count(`
		insert into letter (id, ref, kind, person_id, account_id, household_id, area_id, case_id, decision_id, language, facts, written_at, once)
		select $1, $2, $3, $4, $5, $6, coalesce((select h.area_id from household h where h.id = $6), $7), $8, $9, $10, $11, $12, $13
		on conflict do nothing`,
		id, registry.NewRef(registry.RefLetter, tx.Rand()), n.Kind, n.Person, n.Account, n.Household, optional(n.Area), n.Case, n.Decision,
		lang, string(facts), tx.Now(), n.Once)
	if err != nil || added == 0 {
		return err
	}
	return tx.Enqueue(jobs.KindComposeLetter, id, 1)
}

func optional(id db.ID) *db.ID {
	if id == (db.ID{}) {
		return nil
	}
	return &id
}

// Part is a letter in one language. Draft marks words that no person has
// reviewed: they help to understand, and do not count.
type Part struct {
	Lang       string      `json:"lang"`
	Dir        string      `json:"dir"`
	Draft      bool        `json:"draft,omitempty"`
	Title      string      `json:"title"`
	Paragraphs []Paragraph `json:"paragraphs"`
}

// Paragraph is a text, or a list.
type Paragraph struct {
	Text  string   `json:"text,omitempty"`
	Items []string `json:"items,omitempty"`
}

// Letter is one letter.
type Letter struct {
	ID         db.ID        `db:"id"`
	Ref        string       `db:"ref"`
	Kind       string       `db:"kind"`
	Person     *db.ID       `db:"person_id"`
	Account    *db.ID       `db:"account_id"`
	Household  *db.ID       `db:"household_id"`
	Area       db.ID        `db:"area_id"`
	Case       *db.ID       `db:"case_id"`
	Decision   *db.ID       `db:"decision_id"`
	CaseRef    string       `db:"case_ref"`
	DecRef     string       `db:"decision_ref"`
	Language   string       `db:"language"`
	FactsJSON  []byte       `db:"facts"`
	BodyJSON   []byte       `db:"body"`
	WrittenAt  time.Time    `db:"written_at"`
	ComposedAt sql.NullTime `db:"composed_at"`
	Paper      Paper        `db:"paper"`
	PaperAt    sql.NullTime `db:"paper_at"`
	Facts      Facts        `db:"-"`
	Parts      []Part       `db:"-"`
	Events     []Event      `db:"-"`
}

// Held reports that the letter waits for a text to be reviewed.
func (l Letter) Held() bool { return !l.ComposedAt.Valid }

// Served is the day on which the person counts as told; false when nothing
// proves it.
func (l Letter) Served() (time.Time, bool) {
	var list []deadline.Event
	for _, e := range l.Events {
		list = append(list, deadline.Event{Proof: deadline.Proof(e.What), Day: e.Day})
	}
	return deadline.Served(list)
}

const letterColumns = `l.id, l.ref, l.kind, l.person_id, l.account_id, l.household_id, l.area_id, l.case_id, l.decision_id,
	coalesce(c.ref, '') as case_ref, coalesce(d.ref, '') as decision_ref, l.language, l.facts, l.body, l.written_at, l.composed_at, l.paper, l.paper_at`

const letterTables = `letter l left join case_file c on c.id = l.case_id left join decision d on d.id = l.decision_id`

func (l *Letter) fill(tx db.Tx) error {
	if err := json.Unmarshal(l.FactsJSON, &l.Facts); err != nil {
		return fmt.Errorf("facts of letter %s: %w", l.ID, err)
	}
	if l.BodyJSON != nil {
		if err := json.Unmarshal(l.BodyJSON, &l.Parts); err != nil {
			return fmt.Errorf("body of letter %s: %w", l.ID, err)
		}
	}
	return tx.Select(&l.Events, `
		select e.what, e.on_day, e.at, coalesce(s.name, '') as name, e.note, e.note_lang
		from letter_event e left join staff s on s.id = e.by where e.letter_id = $1 order by e.at, e.id`, l.ID)
}

// Load reads a letter.
func Load(tx db.Tx, id db.ID) (Letter, error) {
	var l Letter
	if err := tx.Get(&l, `select `+letterColumns+` from `+letterTables+` where l.id = $1`, id); err != nil {
		return l, err
	}
	return l, l.fill(tx)
}

// About lists the letters about a decision or a case, the latest first.
func About(tx db.Tx, id db.ID) ([]Letter, error) {
	var list []Letter
	err := tx.Select(&list, `select `+letterColumns+` from `+letterTables+` where l.decision_id = $1 or l.case_id = $1 order by l.written_at desc, l.id desc limit 50`, id)
	for i := range list {
		if err == nil {
			err = list[i].fill(tx)
		}
	}
	return list, err
}

// Open is the addressee's own reading, signed in, which proves that the letter
// arrived. Another's, one that is still being written and none are the same
// fault.NotFound.
func Open(tx db.Tx, account db.ID, person *db.ID, ref string) (Letter, error) {
	canonical, _ := registry.ParseRef(registry.RefLetter, ref)
	var l Letter
	if err := tx.Get(&l, `select `+letterColumns+` from `+letterTables+`
		where l.ref = $1 and (l.account_id = $2 or l.person_id = $3)`, canonical, account, person); err != nil {
		return l, err
	}
	if l.Held() {
		return l, fault.Hidden()
	}
	today, err := l.today(tx)
	if err != nil {
		return l, err
	}
	first, err := tx.Count(`insert into letter_event (id, letter_id, at, what, on_day) values ($1, $2, $3, 'opened', $4) on conflict do nothing`,
		tx.NewID(), l.ID, tx.Now(), today)
	if err != nil {
		return l, err
	}
	if first == 1 {
		if err := tx.Enqueue(jobs.KindFollowLetter, l.ID, 1); err != nil {
			return l, err
		}
		if err := l.log(tx, "opened"); err != nil {
			return l, err
		}
	}
	return l, l.fill(tx)
}

// today is the day where the letter's reader is.
func (l Letter) today(tx db.Tx) (time.Time, error) {
	calendar, err := registry.CalendarOf(tx, l.Area)
	if err != nil {
		return time.Time{}, err
	}
	return calendar.Today(tx.Now()), nil
}
