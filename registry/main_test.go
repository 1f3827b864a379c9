package registry_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// officer is the n-th member of staff, citizen the n-th account.
func officer(n byte) db.Principal {
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1, 15: n}}
}

func citizen(n byte) db.Principal {
	return db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{2, 15: n}}
}

// do runs fn in a transaction that must succeed.
func do(t *testing.T, d *dbtest.DB, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// home is a household that was registered.
type home struct {
	id     db.ID
	people []db.ID
	change db.ID
}

// register puts a household with its people into the registry, as anything gets
// there: proposed, verified and approved by three.
func register(t *testing.T, d *dbtest.DB, area db.ID, people ...registry.PersonData) home {
	t.Helper()
	var h home
	do(t, d, citizen(1), func(tx db.Tx) error {
		source, err := registry.AddSource(tx, registry.SourceSelf, nil, "")
		if err != nil {
			return err
		}
		h.id = tx.NewID()
		items := []registry.Item{{Kind: registry.KindHousehold, Subject: h.id, Data: registry.HouseholdData{
			Ref: registry.NewRef(registry.RefHousehold, tx.Rand()), AreaID: area, Provenance: registry.Provenance{"*": source},
		}}}
		for i, p := range people {
			p.Ref, p.Provenance = registry.NewRef(registry.RefPerson, tx.Rand()), registry.Provenance{"*": source}
			relationship := "other_relative"
			if i == 0 {
				relationship = "head"
			}
			p.Memberships = []registry.MembershipData{{ID: tx.NewID(), HouseholdID: h.id, Relationship: relationship, StartDate: "2026-03-02"}}
			id := tx.NewID()
			h.people = append(h.people, id)
			items = append(items, registry.Item{Kind: registry.KindPerson, Subject: id, Data: p})
		}
		h.change, err = registry.Propose(tx, registry.OriginCase, items)
		return err
	})
	do(t, d, officer(1), func(tx db.Tx) error { return registry.Verify(tx, h.change) })
	do(t, d, officer(2), func(tx db.Tx) error { return registry.Approve(tx, h.change) })
	do(t, d, officer(2), func(tx db.Tx) error { return registry.Apply(tx, h.change) })
	return h
}

// owner runs a statement as the owner of the tables, past every grant.
func owner(t *testing.T, d *dbtest.DB, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(statement, ": ", err)
	}
}
