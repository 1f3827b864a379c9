package cases_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/registry"
	"daftar/registry/cases"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// office is the demo country with people who come to it.
type office struct {
	*dbtest.DB
	capital, north db.ID
	form           cases.Form
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{DB: dbtest.New(t), form: cases.Form{Today: dbtest.Start}}
	if err := demo.Seed(t.Context(), o.DB.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	o.do(t, worker, func(tx db.Tx) error {
		capital, err := registry.AreaByCode(tx, "MJ01")
		if err != nil {
			return err
		}
		north, err := registry.AreaByCode(tx, "MJ02")
		o.capital, o.north = capital.ID, north.ID
		return err
	})
	return o
}

func (o *office) do(t *testing.T, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := o.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// hand is somebody who works on a case: their principal and their areas.
type hand struct {
	db.Principal
	cases.Actor
}

// citizen makes a new account.
func (o *office) citizen(t *testing.T) (h hand) {
	t.Helper()
	o.do(t, db.Principal{Role: db.Citizen}, func(tx db.Tx) error {
		id := tx.NewID()
		h = hand{db.Principal{Role: db.Citizen, Kind: "citizen", Actor: id}, cases.Actor{ID: id}}
		return tx.Exec(`insert into account (id, provider, sub, created_at) values ($1, 'citizen', $2, $3)`, id, id.String(), tx.Now())
	})
	return h
}

// officer makes a new member of staff of the capital.
func (o *office) officer(t *testing.T, roles ...string) (h hand) {
	t.Helper()
	o.do(t, worker, func(tx db.Tx) error {
		id := tx.NewID()
		h = hand{db.Principal{Role: db.Staff, Kind: "staff", Actor: id}, cases.At(id, o.capital)}
		if err := tx.Exec(`insert into staff (id, provider, sub, name) values ($1, 'staff', $2, 'Officer')`, id, id.String()); err != nil {
			return err
		}
		if roles == nil {
			roles = []string{"intake", "verifier", "approver"} // all that the office's desk knows
		}
		return tx.Exec(`insert into staff_role (staff_id, role, area_id, valid_from) select $1, r, $2, $3 from unnest($4::text[]) r`, id, o.capital, tx.Now(), roles)
	})
	return h
}

// start opens an application.
func (o *office) start(t *testing.T, who hand) (ref string) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) (err error) {
		ref, err = cases.Start(tx, who.Actor, cases.Applicant{FullName: "Halima Noor", BirthDate: "1990-05-01"}, "en")
		return err
	})
	return ref
}

// fill answers every page, for a mother and her child.
func (o *office) fill(d *cases.Draft) error {
	mother := d.Applicant()
	mother.Relationship, mother.Sex = "head", "female"
	child, err := d.AddMember()
	if err != nil {
		return err
	}
	child.FullName, child.Relationship, child.Birth = "Idris Noor", "child", cases.Birth{Year: 2022, On: "2026-03-02"}
	d.AreaCode = "MJ010101"
	for _, s := range cases.Sections() {
		for _, page := range o.form.Pages(d, s) {
			d.Mark(page)
		}
	}
	return nil
}

// filled is an application with every answer, not sent yet.
func (o *office) filled(t *testing.T, who hand) string {
	t.Helper()
	ref := o.start(t, who)
	o.do(t, who.Principal, func(tx db.Tx) error {
		_, err := cases.Edit(tx, who.Actor, ref, o.fill)
		return err
	})
	return ref
}

func (o *office) submitted(t *testing.T, who hand) string {
	t.Helper()
	ref := o.filled(t, who)
	o.do(t, who.Principal, func(tx db.Tx) error {
		_, err := cases.Submit(tx, who.Actor, ref, o.form)
		return err
	})
	return ref
}

func (o *office) read(t *testing.T, who hand, ref string) (c cases.Case) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) (err error) { c, err = cases.Load(tx, who.Actor, ref); return err })
	return c
}

// count reads a number, past every grant.
func (o *office) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(query, ": ", err)
	}
	return n
}
