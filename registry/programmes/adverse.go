package programmes

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/deadline"
	"daftar/registry/jobs"
	"daftar/registry/letters"
	"daftar/registry/notices"
)

// What would take something away: proposed by the rule, looked at and sent by an
// officer one at a time, served, and in force after the time to appeal, unless
// an appeal suspends it (RULES R9, R10, R11).

// propose notes that a rule would end what a household receives. "We do not
// know" ends nothing, nor does a rule version that may not yet, nor what an
// officer or an appeal has already said no to.
func propose(tx db.Tx, p *programmeRow, h registry.Household, was db.ID, d newDecision) error {
	may := d.outcome == NotEligible
	if may {
		var err error
		if may, err = mayTake(tx, p.Rule, h.ID); err != nil {
			return err
		}
	}
	if may {
		var settled bool
		if err := tx.Get(&settled, `
			select exists (select from decision where programme_id = $1 and household_id = $2 and rule_id = $3
				and state in ('overturned', 'withdrawn') and settled_by is not null and criteria = $4::jsonb)`,
			p.Programme, h.ID, p.Rule, d.criteria); err != nil {
			return err
		}
		may = !settled
	}
	if !may {
		return audit.Write(tx, audit.Event{Action: "decision.review_needed", SubjectKind: "household", Subject: h.ID,
			Detail: map[string]any{"decision": was, "would_be": d.outcome}})
	}
	if err := insert(tx, p, h, d, &was); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "decision.proposed", SubjectKind: "household", Subject: h.ID,
		Detail: map[string]any{"decision": d.id, "replaces": was}})
}

// reconsider looks at what is planned in the light of what a rule says now. done
// means that nothing else is to be decided.
func reconsider(tx db.Tx, p *programmeRow, h registry.Household, c current, d newDecision) (done bool, err error) {
	switch {
	case c.State == Suspended || c.State == Upheld: // people decide, not rules
		return true, nil
	case d.outcome == NotEligible && (c.Sent.Valid || c.says(p, d)): // what was written to somebody is not rewritten
		return true, nil
	}
	if err := tx.Exec(`update decision set state = 'withdrawn', settled_at = $2 where id = $1`, c.ID, tx.Now()); err != nil {
		return false, err
	}
	if err := audit.Write(tx, audit.Event{Action: "decision.withdrawn", SubjectKind: "household", Subject: h.ID, Detail: map[string]any{"decision": c.ID}}); err != nil || !c.Sent.Valid {
		return false, err
	}
	return false, tellAll(tx, h, c.ID, "decision_withdrawn")
}

// tellAll tells the addressee and the other adults.
func tellAll(tx db.Tx, h registry.Household, decision db.ID, kind string) error {
	to, err := Addressee(tx, h.ID)
	if err != nil {
		return err
	}
	if to != nil {
		if err := notices.Tell(tx, notices.Notice{Kind: kind, Person: to, Decision: &decision, Legal: true,
			Once: kind + ":" + decision.String() + ":" + to.String()}); err != nil {
			return err
		}
	}
	return tellAdults(tx, h, decision, kind, kind, to)
}

// Proposal is a decision that would take something away, as the office sees it.
type Proposal struct {
	Decision
	HouseholdRef string       `db:"household_ref"`
	People       int          `db:"people"`
	SentBy       string       `db:"sent_by_name"`
	Was          string       `db:"was_ref"` // the decision that it would end
	WasAt        sql.NullTime `db:"was_at"`
}

const proposalColumns = decisionColumns + `, h.ref as household_ref,
	(select count(*) from membership m where m.household_id = h.id and m.end_date is null and m.tie = 'usual') as people,
	coalesce((select s.name from staff s where s.id = d.sent_by), '') as sent_by_name,
	coalesce((select w.ref from decision w where w.id = d.replaces), '') as was_ref,
	(select w.decided_at from decision w where w.id = d.replaces) as was_at`

const proposalTables = decisionTables + ` join household h on h.id = d.household_id join area a on a.id = h.area_id`

const inAreas = `(a.l0 = any($1) or a.l1 = any($1) or a.l2 = any($1) or a.l3 = any($1) or a.l4 = any($1) or a.l5 = any($1))`

// Proposals lists what would take something away in the reader's areas: what an
// officer has to look at first, then what is under way. It logs whose they are.
func Proposals(tx db.Tx, r registry.Reader) ([]Proposal, error) {
	var list []Proposal
	if err := tx.Select(&list, `select `+proposalColumns+` from `+proposalTables+`
		where d.state in ('proposed', 'served', 'suspended', 'upheld') and `+inAreas+` and ($2::text[] is null or p.code = any($2))
		order by d.sent_at is not null, d.decided_at, d.id limit 200`, registry.Texts(r.Areas), r.Programmes); err != nil {
		return nil, err
	}
	ids := make([]db.ID, len(list))
	for i := range list {
		if err := list[i].decode(); err != nil {
			return nil, err
		}
		ids[i] = list[i].Household
	}
	return list, audit.WriteAbout(tx, audit.Event{Action: "decision.listed", Purpose: "programme"}, "household", ids)
}

// ReadProposal is one of them. The reading is logged; one elsewhere and none are
// the same fault.NotFound.
func ReadProposal(tx db.Tx, r registry.Reader, ref string) (Proposal, error) {
	p, err := findProposal(tx, r, ref)
	if err != nil {
		return p, err
	}
	return p, audit.Write(tx, audit.Event{Action: "decision.read", SubjectKind: "household", Subject: p.Household, Purpose: "programme",
		Detail: map[string]any{"decision": p.ID}})
}

func findProposal(tx db.Tx, r registry.Reader, ref string) (Proposal, error) {
	canonical, _ := registry.ParseRef(registry.RefDecision, ref)
	var p Proposal
	if err := tx.Get(&p, `select `+proposalColumns+` from `+proposalTables+` where d.replaces is not null and d.ref = $2 and `+inAreas+` and ($3::text[] is null or p.code = any($3))`,
		registry.Texts(r.Areas), canonical, r.Programmes); err != nil {
		return p, err
	}
	return p, p.decode()
}

// SendOut has an officer send a proposal: one at a time, in writing, with its
// reasons and the way to appeal. Nothing changes yet.
func SendOut(tx db.Tx, r registry.Reader, ref string) error {
	p, err := findProposal(tx, r, ref)
	if err != nil {
		return err
	}
	to, err := Addressee(tx, p.Household)
	if err != nil {
		return err
	}
	if to == nil {
		return fault.New(fault.Conflict, "proposal.error.nobody")
	}
	n, err := tx.Count(`update decision set sent_at = $2, sent_by = actor() where id = $1 and state = 'proposed' and sent_at is null`, p.ID, tx.Now())
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := letters.Send(tx, letters.New{
		Kind: "adverse", Person: to, Household: &p.Household, Decision: &p.ID, Once: "adverse:" + p.ID.String(),
		Facts: letters.Facts{Programme: p.Programme, Reference: p.Ref, Reasons: reasons(p.Rule, Result{Outcome: NotMet, Criteria: p.Criteria})},
	}); err != nil {
		return err
	}
	h, err := registry.LoadHousehold(tx, p.Household)
	if err != nil {
		return err
	}
	if err := tellAdults(tx, h, p.ID, "decision_planned", "planned", to); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "decision.sent", SubjectKind: "household", Subject: p.Household, Detail: map[string]any{"decision": p.ID}})
}

// SetAside has an officer drop a proposal, with a reason. The same rule does not
// propose the same again.
func SetAside(tx db.Tx, r registry.Reader, ref, note, lang string) error {
	p, err := findProposal(tx, r, ref)
	if err != nil {
		return err
	}
	n, err := tx.Count(`
		update decision set state = 'withdrawn', settled_at = $2, settled_by = actor(), settled_note = $3, settled_lang = $4
		where id = $1 and state in ('proposed', 'served')`, p.ID, tx.Now(), note, lang)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := audit.Write(tx, audit.Event{Action: "decision.set_aside", SubjectKind: "household", Subject: p.Household, Detail: map[string]any{"decision": p.ID}}); err != nil || !p.SentAt.Valid {
		return err
	}
	h, err := registry.LoadHousehold(tx, p.Household)
	if err != nil {
		return err
	}
	return tellAll(tx, h, p.ID, "decision_withdrawn")
}

// Clock is the time to appeal a decision, and when it comes into force.
type Clock struct {
	Served   bool
	ServedOn time.Time // a day
	LastDay  time.Time // to appeal
	Until    time.Time // the instant at which that day ends
	From     time.Time // the day on which it comes into force; for one that would take something away
}

// ClockOf computes the clock of a decision from what is proven now. Outages
// since lengthen it.
func ClockOf(tx db.Tx, d Decision) (Clock, error) {
	clock, err := deadline.LoadHousehold(tx, d.Household)
	if err != nil {
		return Clock{}, err
	}
	served, ok := d.ServedOn.Time, d.ServedOn.Valid
	if !ok {
		list, err := letters.About(tx, d.ID)
		if err != nil {
			return Clock{}, err
		}
		for _, l := range list {
			if on, proven := l.Served(); proven && (l.Kind == "adverse" || l.Kind == "granted" || l.Kind == "refused") {
				served, ok = on, true
			}
		}
	}
	if !ok {
		return Clock{}, nil
	}
	c := clockOf(clock, served)
	if d.State == Upheld || d.State == InForce && d.EffectiveAt.Valid {
		c.From = clock.Today(d.EffectiveAt.Time)
	}
	return c, nil
}

func clockOf(clock deadline.Clock, served time.Time) Clock {
	c := Clock{Served: true, ServedOn: served, LastDay: clock.Appeal(served, deadline.AppealDays), Until: clock.AppealUntil(served, deadline.AppealDays)}
	c.From = nextPeriod(c.LastDay)
	return c
}

// nextPeriod is the first day of the period after a day: what is against
// somebody begins with a new one (RULES R11). A period is a month.
func nextPeriod(day time.Time) time.Time {
	return registry.Date(day.Year(), day.Month()+1, 1)
}

// beginning is the instant at which a day begins where the citizen is.
func beginning(clock deadline.Clock, day time.Time) time.Time {
	return clock.Midnight(day.AddDate(0, 0, -1))
}

// Follow does what follows from what happened to a letter about a decision that
// would take something away: it counts as served, or no longer.
func Follow(tx db.Tx, l letters.Letter) error {
	if l.Decision == nil || l.Kind != "adverse" {
		return nil
	}
	d, err := lockDecision(tx, *l.Decision)
	if err != nil || !d.State.Open() || d.State == Suspended || d.State == Upheld {
		return err
	}
	clock, err := deadline.LoadHousehold(tx, d.Household)
	if err != nil {
		return err
	}
	served, proven := l.Served()
	switch {
	case d.State == Proposed && proven && !served.After(clock.Today(tx.Now())):
		c := clockOf(clock, served)
		if err := tx.Exec(`update decision set state = 'served', served_on = $2, appeal_until = $3, effective_at = $4 where id = $1`,
			d.ID, served, c.Until, beginning(clock, c.From)); err != nil {
			return err
		}
	case d.State == Served && !proven:
		if err := tx.Exec(`update decision set state = 'proposed', served_on = null, appeal_until = null, effective_at = null where id = $1`, d.ID); err != nil {
			return err
		}
	default:
		return nil
	}
	return audit.Write(tx, audit.Event{Action: "decision.served", SubjectKind: "household", Subject: d.Household,
		Detail: map[string]any{"decision": d.ID, "proven": proven}})
}

func lockDecision(tx db.Tx, id db.ID) (Decision, error) {
	if err := tx.Exec(`select from decision where id = $1 for update`, id); err != nil {
		return Decision{}, err
	}
	return DecisionByID(tx, id)
}

// PostedLetters lists the letters about decisions that wait for a posted letter
// to count as received.
func PostedLetters(tx db.Tx) ([]db.ID, error) {
	var ids []db.ID
	err := tx.Select(&ids, `
		select distinct l.id from decision d join letter l on l.decision_id = d.id and l.kind = 'adverse'
		join letter_event e on e.letter_id = l.id and e.what = 'posted'
		where d.state = 'proposed' and d.sent_at is not null and l.paper = 'posted' and e.on_day <= ($1::timestamptz - interval '6 days')::date limit 200`, tx.Now())
	return ids, err
}

// BringIntoForce ends what one decision takes away whose day has come. ended is
// the decision that no longer holds, for what follows from it; false when there
// is nothing to do. A day that an outage has moved is noted anew, and what the
// facts no longer support is withdrawn.
func BringIntoForce(tx db.Tx) (ended db.ID, more bool, err error) {
	var due []db.ID
	if err := tx.Select(&due, `
		select id from decision where state in ('served', 'upheld') and effective_at <= $1
		order by effective_at, id limit 1 for update skip locked`, tx.Now()); err != nil || len(due) == 0 {
		return ended, false, err
	}
	d, err := lockDecision(tx, due[0])
	if err != nil {
		return ended, false, err
	}
	h, err := registry.LoadHousehold(tx, d.Household)
	if err != nil {
		return ended, false, err
	}
	if d.State == Served {
		if done, err := reexamine(tx, d, h); err != nil || done {
			return ended, true, err
		}
	}
	if err := tx.Exec(`update decision set superseded_at = $2 where id = $1`, *d.Replaces, tx.Now()); err != nil {
		return ended, false, err
	}
	if err := tx.Exec(`update decision set state = 'in_force', in_force_at = $2 where id = $1`, d.ID, tx.Now()); err != nil {
		return ended, false, err
	}
	if err := audit.Write(tx, audit.Event{Action: "decision.in_force", SubjectKind: "household", Subject: h.ID,
		Detail: map[string]any{"decision": d.ID, "ended": *d.Replaces}}); err != nil {
		return ended, false, err
	}
	return *d.Replaces, true, tellAll(tx, h, d.ID, "decision_in_force")
}

// reexamine looks once more before something is taken away.
func reexamine(tx db.Tx, d Decision, h registry.Household) (done bool, err error) {
	clock, err := deadline.LoadHousehold(tx, d.Household)
	if err != nil {
		return false, err
	}
	c := clockOf(clock, d.ServedOn.Time)
	if from := beginning(clock, c.From); c.Until.After(tx.Now()) || from.After(tx.Now()) {
		if err := tx.Exec(`update decision set appeal_until = $2, effective_at = $3 where id = $1`, d.ID, c.Until, from); err != nil {
			return false, err
		}
		return true, audit.Write(tx, audit.Event{Action: "decision.put_off", SubjectKind: "household", Subject: h.ID,
			Detail: map[string]any{"decision": d.ID, "until": from.UTC()}})
	}
	if err := Assess(tx, h.ID); err != nil {
		return false, err
	}
	var state State
	err = tx.Get(&state, `select state from decision where id = $1`, d.ID)
	return state != Served, err
}

// The seam to appeals, which are cases. Whoever files, by whatever channel, in
// time or late and accepted: it suspends.

// SuspendFor holds a decision up for an appeal. What had come into force is
// undone. Doing it again changes nothing.
func SuspendFor(tx db.Tx, decision, kase db.ID) error {
	if err := tx.Exec(`select suspend_decision($1, $2, $3)`, decision, kase, tx.Now()); err != nil {
		return err
	}
	var household db.ID
	if err := tx.Get(&household, `select household_id from decision where id = $1`, decision); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "decision.suspended", SubjectKind: "household", Subject: household, Case: kase, Detail: map[string]any{"decision": decision}})
}

// ResumeFor lets a decision go on whose appeal was taken back. What is proven about
// its letter is looked at anew: its day comes as if nobody had appealed.
func ResumeFor(tx db.Tx, decision, kase db.ID) error {
	if err := tx.Exec(`select resume_decision($1, $2, $3)`, decision, kase, tx.Now()); err != nil {
		return err
	}
	list, err := letters.About(tx, decision)
	if err != nil {
		return err
	}
	for _, l := range list {
		if err := tx.Enqueue(jobs.KindFollowLetter, l.ID, 1); err != nil {
			return err
		}
	}
	var household db.ID
	if err := tx.Get(&household, `select household_id from decision where id = $1`, decision); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "decision.resumed", SubjectKind: "household", Subject: household, Case: kase, Detail: map[string]any{"decision": decision}})
}

// UpholdFor ends an appeal: the decision stays, and comes into force with the
// next period, at least thirty days after it was served. why are the reasons
// for the letter.
func UpholdFor(tx db.Tx, decision, kase db.ID, why []letters.Reason) error {
	list, err := decisions(tx, `d.id = $1`, decision)
	if err != nil || len(list) == 0 {
		return err
	}
	clock, err := deadline.LoadHousehold(tx, list[0].Household)
	if err != nil {
		return err
	}
	day := clock.Today(tx.Now())
	if served := list[0].ServedOn; served.Valid {
		if last := served.Time.AddDate(0, 0, deadline.AppealDays); last.After(day) {
			day = last
		}
	}
	return settle(tx, list[0], kase, true, beginning(clock, nextPeriod(day)), why)
}

// OverturnFor ends an appeal in the person's favour: the decision never holds,
// and the same rule does not propose the same again.
func OverturnFor(tx db.Tx, decision, kase db.ID) error {
	list, err := decisions(tx, `d.id = $1`, decision)
	if err != nil || len(list) == 0 {
		return err
	}
	return settle(tx, list[0], kase, false, tx.Now(), nil)
}

func settle(tx db.Tx, d Decision, kase db.ID, upheld bool, from time.Time, why []letters.Reason) error {
	if err := tx.Exec(`select settle_decision($1, $2, $3, $4, $5)`, d.ID, kase, upheld, from, tx.Now()); err != nil {
		return err
	}
	kind := "overturned"
	if upheld {
		kind = "upheld"
	}
	if err := audit.Write(tx, audit.Event{Action: "decision." + kind, SubjectKind: "household", Subject: d.Household, Case: kase, Detail: map[string]any{"decision": d.ID}}); err != nil {
		return err
	}
	to, err := Addressee(tx, d.Household)
	if err != nil || to == nil {
		return err
	}
	if err := letters.Send(tx, letters.New{
		Kind: kind, Person: to, Household: &d.Household, Case: &kase, Decision: &d.ID, Once: kind + ":" + kase.String(),
		Facts: letters.Facts{Programme: d.Programme, Reference: d.Ref, Reasons: why},
	}); err != nil {
		return err
	}
	h, err := registry.LoadHousehold(tx, d.Household)
	if err != nil {
		return err
	}
	return tellAdults(tx, h, d.ID, "decision_"+kind, kind, to)
}
