package cases

import (
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
	if level, err := appealLevel(tx, c); err != nil {
		return "", err
	} else if level >= maxAppeals {
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
	if open, err := AppealOf(tx, decision, of); err != nil || open != "" {
		return open, err // pressed twice: the first one counts
	}
	o := Opening{Kind: "appeal", Person: person, Household: household, Language: language, Appeals: decision}
	if of != nil {
		o.Links = []Link{{Other: *of, Relation: "appeals"}}
	}
	return Begin(tx, actor, o)
}

// AppealOf is the reference of the appeal of a decision, or of a case that was not
// answered in time; "" for none.
func AppealOf(tx db.Tx, decision, of *db.ID) (string, error) {
	var refs []string
	err := tx.Select(&refs, `
		select f.ref from case_file f where f.appeals_id = $1 and f.state <> 'withdrawn'
		union all select f.ref from case_link l join case_file f on f.id = l.case_id and f.state <> 'withdrawn'
		where $1::uuid is null and l.other_id = $2 and l.relation = 'appeals' limit 1`, decision, of)
	if err != nil || len(refs) == 0 {
		return "", err
	}
	return refs[0], nil
}

// Decision is what was decided on a case.
type Decision struct {
	ID      db.ID  `db:"id"`
	Ref     string `db:"ref"`
	Outcome string `db:"outcome"` // "approved", "partly", "refused"
	Reason  string `db:"reason"`
	Fact    string `db:"fact"`
	Note    string `db:"note"`
	Lang    string `db:"note_lang"`
}

// DecisionOf reads the decision on a case; fault.NotFound when there is none.
func DecisionOf(tx db.Tx, c Case) (Decision, error) {
	var d Decision
	err := tx.Get(&d, `
		select id, ref, outcome, coalesce(reason, '') as reason, coalesce(facts->>'fact', '') as fact, note, note_lang
		from decision where case_id = $1 and kind = 'case'`, c.ID)
	return d, err
}

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
	n, err := tx.Count(`
		update decision set superseded_at = $2 where id = $1 and kind = 'programme' and replaces is null and superseded_at is null and outcome <> 'eligible'`, *c.Appeals, tx.Now())
	if err != nil || n == 0 {
		return err
	}
	return tx.Exec(`
		insert into decision (id, ref, kind, programme_id, rule_id, household_id, subject_version, outcome, facts, inputs, criteria, decided_at, decided_by)
		select $2, $3, 'programme', d.programme_id, d.rule_id, d.household_id, d.subject_version, 'eligible',
		       jsonb_build_object('appeal', $4::text), d.inputs, d.criteria, $5, a.decided_by
		from decision d join decision a on a.case_id = $6 where d.id = $1`,
		*c.Appeals, tx.NewID(), registry.NewRef(registry.RefDecision, tx.Rand()), c.Ref, tx.Now(), c.ID)
}

// taken is the decision that would take something away which a case is an appeal
// of, also through a first appeal; nil for an appeal of anything else.
func taken(tx db.Tx, c Case) (*programmes.Decision, error) {
	for of := c.Appeals; of != nil; {
		var rows []struct {
			Kind     string `db:"kind"`
			Replaces *db.ID `db:"replaces"`
			Next     *db.ID `db:"next"`
		}
		if err := tx.Select(&rows, `
			select d.kind, d.replaces, f.appeals_id as next from decision d left join case_file f on f.id = d.case_id where d.id = $1`, *of); err != nil || len(rows) == 0 {
			return nil, err
		}
		if rows[0].Kind == "programme" {
			if rows[0].Replaces == nil {
				return nil, nil
			}
			d, err := programmes.DecisionByID(tx, *of)
			return &d, err
		}
		of = rows[0].Next
	}
	return nil, nil
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
