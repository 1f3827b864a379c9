package cases

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/registry/programmes"
)

// Silent reports whether the office is so late that there is a right to appeal that
// (RULES R12). It is never an answer by itself.
func (c Case) Silent() bool { return c.State.Open() && c.Escalated.Valid }

// Appeal opens an appeal of the decision on a case of one's own, or of there being
// none. The decision on an appeal may be appealed once more.
func Appeal(tx db.Tx, actor Actor, ref, language string) (string, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return "", err
	}
	d, err := DecisionOf(tx, c)
	if fault.Is(err, fault.NotFound) && c.Silent() {
		return appeal(tx, actor, c.Person, c.Household, nil, &c.ID, language)
	}
	if err == nil && d.Outcome == "approved" { // there is nothing to overturn
		err = fault.New(fault.Conflict, "error.out_of_order")
	}
	if err != nil {
		return "", err
	}
	if last, err := LastLevel(tx, c); err != nil {
		return "", err
	} else if last {
		return "", fault.New(fault.Conflict, "appeal.error.last")
	}
	return appeal(tx, actor, c.Person, c.Household, &d.ID, &c.ID, language)
}

// maxAppeals is how many levels of appeal there are.
const maxAppeals = 2

// appealLevel is 0 for a case that is no appeal, 1 for a first one, and so on.
func appealLevel(tx db.Tx, c Case) (int, error) {
	level := 0
	for of := c.Appeals; of != nil; level++ {
		var next []struct {
			Appeals *db.ID `db:"appeals_id"`
		}
		if err := tx.Select(&next, `select f.appeals_id from decision d join case_file f on f.id = d.case_id where d.id = $1`, *of); err != nil {
			return 0, err
		}
		of = nil
		if len(next) == 1 {
			of = next[0].Appeals
		}
	}
	return level, nil
}

// AppealProgramme opens an appeal of a programme's decision about one's
// household.
func AppealProgramme(tx db.Tx, actor Actor, household db.ID, decision db.ID, language string) (string, error) {
	return appeal(tx, actor, actor.Person, &household, &decision, nil, language)
}

// appeal begins one: of a decision, or of a case that was not answered in time.
func appeal(tx db.Tx, actor Actor, person, household, decision, of *db.ID, language string) (string, error) {
	if there, err := AppealOf(tx, person, decision, of); err != nil {
		return "", err
	} else if there != nil {
		return there.Ref, nil // pressed twice: the first one counts
	}
	o := Opening{Kind: "appeal", Person: person, Household: household, Language: language, Appeals: decision}
	if decision == nil { // of there being none
		o.Kind = "silence"
	}
	if of != nil {
		o.Links = []Link{{Other: *of, Relation: "appeals"}}
	}
	return Begin(tx, actor, o)
}

// Lodged is an appeal that there is.
type Lodged struct {
	Ref       string       `db:"ref"`
	Person    *db.ID       `db:"person_id"`
	State     State        `db:"state"`
	DecidedAt sql.NullTime `db:"decided_at"`
	Silence   bool         `db:"silence"` // of there being no answer
}

// AppealOf is the appeal of a decision, or of a case that was not answered in time;
// nil for none. Who objected to what somebody else asked for has an appeal of their
// own; of what a programme decided, a household has one.
func AppealOf(tx db.Tx, person, decision, of *db.ID) (*Lodged, error) {
	var list []Lodged
	err := tx.Select(&list, `
		select f.ref, f.person_id, f.state, f.decided_at, false as silence from case_file f join decision d on d.id = f.appeals_id
		where f.appeals_id = $2 and f.state <> 'withdrawn' and (d.kind = 'programme' or f.person_id is not distinct from $1)
		union all select f.ref, f.person_id, f.state, f.decided_at, true from case_link l join case_file f on f.id = l.case_id and f.state <> 'withdrawn'
		where $2::uuid is null and l.other_id = $3 and l.relation = 'appeals' limit 1`, person, decision, of)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// LastLevel reports whether a case is an appeal after which there is no other.
func LastLevel(tx db.Tx, c Case) (bool, error) {
	level, err := appealLevel(tx, c)
	return level >= maxAppeals, err
}

// SilentCase is the case whose silence an appeal is about; nil for any other.
func SilentCase(tx db.Tx, c Case) (*Case, error) {
	if c.Appeals != nil {
		return nil, nil
	}
	var list []Case
	err := tx.Select(&list, `select `+caseColumns+` from case_link l join case_file c on c.id = l.other_id
		where l.case_id = $1 and l.relation = 'appeals' order by c.ref`, c.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], list[0].decode(tx)
}

// Decision is what was decided on a case.
type Decision struct {
	ID      db.ID     `db:"id"`
	Ref     string    `db:"ref"`
	Outcome string    `db:"outcome"` // "approved", "partly", "refused"
	Reason  string    `db:"reason"`
	Fact    string    `db:"fact"`
	Note    string    `db:"note"`
	Lang    string    `db:"note_lang"`
	At      time.Time `db:"decided_at"`
}

// DecisionOf reads the decision on a case, also where it went the way of another
// one; fault.NotFound when there is none.
func DecisionOf(tx db.Tx, c Case) (Decision, error) {
	var d Decision
	err := tx.Get(&d, `select `+decisionColumns+` from decision d where d.case_id = $1 and d.kind = 'case'`, c.answeredBy())
	return d, err
}

// answeredBy is the case whose decision is the case's.
func (c Case) answeredBy() db.ID {
	if c.JoinedTo != nil {
		return *c.JoinedTo
	}
	return c.ID
}

const decisionColumns = `d.id, d.ref, d.outcome, coalesce(d.reason, '') as reason, coalesce(d.facts->>'fact', '') as fact, d.note, d.note_lang, d.decided_at`

// Appealed reads a decision on a case, and the case; the case is nil where a
// programme decided.
func Appealed(tx db.Tx, decision db.ID) (Decision, *Case, error) {
	var of []Case
	if err := tx.Select(&of, `select `+caseColumns+` from decision d join case_file c on c.id = d.case_id where d.id = $1 and d.kind = 'case'`, decision); err != nil || len(of) == 0 {
		return Decision{}, nil, err
	}
	if err := of[0].decode(tx); err != nil {
		return Decision{}, nil, err
	}
	d, err := DecisionOf(tx, of[0])
	return d, &of[0], err
}

// appealed makes the proposal of an appeal: what the case that was refused asked
// for, of its own answers, on the records as they are now. An appeal of anything
// else changes no record by itself.
func appealed(tx db.Tx, c *Case) (proposal, error) {
	var rows []Case
	if err := tx.Select(&rows, `select `+caseColumns+` from decision d join case_file c on c.id = d.case_id where d.id = $1 and d.outcome = 'refused'`, *c.Appeals); err != nil {
		return proposal{}, err
	}
	if len(rows) == 0 {
		return proposal{}, nil
	}
	of := rows[0]
	if err := of.decode(tx); err != nil {
		return proposal{}, err
	}
	if of.Appeals != nil { // of an appeal that was refused: what the first case asked for
		inner := of
		return appealed(tx, &inner)
	}
	kind, err := kinds.ByID(tx, of.KindID)
	if err != nil || kind.Effect == "" {
		return proposal{}, err
	}
	said, err := registry.AddSource(tx, sourceOf(*c), &c.ID, "")
	if err != nil {
		return proposal{}, err
	}
	f, err := filing(tx, of)
	if err != nil {
		return proposal{}, err
	}
	f.State = StateSubmitted
	if kind.Effect == effect.Register {
		items, err := registry.ItemsOf(tx, *of.Change) // of records that there are not yet: as they were proposed
		return proposal{out: effect.Out{Items: items}}, err
	}
	p, err := f.attempt(tx, said)
	if fault.Is(err, fault.Invalid) {
		p, err = proposal{blocked: "blocked.answers"}, nil
	}
	return p, err
}

// overturn writes the decision of a programme anew, when the appeal of it was
// granted: a human decision that no computation takes back (RULES R10, R13).
func overturn(tx db.Tx, c Case) error {
	d, err := ofProgramme(tx, c)
	if err != nil || d == nil {
		return err
	}
	n, err := tx.Count(`
		update decision set superseded_at = $2 where id = $1 and kind = 'programme' and replaces is null and superseded_at is null and outcome <> 'eligible'`, d.ID, tx.Now())
	if err != nil || n == 0 {
		return err
	}
	return tx.Exec(`
		insert into decision (id, ref, kind, programme_id, rule_id, household_id, subject_version, outcome, facts, inputs, criteria, decided_at, decided_by)
		select $2, $3, 'programme', d.programme_id, d.rule_id, d.household_id, d.subject_version, 'eligible',
		       jsonb_build_object('appeal', $4::text), d.inputs, d.criteria, $5, a.decided_by
		from decision d join decision a on a.case_id = $6 where d.id = $1`,
		d.ID, tx.NewID(), registry.NewRef(registry.RefDecision, tx.Rand()), c.Ref, tx.Now(), c.ID)
}

// ofProgramme is the programme's decision that a case is an appeal of, also through
// a first appeal; nil for an appeal of anything else.
func ofProgramme(tx db.Tx, c Case) (*programmes.Decision, error) {
	for of := c.Appeals; of != nil; {
		var rows []struct {
			Kind string `db:"kind"`
			Next *db.ID `db:"next"`
		}
		if err := tx.Select(&rows, `
			select d.kind, f.appeals_id as next from decision d left join case_file f on f.id = d.case_id where d.id = $1`, *of); err != nil || len(rows) == 0 {
			return nil, err
		}
		if rows[0].Kind == "programme" {
			d, err := programmes.DecisionByID(tx, *of)
			return &d, err
		}
		of = rows[0].Next
	}
	return nil, nil
}

// taken is ofProgramme for a decision that would take something away.
func taken(tx db.Tx, c Case) (*programmes.Decision, error) {
	d, err := ofProgramme(tx, c)
	if err != nil || d == nil || d.Replaces == nil {
		return nil, err
	}
	return d, nil
}

// Override is what granting an appeal does to a programme's decision: a human
// decision against the rule (RULES R13).
type Override struct {
	programmes.Decision
	Home  string // the household's reference
	Visit bool   // the programme wants somebody to have been there, and nobody was
}

// OverrideOf is the override that granting a case would be; nil for none.
func OverrideOf(tx db.Tx, c Case) (*Override, error) {
	d, err := ofProgramme(tx, c)
	if err != nil || d == nil || d.Replaces != nil || d.SupersededAt.Valid || d.Outcome == programmes.Eligible {
		return nil, err
	}
	o := Override{Decision: *d}
	if err := tx.Get(&o.Home, `select ref from household where id = $1`, d.Household); err != nil {
		return nil, err
	}
	ground := text(c.Draft.Answers, "ground")
	if len(d.Rule.Score) == 0 && ground != "result" {
		return &o, nil
	}
	var there bool
	err = tx.Get(&there, `select exists (select from case_visit where case_id = $1 and found is not null and found <> 'nobody_home')`, c.ID)
	o.Visit = !there
	return &o, err
}

// suspend holds up what is appealed, from the moment at which the appeal is sent,
// in time or late (RULES R10).
func suspend(tx db.Tx, c Case) error {
	d, err := taken(tx, c)
	if err != nil || d == nil {
		return err
	}
	return programmes.SuspendFor(tx, d.ID, c.ID)
}

// resume lets it go on when the appeal is taken back.
func resume(tx db.Tx, c Case) error {
	d, err := taken(tx, c)
	if err != nil || d == nil || d.State != programmes.Suspended {
		return err
	}
	return programmes.ResumeFor(tx, d.ID, c.ID)
}

// rule says what becomes of a decision that would take something away, now that
// its appeal is decided. It reports whether that was written to the household:
// then no other letter is.
func rule(tx db.Tx, c Case, kind kinds.Kind, d Decision) (bool, error) {
	of, err := taken(tx, c)
	if err != nil || of == nil {
		return false, err
	}
	if d.Outcome != "refused" {
		return true, programmes.OverturnFor(tx, of.ID, c.ID)
	}
	_, facts, err := LetterOf(tx, c, kind, d)
	if err != nil {
		return false, err
	}
	return true, programmes.UpholdFor(tx, of.ID, c.ID, facts.Reasons)
}
