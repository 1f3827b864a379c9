// Package letters writes letters of legal weight: from texts that a person has
// reviewed, in the person's language, to be opened in the portal or on paper,
// with proof of when they arrived (RULES R3, R12).
package letters

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// Kinds lists the letters. Each has the message "letter.kind.<kind>", and comes
// with the texts "letter.<kind>.title" and "letter.<kind>.body".
func Kinds() []string {
	return []string{"adverse", "granted", "refused", "upheld", "overturned", "case_approved", "case_partly", "case_refused",
		"complaint_approved", "complaint_refused", "appeal_approved", "appeal_refused", "appeal_final", "objected"}
}

// Names lists what a text can say by a name in braces. Each has the message
// "lettertext.name.<name>".
func Names() []string {
	return []string{"programme", "reference", "days", "reasons", "request", "received", "left", "note"}
}

// alone lists the names that stand in a paragraph of their own: lists, and an
// official's own words.
func alone() []string { return []string{"{reasons}", "{left}", "{note}"} }

// must lists what a text of a kind may not leave out: why, and until when one
// can appeal.
func must(kind string) []string {
	switch kind {
	case "adverse", "refused", "upheld", "case_refused", "complaint_refused", "appeal_refused":
		return []string{"reasons", "days"}
	case "case_partly":
		return []string{"left", "days"}
	case "appeal_final":
		return []string{"reasons"}
	case "case_approved", "complaint_approved", "appeal_approved": // as it was asked for
		return nil
	}
	return []string{"days"}
}

// Wording is a version of a kind's text in a language.
type Wording struct {
	ID         db.ID        `db:"id"`
	Kind       string       `db:"kind"`
	Language   string       `db:"language"`
	Version    int          `db:"version"`
	Title      string       `db:"title"`
	Body       string       `db:"body"`
	WrittenAt  time.Time    `db:"written_at"`
	Writer     string       `db:"writer"` // "" when it came with the program
	WrittenBy  *db.ID       `db:"written_by"`
	ReviewedAt sql.NullTime `db:"reviewed_at"`
	Reviewer   string       `db:"reviewer"`
}

// Reviewed reports whether a person has.
func (w Wording) Reviewed() bool { return w.ReviewedAt.Valid }

const wordingColumns = `t.id, t.kind, t.language, t.version, t.title, t.body, t.written_at, t.written_by, coalesce(w.name, '') as writer,
	t.reviewed_at, coalesce(r.name, '') as reviewer`

const wordingTables = `letter_text t left join staff w on w.id = t.written_by left join staff r on r.id = t.reviewed_by`

// Wordings lists the latest version of each text.
func Wordings(tx db.Tx) ([]Wording, error) {
	var list []Wording
	err := tx.Select(&list, `select distinct on (t.kind, t.language) `+wordingColumns+` from `+wordingTables+` order by t.kind, t.language, t.version desc`)
	return list, err
}

// Versions lists the versions of one text, the latest first; fault.NotFound
// when there is no such letter or language.
func Versions(tx db.Tx, kind, language string) ([]Wording, error) {
	var list []Wording
	err := tx.Select(&list, `select `+wordingColumns+` from `+wordingTables+`
		where t.kind = $1 and t.language = $2 order by t.version desc limit 20`, kind, language)
	if err == nil && len(list) == 0 {
		err = fault.Hidden()
	}
	return list, err
}

// Write adds a version of a text. Letters are not written in it before somebody
// else has reviewed it.
func Write(tx db.Tx, kind, language, title, body string) error {
	var check fault.Check
	checkWords(&check, "title", title)
	checkWords(&check, "body", body)
	for _, name := range must(kind) {
		if !check.Failed("body") && !strings.Contains(body, "{"+name+"}") {
			check.Fail("body", "lettertext.error.must", "Name", "{"+name+"}")
		}
	}
	for _, p := range paragraphs(body) {
		for _, name := range alone() {
			if !check.Failed("body") && strings.Contains(p, name) && p != name {
				check.Fail("body", "lettertext.error.alone", "Name", name)
			}
		}
	}
	if err := check.Err(); err != nil {
		return err
	}
	n, err := tx.Count(`
		insert into letter_text (id, kind, language, version, title, body, written_at)
		select $1, $2, $3, max(version) + 1, $4, $5, $6 from letter_text where kind = $2 and language = $3 having count(*) > 0`,
		tx.NewID(), kind, language, title, body, tx.Now())
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Hidden()
	}
	return audit.Write(tx, audit.Event{Action: "lettertext.written", Detail: map[string]any{"kind": kind, "language": language}})
}

var braced = regexp.MustCompile(`\{([^{}]*)\}`)

func checkWords(check *fault.Check, input, s string) {
	if strings.TrimSpace(s) == "" {
		check.Fail(input, "lettertext.error.empty")
		return
	}
	for _, m := range braced.FindAllStringSubmatch(s, -1) {
		if !slices.Contains(Names(), m[1]) && !check.Failed(input) {
			check.Fail(input, "lettertext.error.name", "Name", m[0])
		}
	}
	if strings.ContainsAny(braced.ReplaceAllString(s, ""), "{}") && !check.Failed(input) {
		check.Fail(input, "lettertext.error.brace")
	}
}

func paragraphs(body string) []string {
	var list []string
	for _, p := range strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// Review says that the officer has read a version and that it may go out. Who
// wrote it cannot. Letters that waited for it are written now.
func Review(tx db.Tx, kind, language string, version int) error {
	n, err := tx.Count(`
		update letter_text set reviewed_at = $4, reviewed_by = actor()
		where kind = $1 and language = $2 and version = $3 and reviewed_at is null`, kind, language, version, tx.Now())
	if db.Violates(err, "letter_text_hands") {
		return fault.New(fault.Forbidden, "error.separate_hands")
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := tx.Exec(`select enqueue($2, id, 1, $3) from letter where kind = $1 and body is null`, kind, jobs.KindComposeLetter, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "lettertext.reviewed", Detail: map[string]any{"kind": kind, "language": language, "version": version}})
}

// Install adds the texts that came with the program, unreviewed: those that are
// not there yet, and those that came with an earlier program and were changed
// since by nobody but us.
func Install(tx db.Tx, messages *i18n.Bundle) error {
	for _, l := range messages.Locales() {
		p := messages.Printer(l.Tag)
		for _, kind := range Kinds() {
			if err := tx.Exec(`
				insert into letter_text (id, kind, language, version, title, body, written_at, written_by)
				select $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6, null from letter_text where kind = $2 and language = $3
				having not exists (
					select from (select title, body, written_by from letter_text where kind = $2 and language = $3 order by version desc limit 1) last
					where last.written_by is not null or (last.title, last.body) = ($4, $5))`,
				tx.NewID(), kind, l.Tag, p.T("letter."+kind+".title"), p.T("letter."+kind+".body"), tx.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}
