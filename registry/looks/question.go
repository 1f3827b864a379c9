package looks

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// AnswerDays is how many days there are to answer a question about the use of
// data: a month, as laws on data protection have it.
const AnswerDays = 30

// Findings are what an answer, or the look into an alert, comes to. Each has the
// message "finding.<code>".
func Findings() []string { return []string{"proper", "improper", "unclear"} }

// Question is what a person asks about a look, and the answer.
type Question struct {
	ID         db.ID          `db:"id"`
	Ref        string         `db:"ref"`
	Person     db.ID          `db:"person_id"`
	EventAt    time.Time      `db:"event_at"`
	Event      db.ID          `db:"event_id"`
	Words      string         `db:"words"`
	WordsLang  string         `db:"words_lang"`
	AskedAt    time.Time      `db:"asked_at"`
	DueOn      time.Time      `db:"due_on"`
	Finding    sql.NullString `db:"finding"`
	Answer     string         `db:"answer"`
	AnswerLang string         `db:"answer_lang"`
	AnsweredAt sql.NullTime   `db:"answered_at"`
}

const questionColumns = `q.id, q.ref, q.person_id, q.event_at, q.event_id, q.words, q.words_lang, q.asked_at, q.due_on, q.finding, q.answer, q.answer_lang, q.answered_at`

// Ask puts a question about a look. Asking twice about the same is one question.
func Ask(tx db.Tx, person db.ID, l Look, words, lang string) (string, error) {
	var ref string
	err := tx.Get(&ref, `select ref from look_question where person_id = $1 and event_id = $2`, person, l.Event)
	if !fault.Is(err, fault.NotFound) {
		return ref, err
	}
	id, ref := tx.NewID(), registry.NewRef(registry.RefQuestion, tx.Rand())
	due, err := registry.DayOf(tx, tx.Now().AddDate(0, 0, AnswerDays))
	if err != nil {
		return "", err
	}
	if err := tx.Exec(`
		insert into look_question (id, ref, person_id, event_at, event_id, words, words_lang, asked_at, due_on) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, ref, person, l.At, l.Event, words, lang, tx.Now(), due); err != nil {
		return "", err
	}
	return ref, audit.WriteReceipt(tx, audit.Event{Action: "question.asked", SubjectKind: "question", Subject: id})
}

// Mine lists what the account asked, the latest first. The database shows no
// others.
func Mine(tx db.Tx, person db.ID) ([]Question, error) {
	var list []Question
	err := tx.Select(&list, `select `+questionColumns+` from look_question q where q.person_id = $1 order by q.asked_at desc limit 50`, person)
	return list, err
}

// Open lists the questions that wait for an answer, the most urgent first.
func Open(tx db.Tx) ([]Question, error) {
	var list []Question
	err := tx.Select(&list, `select `+questionColumns+` from look_question q where q.answered_at is null order by q.due_on, q.ref limit 200`)
	return list, err
}

// FindQuestion is one of any, for who answers them.
func FindQuestion(tx db.Tx, ref string) (Question, error) {
	canonical, ok := registry.ParseRef(registry.RefQuestion, ref)
	if !ok {
		return Question{}, fault.Hidden()
	}
	var q Question
	err := tx.Get(&q, `select `+questionColumns+` from look_question q where q.ref = $1`, canonical)
	return q, err
}

// Answer answers a question. Whose look it was is refused by the database.
func Answer(tx db.Tx, q Question, finding, words, lang string) error {
	if err := tx.Exec(`select answer_look_question($1, $2, $3, $4, $5)`, q.ID, finding, words, lang, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "question.answered", SubjectKind: "question", Subject: q.ID, Purpose: "complaint", Detail: map[string]any{"finding": finding}})
}
