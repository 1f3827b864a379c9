package programmes

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// Decision outcomes of a programme, as stored.
const (
	Eligible    = "eligible"
	NotEligible = "not_eligible"
	Undecided   = "unknown"
)

// Assess decides every active programme for a household with its current rule.
// It may run any number of times: an outcome that stands is left alone. What
// would take something away becomes a proposal and changes nothing (RULES R10).
func Assess(tx db.Tx, household db.ID) error { return AssessAll(tx, []db.ID{household}) }

// AssessAll does so for several households.
func AssessAll(tx db.Tx, households []db.ID) error {
	rules, err := currentRules(tx)
	if err != nil {
		return err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	for _, id := range households {
		h, err := registry.LoadHousehold(tx, id)
		if err != nil {
			return err
		}
		if err := decide(tx, rules, fields, h, func(p *programmeRow, d newDecision) error { return record(tx, p, h, d) }); err != nil {
			return err
		}
	}
	return nil
}

// decide runs every rule on a household.
func decide(tx db.Tx, rules []*programmeRow, fields registry.Fields, h registry.Household, each func(*programmeRow, newDecision) error) error {
	today, err := dayOf(tx, h.AreaID)
	if err != nil {
		return err
	}
	inputs := InputsOf(h, today)
	for _, r := range rules {
		d, err := r.decide(tx, fields, inputs)
		if err != nil {
			return err
		}
		if err := each(r, d); err != nil {
			return err
		}
	}
	return nil
}

// dayOf is the day where a household is.
func dayOf(tx db.Tx, area db.ID) (time.Time, error) {
	calendar, err := registry.CalendarOf(tx, area)
	return calendar.Today(tx.Now()), err
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
	rules, err := currentRules(tx)
	if err != nil {
		return nil, err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	var list []Simulated
	err = decide(tx, rules, fields, h, func(p *programmeRow, d newDecision) error {
		list = append(list, Simulated{Code: p.Code, Programme: p.Name, Result: d.result})
		return nil
	})
	return list, err
}

// programmeRow is a programme with the rule that is used now.
type programmeRow struct {
	Programme db.ID     `db:"programme_id"`
	Code      string    `db:"code"`
	Name      i18n.Text `db:"name"`
	Rule      db.ID     `db:"id"`
	JSON      []byte    `db:"rule"`
	rule      Rule
	compiled  *Compiled // once it was needed
}

// newDecision is what a rule says about a household now.
type newDecision struct {
	id       db.ID
	ref      string
	outcome  string
	inputs   string
	criteria string
	result   Result
}

func (p *programmeRow) decide(tx db.Tx, fields registry.Fields, in Inputs) (newDecision, error) {
	var d newDecision
	if p.compiled == nil {
		if err := json.Unmarshal(p.JSON, &p.rule); err != nil {
			return d, err
		}
		var err error
		if p.compiled, err = Compile(p.rule, fields); err != nil {
			return d, err
		}
	}
	var err error
	if d.result, err = p.compiled.Decide(in); err != nil {
		return d, err
	}
	criteria, err := json.Marshal(d.result.Criteria)
	if err != nil {
		return d, err
	}
	inputs, err := json.Marshal(in)
	d.id, d.ref = tx.NewID(), registry.NewRef(registry.RefDecision, tx.Rand())
	d.outcome = map[Outcome]string{Met: Eligible, NotMet: NotEligible, Unknown: Undecided}[d.result.Outcome]
	d.criteria, d.inputs = string(criteria), string(inputs)
	return d, err
}

// currentRules are the rules in use: the latest version of each that was
// measured and, where it has to be, approved.
func currentRules(tx db.Tx) ([]*programmeRow, error) {
	var rules []*programmeRow
	err := tx.Select(&rules, `
		select distinct on (r.programme_id) r.programme_id, p.code, p.name, r.id, r.rule
		from programme_rule r join programme p on p.id = r.programme_id and p.active
		join rule_review v on v.rule_id = r.id and v.state in ('free', 'approved')
		where r.published_at <= $1
		order by r.programme_id, r.version desc`, tx.Now())
	return rules, err
}

// Holds finds a rule, in use or one that may yet be, that does not compile with
// these definitions: one that a rule rests on cannot be retired. The answer is the
// name of its programme; nil where all do.
func Holds(tx db.Tx, fields registry.Fields) (i18n.Text, error) {
	var rules []struct {
		Name i18n.Text `db:"name"`
		Rule []byte    `db:"rule"`
	}
	if err := tx.Select(&rules, `
		select p.name, r.rule from programme_rule r join programme p on p.id = r.programme_id and p.active
		join rule_review v on v.rule_id = r.id and v.state <> 'refused'
		where not exists (
			select from programme_rule later join rule_review w on w.rule_id = later.id and w.state in ('free', 'approved')
			where later.programme_id = r.programme_id and later.version > r.version)`); err != nil {
		return nil, err
	}
	for _, r := range rules {
		var rule Rule
		if err := json.Unmarshal(r.Rule, &rule); err != nil {
			return nil, err
		}
		if _, err := Compile(rule, fields); err != nil {
			return r.Name, nil
		}
	}
	return nil, nil
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

// current is the decision in force, and what may take its place.
type current struct {
	ID       db.ID        `db:"id"`
	Rule     db.ID        `db:"rule_id"`
	Outcome  string       `db:"outcome"`
	Criteria []byte       `db:"criteria"`
	State    State        `db:"state"`
	Sent     sql.NullTime `db:"sent_at"`
	Replaces *db.ID       `db:"replaces"`
}

func (c current) says(p *programmeRow, d newDecision) bool {
	return c.Outcome == d.outcome && c.Rule == p.Rule && sameJSON(c.Criteria, []byte(d.criteria))
}

func record(tx db.Tx, p *programmeRow, h registry.Household, d newDecision) error {
	var list []current
	if err := tx.Select(&list, `
		select id, rule_id, outcome, criteria, state, sent_at, replaces from decision
		where programme_id = $1 and household_id = $2 and superseded_at is null and state not in ('overturned', 'withdrawn')
		order by state = 'in_force' for update`, p.Programme, h.ID); err != nil {
		return err
	}
	var was *current
	for i, c := range list {
		if c.State == InForce {
			was = &list[i]
			continue
		}
		done, err := reconsider(tx, p, h, c, d)
		if err != nil || done {
			return err
		}
	}
	if was != nil {
		if was.says(p, d) || was.Replaces != nil && d.outcome != Eligible {
			return nil // what came into force by notice stands until there is a better one
		}
		if was.Outcome == Eligible && d.outcome != Eligible {
			return propose(tx, p, h, was.ID, d)
		}
		if err := tx.Exec(`update decision set superseded_at = $2 where id = $1`, was.ID, tx.Now()); err != nil {
			return err
		}
	}
	if err := insert(tx, p, h, d, nil); err != nil {
		return err
	}
	if err := audit.Write(tx, audit.Event{Action: "decision.made", SubjectKind: "household", Subject: h.ID,
		Detail: map[string]any{"decision": d.id, "outcome": d.outcome}}); err != nil {
		return err
	}
	return announce(tx, *p, h, d, was == nil || was.Outcome != d.outcome)
}

func insert(tx db.Tx, p *programmeRow, h registry.Household, d newDecision, replaces *db.ID) error {
	state := InForce
	if replaces != nil {
		state = Proposed
	}
	return tx.Exec(`
		insert into decision (id, ref, kind, programme_id, rule_id, household_id, subject_version, outcome, inputs, criteria, decided_at, state, replaces)
		values ($1, $2, 'programme', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		d.id, d.ref, p.Programme, p.Rule, h.ID, h.Version, d.outcome, d.inputs, d.criteria, tx.Now(), string(state), replaces)
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
	Household     db.ID             `db:"household_id"`
	State         State             `db:"state"`
	Replaces      *db.ID            `db:"replaces"` // set for one that would take something away
	SentAt        sql.NullTime      `db:"sent_at"`
	ServedOn      sql.NullTime      `db:"served_on"`
	AppealUntil   sql.NullTime      `db:"appeal_until"`
	EffectiveAt   sql.NullTime      `db:"effective_at"`
	InForceAt     sql.NullTime      `db:"in_force_at"`
	SettledAt     sql.NullTime      `db:"settled_at"`
	SettledNote   string            `db:"settled_note"`
	SettledLang   string            `db:"settled_lang"`
	RuleJSON      []byte            `db:"rule"`
	InputsJSON    []byte            `db:"inputs"`
	CriteriaJSON  []byte            `db:"criteria"`
	Overturned    string            `db:"overturned"` // the appeal by which it was decided against the rule; "" for none
	Rule          Rule              `db:"-"`
	Inputs        Inputs            `db:"-"`
	Criteria      []CriterionResult `db:"-"`
}

const decisionColumns = `d.id, d.ref, p.code as programme_code, p.name as programme_name, p.summary as programme_summary,
	r.version as rule_version, d.outcome, d.decided_at, d.superseded_at, d.household_id, d.state, d.replaces, d.sent_at, d.served_on,
	d.appeal_until, d.effective_at, d.in_force_at, d.settled_at, d.settled_note, d.settled_lang, r.rule, d.inputs, d.criteria,
	coalesce(d.facts->>'appeal', '') as overturned`

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
	return decisions(tx, `d.household_id = $1 and d.superseded_at is null and d.state = 'in_force' order by p.code`, household)
}

// Planned lists what would take something from a household and has been sent,
// until it is seen what becomes of it.
func Planned(tx db.Tx, household db.ID) ([]Decision, error) {
	return decisions(tx, `d.household_id = $1 and d.sent_at is not null and d.state in ('proposed', 'served', 'suspended', 'upheld') order by p.code`, household)
}

func decisions(tx db.Tx, where string, args ...any) ([]Decision, error) {
	var list []Decision
	err := tx.Select(&list, `select `+decisionColumns+` from `+decisionTables+` where `+where, args...)
	for i := range list {
		if err == nil {
			err = list[i].decode()
		}
	}
	return list, err
}

// DecisionByRef reads one decision about a household, for its people;
// fault.NotFound when it is about another, and when it was proposed and never
// sent.
func DecisionByRef(tx db.Tx, household db.ID, ref string) (Decision, error) {
	canonical, _ := registry.ParseRef(registry.RefDecision, ref)
	list, err := decisions(tx, `d.household_id = $1 and d.ref = $2 and (d.replaces is null or d.sent_at is not null)`, household, canonical)
	if err != nil {
		return Decision{}, err
	}
	if len(list) == 0 {
		return Decision{}, fault.Hidden()
	}
	return list[0], nil
}

// DecisionByID reads one decision, for what follows from it.
func DecisionByID(tx db.Tx, id db.ID) (Decision, error) {
	list, err := decisions(tx, `d.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = fault.Hidden()
	}
	if err != nil {
		return Decision{}, err
	}
	return list[0], nil
}

// Publish adds a version of a programme's rule. The first is used at once; a
// later one is measured before it is.
func Publish(tx db.Tx, programme db.ID, rule Rule, fields registry.Fields) error {
	if _, err := Compile(rule, fields); err != nil {
		return err
	}
	raw, err := json.Marshal(rule)
	if err != nil {
		return err
	}
	var published struct {
		ID      db.ID `db:"id"`
		Version int   `db:"version"`
	}
	if err := tx.Get(&published, `
		insert into programme_rule (id, programme_id, version, rule, published_at)
		select $1, $2, coalesce(max(version), 0) + 1, $3, $4 from programme_rule where programme_id = $2 returning id, version`,
		tx.NewID(), programme, string(raw), tx.Now()); err != nil {
		return err
	}
	if published.Version == 1 {
		return tx.Exec(`insert into rule_review (rule_id, state, enrolled, losing, measured_at) values ($1, 'free', 0, 0, $2)`, published.ID, tx.Now())
	}
	if err := tx.Exec(`insert into rule_review (rule_id, state) values ($1, 'measuring')`, published.ID); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindMeasureRule, published.ID, 1)
}

// Programme is what people can be found eligible for.
type Programme struct {
	Code string    `db:"code"`
	Name i18n.Text `db:"name"`
}

// Active lists the programmes that are running.
func Active(tx db.Tx) ([]Programme, error) {
	var list []Programme
	err := tx.Select(&list, `select code, name from programme where active order by code`)
	return list, err
}
