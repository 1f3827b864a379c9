package programmes

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// Decision outcomes of a programme, as stored.
const (
	Eligible    = "eligible"
	NotEligible = "not_eligible"
	Undecided   = "unknown"
)

// Assess decides every active programme for a household with its current rule.
// It may run any number of times: an outcome that stands is left alone. A
// decision in somebody's favour is never taken back here (RULES R10): that is
// a proposal for the office, and is only noted.
func Assess(tx db.Tx, household db.ID) error {
	h, err := registry.LoadHousehold(tx, household)
	if err != nil {
		return err
	}
	return decide(tx, h, func(r currentRule, in Inputs, result Result) error {
		return record(tx, r.Programme, r.Rule, h, in, result)
	})
}

// decide runs every active programme's current rule on a household.
func decide(tx db.Tx, h registry.Household, each func(currentRule, Inputs, Result) error) error {
	rules, err := currentRules(tx)
	if err != nil {
		return err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	country, err := registry.LoadCountry(tx)
	if err != nil {
		return err
	}
	calendar, err := country.Calendar()
	if err != nil {
		return err
	}
	inputs := InputsOf(h, calendar.Today(tx.Now()))
	for _, r := range rules {
		var rule Rule
		if err := json.Unmarshal(r.JSON, &rule); err != nil {
			return err
		}
		compiled, err := Compile(rule, fields)
		if err != nil {
			return err
		}
		result, err := compiled.Decide(inputs)
		if err != nil {
			return err
		}
		if err := each(r, inputs, result); err != nil {
			return err
		}
	}
	return nil
}

// Simulated is what a programme's rule says of a household that may not be so.
type Simulated struct {
	Code      string
	Programme i18n.Text
	Result
}

// Simulate runs the rules on a household as it might be. It decides nothing and
// stores nothing.
func Simulate(tx db.Tx, h registry.Household) ([]Simulated, error) {
	var list []Simulated
	err := decide(tx, h, func(r currentRule, _ Inputs, result Result) error {
		list = append(list, Simulated{Code: r.Code, Programme: r.Name, Result: result})
		return nil
	})
	return list, err
}

type currentRule struct {
	Programme db.ID     `db:"programme_id"`
	Rule      db.ID     `db:"id"`
	JSON      []byte    `db:"rule"`
	Code      string    `db:"code"`
	Name      i18n.Text `db:"name"`
}

func currentRules(tx db.Tx) ([]currentRule, error) {
	var rules []currentRule
	err := tx.Select(&rules, `
		select distinct on (r.programme_id) r.programme_id, r.id, r.rule, p.code, p.name
		from programme_rule r join programme p on p.id = r.programme_id and p.active
		where r.published_at <= $1
		order by r.programme_id, r.version desc`, tx.Now())
	return rules, err
}

// Holds reports whether every current rule still compiles with these
// definitions: one that a rule rests on cannot be retired.
func Holds(tx db.Tx, fields registry.Fields) (bool, error) {
	rules, err := currentRules(tx)
	if err != nil {
		return false, err
	}
	for _, r := range rules {
		var rule Rule
		if err := json.Unmarshal(r.JSON, &rule); err != nil {
			return false, err
		}
		if _, err := Compile(rule, fields); err != nil {
			return false, nil
		}
	}
	return true, nil
}

// InputsOf is what a rule sees of a household on a day.
func InputsOf(h registry.Household, day time.Time) Inputs {
	in := Inputs{On: day.Format(time.DateOnly), Household: h.Fields, Size: len(h.Members)}
	for _, m := range h.Members {
		youngest, oldest := m.Birth().Age(day)
		in.Members = append(in.Members, MemberInput{
			Relationship: m.Relationship, Sex: m.Sex, Youngest: youngest, Oldest: oldest, Fields: m.Fields,
		})
	}
	return in
}

func record(tx db.Tx, programme, rule db.ID, h registry.Household, in Inputs, r Result) error {
	outcome := map[Outcome]string{Met: Eligible, NotMet: NotEligible, Unknown: Undecided}[r.Outcome]
	criteria, err := json.Marshal(r.Criteria)
	if err != nil {
		return err
	}
	inputs, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var current []struct {
		ID       db.ID  `db:"id"`
		Rule     db.ID  `db:"rule_id"`
		Outcome  string `db:"outcome"`
		Criteria []byte `db:"criteria"`
	}
	if err := tx.Select(&current, `
		select id, rule_id, outcome, criteria from decision
		where programme_id = $1 and household_id = $2 and superseded_at is null for update`, programme, h.ID); err != nil {
		return err
	}
	if len(current) == 1 {
		was := current[0]
		if was.Outcome == outcome && was.Rule == rule && sameJSON(was.Criteria, criteria) {
			return nil
		}
		if was.Outcome == Eligible && outcome != Eligible {
			return audit.Write(tx, audit.Event{Action: "decision.review_needed", SubjectKind: "household", Subject: h.ID,
				Detail: map[string]any{"decision": was.ID, "would_be": outcome}})
		}
		if err := tx.Exec(`update decision set superseded_at = $2 where id = $1`, was.ID, tx.Now()); err != nil {
			return err
		}
	}
	id := tx.NewID()
	if err := tx.Exec(`
		insert into decision (id, ref, kind, programme_id, rule_id, household_id, subject_version, outcome, inputs, criteria, decided_at)
		values ($1, $2, 'programme', $3, $4, $5, $6, $7, $8, $9, $10)`,
		id, registry.NewRef(registry.RefDecision, tx.Rand()), programme, rule, h.ID, h.Version, outcome,
		string(inputs), string(criteria), tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "decision.made", SubjectKind: "household", Subject: h.ID,
		Detail: map[string]any{"decision": id, "outcome": outcome}})
}

// sameJSON compares documents whatever the order and spacing that jsonb gave
// them.
func sameJSON(a, b []byte) bool {
	var x, y []CriterionResult
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// Decision is a programme's decision about a household, with its reasons.
type Decision struct {
	ID            db.ID             `db:"id"`
	Ref           string            `db:"ref"`
	ProgrammeCode string            `db:"programme_code"`
	Programme     i18n.Text         `db:"programme_name"`
	Summary       i18n.Text         `db:"programme_summary"`
	RuleVersion   int               `db:"rule_version"`
	Outcome       string            `db:"outcome"`
	DecidedAt     time.Time         `db:"decided_at"`
	SupersededAt  sql.NullTime      `db:"superseded_at"`
	RuleJSON      []byte            `db:"rule"`
	InputsJSON    []byte            `db:"inputs"`
	CriteriaJSON  []byte            `db:"criteria"`
	Rule          Rule              `db:"-"`
	Inputs        Inputs            `db:"-"`
	Criteria      []CriterionResult `db:"-"`
}

const decisionColumns = `d.id, d.ref, p.code as programme_code, p.name as programme_name, p.summary as programme_summary,
	r.version as rule_version, d.outcome, d.decided_at, d.superseded_at, r.rule, d.inputs, d.criteria`

const decisionTables = `decision d join programme p on p.id = d.programme_id join programme_rule r on r.id = d.rule_id`

func (d *Decision) decode() error {
	for raw, into := range map[*[]byte]any{&d.RuleJSON: &d.Rule, &d.InputsJSON: &d.Inputs, &d.CriteriaJSON: &d.Criteria} {
		if err := json.Unmarshal(*raw, into); err != nil {
			return err
		}
	}
	return nil
}

// Decisions lists the decisions in force for a household.
func Decisions(tx db.Tx, household db.ID) ([]Decision, error) {
	var list []Decision
	err := tx.Select(&list, `
		select `+decisionColumns+` from `+decisionTables+`
		where d.household_id = $1 and d.superseded_at is null order by p.code`, household)
	for i := range list {
		if err == nil {
			err = list[i].decode()
		}
	}
	return list, err
}

// DecisionByRef reads one decision about a household; fault.NotFound when it
// is about another.
func DecisionByRef(tx db.Tx, household db.ID, ref string) (Decision, error) {
	canonical, _ := registry.ParseRef(registry.RefDecision, ref)
	var d Decision
	err := tx.Get(&d, `select `+decisionColumns+` from `+decisionTables+` where d.household_id = $1 and d.ref = $2`, household, canonical)
	if err != nil {
		return d, err
	}
	return d, d.decode()
}

// Publish adds a version of a programme's rule.
func Publish(tx db.Tx, programme db.ID, rule Rule, fields registry.Fields) error {
	if _, err := Compile(rule, fields); err != nil {
		return err
	}
	raw, err := json.Marshal(rule)
	if err != nil {
		return err
	}
	return tx.Exec(`
		insert into programme_rule (id, programme_id, version, rule, published_at)
		select $1, $2, coalesce(max(version), 0) + 1, $3, $4 from programme_rule where programme_id = $2`,
		tx.NewID(), programme, string(raw), tx.Now())
}
