package cases

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/audit"
)

// Vacancy is a duty that nobody has: to receive what a household gets, or to take
// care of a child.
type Vacancy struct {
	Person    db.ID  `db:"person_id"` // the child, or the head of the household
	Ref       string `db:"ref"`
	Name      string `db:"name"`
	Household string `db:"household"`
	Alone     bool   `db:"alone"` // no adult lives with the child
}

// vacancyPage is how many of each a page of a list shows.
const vacancyPage = 50

// page is a page of a list of which one more was read, and where the next one begins:
// after "" for none.
func page(list []Vacancy, cursor func(Vacancy) string) ([]Vacancy, string) {
	if len(list) <= vacancyPage {
		return list, ""
	}
	list = list[:vacancyPage]
	return list, cursor(list[vacancyPage-1])
}

// Unpaids are the households of a reader's areas that get something and that nobody
// is there to receive it for, not even for the time being (RULES R15, R16). Whose
// they are is logged. A page of them begins after a household's reference.
func Unpaids(tx db.Tx, r registry.Reader, after string) ([]Vacancy, string, error) {
	var list []Vacancy
	err := tx.Select(&list, `
		select p.id as person_id, p.ref, coalesce(p.full_name, p.ref) as name, h.ref as household, false as alone
		from household h cross join lateral (
			select m.person_id from membership m where m.household_id = h.id and m.end_date is null and m.tie = 'usual'
			order by m.relationship = 'head' desc, m.start_date, m.person_id limit 1) l join person p on p.id = l.person_id
		where h.status = 'active' and h.ref > $4 and (not h.protected or $3) and `+registry.WithinReader("'household'", "h.id", 1)+`
		  and exists (select from decision d where d.household_id = h.id and d.kind = 'programme' and d.superseded_at is null and d.outcome = 'eligible')
		  and not exists (select from membership_role r where r.household_id = h.id and r.role in ('payee', 'alternate_payee') and r.end_date is null)
		order by h.ref limit $2`, registry.Texts(r.Areas), vacancyPage+1, len(r.Protected) > 0, after)
	list, next := page(list, func(v Vacancy) string { return v.Household })
	return list, next, listed(tx, list, err)
}

// UncaredChildren are the children of a reader's areas for whom nobody cares any more, or
// who live without an adult and have nobody; a head under age is no such child
// (RULES R15). Who is told to nobody is listed for those who protect (R5). Whose
// they are is logged. Those with whom no adult lives come first; a page begins after
// a child's reference, with "0" before it for those, else "1".
func UncaredChildren(tx db.Tx, r registry.Reader, after string) ([]Vacancy, string, error) {
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return nil, "", err
	}
	var list []Vacancy
	err = tx.Select(&list, `
		select x.person_id, x.ref, x.name, x.household, x.alone from (
			select p.id as person_id, p.ref, coalesce(p.full_name, p.ref) as name, h.ref as household, not exists (
				select from residence w join person a on a.id = w.person_id
				where w.household_id = h.id and a.birth_to <= $3::date - interval '18 years') as alone,
			  exists (select from membership_role r where r.of_id = p.id and r.role = 'caregiver') as had
			from person p join residence l on l.person_id = p.id and l.relationship <> 'head'
			  join household h on h.id = l.household_id and (not h.protected or $4)
			where p.status = 'active' and p.birth_from > $3::date - interval '18 years' and `+registry.WithinReader("'person'", "p.id", 1)+`
			  and not exists (select from membership_role r where r.of_id = p.id and r.role = 'caregiver' and r.end_date is null)) x
		where (x.had or x.alone) and case when x.alone then '0' else '1' end || x.ref > $5 collate "C"
		order by (case when x.alone then '0' else '1' end || x.ref) collate "C" limit $2`, registry.Texts(r.Areas), vacancyPage+1, today, len(r.Protected) > 0, after)
	list, next := page(list, func(v Vacancy) string {
		if v.Alone {
			return "0" + v.Ref
		}
		return "1" + v.Ref
	})
	return list, next, listed(tx, list, err)
}

func listed(tx db.Tx, list []Vacancy, err error) error {
	if err != nil {
		return err
	}
	ids := make([]db.ID, len(list))
	for i, v := range list {
		ids[i] = v.Person
	}
	return audit.WriteAbout(tx, audit.Event{Action: "person.listed", Purpose: "queue"}, registry.KindPerson, ids)
}
