package auth

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Bonds lists how a member of staff can be close to somebody. Each has the
// message "kin.bond.<code>".
func Bonds() []string { return []string{KinSelf, KinRelative} }

// The bonds.
const (
	KinSelf     = "self"     // it is their own record
	KinRelative = "relative" // of one whom they are related to
)

// ByReference is the type of a declaration by the reference of a record; the
// others are types of identifier.
const ByReference = "reference"

// Kin is what a member of staff declared: the records of these people and of
// their households are not there for them (RULES R8).
type Kin struct {
	Ref        string    `db:"ref"`
	Staff      string    `db:"staff"`
	Bond       string    `db:"bond"`
	Type       string    `db:"type"`
	Value      string    `db:"value"`
	DeclaredAt time.Time `db:"declared_at"`
}

// Masked shows the end of what was declared.
func (k Kin) Masked() string { return registry.Identifier{Value: k.Value}.Masked() }

// DeclareKin notes whom the signed-in member of staff is close to, by the
// reference of a record or by a national ID number. It is not said whether there
// is such a record. Twice is once.
func DeclareKin(tx db.Tx, bond, typed string) error {
	kind, value := registry.NationalID, registry.NormalIdentifier(typed)
	if ref, ok := registry.ParseRef(registry.RefPerson, typed); ok {
		kind, value = ByReference, ref
	}
	if value == "" {
		var check fault.Check
		check.Fail("who", "kin.error.who")
		return check.Err()
	}
	if err := tx.Exec(`
		insert into staff_kin (id, ref, staff_id, bond, type, value, declared_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
		tx.NewID(), registry.NewRef(registry.RefKin, tx.Rand()), tx.Who().Actor, bond, kind, value, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "kin.declared", SubjectKind: "staff", Subject: tx.Who().Actor, Detail: map[string]any{"bond": bond}})
}

// DeclaredKin lists what the signed-in member of staff declared.
func DeclaredKin(tx db.Tx) ([]Kin, error) {
	return kin(tx, `k.staff_id = $1`)
}

// KinOfOthers lists what other members of staff declared, for the data
// protection officer.
func KinOfOthers(tx db.Tx) ([]Kin, error) {
	return kin(tx, `k.staff_id <> $1`)
}

func kin(tx db.Tx, which string) ([]Kin, error) {
	var list []Kin
	err := tx.Select(&list, `
		select k.ref, s.name as staff, k.bond, k.type, k.value, k.declared_at
		from staff_kin k join staff s on s.id = k.staff_id
		where k.ended_at is null and `+which+` order by s.name, k.declared_at, k.id`, tx.Who().Actor)
	return list, err
}

// EndKin says that a declaration does not hold. Nobody ends their own, and the
// database lets the data protection officer alone do it.
func EndKin(tx db.Tx, ref string) error {
	canonical, _ := registry.ParseRef(registry.RefKin, ref)
	var staff db.ID
	if err := tx.Get(&staff, `
		update staff_kin set ended_at = $2, ended_by = $3 where ref = $1 and ended_at is null returning staff_id`,
		canonical, tx.Now(), tx.Who().Actor); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "kin.ended", SubjectKind: "staff", Subject: staff})
}
