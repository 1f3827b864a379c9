package registry

import (
	"time"

	"daftar/db"
	"daftar/registry/audit"
)

// Contest is a number that two living people claim: the office has to find out
// whose it is. Nothing is taken from either meanwhile (RULES R14).
type Contest struct {
	ID       db.ID     `db:"id"`
	Type     string    `db:"type"`
	Value    string    `db:"value"`
	Issuer   string    `db:"issuer"`
	OpenedAt time.Time `db:"opened_at"`
}

// SettleContests opens a contest for each number of a person that is contested
// and has none, and closes those that nobody contests any more. It may run any
// number of times.
func SettleContests(tx db.Tx, person db.ID) error {
	var opened []Contest
	if err := tx.Select(&opened, `
		insert into identifier_contest (id, type, value, issuer, opened_at)
		select gen_random_uuid(), type, value, issuer, $2 from identifier
		where subject_id = $1 and status = 'contested'
		on conflict (type, value, issuer) where closed_at is null do nothing
		returning id, type, value, issuer, opened_at`, person, tx.Now()); err != nil {
		return err
	}
	var closed []Contest
	if err := tx.Select(&closed, `
		update identifier_contest c set closed_at = $2
		where closed_at is null
		  and (type, value, issuer) in (select i.type, i.value, i.issuer from identifier i where i.subject_id = $1)
		  and not exists (select from identifier i where i.type = c.type and i.value = c.value and i.issuer = c.issuer and i.status = 'contested')
		returning id, type, value, issuer, opened_at`, person, tx.Now()); err != nil {
		return err
	}
	for action, list := range map[string][]Contest{"identifier.contested": opened, "identifier.settled": closed} {
		for _, c := range list {
			if err := audit.Write(tx, audit.Event{Action: action, SubjectKind: "person", Subject: person,
				Detail: map[string]any{"contest": c.ID, "type": c.Type}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Claimant is somebody who claims a contested number.
type Claimant struct {
	ID   db.ID  `db:"id"`
	Ref  string `db:"ref"`
	Name string `db:"name"`
}

// Claimants lists the others who claim one of a person's contested numbers.
func Claimants(tx db.Tx, person db.ID) ([]Claimant, error) {
	var list []Claimant
	err := tx.Select(&list, `
		select distinct p.id, p.ref, coalesce(p.full_name, '') as name
		from identifier mine
		join identifier theirs on theirs.type = mine.type and theirs.value = mine.value and theirs.issuer = mine.issuer
		     and theirs.subject_id <> mine.subject_id and theirs.status = 'contested'
		join person p on p.id = theirs.subject_id
		where mine.subject_id = $1 and mine.status = 'contested' order by p.ref`, person)
	return list, err
}
