package credentials_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/demo"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/credentials"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	worker  = db.Principal{Role: db.Jobs, Kind: "job"}
	citizen = db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{2}}
	staff   = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}
	wallet  = db.Principal{Role: db.Issuer, Kind: "wallet"}
	codes   = credentials.Codes{Key: []byte("codes")}
)

func seeded(t *testing.T) *dbtest.DB {
	t.Helper()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	return d
}

func do(t *testing.T, d *dbtest.DB, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

func person(t *testing.T, d *dbtest.DB, key string) (id db.ID) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) (err error) { id, err = demo.Person(tx, key); return err })
	return id
}

// signedIn is an account of the holder's.
func signedIn(t *testing.T, d *dbtest.DB, holder db.ID) db.Principal {
	t.Helper()
	who := citizen
	do(t, d, worker, func(tx db.Tx) error {
		who.Actor = tx.NewID()
		return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) select $1, 'citizen', $2, id, $4 from person where id = $3`, who.Actor, who.Actor.String(), holder, tx.Now())
	})
	return who
}

func offer(d *dbtest.DB, t *testing.T, holder db.ID, typeID, channel string) (o credentials.Offer, err error) {
	t.Helper()
	err = d.WithTx(t.Context(), signedIn(t, d, holder), func(tx db.Tx) (err error) {
		o, err = credentials.Make(tx, holder, typeID, channel, codes)
		return err
	})
	return o, err
}

// super runs a statement past every grant, key and trigger.
func super(t *testing.T, d *dbtest.DB, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(localpg.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `set session_replication_role = replica`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(statement, ": ", err)
	}
}

func TestWhoIsEntitled(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for _, c := range []struct {
		who, typeID string
		want        fault.Code
	}{
		{"amina", credentials.HouseholdRegistration, ""},
		{"amina", credentials.ProgrammeEligibility, ""},
		{"amina", credentials.PersonRegistration, ""},
		{"joseph", credentials.HouseholdRegistration, ""},
		{"joseph", credentials.ProgrammeEligibility, fault.Conflict},
		{"leila", credentials.HouseholdRegistration, ""},
		{"amina", "", fault.NotFound},
		{"amina", "household-registration ", fault.NotFound},
	} {
		if o, err := offer(d, t, person(t, d, c.who), c.typeID, credentials.ChannelPortal); fault.CodeOf(err) != c.want || err == nil && !o.Usable(d.Now()) {
			t.Errorf("%s, %s: %v", c.who, c.typeID, err)
		}
	}
	if _, err := offer(d, t, db.ID{9}, credentials.PersonRegistration, credentials.ChannelPortal); !fault.Is(err, fault.NotFound) {
		t.Error("nobody: ", err)
	}
	joseph, tomas := person(t, d, "joseph"), person(t, d, "tomas")
	super(t, d, `update person set status = 'deceased', status_reason = 'witnesses', status_date = '2026-03-01' where id = $1`, joseph)
	super(t, d, `update membership set end_date = start_date where person_id = $1`, tomas)
	for name, c := range map[string]struct {
		holder db.ID
		typeID string
		want   fault.Code
	}{
		"dead":                {joseph, credentials.PersonRegistration, fault.Conflict},
		"of no household":     {tomas, credentials.HouseholdRegistration, fault.Conflict},
		"of no household, as": {tomas, credentials.PersonRegistration, ""},
	} {
		if _, err := offer(d, t, c.holder, c.typeID, credentials.ChannelPortal); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFiveOffersADay(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	amina := person(t, d, "amina")
	make1 := func(channel string) error {
		_, err := offer(d, t, amina, credentials.HouseholdRegistration, channel)
		return err
	}
	for range 5 {
		if err := make1(credentials.ChannelPortal); err != nil {
			t.Fatal(err)
		}
	}
	if err := make1(credentials.ChannelPortal); !fault.Is(err, fault.TooMany) {
		t.Error("the sixth: ", err)
	}
	if err := make1(credentials.ChannelCounter); err != nil {
		t.Error("at the counter, where somebody looks: ", err)
	}
	d.Clock.Add(24 * time.Hour)
	if err := make1(credentials.ChannelPortal); err != nil {
		t.Error("the next day: ", err)
	}
	var open int
	do(t, d, worker, func(tx db.Tx) error {
		return tx.Get(&open, `select count(*) from credential_offer where state = 'open'`)
	})
	if open != 1 {
		t.Errorf("%d offers are open", open)
	}
}

// Somebody else's offer and none at all are the same.
func TestOffersOfOthers(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	amina, joseph := person(t, d, "amina"), person(t, d, "joseph")
	o, err := offer(d, t, amina, credentials.HouseholdRegistration, credentials.ChannelPortal)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		holder db.ID
		ref    string
	}{"of another": {joseph, o.Ref}, "not there": {joseph, "x"}, "of nobody": {db.ID{}, o.Ref}} {
		for act, fn := range map[string]func(db.Tx) error{
			"read":   func(tx db.Tx) error { _, err := credentials.OwnOffer(tx, c.holder, c.ref); return err },
			"cancel": func(tx db.Tx) error { return credentials.Cancel(tx, c.holder, c.ref) },
		} {
			if err := d.WithTx(t.Context(), citizen, fn); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s %s: %v", act, name, err)
			}
		}
	}
	do(t, d, citizen, func(tx db.Tx) error { return credentials.Cancel(tx, amina, o.Ref) })
	if err := d.WithTx(t.Context(), citizen, func(tx db.Tx) error { return credentials.Cancel(tx, amina, o.Ref) }); !fault.Is(err, fault.NotFound) {
		t.Error("cancelled twice: ", err)
	}
}

// The codes are derived: the database holds nothing that redeems an offer.
func TestTheDatabaseHoldsNoCodes(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	o, err := offer(d, t, person(t, d, "amina"), credentials.HouseholdRegistration, credentials.ChannelPortal)
	if err != nil {
		t.Fatal(err)
	}
	code, tx := codes.PreAuthorized(o.Ref), codes.Tx(o.Ref)
	if len(code) != 43 || len(tx) != credentials.TxCodeLength || code == (credentials.Codes{Key: []byte("x")}).PreAuthorized(o.Ref) {
		t.Fatal(code, tx)
	}
	var row string
	do(t, d, worker, func(tx db.Tx) error { return tx.Get(&row, `select o::text from credential_offer o`) })
	if strings.Contains(row, code) || strings.Contains(row, tx+",") {
		t.Error(row)
	}
}

// issued notes n copies of a household credential.
func issued(t *testing.T, d *dbtest.DB, holder db.ID, n int) (is credentials.Issuance) {
	t.Helper()
	o, err := offer(d, t, holder, credentials.HouseholdRegistration, credentials.ChannelCounter)
	if err != nil {
		t.Fatal(err)
	}
	do(t, d, wallet, func(tx db.Tx) (err error) {
		kind, _ := credentials.Builtin(o.Type)
		data, err := credentials.Data(tx, kind, holder, nil)
		if err != nil {
			return err
		}
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprint("key ", i)
		}
		is, err = credentials.Note(tx, o, kind, data, keys)
		return err
	})
	return is
}

func TestSlotsAreRandomAndTakenOnce(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	amina := person(t, d, "amina")
	seen := map[credentials.Slot]bool{}
	inARow := 0
	var last credentials.Slot
	for range 3 {
		for _, s := range issued(t, d, amina, 10).Slots {
			if seen[s] || s.Index < 0 || s.Index >= credentials.ListSize || s.List != 1 {
				t.Errorf("slot %+v", s)
			}
			if s.Index == last.Index+1 {
				inARow++
			}
			seen[s], last = true, s
		}
	}
	if len(seen) != 30 || inARow > 1 {
		t.Errorf("%d slots, %d in a row", len(seen), inARow)
	}
	// A list that is nearly full gives way to a new one.
	super(t, d, `
		insert into credential_copy (list_id, idx, credential_id)
		select 1, i, gen_random_uuid() from generate_series(2, $1::int - 1) i on conflict do nothing`, credentials.ListSize)
	for _, s := range issued(t, d, amina, 5).Slots {
		if s.List != 2 && s.Index > 1 {
			t.Errorf("slot %+v", s)
		}
	}
}

// A list that was signed late does not hide a revocation that was signed since.
func TestAnOlderListDoesNotReplaceANewerOne(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	issued(t, d, person(t, d, "amina"), 1)
	save := func(jwt string, version int) {
		do(t, d, wallet, func(tx db.Tx) error {
			return credentials.SaveToken(tx, 1, jwt, "https://issuer.example/status/1", version, d.Now().Add(time.Hour))
		})
	}
	save("newer", 2)
	save("older", 1)
	do(t, d, wallet, func(tx db.Tx) error {
		token, err := credentials.PublishedList(tx, 1)
		if token.JWT != "newer" || token.Version != 2 {
			t.Errorf("%+v", token)
		}
		return err
	})
}

func TestFindAndRevoke(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	amina := person(t, d, "amina")
	issued(t, d, amina, 3)
	var c credentials.Credential
	var home registry.Household
	capital, north := credentials.Officer{ID: db.ID{1}}, credentials.Officer{ID: db.ID{1}}
	do(t, d, worker, func(tx db.Tx) error {
		list, err := credentials.Of(tx, amina)
		if err != nil {
			return err
		}
		c = list[0]
		id, err := registry.HouseholdOf(tx, amina)
		if err != nil {
			return err
		}
		if home, err = registry.LoadHousehold(tx, id); err != nil {
			return err
		}
		for code, o := range map[string]*credentials.Officer{"MJ01": &capital, "MJ02": &north} {
			area, err := registry.AreaByCode(tx, code)
			if err != nil {
				return err
			}
			o.Areas = []db.ID{area.ID}
		}
		return nil
	})
	if c.Copies != 3 || c.Status(d.Now()) != "valid" || c.Status(d.Now().AddDate(2, 0, 0)) != "expired" {
		t.Errorf("%+v", c)
	}
	for name, k := range map[string]struct {
		who  credentials.Officer
		ref  string
		want int
	}{
		"by its own reference": {capital, strings.ToLower(c.Ref), 1},
		"by the person's":      {capital, c.PersonRef, 1},
		"by the household's":   {capital, home.Ref, 1},
		"from another region":  {north, c.Ref, 0},
		"from nowhere":         {credentials.Officer{}, c.Ref, 0},
		"by a name":            {capital, c.Holder, 0},
		"by everything":        {capital, "%", 0},
		"by nothing":           {capital, "", 0},
	} {
		do(t, d, staff, func(tx db.Tx) error {
			list, err := credentials.Find(tx, k.who, k.ref)
			if len(list) != k.want {
				t.Errorf("%s: %d", name, len(list))
			}
			return err
		})
	}
	revoke := func(who credentials.Officer, ref, reason string) error {
		return d.WithTx(t.Context(), staff, func(tx db.Tx) error { return credentials.Revoke(tx, who, ref, reason, "") })
	}
	for name, k := range map[string]struct {
		err  error
		want fault.Code
	}{
		"another region": {revoke(north, c.Ref, "lost_device"), fault.NotFound},
		"no reference":   {revoke(capital, "x", "lost_device"), fault.NotFound},
		"no reason":      {revoke(capital, c.Ref, ""), fault.Invalid},
		"another reason": {revoke(capital, c.Ref, "because"), fault.Invalid},
		"right":          {revoke(capital, c.Ref, "lost_device"), ""},
	} {
		if fault.CodeOf(k.err) != k.want {
			t.Errorf("%s: %v", name, k.err)
		}
	}
	if err := revoke(capital, c.Ref, "lost_device"); !fault.Is(err, fault.Conflict) {
		t.Error("twice: ", err)
	}
	do(t, d, wallet, func(tx db.Tx) error {
		state, err := credentials.ListState(tx, 1)
		if len(state.Invalid) != 3 || state.Version != 2 {
			t.Errorf("%+v", state)
		}
		return err
	})
	// Each look was logged, and the one who looked is known.
	var reads, revoked int
	do(t, d, worker, func(tx db.Tx) error {
		if err := tx.Get(&reads, `select count(*) from audit_event where action = 'credential.read' and subject = $1 and actor = $2`, amina, staff.Actor); err != nil {
			return err
		}
		return tx.Get(&revoked, `select count(*) from audit_event where action = 'credential.revoked' and subject = $1 and detail->>'reason' = 'lost_device'`, amina)
	})
	if reads != 3 || revoked != 1 {
		t.Errorf("%d reads and %d revocations in the log", reads, revoked)
	}
}
