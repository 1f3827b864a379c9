package auth_test

import (
	"strings"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/looks"
	"daftar/registry/oversight"
)

// ward is an office where something happens that cannot wait: an approver of the
// north, and a record of the capital with a protected contact.
type ward struct {
	*testing.T
	d                  *dbtest.DB
	north, second, dpo db.Principal
	person             string
	home               []db.ID // the areas that are the approver's own
}

func inWard(t *testing.T) *ward {
	t.Helper()
	d := seeded(t)
	w := &ward{T: t, d: d, north: officerOf(t, d, "approver-north"), second: officerOf(t, d, "approver2"), dpo: officerOf(t, d, "dpo")}
	as(t, d, worker, func(tx db.Tx) error {
		if err := tx.Get(&w.person, `select ref from person where full_name_latin = 'Amina Yusuf'`); err != nil {
			return err
		}
		return tx.Select(&w.home, `select area_id from staff_scope where staff_id = $1`, w.north.Actor)
	})
	return w
}

const cause = "She is in hospital and cannot speak"

func (w *ward) asks(what string, minutes int) (ref string, err error) {
	w.Helper()
	err = w.d.WithTx(w.Context(), w.north, func(tx db.Tx) error {
		return auth.AskEmergency(tx, w.person, what, minutes, cause, "en")
	})
	if err == nil {
		as(w.T, w.d, w.north, func(tx db.Tx) error {
			list, err := auth.MyEmergencies(tx)
			ref = list[0].Ref
			return err
		})
	}
	return ref, err
}

func (w *ward) decides(who db.Principal, ref string, open bool) error {
	return w.d.WithTx(w.Context(), who, func(tx db.Tx) error { return auth.DecideEmergency(tx, ref, open) })
}

// reads is what the approver of the north reads of the record, and of its protected
// contacts; as a request would, from the principal of that moment.
func (w *ward) reads() (record, contacts bool) {
	w.Helper()
	p := auth.Principal{Audience: auth.Admin, ID: w.north.Actor}
	as(w.T, w.d, w.north, func(tx db.Tx) (err error) {
		if p.Emergencies, err = auth.OpenEmergencies(tx); err != nil {
			return err
		}
		r, open, err := auth.InEmergency(tx, p, registry.Reader{Areas: w.home}, strings.ToLower(w.person))
		if err != nil {
			return err
		}
		id, err := registry.ReadRecord(tx, r, registry.KindPerson, w.person, auth.EmergencyPurpose)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if record = true; !open {
			w.Error("the record is theirs anyway")
		}
		contacts, err = r.SeesContacts(tx, id)
		return err
	})
	return record, contacts
}

func TestEmergencyIsOpenedByTwoAndEndsByItself(t *testing.T) {
	t.Parallel()
	w := inWard(t)
	if record, _ := w.reads(); record {
		t.Fatal("the record of the capital is the north's business")
	}
	ref, err := w.asks(auth.EmergencyRecord, 60)
	if err != nil {
		t.Fatal(err)
	}
	if record, _ := w.reads(); record {
		t.Error("open before anybody agreed")
	}
	if err := w.decides(w.north, ref, true); err == nil {
		t.Error("one opens one's own")
	}
	// Nor with the second person's role.
	change(t, w.d, `insert into staff_role (staff_id, role, area_id, valid_from) select $1, 'approver2', id, '2020-01-01' from area where code = 'MJ02'`, w.north.Actor)
	if err := w.decides(w.north, ref, true); !fault.Is(err, fault.Forbidden) {
		t.Errorf("one opens one's own with both roles: %v", err)
	}
	if err := w.decides(w.dpo, ref, true); err == nil {
		t.Error("whoever looks into it afterwards opens it")
	}
	if err := w.decides(officerOf(t, w.d, "verifier"), ref, true); err == nil {
		t.Error("a verifier opens it")
	}
	if err := w.decides(w.second, ref, true); err != nil {
		t.Fatal(err)
	}
	if err := w.decides(w.second, ref, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("it is opened twice: %v", err)
	}
	if record, contacts := w.reads(); !record || contacts {
		t.Errorf("the record %t, the contacts %t", record, contacts)
	}
	// Nobody else sees more by it, and of other records there is nothing more.
	as(t, w.d, w.second, func(tx db.Tx) error {
		list, err := auth.OpenEmergencies(tx)
		if len(list) != 0 {
			t.Errorf("the second person has one, too: %v", list)
		}
		return err
	})
	mine := w.person
	as(t, w.d, worker, func(tx db.Tx) error {
		return tx.Get(&w.person, `select ref from person where full_name = 'Tomás Rivera'`)
	})
	if record, _ := w.reads(); record {
		t.Error("another record is open")
	}
	w.person = mine
	w.d.Clock.Add(59*time.Minute + 59*time.Second)
	if record, _ := w.reads(); !record {
		t.Error("over before its time")
	}
	w.d.Clock.Add(time.Second)
	if record, _ := w.reads(); record {
		t.Error("open for more than an hour")
	}
}

func TestEmergencyHasLimits(t *testing.T) {
	t.Parallel()
	w := inWard(t)
	for _, minutes := range []int{-1, 0, 61, 600} {
		if _, err := w.asks(auth.EmergencyRecord, minutes); err == nil {
			t.Errorf("%d minutes", minutes)
		}
	}
	if err := w.d.WithTx(t.Context(), w.north, func(tx db.Tx) error {
		return auth.AskEmergency(tx, w.person, auth.EmergencyRecord, 5, "because", "en")
	}); err == nil {
		t.Error("without a reason")
	}
	// A reference that nobody has is asked for like any other: whoever asks learns
	// nothing.
	mine := w.person
	w.person = "P-22222-22222"
	ref, err := w.asks(auth.EmergencyRecord, 5)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.decides(w.second, ref, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("nobody's record: %v", err)
	}
	w.person = mine
	// What waited for an hour is not opened any more; what was refused is not either.
	ref, err = w.asks(auth.EmergencyRecord, 5)
	if err != nil {
		t.Fatal(err)
	}
	w.d.Clock.Add(time.Hour)
	if err := w.decides(w.second, ref, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("after an hour: %v", err)
	}
	ref, err = w.asks(auth.EmergencyRecord, 5)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.decides(w.second, ref, false); err != nil {
		t.Fatal(err)
	}
	if err := w.decides(w.second, ref, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("refused and opened: %v", err)
	}
	if record, _ := w.reads(); record {
		t.Error("it is open")
	}
	// Nobody writes the table around the functions.
	for _, statement := range []string{
		`update emergency set approved = true`, `delete from emergency`,
		`insert into emergency (id, ref, record, what, minutes, reason, reason_lang, asked_at, approved) values (gen_random_uuid(), 'x', 'x', 'record', 5, 'because I say so', 'en', '2026-01-01', true)`,
		`insert into emergency (id, ref, record, what, minutes, reason, reason_lang, asked_at, asked_by) select gen_random_uuid(), 'x', 'x', 'record', 5, 'because I say so', 'en', '2026-01-01', id from staff limit 1`,
	} {
		if err := w.d.WithTx(t.Context(), w.second, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Errorf("%s: done", statement)
		}
	}
	// What others ask for is for those who agree, and who look into it.
	as(t, w.d, officerOf(t, w.d, "verifier"), func(tx db.Tx) error {
		var n int
		err := tx.Get(&n, `select count(*) from emergency`)
		if n != 0 {
			t.Errorf("a verifier sees %d requests of others", n)
		}
		return err
	})
}

// Everything in it is marked, for the log and for the person; it ends by the button;
// the data protection officer looks into it when it is over.
func TestEmergencyIsMarkedAndLookedInto(t *testing.T) {
	t.Parallel()
	w := inWard(t)
	ref, err := w.asks(auth.EmergencyContacts, 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.decides(w.second, ref, true); err != nil {
		t.Fatal(err)
	}
	w.d.Clock.Add(time.Minute)
	if record, contacts := w.reads(); !record || !contacts {
		t.Errorf("the record %t, the contacts %t", record, contacts)
	}
	as(t, w.d, w.north, func(tx db.Tx) error { return audit.Write(tx, audit.Event{Action: "person.searched"}) })
	as(t, w.d, w.second, func(tx db.Tx) error { return audit.Write(tx, audit.Event{Action: "person.searched"}) })
	var marked []string
	as(t, w.d, worker, func(tx db.Tx) error {
		return tx.Select(&marked, `select action from audit_event where detail->>'emergency' = $1 order by action`, ref)
	})
	if got := strings.Join(marked, " "); got != "person.read person.searched" {
		t.Errorf("marked are %s", got)
	}
	// The person.
	amina, _ := resolve(t, w.d, auth.Portal, start(t, w.d, auth.Portal, citizen("amina"), db.ID{}))
	change(t, w.d, `update account set person_id = (select id from person where ref = $1) where id = $2`, w.person, amina.ID)
	as(t, w.d, amina.DB(auth.Portal), func(tx db.Tx) error {
		var id db.ID
		if err := tx.Get(&id, `select person_id from account where id = $1`, amina.ID); err != nil {
			return err
		}
		list, err := looks.Of(tx, id)
		if len(list) != 1 || list[0].Purpose != auth.EmergencyPurpose {
			t.Errorf("she sees %+v", list)
		}
		return err
	})
	// The officer: told at once, and asked afterwards.
	var alert oversight.Alert
	as(t, w.d, w.dpo, func(tx db.Tx) error {
		list, err := oversight.Alerts(tx)
		if len(list) != 1 || list[0].Kind != "emergency" || list[0].Closed.Valid {
			t.Fatalf("the alerts: %+v", list)
		}
		alert = list[0]
		return err
	})
	shut := func(who db.Principal) error {
		return w.d.WithTx(t.Context(), who, func(tx db.Tx) error { return oversight.Close(tx, alert, "proper", "asked the ward", "en") })
	}
	if err := shut(w.dpo); !fault.Is(err, fault.Conflict) {
		t.Errorf("looked into while it is open: %v", err)
	}
	for _, who := range []db.Principal{w.dpo, officerOf(t, w.d, "verifier")} {
		if err := w.d.WithTx(t.Context(), who, func(tx db.Tx) error { return auth.EndEmergency(tx, ref) }); err == nil {
			t.Error("somebody else ends it")
		}
	}
	as(t, w.d, w.north, func(tx db.Tx) error { return auth.EndEmergency(tx, ref) })
	if record, _ := w.reads(); record {
		t.Error("open after it was ended")
	}
	as(t, w.d, w.north, func(tx db.Tx) error { return audit.Write(tx, audit.Event{Action: "person.searched"}) })
	as(t, w.d, w.dpo, func(tx db.Tx) error {
		e, entries, err := auth.EmergencyOfAlert(tx, alert.ID)
		if e.Reason != cause || entries < 2 || entries > 3 || !e.Closed.Valid {
			t.Errorf("%+v, %d entries", e, entries)
		}
		return err
	})
	if err := shut(w.second); !fault.Is(err, fault.Forbidden) {
		t.Errorf("whoever opened it looked into it: %v", err)
	}
	if err := shut(w.north); !fault.Is(err, fault.Forbidden) {
		t.Errorf("whose it was looked into it: %v", err)
	}
	if err := shut(w.dpo); err != nil {
		t.Error(err)
	}
}

// Sealed cases, and the records of whom one is kept from, are not opened by it.
func TestEmergencyOpensNothingSealed(t *testing.T) {
	t.Parallel()
	w := inWard(t)
	amina, _ := resolve(t, w.d, auth.Portal, start(t, w.d, auth.Portal, citizen("amina"), db.ID{}))
	asOwner(t, w.d, `insert into case_file (id, ref, kind, kind_id, desk, channel, account_id, language, draft, created_at, access, due_at)
		select gen_random_uuid(), 'C-1', code, id, 'protection', 'portal', '`+amina.ID.String()+`', 'en', '{}', '2026-03-02', 'sealed', '2026-03-03'
		from case_kind where code = 'registration'`)
	sealed := func() (n int) {
		as(t, w.d, w.north, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from case_file where access = 'sealed'`) })
		return n
	}
	var there int
	as(t, w.d, worker, func(tx db.Tx) error { return tx.Get(&there, `select count(*) from case_file where access = 'sealed'`) })
	if there != 1 {
		t.Fatalf("%d sealed cases", there)
	}
	before := sealed()
	ref, err := w.asks(auth.EmergencyContacts, 60)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.decides(w.second, ref, true); err != nil {
		t.Fatal(err)
	}
	if record, _ := w.reads(); !record {
		t.Fatal("it is not open")
	}
	if after := sealed(); after != 0 || before != 0 {
		t.Errorf("sealed cases: %d, and %d in an emergency", before, after)
	}
	as(t, w.d, w.north, func(tx db.Tx) error { return auth.DeclareKin(tx, auth.KinRelative, strings.ToLower(w.person)) })
	if record, _ := w.reads(); record {
		t.Error("a relative's record is opened")
	}
}
