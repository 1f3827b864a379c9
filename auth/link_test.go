package auth_test

import (
	"strings"
	"testing"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/registry"
)

// newcomer signs in for the first time, with a number that nobody has, and gets a
// code to take to an office.
func newcomer(t *testing.T, d *dbtest.DB, sub string) (who db.Principal, code string) {
	t.Helper()
	id, person := account(t, d, auth.Identity{Sub: sub, Name: "Somebody", Claims: auth.Claims{Name: "آمنة يوسف", BirthDate: "1991-06-02", NationalID: "MJ-9999-0000"}})
	if person != nil {
		t.Fatal("linked by a number that nobody has")
	}
	who = db.Principal{Role: db.Citizen, Kind: "citizen", Actor: id}
	as(t, d, who, func(tx db.Tx) (err error) { code, err = auth.LinkCode(tx); return err })
	return who, code
}

func propose(t *testing.T, d *dbtest.DB, who db.Principal, person db.ID, code string) error {
	t.Helper()
	return d.WithTx(t.Context(), who, func(tx db.Tx) error { return auth.ProposeLink(tx, person, code, "Her card, with a photo") })
}

// waiting is the reference of the link that waits.
func waiting(t *testing.T, d *dbtest.DB) (ref string) {
	t.Helper()
	as(t, d, worker, func(tx db.Tx) error {
		return tx.Get(&ref, `select coalesce(max(ref), '') from account_link where state = 'proposed'`)
	})
	return ref
}

func decide(t *testing.T, d *dbtest.DB, who db.Principal, ref string, yes bool) error {
	t.Helper()
	var areas []db.ID
	as(t, d, worker, func(tx db.Tx) error { return tx.Select(&areas, `select id from area where parent_id is null`) })
	return d.WithTx(t.Context(), who, func(tx db.Tx) error {
		return auth.DecideLink(tx, registry.Reader{Areas: areas, Protected: areas}, ref, yes)
	})
}

func personOf(t *testing.T, d *dbtest.DB, account db.ID) (person *db.ID) {
	t.Helper()
	as(t, d, worker, func(tx db.Tx) error { return tx.Get(&person, `select person_id from account where id = $1`, account) })
	return person
}

// says expects a rule beside the code.
func says(t *testing.T, err error, rule string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), rule) {
		t.Errorf("%v instead of %s", err, rule)
	}
}

// TestTwoOfficialsTieAnAccount: who is present shows the code of their account, one
// official writes down the proof, another decides; then the person is told, and for
// a day nothing about payments or contacts can be asked for.
func TestTwoOfficialsTieAnAccount(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	clerk, approver, north := officerOf(t, d, "intake"), officerOf(t, d, "approver"), officerOf(t, d, "verifier")
	joseph := record(t, d, "joseph")
	who, code := newcomer(t, d, "stranger")

	says(t, propose(t, d, clerk, joseph, "6-22222-22222"), "link_code")
	says(t, propose(t, d, clerk, joseph, code[:len(code)-1]), "link_code")
	if err := propose(t, d, north, joseph, code); !fault.Is(db.Explain(err), fault.Forbidden) {
		t.Errorf("somebody who does not work at the counter: %v", err)
	}
	if err := propose(t, d, clerk, joseph, strings.ToLower(strings.ReplaceAll(code, "-", " "))); err != nil {
		t.Fatal(err)
	}
	says(t, propose(t, d, clerk, record(t, d, "tomas"), code), "link_code") // it was used
	if personOf(t, d, who.Actor) != nil {
		t.Fatal("one official was enough")
	}
	ref := waiting(t, d)
	as(t, d, who, func(tx db.Tx) (err error) { code, err = auth.LinkCode(tx); return err })
	says(t, propose(t, d, clerk, record(t, d, "tomas"), code), "link_twice")

	if err := decide(t, d, clerk, ref, true); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the same hand: %v", err)
	}
	asOwner(t, d, `insert into staff_role (staff_id, role, area_id, valid_from) select s.id, 'approver', a.id, '2020-01-01' from staff s, area a where s.id = '`+clerk.Actor.String()+`' and a.parent_id is null`)
	if err := decide(t, d, clerk, ref, true); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the same hand in another role: %v", err)
	}
	if err := decide(t, d, approver, ref, true); err != nil {
		t.Fatal(err)
	}
	if got := personOf(t, d, who.Actor); got == nil || *got != joseph {
		t.Errorf("tied to %v", got)
	}
	if err := decide(t, d, approver, ref, true); err == nil {
		t.Error("decided twice")
	}
	var told, entries int
	as(t, d, worker, func(tx db.Tx) error {
		return tx.Get(&told, `select count(*) from notice where kind = 'account_linked' and person_id = $1 and legal`, joseph)
	})
	if err := d.View(t.Context(), db.Principal{Role: db.Auditor}, func(tx db.Tx) error {
		return tx.Get(&entries, `select count(*) from audit_event where action like 'account.link%' and subject = $1`, joseph)
	}); err != nil || told != 1 || entries != 2 {
		t.Errorf("told %d times, %d entries, %v", told, entries, err)
	}
}

func TestLinksThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, rule string }{
		"somebody signs in as this person already": {`insert into account (id, provider, sub, person_id, created_at) select gen_random_uuid(), 'citizen', 'hers', id, now() from person where full_name = 'Joseph Okello'`, "link_taken"},
		"two people claim a number of theirs":      {`update identifier set status = 'contested' where subject_id = (select id from person where full_name = 'Joseph Okello')`, "link_contested"},
		"the person has died":                      {`update person set status = 'deceased', status_reason = 'witnesses', status_date = '2026-03-01' where full_name = 'Joseph Okello'`, "link_person"},
		"the account is somebody's":                {`update account set person_id = (select id from person where full_name = 'Tomás Rivera') where sub = 'stranger'`, "link_used"},
		"a day has passed":                         {`update account_code set expires_at = '2000-01-01'`, "link_code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := seeded(t)
			joseph := record(t, d, "joseph")
			who, code := newcomer(t, d, "stranger")
			asOwner(t, d, c.before)
			says(t, propose(t, d, officerOf(t, d, "intake"), joseph, code), c.rule)

			// and the same between the two officials
			if c.rule == "link_code" {
				return
			}
			d = seeded(t)
			joseph = record(t, d, "joseph")
			who, code = newcomer(t, d, "stranger")
			if err := propose(t, d, officerOf(t, d, "intake"), joseph, code); err != nil {
				t.Fatal(err)
			}
			asOwner(t, d, c.before)
			if err := decide(t, d, officerOf(t, d, "approver"), waiting(t, d), true); err == nil {
				t.Error("tied")
			}
			if got := personOf(t, d, who.Actor); got != nil && *got == joseph {
				t.Error("tied all the same")
			}
		})
	}
}

// TestProtectedPersonIsTiedByWhoProtects: nobody else is the second official.
func TestProtectedPersonIsTiedByWhoProtects(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	leila := record(t, d, "leila")
	who, code := newcomer(t, d, "stranger")
	if err := propose(t, d, officerOf(t, d, "intake"), leila, code); err != nil {
		t.Fatal(err)
	}
	if err := decide(t, d, officerOf(t, d, "approver"), waiting(t, d), true); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an approver: %v", err)
	}
	if err := decide(t, d, officerOf(t, d, "protection"), waiting(t, d), true); err != nil || personOf(t, d, who.Actor) == nil {
		t.Errorf("who protects: %v", err)
	}
}

// TestALinkThatIsRefusedLeavesNothing: the account can be proposed again, and a
// number that turns out to be verified is stronger than what waits.
func TestALinkThatIsRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	clerk, approver := officerOf(t, d, "intake"), officerOf(t, d, "approver")
	joseph := record(t, d, "joseph")
	who, code := newcomer(t, d, "stranger")
	if err := propose(t, d, clerk, joseph, code); err != nil {
		t.Fatal(err)
	}
	if err := decide(t, d, approver, waiting(t, d), false); err != nil || personOf(t, d, who.Actor) != nil {
		t.Fatal(err)
	}
	as(t, d, who, func(tx db.Tx) (err error) { code, err = auth.LinkCode(tx); return err })
	if err := propose(t, d, clerk, joseph, code); err != nil {
		t.Fatal(err)
	}
	if _, person := account(t, d, auth.Identity{Sub: "stranger", Name: "Somebody", Claims: auth.Claims{NationalID: aminasID}}); person == nil || *person != record(t, d, "amina") {
		t.Errorf("the number links to %v", person)
	}
	if waiting(t, d) != "" {
		t.Error("the proposal still waits")
	}
}

// TestThePortalCannotTie: with the portal's database role in hand, an account
// comes to a person through the function alone, which reads the claim itself.
func TestThePortalCannotTie(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	who, _ := newcomer(t, d, "stranger")
	for what, statement := range map[string]string{
		"update":            `update account set person_id = (select id from person where full_name = 'Joseph Okello')`,
		"insert":            `insert into account (id, provider, sub, person_id, created_at) select gen_random_uuid(), 'citizen', 'x', id, '2026-01-01' from person limit 1`,
		"a link":            `insert into account_link (id, ref, account_id, person_id, how, state, proposed_at) select gen_random_uuid(), 'x', actor(), id, 'claim', 'proposed', '2026-01-01' from person limit 1`,
		"the hold":          `update account_link set held_until = '2000-01-01'`,
		"the office's step": `select propose_link(gen_random_uuid(), '5-22222-22222', 'x', (select id from person limit 1), 'x', '2026-01-01')`,
		"the second's step": `select decide_link('5-22222-22222', true, '2026-01-01')`,
	} {
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v", what, err)
		}
	}
	// another number than the one that its provider vouched for
	as(t, d, who, func(tx db.Tx) error {
		return tx.Exec(`select link_by_claim(gen_random_uuid(), '5-22222-22222', $1, 'national_id', 'MJ10014471', '2026-01-01')`, who.Actor)
	})
	if personOf(t, d, who.Actor) != nil {
		t.Error("tied by a number that the account does not claim")
	}
}

// TestAbuse are abuse cases of the security reference (docs/abuse.md).
func TestAbuse(t *testing.T) {
	t.Parallel()
	t.Run("03 a stranger with the name and the birth date", func(t *testing.T) {
		t.Parallel()
		d := seeded(t)
		amina := record(t, d, "amina")
		known := auth.Claims{Name: "آمنة يوسف", NameLatin: "Amina Yusuf", Sex: "female", BirthDate: "1991-06-02"}
		// whether the registry has the number or not, and who has it, shows nowhere
		var traces []string
		for _, number := range []string{"", "MJ-9999-0000", "MJ-1001-447"} {
			known.NationalID = number
			id, person := account(t, d, auth.Identity{Sub: "x" + number, Name: "Amina", Claims: known})
			if person != nil {
				t.Errorf("%q: linked to %v", number, *person)
			}
			var trace string
			as(t, d, worker, func(tx db.Tx) error {
				return tx.Get(&trace, `select (select count(*) from notice) || ' ' || (select count(*) from account_link) || ' ' || (select count(*) from account_link where account_id = $1)`, id)
			})
			traces = append(traces, trace)
		}
		if traces[0] != traces[1] || traces[1] != traces[2] {
			t.Errorf("they can be told apart: %q", traces)
		}
		_ = amina
	})
	t.Run("04 an account of another provider's subject with the victim's particulars", func(t *testing.T) {
		t.Parallel()
		d := seeded(t)
		hers := citizen("amina")
		hers.Claims.NationalID = aminasID
		victim, person := account(t, d, hers)
		forged, other := account(t, d, auth.Identity{Sub: "attacker", Name: "Amina Yusuf", Claims: auth.Claims{Name: "Amina Yusuf", BirthDate: "1991-06-02"}})
		if person == nil || other != nil || forged == victim {
			t.Errorf("%v %v %v", person, other, forged == victim)
		}
		// where a provider vouches for her number under another subject, she is told
		// on the channels that are hers, and the newcomer cannot touch payments
		second, taken := account(t, d, auth.Identity{Sub: "attacker", Name: "Amina", Claims: auth.Claims{NationalID: aminasID}})
		var told int
		var held bool
		as(t, d, worker, func(tx db.Tx) error {
			if err := tx.Get(&told, `select count(*) from notice where kind = 'account_linked' and person_id = $1`, *person); err != nil {
				return err
			}
			return tx.Get(&held, `select held_until = $2::timestamptz + interval '24 hours' from account_link where account_id = $1`, second, tx.Now())
		})
		if taken == nil || told != 2 || !held {
			t.Errorf("told %d times, held: %v", told, held)
		}
	})
}

// As the role of the office's pages nobody says by themselves whose an account is.
func TestTheOfficeCannotTieByItself(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	who, _ := newcomer(t, d, "stranger")
	clerk, err := demo.Staff(t.Context(), d.DB, "approver")
	if err != nil {
		t.Fatal(err)
	}
	clerk.Role = db.Staff
	if err := d.WithTx(t.Context(), clerk, func(tx db.Tx) error {
		return tx.Exec(`update account set person_id = (select id from person where full_name_latin = 'Amina Yusuf') where id = $1`, who.Actor)
	}); err == nil {
		t.Error("one official alone tied an account to a record")
	}
}
