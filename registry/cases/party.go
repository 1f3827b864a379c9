package cases

import (
	"database/sql"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/effect"
)

// Party is an adult whom a case affects without being theirs (RULES R5).
type Party struct {
	Person   db.ID          `db:"person_id"`
	Name     string         `db:"name"`
	Needed   bool           `db:"needed"`
	Answer   sql.NullString `db:"answer"` // "agreed", "objected"
	Answered sql.NullTime   `db:"answered_at"`
}

// parties notes whom a proposal affects; who was told before stays told.
func parties(tx db.Tx, c Case, out effect.Out) error {
	for _, id := range out.Affected {
		added, err := tx.Count(`
			insert into case_party (case_id, person_id, needed, told_at) values ($1, $2, $3, $4) on conflict (case_id, person_id) do nothing`,
			c.ID, id, slices.Contains(out.Needed, id), tx.Now())
		if err != nil {
			return err
		}
		if added == 1 {
			if err := tellAffected(tx, c, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// PlaceKept reports whether where a case's people are is told to nobody but those
// who protect (RULES R5).
func PlaceKept(tx db.Tx, c Case) (bool, error) {
	var kept bool
	err := tx.Get(&kept, `select place_kept(household_id, person_id) from case_file where id = $1`, c.ID)
	return kept, err
}

// Parties lists whom a case affects.
func Parties(tx db.Tx, c Case) ([]Party, error) {
	var list []Party
	err := tx.Select(&list, `
		select x.person_id, coalesce(p.full_name, p.ref) as name, x.needed, x.answer, x.answered_at
		from case_party x join person p on p.id = x.person_id where x.case_id = $1 order by x.needed desc, p.ref`, c.ID)
	return list, err
}

// settled reports whether everybody who was told agreed.
func settled(list []Party) bool {
	return !slices.ContainsFunc(list, func(p Party) bool { return p.Answer.String != "agreed" })
}

// Concerning lists the open cases of others that affect a person.
func Concerning(tx db.Tx, person db.ID) ([]Case, error) {
	var list []Case
	err := tx.Select(&list, `
		select `+caseColumns+` from case_party x join case_file c on c.id = x.case_id
		where x.person_id = $1 and c.access <> 'sealed' and c.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')
		order by c.submitted_at desc limit 50`, person)
	return list, err
}

// Concern reads a case of somebody else's that affects a person; to anybody else
// it is not there.
func Concern(tx db.Tx, person db.ID, ref string) (Filing, Party, error) {
	var row struct {
		Case
		Party `db:"party"`
	}
	err := tx.Get(&row.Case, `
		select `+caseColumns+` from case_party x join case_file c on c.id = x.case_id
		where c.ref = $2 and x.person_id = $1 and c.access <> 'sealed'`, person, ref)
	if err != nil {
		return Filing{}, Party{}, err
	}
	if err := row.decode(tx); err != nil {
		return Filing{}, Party{}, err
	}
	list, err := Parties(tx, row.Case)
	if err != nil {
		return Filing{}, Party{}, err
	}
	f, err := filing(tx, row.Case)
	i := slices.IndexFunc(list, func(p Party) bool { return p.Person == person })
	return f, list[i], err
}

// Touching is what a case's proposal does to somebody's own record, and where the
// children go who live with them: whoever is affected reads that, and nothing of
// what else was told (RULES R4, R5). The records that there are not yet are among
// them, for their names.
func Touching(tx db.Tx, f Filing, person db.ID) (list []Alteration, mine func(Alteration) bool, err error) {
	c := f.Case
	if c.JoinedTo != nil {
		if err := tx.Get(&c.Change, `select change_id from case_file where id = $1`, *c.JoinedTo); err != nil {
			return nil, nil, err
		}
	}
	if list, err = Proposed(tx, c); err != nil {
		return nil, nil, err
	}
	homes := map[db.ID]bool{}
	var ids []db.ID
	if err := tx.Select(&ids, `select household_id from membership where person_id = $1 and tie = 'usual'`, person); err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		homes[id] = true
	}
	today, err := time.Parse(time.DateOnly, f.Scene.Today)
	if err != nil {
		return nil, nil, err
	}
	return list, func(a Alteration) bool {
		var was registry.PersonData
		if a.Kind != registry.KindPerson || a.Old == nil || a.Old.Into(&was) != nil {
			return false
		}
		_, oldest := was.Birth().Age(today)
		return a.Subject == person || oldest >= 0 && oldest < registry.Majority &&
			slices.ContainsFunc(was.Memberships, func(m registry.MembershipData) bool { return m.Usual() && homes[m.HouseholdID] })
	}, nil
}

// AppealConcern opens an appeal of a decision that somebody objected to before it
// was taken.
func AppealConcern(tx db.Tx, actor Actor, ref, language string) (string, error) {
	f, p, err := Concern(tx, *actor.Person, ref)
	if err != nil {
		return "", err
	}
	d, err := DecisionOf(tx, f.Case)
	if fault.Is(err, fault.NotFound) || err == nil && !p.MayAppeal(d) {
		err = fault.New(fault.Conflict, "error.out_of_order")
	}
	if err != nil {
		return "", err
	}
	return appeal(tx, actor, actor.Person, nil, &d.ID, nil, language)
}

// MayAppeal reports whether what was decided is against what somebody affected
// said.
func (p Party) MayAppeal(d Decision) bool {
	return p.Answer.String == "objected" && d.Outcome != "refused"
}

// Objection is what somebody affected objects, for those who decide.
type Objection struct {
	Name string    `db:"name"`
	At   time.Time `db:"at"`
	Note string    `db:"note"`
	Lang string    `db:"note_lang"`
}

// Objections lists what those whom a case affects object, also to what others told
// of the same event. Whoever agreed later objects no more.
func Objections(tx db.Tx, c Case) ([]Objection, error) {
	var list []Objection
	err := tx.Select(&list, `
		select coalesce(p.full_name, p.ref) as name, w.at, w.note, w.note_lang
		from case_file f join case_party x on x.case_id = f.id and x.answer = 'objected' join person p on p.id = x.person_id
		join lateral (select e.at, e.note, e.note_lang from case_event e join account a on a.id = e.actor and a.person_id = x.person_id
			where e.case_id = f.id and e.action = 'objected' order by e.seq desc limit 1) w on true
		where f.id = $1 or f.joined_to = $1 order by w.at`, c.ID)
	return list, err
}

// Respond records that somebody affected agrees, or objects and why.
func Respond(tx db.Tx, person db.ID, ref string, agrees bool, note, lang string) error {
	f, _, err := Concern(tx, person, ref)
	if err != nil {
		return err
	}
	if !f.State.Open() {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	answer, action := "objected", Objected
	if agrees {
		answer, action = "agreed", Agreed
	}
	if err := tx.Exec(`update case_party set answer = $3, answered_at = $4 where case_id = $1 and person_id = $2`, f.ID, person, answer, tx.Now()); err != nil {
		return err
	}
	return move(tx, &f.Case, step{action: action, note: note, lang: lang, private: true})
}
