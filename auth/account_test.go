package auth_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
)

const aminasID = "MJ-1001-4471"

func account(t *testing.T, d *dbtest.DB, id auth.Identity) (account db.ID, person *db.ID) {
	t.Helper()
	in(t, d, auth.Portal, func(tx db.Tx) (err error) {
		if account, err = auth.Account(tx, id); err != nil {
			return err
		}
		return tx.Get(&person, `select person_id from account where id = $1`, account)
	})
	return account, person
}

func record(t *testing.T, d *dbtest.DB, key string) (id db.ID) {
	t.Helper()
	if err := d.View(t.Context(), worker, func(tx db.Tx) (err error) {
		id, err = demo.Person(tx, key)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// asOwner changes the registry behind its rules.
func asOwner(t *testing.T, d *dbtest.DB, statements string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.PgConn().Exec(t.Context(), statements).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func TestOneAccountPerSubject(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	rosa := citizen("rosa")
	rosa.Claims = auth.Claims{Name: "Rosa", BirthDate: "1997-01-01"}
	one, _ := account(t, d, rosa)
	rosa.Name, rosa.Claims = "Rosa Delgado", auth.Claims{Name: "Rosa Delgado", Sex: "female"}
	two, _ := account(t, d, rosa)
	other, _ := account(t, d, citizen("tomas"))
	if one != two || one == other {
		t.Fatal(one, two, other)
	}
	in(t, d, auth.Portal, func(tx db.Tx) error {
		claims, err := auth.ClaimsOf(tx, one)
		if claims != rosa.Claims {
			t.Errorf("the claims are not those of the last sign-in: %+v", claims)
		}
		return err
	})
}

func TestAccountOutlivesTheProvidersAddress(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	before, _ := account(t, d, citizen("rosa"))
	if err := demo.Seed(t.Context(), d.DB, map[string]string{auth.CitizenProvider: "https://elsewhere.example:8443"}); err != nil {
		t.Fatal(err)
	}
	if after, _ := account(t, d, citizen("rosa")); after != before {
		t.Error("the new address made a new account")
	}
}

func TestAccountIsLinkedByTheVerifiedIdentifierAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string // to the registry, before the sign-in
		claims auth.Claims
		linked bool
	}{
		"the identifier":           {"", auth.Claims{NationalID: aminasID}, true},
		"written in another way":   {"", auth.Claims{NationalID: "mj 1001 4471"}, true},
		"name and birth date only": {"", auth.Claims{Name: "آمنة يوسف", NameLatin: "Amina Yusuf", Sex: "female", BirthDate: "1991-06-02"}, false},
		"no identifier":            {"", auth.Claims{}, false},
		"punctuation":              {"", auth.Claims{NationalID: " - "}, false},
		"a wildcard":               {"", auth.Claims{NationalID: "MJ-1001-447%"}, false},
		"somebody unknown":         {"", auth.Claims{NationalID: "MJ-9999-0000"}, false},
		"not verified":             {`update identifier set status = 'unverified', claimed = 'unverified'`, auth.Claims{NationalID: aminasID}, false},
		"ended":                    {`update identifier set status = 'ended', claimed = 'ended'`, auth.Claims{NationalID: aminasID}, false},
		"the person has died":      {`update person set status = 'deceased', status_reason = 'witnesses', status_date = '2026-03-01'`, auth.Claims{NationalID: aminasID}, false},
		"two living people have it": {`
			update identifier set status = 'contested' where value = 'MJ10014471';
			update identifier set value = 'MJ10014471', status = 'contested' where value = 'MJ10029038'`, auth.Claims{NationalID: aminasID}, false},
		"the other one has died": {`
			update identifier set value = 'MJ10014471', live = false where value = 'MJ10029038';
			update person set status = 'deceased', status_reason = 'witnesses', status_date = '2026-03-01' where full_name = 'Joseph Okello'`, auth.Claims{NationalID: aminasID}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := seeded(t)
			amina := record(t, d, "amina")
			asOwner(t, d, c.change)
			id := auth.Identity{Sub: "somebody", Name: "Somebody", Claims: c.claims}
			_, person := account(t, d, id)
			if (person != nil) != c.linked || person != nil && *person != amina {
				t.Errorf("linked to %v, Amina is %v", person, amina)
			}
			var noted int
			if err := d.View(t.Context(), db.Principal{Role: db.Auditor}, func(tx db.Tx) error {
				return tx.Get(&noted, `select count(*) from audit_event where action = 'account.linked' and subject = $1`, amina)
			}); err != nil || (noted == 1) != c.linked {
				t.Errorf("%d audit events, %v", noted, err)
			}
		})
	}
}

func TestLinkIsNotMoved(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	id := citizen("amina")
	id.Claims.NationalID = aminasID
	_, before := account(t, d, id)
	id.Claims.NationalID = "MJ-1002-9038" // Joseph's
	if _, after := account(t, d, id); before == nil || after == nil || *after != *before {
		t.Errorf("the account moved from %v to %v", before, after)
	}
}

// The portal's own pool reads nobody else's numbers and contacts, whatever a page
// would ask for.
func TestPortalReadsNobodyElsesNumbers(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	count := func(who db.Principal) (numbers, contacts int) {
		as(t, d, who, func(tx db.Tx) error {
			if err := tx.Get(&numbers, `select count(*) from identifier`); err != nil {
				return err
			}
			return tx.Get(&contacts, `select count(*) from contact`)
		})
		return numbers, contacts
	}
	numbers, contacts := count(worker)
	if numbers < 5 || contacts < 2 {
		t.Fatalf("there are %d numbers and %d contacts", numbers, contacts)
	}
	for name, known := range map[string]string{"Tomás Rivera": "tomas", "Amina Yusuf": "amina"} {
		p, _ := resolve(t, d, auth.Portal, start(t, d, auth.Portal, citizen(known), db.ID{}))
		if n, c := count(p.DB(auth.Portal)); n != 0 || c != 0 {
			t.Errorf("%s, before her account is anybody's: %d numbers, %d contacts", known, n, c)
		}
		change(t, d, `update account set person_id = (select id from person where $1 in (full_name, full_name_latin) limit 1) where id = $2`, name, p.ID)
		var others []string
		as(t, d, p.DB(auth.Portal), func(tx db.Tx) error {
			return tx.Select(&others, `select p.full_name from identifier i join person p on p.id = i.subject_id
				where p.id <> own_person() and not exists (select from membership a join membership b on b.household_id = a.household_id where a.person_id = p.id and b.person_id = own_person())`)
		})
		n, c := count(p.DB(auth.Portal))
		if len(others) != 0 || n == 0 || n >= numbers || c >= contacts {
			t.Errorf("%s reads %d of %d numbers and %d of %d contacts, of others: %v", known, n, numbers, c, contacts, others)
		}
	}
}
