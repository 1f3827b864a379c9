package programmes

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// A new version of a rule is measured on everybody enrolled before it is used.
// If it would take something from more than two in a hundred, it waits for the
// ministry and then goes in waves of two in a hundred (RULES R10).
const (
	takesAtMost = 50 // one in fifty
	waveDays    = 30 // between two waves
)

// ReviewState is where a rule version stands. Each has the message
// "rule.state.<state>".
type ReviewState string

// The states of a rule version.
const (
	Measuring ReviewState = "measuring"
	Free      ReviewState = "free" // in use
	Waiting   ReviewState = "waiting"
	Approved  ReviewState = "approved" // in use, in waves
	Refused   ReviewState = "refused"
)

// Review is a version of a rule and what it would do.
type Review struct {
	Rule        db.ID         `db:"rule_id"`
	Code        string        `db:"code"`
	Programme   i18n.Text     `db:"name"`
	Version     int           `db:"version"`
	RuleJSON    []byte        `db:"rule"`
	PublishedAt time.Time     `db:"published_at"`
	PublishedBy *db.ID        `db:"published_by"`
	State       ReviewState   `db:"state"`
	Enrolled    sql.NullInt32 `db:"enrolled"`
	Losing      sql.NullInt32 `db:"losing"`
	Waves       sql.NullInt32 `db:"waves"`
	FirstWave   sql.NullTime  `db:"first_wave"`
	DecidedAt   sql.NullTime  `db:"decided_at"`
	Decider     string        `db:"decider"`
	Note        string        `db:"note"`
	NoteLang    string        `db:"note_lang"`
}

// Criteria are the rule's conditions.
func (r Review) Criteria() ([]Criterion, error) {
	var rule Rule
	err := json.Unmarshal(r.RuleJSON, &rule)
	return rule.Criteria, err
}

const reviewQuery = `
	select v.rule_id, p.code, p.name, r.version, r.rule, r.published_at, r.published_by, v.state, v.enrolled, v.losing, v.waves, v.first_wave,
	       v.decided_at, coalesce(s.name, '') as decider, v.note, v.note_lang
	from rule_review v join programme_rule r on r.id = v.rule_id join programme p on p.id = r.programme_id left join staff s on s.id = v.decided_by `

// Reviews lists every version of every rule, those that wait first.
func Reviews(tx db.Tx) ([]Review, error) {
	var list []Review
	err := tx.Select(&list, reviewQuery+`order by v.state <> 'waiting', p.code, r.version desc limit 200`)
	return list, err
}

// ReviewOf is one version of a programme's rule.
func ReviewOf(tx db.Tx, programme string, version int) (Review, error) {
	var r Review
	err := tx.Get(&r, reviewQuery+`where p.code = $1 and r.version = $2`, programme, version)
	return r, err
}

// Wave is the number of the wave, from 0, and its first day; the last one too.
func (r Review) Wave(n int) time.Time { return r.FirstWave.Time.AddDate(0, 0, n*waveDays) }

// DecideRule approves a version that waits, which then takes from at most two
// in a hundred at a time, or refuses it, which leaves the version before in use.
// Who published it cannot.
func DecideRule(tx db.Tx, rule db.ID, approve bool, note, lang string) error {
	var r struct {
		Enrolled int `db:"enrolled"`
		Losing   int `db:"losing"`
	}
	if err := tx.Get(&r, `select coalesce(enrolled, 0) as enrolled, coalesce(losing, 0) as losing from rule_review where rule_id = $1 for update`, rule); err != nil {
		return err
	}
	state, waves, first := Refused, (*int)(nil), (*string)(nil)
	if approve {
		n := waveCount(r.Losing, r.Enrolled)
		today, err := registry.DayOf(tx, tx.Now())
		if err != nil {
			return err
		}
		state, waves, first = Approved, &n, &today
		if err := tx.Exec(`
			update rule_loss l set wave = w.wave from (
				select household_id, ntile($2) over (order by sha256(uuid_send(household_id) || uuid_send(rule_id))) - 1 as wave
				from rule_loss where rule_id = $1) w
			where l.rule_id = $1 and l.household_id = w.household_id`, rule, n); err != nil {
			return err
		}
	}
	n, err := tx.Count(`
		update rule_review set state = $2, decided_at = $3, decided_by = actor(), note = $4, note_lang = $5, waves = $6, first_wave = $7::date
		where rule_id = $1 and state = 'waiting'`, rule, string(state), tx.Now(), note, lang, waves, first)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	return audit.Write(tx, audit.Event{Action: "rule." + string(state), Detail: map[string]any{"rule": rule, "waves": waves}})
}

// waveCount is into how many waves a loss falls so that none takes from more
// than two in a hundred, or from more than one household where fifty are not
// enrolled.
func waveCount(losing, enrolled int) int {
	most := max(1, enrolled/takesAtMost)
	return max(1, (losing+most-1)/most)
}

// mayTake reports whether a rule version may propose to take something from a
// household now.
func mayTake(tx db.Tx, rule, household db.ID) (bool, error) {
	var may bool
	err := tx.Get(&may, `
		select coalesce((select r.state = 'free' or r.state = 'approved' and (l.wave is null or r.first_wave + l.wave * $4::int <= $3::date)
			from rule_review r left join rule_loss l on l.rule_id = r.rule_id and l.household_id = $2
			where r.rule_id = $1), false)`, rule, household, tx.Now(), waveDays)
	return may, err
}

// measureBatch is how many households are measured in one transaction.
const measureBatch = 100

// Measure finds out whom a rule version would take something from. It may be
// killed at any moment and run again.
func Measure(ctx context.Context, d *db.DB, rule db.ID) error {
	who := db.Principal{Role: db.Jobs, Kind: "job"}
	last := db.ID{}
	for {
		var n int
		if err := d.WithTx(ctx, who, func(tx db.Tx) (err error) {
			n, last, err = measureSome(tx, rule, last)
			return err
		}); err != nil {
			return err
		}
		if n == 0 {
			return d.WithTx(ctx, who, func(tx db.Tx) error { return measured(tx, rule) })
		}
	}
}

func measureSome(tx db.Tx, rule, after db.ID) (n int, last db.ID, err error) {
	var row programmeRow
	if err := tx.Get(&row, `
		select r.programme_id, p.name, r.id, r.rule from programme_rule r join programme p on p.id = r.programme_id
		join rule_review v on v.rule_id = r.id and v.state = 'measuring' where r.id = $1`, rule); err != nil {
		if fault.Is(err, fault.NotFound) { // measured already
			return 0, last, nil
		}
		return 0, last, err
	}
	var homes []db.ID
	if err := tx.Select(&homes, enrolled+` and d.household_id > $2 order by d.household_id limit $3`, row.Programme, after, measureBatch); err != nil {
		return 0, last, err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return 0, last, err
	}
	for _, id := range homes {
		h, err := registry.LoadHousehold(tx, id)
		if err != nil {
			return 0, last, err
		}
		today, err := dayOf(tx, h.AreaID)
		if err != nil {
			return 0, last, err
		}
		says, err := row.decide(tx, fields, InputsOf(h, today))
		if err != nil {
			return 0, last, err
		}
		if says.outcome == NotEligible {
			if err := tx.Exec(`insert into rule_loss (rule_id, household_id) values ($1, $2) on conflict do nothing`, rule, id); err != nil {
				return 0, last, err
			}
		}
		last = id
	}
	return len(homes), last, nil
}

// enrolled lists the households that a programme, $1, now gives something to.
const enrolled = `select d.household_id from decision d
	where d.programme_id = $1 and d.outcome = 'eligible' and d.state = 'in_force' and d.superseded_at is null`

func measured(tx db.Tx, rule db.ID) error {
	var n struct {
		Enrolled int `db:"enrolled"`
		Losing   int `db:"losing"`
	}
	if err := tx.Get(&n, `
		select (select count(*) from decision d where d.programme_id = r.programme_id and d.outcome = 'eligible' and d.state = 'in_force' and d.superseded_at is null) as enrolled,
		       (select count(*) from rule_loss l where l.rule_id = r.id) as losing
		from programme_rule r where r.id = $1`, rule); err != nil {
		return err
	}
	state := Free
	if n.Losing*takesAtMost > n.Enrolled {
		state = Waiting
	}
	done, err := tx.Count(`update rule_review set state = $2, enrolled = $3, losing = $4, measured_at = $5 where rule_id = $1 and state = 'measuring'`,
		rule, string(state), n.Enrolled, n.Losing, tx.Now())
	if err != nil || done == 0 {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "rule.measured", Detail: map[string]any{"rule": rule, "enrolled": n.Enrolled, "losing": n.Losing}})
}

// AssessLosing decides one household anew that a rule version in use was found
// to take something from and whose wave has come; false when there is none.
func AssessLosing(tx db.Tx) (bool, error) {
	var next []struct {
		Rule      db.ID `db:"rule_id"`
		Household db.ID `db:"household_id"`
	}
	if err := tx.Select(&next, `
		select l.rule_id, l.household_id from rule_loss l join rule_review r on r.rule_id = l.rule_id
		where l.assessed_at is null and (r.state = 'free' or r.state = 'approved' and r.first_wave + l.wave * $2::int <= $1::date)
		order by l.wave nulls first, l.household_id limit 1 for update of l skip locked`, tx.Now(), waveDays); err != nil || len(next) == 0 {
		return false, err
	}
	if err := Assess(tx, next[0].Household); err != nil {
		return false, err
	}
	return true, tx.Exec(`update rule_loss set assessed_at = $3 where rule_id = $1 and household_id = $2`, next[0].Rule, next[0].Household, tx.Now())
}
