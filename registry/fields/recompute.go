package fields

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/formula"
	"daftar/registry/jobs"
)

// batch is how many records are calculated in one transaction.
const batch = 500

// Recompute brings every calculated value up to date: of records that changed
// since, of households whose people did or grew older, and of all when a formula
// changed. It may be stopped and run again at any time.
func Recompute(ctx context.Context, d *db.DB, who db.Principal) error {
	// People first: what a household's formulas count may be calculated itself.
	for _, kind := range []string{registry.KindPerson, registry.KindHousehold} {
		for {
			n := 0
			err := d.WithTx(ctx, who, func(tx db.Tx) (err error) {
				n, err = recompute(tx, kind)
				return err
			})
			if err != nil {
				return err
			}
			if n < batch {
				break
			}
		}
	}
	return nil
}

// Older asks for Recompute when somebody who is counted in a household grew older.
func Older(tx db.Tx) error {
	day, err := registry.TodayOf(tx, tx.Now())
	if err != nil {
		return err
	}
	var due []db.ID
	if err := tx.Select(&due, `select subject_id from calculated where due <= $1 limit 1`, day); err != nil || len(due) == 0 {
		return err
	}
	return tx.Enqueue(jobs.KindRecomputeFields, due[0], 1)
}

// stale is a record whose calculated values are not those of now.
type stale struct {
	ID      db.ID           `db:"id"`
	Version int             `db:"version"`
	Fields  registry.Values `db:"fields"`
}

func recompute(tx db.Tx, kind string) (int, error) {
	// One at a time: else a household could be written as it was before another
	// worker noticed that somebody in it changed.
	if err := tx.Exec(`select pg_advisory_xact_lock(hashtext('recompute'))`); err != nil {
		return 0, err
	}
	all, err := registry.LoadFields(tx)
	if err != nil {
		return 0, err
	}
	set, err := formula.New(all)
	if err != nil {
		return 0, err
	}
	counts := set.CountsAny()
	if !set.Calculates(kind) && !(counts && kind == registry.KindPerson) {
		return 0, tx.Exec(`delete from calculated where kind = $1`, kind)
	}
	day, err := registry.TodayOf(tx, tx.Now())
	if err != nil {
		return 0, err
	}
	if kind == registry.KindHousehold {
		if err := tx.Exec(`update calculated set stamp = '' where due <= $1`, day); err != nil {
			return 0, err
		}
	}
	stamp := stampOf(all, kind, counts)
	var list []stale
	table := map[string]string{registry.KindHousehold: "household", registry.KindPerson: "person"}[kind]
	if err := tx.Select(&list, fmt.Sprintf(`
		select r.id, r.version, r.fields from %s r left join calculated c on c.subject_id = r.id
		where c.subject_id is null or c.version <> r.version or c.stamp <> $1
		order by r.id limit %d`, table, batch), stamp); err != nil || len(list) == 0 {
		return 0, err
	}
	var people map[db.ID][]resident
	if counts {
		if people, err = residents(tx, kind, list); err != nil {
			return 0, err
		}
	}
	for _, r := range list {
		row := made{members: []string{}}
		var counted []formula.Member
		if counts && kind == registry.KindHousehold {
			counted = []formula.Member{}
			for _, p := range people[r.ID] {
				counted = append(counted, row.count(p, day))
			}
		}
		if err := row.write(tx, kind, r, stamp, set.Calculate(kind, r.Fields, counted)); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// resident is somebody who lives in a household.
type resident struct {
	Household    db.ID           `db:"household_id"`
	ID           db.ID           `db:"id"`
	Relationship string          `db:"relationship"`
	Sex          string          `db:"sex"`
	BirthFrom    sql.NullTime    `db:"birth_from"`
	BirthTo      sql.NullTime    `db:"birth_to"`
	Fields       registry.Values `db:"fields"`
}

// residents are the people of households. Where people changed, it tells their
// households, those that they lived in among them, to be calculated anew.
func residents(tx db.Tx, kind string, list []stale) (map[db.ID][]resident, error) {
	var ids []string
	for _, r := range list {
		ids = append(ids, r.ID.String())
	}
	if kind == registry.KindPerson {
		return nil, tx.Exec(`
			update calculated set stamp = '' where kind = 'household' and stamp <> '' and (members && $1::uuid[]
			  or subject_id in (select m.household_id from membership m where m.person_id = any($1::uuid[])))`, ids)
	}
	var rows []resident
	if err := tx.Select(&rows, `
		select m.household_id, p.id, m.relationship, p.sex, p.birth_from, p.birth_to, p.fields
		from membership m join person p on p.id = m.person_id
		where m.household_id = any($1::uuid[]) and m.end_date is null and m.tie = 'usual'
		order by m.household_id, p.id`, ids); err != nil {
		return nil, err
	}
	of := map[db.ID][]resident{}
	for _, r := range rows {
		of[r.Household] = append(of[r.Household], r)
	}
	return of, nil
}

// made is what is kept with a record's calculated values.
type made struct {
	members []string  // who was counted
	due     time.Time // the first day on which somebody counted can be older; zero for never
}

// count is somebody as a formula counts them.
func (m *made) count(p resident, day time.Time) formula.Member {
	born := registry.BirthDate{From: p.BirthFrom.Time, To: p.BirthTo.Time}
	youngest, oldest := born.Age(day)
	m.members = append(m.members, p.ID.String())
	if born.Known() {
		for _, next := range []time.Time{registry.Birthday(born.From, day), registry.Birthday(born.To, day)} {
			if m.due.IsZero() || next.Before(m.due) {
				m.due = next
			}
		}
	}
	return formula.Member{Relationship: p.Relationship, Sex: p.Sex, Youngest: youngest, Oldest: oldest, Fields: p.Fields}
}

func (m *made) write(tx db.Tx, kind string, r stale, stamp string, values registry.Values) error {
	raw, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return tx.Exec(`
		insert into calculated (subject_id, kind, version, stamp, values, members, due) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (subject_id) do update set version = excluded.version, stamp = excluded.stamp, values = excluded.values,
			members = excluded.members, due = excluded.due`,
		r.ID, kind, r.Version, stamp, string(raw), m.members, sql.NullTime{Time: m.due, Valid: !m.due.IsZero()})
}

// stampOf changes when any formula of the subject does; where a household's count
// its people, when one of theirs does, too.
func stampOf(all registry.Fields, subject string, counts bool) string {
	h := sha256.New()
	for _, f := range all {
		if f.Formula != "" && (f.Subject == subject || counts && subject == registry.KindHousehold) {
			_, _ = fmt.Fprintf(h, "%s %d %s\n", f.Code, f.Version, f.Formula)
		}
	}
	if counts {
		_, _ = fmt.Fprint(h, "people")
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Calculated returns the calculated values of a record as last computed.
func Calculated(tx db.Tx, subject db.ID) (registry.Values, error) {
	var rows []registry.Values
	err := tx.Select(&rows, `select values from calculated where subject_id = $1`, subject)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}
