package cases

import (
	"bytes"
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
)

//go:embed letters.yaml
var shippedLetters []byte

// LetterText is a version of a letter's text in a language.
type LetterText struct {
	ID       db.ID     `db:"id"`
	Code     string    `db:"code"` // "<family>.<outcome>", or "any.<outcome>"
	Lang     string    `db:"lang"`
	Version  int       `db:"version"`
	Body     string    `db:"body"`
	Written  time.Time `db:"written_at"`
	By       *db.ID    `db:"written_by"`
	Reviewed bool      `db:"reviewed"`
}

// placeholders are the facts that a letter can hold.
var placeholders = []string{"applicant", "received", "kind", "reference", "reason", "note", "left", "appeal"}

var placeholder = regexp.MustCompile(`\{\{([^}]*)\}\}`)

// LetterCodes lists the letters that there can be.
func LetterCodes() []string {
	return []string{"any.approved", "any.partly", "any.refused", "grievance.approved", "grievance.refused", "appeal.approved", "appeal.refused"}
}

const letterColumns = `id, code, lang, version, body, written_at, written_by, reviewed_at is not null as reviewed`

// LetterTexts lists the newest version of every text.
func LetterTexts(tx db.Tx) ([]LetterText, error) {
	var list []LetterText
	err := tx.Select(&list, `select distinct on (code, lang) `+letterColumns+` from letter_text order by code, lang, version desc`)
	return list, err
}

// WriteLetter stores the next version of a text. Somebody else has to review it
// before it goes out by itself.
func WriteLetter(tx db.Tx, code, lang, body string) error {
	var check fault.Check
	if !slices.Contains(LetterCodes(), code) {
		return fault.Hidden()
	}
	for _, m := range placeholder.FindAllStringSubmatch(body, -1) {
		if !slices.Contains(placeholders, m[1]) {
			check.Fail("body", "letter.error.placeholder", "Name", m[1])
		}
	}
	if strings.Contains(code, "refused") && !strings.Contains(body, "{{reason}}") {
		check.Fail("body", "letter.error.reason")
	}
	if err := check.Err(); err != nil {
		return err
	}
	if err := tx.Exec(`
		insert into letter_text (id, code, lang, version, body, written_at)
		select $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5 from letter_text where code = $2 and lang = $3`,
		tx.NewID(), code, lang, body, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "letter.written", Detail: map[string]any{"code": code, "lang": lang}})
}

// ReviewLetter says that the principal, who did not write it, has read the newest
// version of a text.
func ReviewLetter(tx db.Tx, code, lang string, version int) error {
	n, err := tx.Count(`
		update letter_text set reviewed_at = $4, reviewed_by = actor()
		where code = $1 and lang = $2 and version = $3 and reviewed_at is null and written_by is distinct from actor()`, code, lang, version, tx.Now())
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Forbidden, "error.separate_hands")
	}
	return audit.Write(tx, audit.Event{Action: "letter.reviewed", Detail: map[string]any{"code": code, "lang": lang, "version": version}})
}

// PublishLetters stores the shipped texts of which the registry has none.
func PublishLetters(tx db.Tx) error {
	type text struct {
		Reviewed bool   `yaml:"reviewed"`
		Body     string `yaml:"body"`
	}
	var list []struct {
		Code string `yaml:"code"`
		EN   text   `yaml:"en"`
		AR   text   `yaml:"ar"`
	}
	d := yaml.NewDecoder(bytes.NewReader(shippedLetters))
	d.KnownFields(true)
	if err := d.Decode(&list); err != nil {
		return err
	}
	for _, l := range list {
		for lang, t := range map[string]text{"en": l.EN, "ar": l.AR} {
			if err := tx.Exec(`
				insert into letter_text (id, code, lang, version, body, written_at, reviewed_at)
				select $1, $2, $3, 1, $4, $5, case when $6 then $5::timestamptz end where not exists (select from letter_text where code = $2 and lang = $3)`,
				tx.NewID(), l.Code, lang, t.Body, tx.Now(), t.Reviewed); err != nil {
				return err
			}
		}
	}
	return nil
}

// Letter is the text of an answer, in the applicant's language and, where nobody
// has read that one, in one that somebody has.
type Letter struct {
	Text    LetterText
	Draft   *LetterText // in the applicant's language, not reviewed
	Outcome string
}

// LetterFor finds the texts for an outcome of a kind in a language; source is
// the language of last resort.
func LetterFor(tx db.Tx, kind kinds.Kind, outcome, lang, source string) (Letter, error) {
	var list []LetterText
	if err := tx.Select(&list, `
		select distinct on (code, lang) `+letterColumns+` from letter_text
		where code in ($1, $2) and lang in ($3, $4) order by code, lang, reviewed_at is null, version desc`,
		kind.Family+"."+outcome, "any."+outcome, lang, source); err != nil {
		return Letter{}, err
	}
	find := func(lang string) (t LetterText, ok bool) {
		for _, family := range []string{kind.Family, "any"} {
			i := slices.IndexFunc(list, func(t LetterText) bool { return t.Lang == lang && t.Code == family+"."+outcome })
			if i >= 0 {
				return list[i], true
			}
		}
		return t, false
	}
	l := Letter{Outcome: outcome}
	own, there := find(lang)
	if there && own.Reviewed {
		l.Text = own
		return l, nil
	}
	if there {
		l.Draft = &own
	}
	var ok bool
	if l.Text, ok = find(source); !ok {
		return l, fault.Hidden()
	}
	return l, nil
}

// Fill puts the facts into a text. A paragraph whose only fact is empty is left
// out.
func (t LetterText) Fill(facts map[string]string) []string {
	var paragraphs []string
	for _, p := range strings.Split(t.Body, "\n\n") {
		names := placeholder.FindAllStringSubmatch(p, -1)
		if len(names) == 1 && strings.TrimSpace(p) == names[0][0] && facts[names[0][1]] == "" {
			continue
		}
		paragraphs = append(paragraphs, placeholder.ReplaceAllStringFunc(p, func(m string) string { return facts[strings.Trim(m, "{}")] }))
	}
	return paragraphs
}

// appealDays is how long a decision can be appealed (RULES R10, R12).
const appealDays = 30

// AppealUntil is the last day to appeal a decision that was served on a day.
func AppealUntil(tx db.Tx, served time.Time) (time.Time, error) {
	calendar, _, err := clock(tx)
	if err != nil {
		return time.Time{}, err
	}
	day := calendar.Today(served).AddDate(0, 0, appealDays)
	for !calendar.Working(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day, nil
}

// LeftOut lists what was left out of a case's proposal.
func LeftOut(events []Event) []string {
	var names []string
	for _, e := range events {
		values, _ := e.Facts["values"].([]any)
		for _, v := range values {
			if s, ok := v.(string); ok && e.Action == Trimmed {
				names = append(names, s)
			}
		}
	}
	return names
}

// Ship stores what comes with Daftar and the registry does not have yet: kinds of
// case, and the texts of letters.
func Ship(tx db.Tx) error {
	if err := kinds.PublishMissing(tx); err != nil {
		return err
	}
	return PublishLetters(tx)
}
