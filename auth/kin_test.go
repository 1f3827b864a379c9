package auth_test

import (
	"slices"
	"strings"
	"testing"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/search"
)

// officerOf is the principal of a demo member of staff, as the admin area has it.
func officerOf(t *testing.T, d *dbtest.DB, key string) db.Principal {
	t.Helper()
	who, err := demo.Staff(t.Context(), d.DB, key)
	if err != nil {
		t.Fatal(err)
	}
	who.Role = db.Staff
	return who
}

func as(t *testing.T, d *dbtest.DB, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// unseen lists the family names, and how many households and cases, that are
// there and not for an officer.
func unseen(t *testing.T, d *dbtest.DB, who db.Principal) (names string, households, cases int) {
	t.Helper()
	read := func(who db.Principal) (people []string, homes, files int) {
		as(t, d, who, func(tx db.Tx) error {
			if err := tx.Select(&people, `select coalesce(full_name_latin, full_name) from person order by 1`); err != nil {
				return err
			}
			if err := tx.Get(&homes, `select count(*) from household`); err != nil {
				return err
			}
			return tx.Get(&files, `select count(*) from case_file`)
		})
		return people, homes, files
	}
	all, homes, files := read(worker)
	seen, seenHomes, seenFiles := read(who)
	all = slices.DeleteFunc(all, func(n string) bool { return slices.Contains(seen, n) })
	return strings.Join(all, ", "), homes - seenHomes, files - seenFiles
}

// Staff are kept from the records and cases of themselves, of their household,
// of those whom they are or were related to and of those whom they declared: not
// there is all they learn, whatever page or query asks (RULES R8).
func TestR8StaffAreKeptFromTheirOwn(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	ref := func(name string) (ref string) {
		as(t, d, worker, func(tx db.Tx) error { return tx.Get(&ref, `select ref from person where full_name = $1`, name) })
		return ref
	}
	verifier := officerOf(t, d, "verifier")
	if names, homes, cases := unseen(t, d, verifier); names != "" || homes != 0 || cases != 0 {
		t.Fatalf("before anything was declared: %s, %d, %d", names, homes, cases)
	}
	declare := func(who db.Principal, bond, what string) {
		as(t, d, who, func(tx db.Tx) error { return auth.DeclareKin(tx, bond, what) })
	}

	// Juma has two wives: his second union is no less his.
	declare(verifier, auth.KinSelf, strings.ToLower(ref("Juma Mushi")))
	const mushi = "Baraka Mushi, Halima Mushi, Juma Mushi, Neema Mushi, Tumaini Mushi, Zawadi Mushi"
	if names, homes, _ := unseen(t, d, verifier); names != mushi || homes != 2 {
		t.Errorf("his own: %s, %d", names, homes)
	}
	// He left her long ago, and is still who he is.
	asOwner(t, d, `update membership set end_date = '2026-03-02', end_reason = 'separated' where tie = 'second_union';
		update relation set end_date = '2026-03-02' where other_id = (select id from person where full_name = 'Zawadi Mushi') and type = 'spouse'`)
	if names, homes, _ := unseen(t, d, verifier); names != mushi || homes != 2 {
		t.Errorf("of a wife who left: %s, %d", names, homes)
	}
	// A relation counts whichever of the two records holds it, ended or not, and
	// though they never lived together.
	asOwner(t, d, `insert into relation (id, person_id, type, other_id, end_date)
		select gen_random_uuid(), j.id, 'sibling', t.id, date '2026-03-02' from person j, person t where j.full_name = 'Juma Mushi' and t.full_name = 'Tomás Rivera';
		insert into relation (id, person_id, type, other_id)
		select gen_random_uuid(), i.id, 'carer', j.id from person j, person i where j.full_name = 'Juma Mushi' and i.full_name_latin = 'Leila Karim'`)
	if names, homes, _ := unseen(t, d, verifier); names != "Baraka Mushi, Halima Mushi, Juma Mushi, Leila Karim, Neema Mushi, Rana Karim, Tomas Rivera, Tumaini Mushi, Zawadi Mushi" || homes != 4 {
		t.Errorf("of relations: %s, %d", names, homes)
	}
	if names, homes, _ := unseen(t, d, officerOf(t, d, "approver")); names != "" || homes != 0 {
		t.Errorf("a colleague of his: %s, %d", names, homes)
	}

	// By a number; somebody's home is kept, too, and not the homes of their kin.
	protection := officerOf(t, d, "protection")
	declare(protection, auth.KinRelative, "mj 1001 4471")
	const yusuf = "Amina Yusuf, Bilal Yusuf, Hamza Yusuf, Nur Yusuf, Sara Yusuf"
	if names, homes, _ := unseen(t, d, protection); names != yusuf || homes != 1 {
		t.Errorf("by a number: %s, %d", names, homes)
	}
	all := registry.Reader{Areas: areas(t, d)}
	for _, r := range []string{ref("آمنة يوسف"), "P-22222-22222"} {
		err := d.View(t.Context(), protection, func(tx db.Tx) error {
			_, err := registry.FindRecord(tx, all, registry.KindPerson, r)
			return err
		})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", r, err)
		}
	}
	as(t, d, protection, func(tx db.Tx) error {
		for _, q := range []string{"Amina Yusuf", "MJ10014471", "+254700100471", "Yusuf"} {
			hits, _, err := search.Find(tx, search.Officer{ID: protection.Actor, Areas: all.Areas}, "check", search.Query{Text: q})
			if err != nil || len(hits) != 0 {
				t.Errorf("the search for %s finds %v, %v", q, hits, err)
			}
		}
		var listed int
		err := tx.Get(&listed, `select (select count(*) from person_search) - (select count(*) from person)`)
		if listed != 0 {
			t.Error("lists hold others than the records")
		}
		return err
	})

	// Nobody in the registry has this number yet; her application has.
	rosa, _ := account(t, d, citizen("rosa"))
	asOwner(t, d, `insert into case_file (id, ref, kind, channel, account_id, language, draft, created_at)
		values (gen_random_uuid(), 'C-1', 'registration', 'portal', '`+rosa.String()+`', 'en', '{"members": [{"national_id": "MJ10053382"}]}', '2026-03-02')`)
	declare(protection, auth.KinRelative, "MJ-1005-3382")
	if _, _, cases := unseen(t, d, protection); cases != 1 {
		t.Errorf("%d cases of a relative's are hidden", cases)
	}
	as(t, d, protection, func(tx db.Tx) error {
		n, err := tx.Count(`update case_file set state = 'withdrawn' where ref = 'C-1'`)
		if n != 0 {
			t.Error("a relative's case was changed")
		}
		return err
	})

	// The directory knows who somebody is.
	in(t, d, auth.Admin, func(tx db.Tx) error {
		for range 2 {
			if _, err := auth.StaffMember(tx, auth.Identity{Sub: staffSub(t, d, "grievance"), Claims: auth.Claims{NationalID: "MJ-1004-7710"}}); err != nil {
				return err
			}
		}
		return nil
	})
	if names, homes, _ := unseen(t, d, officerOf(t, d, "grievance")); names != "Halima Mushi, Juma Mushi, Tomas Rivera" || homes != 2 { // and his brother
		t.Errorf("as the directory says: %s, %d", names, homes)
	}

	// It is taken back by the data protection officer alone, and by nobody for
	// themselves.
	end := func(who db.Principal, ref string) error {
		return d.WithTx(t.Context(), who, func(tx db.Tx) error { return auth.EndKin(tx, ref) })
	}
	var own []auth.Kin
	as(t, d, verifier, func(tx db.Tx) (err error) { own, err = auth.DeclaredKin(tx); return err })
	if len(own) != 1 || strings.Contains(own[0].Masked(), "MJ") {
		t.Fatal(own)
	}
	for _, key := range []string{"verifier", "approver", "sysadmin"} {
		if err := end(officerOf(t, d, key), own[0].Ref); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", key, err)
		}
	}
	dpo := officerOf(t, d, "dpo")
	declare(dpo, auth.KinSelf, ref("Tomás Rivera"))
	var others []auth.Kin
	as(t, d, dpo, func(tx db.Tx) (err error) {
		if own, err := auth.DeclaredKin(tx); err != nil || len(own) != 1 || auth.EndKin(tx, own[0].Ref) == nil {
			t.Error("the data protection officer ends their own", err)
		}
		others, err = auth.KinOfOthers(tx)
		return err
	})
	if len(others) != 5 { // with the demo's own one
		t.Error(others)
	}
	if err := end(dpo, own[0].Ref); err != nil {
		t.Fatal(err)
	}
	if names, _, _ := unseen(t, d, verifier); names != "" {
		t.Errorf("after the end: %s", names)
	}
	if err := d.WithTx(t.Context(), verifier, func(tx db.Tx) error {
		return tx.Exec(`insert into staff_kin (id, ref, staff_id, bond, type, value, declared_at) values (gen_random_uuid(), 'x', $1, 'self', 'reference', 'x', $2)`, dpo.Actor, tx.Now())
	}); err == nil {
		t.Error("one declares in another's name")
	}
}

func areas(t *testing.T, d *dbtest.DB) (ids []db.ID) {
	t.Helper()
	as(t, d, worker, func(tx db.Tx) error { return tx.Select(&ids, `select id from area where level = 1`) })
	return ids
}

func staffSub(t *testing.T, d *dbtest.DB, key string) (sub string) {
	t.Helper()
	who := officerOf(t, d, key)
	as(t, d, worker, func(tx db.Tx) error { return tx.Get(&sub, `select sub from staff where id = $1`, who.Actor) })
	return sub
}

// A declaration says whom, in a way that somebody could be found by.
func TestR8DeclarationsThatSayNothing(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	verifier := officerOf(t, d, "verifier")
	for _, what := range []string{"", " - ", "...", "\u200f"} {
		err := d.WithTx(t.Context(), verifier, func(tx db.Tx) error { return auth.DeclareKin(tx, auth.KinSelf, what) })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", what, err)
		}
	}
	for range 2 { // twice is once
		as(t, d, verifier, func(tx db.Tx) error { return auth.DeclareKin(tx, auth.KinSelf, "MJ-9999-9999") })
	}
	as(t, d, verifier, func(tx db.Tx) error {
		list, err := auth.DeclaredKin(tx)
		if len(list) != 1 {
			t.Error(list)
		}
		return err
	})
}
