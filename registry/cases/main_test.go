package cases_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/registry"
	"daftar/registry/cases"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// someBlob is the key of a stored file.
const someBlob = "018f3a2e-0000-7000-8000-000000000001"

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

// member is somebody of the demo's cast with an account of their own.
func (o *office) member(t *testing.T, name string) (h hand) {
	t.Helper()
	h = o.citizen(t)
	var person db.ID
	o.do(t, worker, func(tx db.Tx) error {
		if err := tx.Get(&person, `select id from person where $1 in (full_name, full_name_latin)`, name); err != nil {
			return err
		}
		return tx.Exec(`update account set person_id = $2 where id = $1`, h.Actor.ID, person)
	})
	h.Person = &person
	return h
}

// ref is the reference of somebody of the cast.
func (o *office) ref(t *testing.T, name string) (ref string) {
	t.Helper()
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&ref, `select ref from person where $1 in (full_name, full_name_latin)`, name)
	})
	return ref
}

// begins opens a case of a kind with these answers; every other page is left
// open.
func (o *office) begins(t *testing.T, who hand, kind string, answers registry.Values) (ref string) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) (err error) {
		ref, err = cases.Begin(tx, who.Actor, cases.Opening{Kind: kind, Person: who.Person, Language: "en", Answers: answers})
		return err
	})
	o.leavesOpen(t, who, ref)
	return ref
}

// leavesOpen goes through the pages that have no answer.
func (o *office) leavesOpen(t *testing.T, who hand, ref string) {
	t.Helper()
	for range 50 {
		page := ""
		o.do(t, who.Principal, func(tx db.Tx) error {
			f, err := cases.LoadFiling(tx, who.Actor, ref)
			if err != nil {
				return err
			}
			if page = f.Form.First(f.Draft.Answers, f.Draft.Done); page == "" {
				return nil
			}
			_, err = cases.Put(tx, who.Actor, ref, page, nil)
			return err
		})
		if page == "" {
			return
		}
	}
	t.Fatal("the pages have no end")
}

// files is begins, and sends it.
func (o *office) files(t *testing.T, who hand, kind string, answers registry.Values) string {
	t.Helper()
	o.Clock.Add(time.Second)
	ref := o.begins(t, who, kind, answers)
	o.do(t, who.Principal, func(tx db.Tx) error { _, err := cases.File(tx, who.Actor, ref); return err })
	o.works(t)
	return ref
}

// works runs the jobs about cases that were asked for.
func (o *office) works(t *testing.T) {
	t.Helper()
	for range 5 {
		var asked []struct {
			Kind string `db:"kind"`
			Ref  db.ID  `db:"ref"`
		}
		o.do(t, worker, func(tx db.Tx) error {
			if err := tx.Select(&asked, `select kind, ref from outbox where kind in ('settle_case', 'renew_case', 'seal_case') order by created_at, id`); err != nil {
				return err
			}
			return tx.Exec(`delete from outbox where kind in ('settle_case', 'renew_case', 'seal_case')`)
		})
		for _, a := range asked {
			job := cases.Settle
			if a.Kind == "renew_case" {
				job = cases.Renew
			}
			if a.Kind == "seal_case" {
				job = cases.SealEarlier
			}
			if err := job(t.Context(), o.DB.DB, a.Ref); err != nil {
				t.Fatal(a.Kind, err)
			}
		}
		if len(asked) == 0 {
			return
		}
	}
}

// desk is who works on cases of every desk: a checker and two who decide.
type desk struct{ verifier, approver, second hand }

func (o *office) desk(t *testing.T) desk {
	t.Helper()
	all := []string{"intake", "verifier", "approver", "grievance", "appeals", "protection", "dataquality"}
	return desk{o.officer(t, all...), o.officer(t, all...), o.officer(t, all...)}
}

// recommends checks a case.
func (o *office) recommends(t *testing.T, d desk, ref, outcome string) {
	t.Helper()
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, d.verifier.Actor, ref, outcome, "", "en")
		return err
	})
}

// approve takes a case through as many officials as it needs.
func (o *office) approve(t *testing.T, d desk, ref string) error {
	t.Helper()
	if o.inOffice(t, ref).State == cases.StateSubmitted && o.inOffice(t, ref).Hands > 1 {
		o.recommends(t, d, ref, "approve")
	}
	deciders := []hand{d.approver}
	if o.inOffice(t, ref).Hands == 3 {
		deciders = append(deciders, d.second)
	}
	for _, by := range deciders {
		if err := o.WithTx(t.Context(), by.Principal, func(tx db.Tx) error {
			_, err := cases.Decide(tx, by.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
			return err
		}); err != nil {
			return err
		}
	}
	o.works(t)
	return nil
}

// approves is approve, where it must succeed.
func (o *office) approves(t *testing.T, d desk, ref string) {
	t.Helper()
	if err := o.approve(t, d, ref); err != nil {
		t.Fatal(err)
	}
	if c := o.inOffice(t, ref); c.State != cases.StateApproved {
		t.Fatalf("the case is %s (%s)", c.State, c.Blocked)
	}
}

// inOffice reads a case past every scope.
func (o *office) inOffice(t *testing.T, ref string) (c cases.Case) {
	t.Helper()
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&c, `select id, ref, kind, kind_id, state, desk, hands, access, coalesce(blocked, '') as blocked, change_id, due_on, asks, joined_to, objections_until,
			escalated_at, escalation, assigned_to, status_code_version, submitted_at, household_id, person_id from case_file where ref = $1`, ref)
	})
	return c
}

// person is somebody's record.
func (o *office) person(t *testing.T, name string) (p registry.PersonData) {
	t.Helper()
	o.do(t, worker, func(tx db.Tx) error {
		var id db.ID
		if err := tx.Get(&id, `select id from person where $1 in (full_name, full_name_latin)`, name); err != nil {
			return err
		}
		data, _, err := registry.CurrentPerson(tx, id)
		p = data
		return err
	})
	return p
}
