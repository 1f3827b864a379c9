package registry

import (
	"database/sql"
	"time"

	"daftar/db"
)

// GroupTypes lists the kinds of group. Each has the message "group.type.<code>".
func GroupTypes() []string {
	return []string{"cooperative", "union", "association", "savings_group", "camp", "institution", "other"}
}

// GroupRoles lists what a member can be in a group. Each has the message
// "group.role.<code>".
func GroupRoles() []string { return []string{"member", "chair", "treasurer", "secretary", "payee"} }

// Group is a group's record, as it is now.
type Group struct {
	ID          db.ID        `db:"id"`
	Ref         string       `db:"ref"`
	Version     int          `db:"version"`
	Type        string       `db:"type"`
	Name        string       `db:"name"`
	NameLatin   string       `db:"name_latin"`
	AreaID      *db.ID       `db:"area_id"`
	Beneficiary bool         `db:"beneficiary"`
	Status      string       `db:"status"`
	StatusDate  sql.NullTime `db:"status_date"`
	Fields      Values       `db:"fields"`
	Provenance  Provenance   `db:"provenance"`
}

const groupColumns = `g.id, g.ref, g.version, g.type, g.name, coalesce(g.name_latin, '') as name_latin, g.area_id, g.beneficiary,
	g.status, g.status_date, g.fields, g.provenance`

// LoadGroup reads a group.
func LoadGroup(tx db.Tx, id db.ID) (Group, error) {
	var g Group
	err := tx.Get(&g, `select `+groupColumns+` from group_record g where g.id = $1`, id)
	return g, err
}

// Member is who it is about.
func (m GroupMemberData) Member() db.ID {
	for _, id := range []*db.ID{m.HouseholdID, m.PersonID, m.GroupID} {
		if id != nil {
			return *id
		}
	}
	return db.ID{}
}

// GroupMember is a household, person or group in a group.
type GroupMember struct {
	Kind      string       `db:"kind"`
	MemberID  db.ID        `db:"member_id"`
	Ref       string       `db:"ref"`
	Name      string       `db:"name"`
	Role      string       `db:"role"`
	StartDate sql.NullTime `db:"start_date"`
	EndDate   sql.NullTime `db:"end_date"`
}

// GroupMembers lists what is directly in a group, then what was.
func GroupMembers(tx db.Tx, group db.ID) ([]GroupMember, error) {
	var list []GroupMember
	err := tx.Select(&list, `
		select case when m.household_id is not null then 'household' when m.person_id is not null then 'person' else 'group' end as kind,
		       coalesce(m.household_id, m.person_id, m.subgroup_id) as member_id, coalesce(h.ref, p.ref, g.ref) as ref,
		       coalesce(p.full_name, g.name, '') as name, m.role, m.start_date, m.end_date
		from group_member m left join household h on h.id = m.household_id left join person p on p.id = m.person_id
		left join group_record g on g.id = m.subgroup_id
		where m.group_id = $1 order by m.end_date is not null, kind, m.start_date, ref`, group)
	return list, err
}

// GroupsOf lists the groups that a household, person or group is directly in on
// a day; of one that had ended by then nobody is a member.
func GroupsOf(tx db.Tx, member db.ID, day time.Time) ([]Group, error) {
	var list []Group
	err := tx.Select(&list, `
		select `+groupColumns+` from group_record g
		where g.id in (select group_id from group_member
		               where (household_id = $1 or person_id = $1 or subgroup_id = $1) and daterange(start_date, end_date) @> $2::date)
		  and (g.status_date is null or g.status_date > $2::date)
		order by g.name, g.ref`, member, day)
	return list, err
}

// Totals counts people and households, each once.
type Totals struct {
	People     int `db:"people"`
	Households int `db:"households"`
}

// TotalsOf counts who is in any of the groups on a day, however often and in
// however many of them: nothing counts twice.
func TotalsOf(tx db.Tx, groups []db.ID, day time.Time) (Totals, error) {
	var t Totals
	err := tx.Get(&t, `
		select (select count(*) from group_people($1::uuid[], $2::date)) as people,
		       (select count(*) from group_households($1::uuid[], $2::date)) as households`, Texts(groups), day)
	return t, err
}
