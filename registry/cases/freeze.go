package cases

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/audit"
)

// Freeze is a time in which decisions do not change records.
type Freeze struct {
	ID       db.ID     `db:"id"`
	From     time.Time `db:"from_day"`
	To       time.Time `db:"to_day"`
	Families string    `db:"families"` // with a comma between; "" for all
	Area     i18n.Text `db:"area"`     // nil for everywhere
	Reason   string    `db:"reason"`
	Lang     string    `db:"reason_lang"`
	By       string    `db:"by"`
}

// Freezes lists the times that go on or are to come.
func Freezes(tx db.Tx, today time.Time) ([]Freeze, error) {
	var list []Freeze
	err := tx.Select(&list, `
		select z.id, z.from_day, z.to_day, array_to_string(z.families, ',') as families, coalesce(a.name, '{}') as area, z.reason, z.reason_lang, s.name as by
		from case_freeze z left join area a on a.id = z.area_id join staff s on s.id = z.made_by
		where z.ended_at is null and z.to_day >= $1 order by z.from_day, z.id limit 200`, today)
	return list, err
}

// AddFreeze freezes the decisions of some families of kinds, or of all, in an
// area of the officer's.
func AddFreeze(tx db.Tx, from, to time.Time, families []string, area db.ID, reason, lang string) error {
	id := tx.NewID()
	if families == nil {
		families = []string{}
	}
	if err := tx.Exec(`
		insert into case_freeze (id, from_day, to_day, families, area_id, reason, reason_lang, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, from, to, families, area, reason, lang, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "freeze.made", Detail: map[string]any{"freeze": id}})
}

// EndFreeze ends one early, within the officer's areas.
func EndFreeze(tx db.Tx, id db.ID, areas []string) error {
	n, err := tx.Count(`
		update case_freeze z set ended_at = $2, ended_by = actor()
		where z.id = $1 and z.ended_at is null and exists (select from area a where a.id = z.area_id
			and (a.l0 = any($3::uuid[]) or a.l1 = any($3::uuid[]) or a.l2 = any($3::uuid[]) or a.l3 = any($3::uuid[]) or a.l4 = any($3::uuid[]) or a.l5 = any($3::uuid[])))`,
		id, tx.Now(), areas)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Hidden()
	}
	return audit.Write(tx, audit.Event{Action: "freeze.ended", Detail: map[string]any{"freeze": id}})
}
