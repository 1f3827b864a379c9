package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/mockid"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// seeded is a database with the demo country and its people.
func seeded(t *testing.T) *dbtest.DB {
	t.Helper()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{
		auth.CitizenProvider: "https://id.example/citizen", auth.StaffProvider: "https://id.example/staff",
	}); err != nil {
		t.Fatal(err)
	}
	return d
}

// in runs fn in a transaction of an audience.
func in(t *testing.T, d *dbtest.DB, a auth.Audience, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), auth.Principal{}.DB(a), fn); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, d *dbtest.DB, statement string, args ...any) {
	t.Helper()
	if err := d.WithTx(t.Context(), worker, func(tx db.Tx) error { return tx.Exec(statement, args...) }); err != nil {
		t.Fatal(err)
	}
}

func citizen(key string) auth.Identity {
	return auth.Identity{Sub: mockid.Subject(demo.CitizenRealm, key), Name: key, AuthTime: dbtest.Start}
}

func officer(key string) auth.Identity {
	return auth.Identity{Sub: mockid.Subject(demo.StaffRealm, key), Name: key, AuthTime: dbtest.Start}
}

// start signs an identity in and returns the cookie's secret.
func start(t *testing.T, d *dbtest.DB, a auth.Audience, id auth.Identity, old db.ID) string {
	t.Helper()
	var secret string
	in(t, d, a, func(tx db.Tx) error {
		subject := auth.Account
		if a == auth.Admin {
			subject = auth.StaffMember
		}
		who, err := subject(tx, id)
		if err != nil {
			return err
		}
		secret, err = auth.StartSession(tx, a, who, id, old)
		return err
	})
	return secret
}

func resolve(t *testing.T, d *dbtest.DB, a auth.Audience, secret string) (p auth.Principal, stale bool) {
	t.Helper()
	in(t, d, a, func(tx db.Tx) (err error) {
		p, stale, err = auth.Resolve(tx, a, secret)
		return err
	})
	return p, stale
}

func TestSessionSecretHas256BitsAndOnlyItsHashIsKept(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	secret := start(t, d, auth.Portal, citizen("amina"), db.ID{})
	if raw, err := base64.RawURLEncoding.DecodeString(secret); err != nil || len(raw) != 32 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	var rows []string
	var hash []byte
	if err := d.View(t.Context(), worker, func(tx db.Tx) error {
		if err := tx.Get(&hash, `select token_hash from session`); err != nil {
			return err
		}
		return tx.Select(&rows, `select s::text from session s where s::text like '%' || $1 || '%'`, secret)
	}); err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256([]byte(secret)); string(hash) != string(want[:]) || len(rows) != 0 {
		t.Fatalf("the database holds %x, and %d rows with the secret", hash, len(rows))
	}
	if again := start(t, d, auth.Portal, citizen("amina"), db.ID{}); again == secret {
		t.Fatal("two sessions with one secret")
	}
}

func TestSignInEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	first := start(t, d, auth.Portal, citizen("amina"), db.ID{})
	p, _ := resolve(t, d, auth.Portal, first)
	second := start(t, d, auth.Portal, citizen("amina"), p.Session)
	if old, _ := resolve(t, d, auth.Portal, first); old.SignedIn() {
		t.Error("the old secret still works")
	}
	if p, _ := resolve(t, d, auth.Portal, second); !p.SignedIn() || p.Name != "amina" {
		t.Error("the new secret does not work")
	}
}

func TestSessionEndsByIdlenessAndByAge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		audience       auth.Audience
		id             auth.Identity
		idle, absolute time.Duration
	}{
		"portal": {auth.Portal, citizen("amina"), 20 * time.Minute, 8 * time.Hour},
		"admin":  {auth.Admin, officer("verifier"), 15 * time.Minute, 8 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := seeded(t)
			lives := func(secret string) bool { p, _ := resolve(t, d, c.audience, secret); return p.SignedIn() }

			secret := start(t, d, c.audience, c.id, db.ID{})
			d.Clock.Add(c.idle - time.Second)
			if !lives(secret) {
				t.Error("it ended before it was idle long enough")
			}
			d.Clock.Add(time.Second)
			if lives(secret) {
				t.Error("it is idle and still lives")
			}

			began := d.Clock.Now()
			secret = start(t, d, c.audience, c.id, db.ID{})
			for d.Clock.Now().Before(began.Add(c.absolute - c.idle/2)) {
				d.Clock.Add(c.idle / 2)
				p, stale := resolve(t, d, c.audience, secret)
				if !p.SignedIn() || !stale {
					t.Fatalf("after %v of use: signed in %t, to be noted %t", d.Clock.Now().Sub(began), p.SignedIn(), stale)
				}
				in(t, d, c.audience, func(tx db.Tx) error { return auth.Touch(tx, p.Session) })
			}
			d.Clock.Set(began.Add(c.absolute - time.Second))
			if !lives(secret) {
				t.Error("it ended before its time")
			}
			d.Clock.Add(time.Second)
			if lives(secret) {
				t.Error("use kept it alive beyond its time")
			}
		})
	}
}

func TestUseIsNotedOncePerMinute(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	secret := start(t, d, auth.Portal, citizen("amina"), db.ID{})
	d.Clock.Add(59 * time.Second)
	if _, stale := resolve(t, d, auth.Portal, secret); stale {
		t.Error("noted within the minute")
	}
	d.Clock.Add(time.Second)
	if _, stale := resolve(t, d, auth.Portal, secret); !stale {
		t.Error("not noted after a minute")
	}
}

func TestRevokedSessionIsAnonymousAtOnce(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	id := citizen("amina")
	id.IDToken = "header.claims.signature"
	secret := start(t, d, auth.Portal, id, db.ID{})
	p, _ := resolve(t, d, auth.Portal, secret)
	if p.IDToken != id.IDToken {
		t.Fatal("the identity token is not kept for signing out")
	}
	in(t, d, auth.Portal, func(tx db.Tx) error { return auth.EndSession(tx, p.Session) })
	if p, _ := resolve(t, d, auth.Portal, secret); p.SignedIn() || p.Session != (db.ID{}) {
		t.Error("the session still works")
	}
	var kept string
	in(t, d, auth.Portal, func(tx db.Tx) error { return tx.Get(&kept, `select id_token from session`) })
	if kept != "" {
		t.Error("the identity token outlives the session")
	}
}

func TestSessionOfOneSiteIsNothingInTheOther(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	here := start(t, d, auth.Portal, citizen("amina"), db.ID{})
	there := start(t, d, auth.Admin, officer("verifier"), db.ID{})
	for name, p := range map[string]auth.Principal{
		"portal session in admin": first(resolve(t, d, auth.Admin, here)),
		"admin session in portal": first(resolve(t, d, auth.Portal, there)),
		"no cookie":               first(resolve(t, d, auth.Portal, "")),
		"unknown secret":          first(resolve(t, d, auth.Portal, here+"x")),
	} {
		if p.SignedIn() || p.May(auth.Citizen) || p.May(auth.Staff) || !p.May(auth.Public) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func first(p auth.Principal, _ bool) auth.Principal { return p }

func TestRolesAreReadAtEveryRequest(t *testing.T) {
	t.Parallel()
	past, future := dbtest.Start.Add(-time.Hour), dbtest.Start.Add(time.Hour)
	for name, c := range map[string]struct {
		statement string
		args      []any
		may       bool
	}{
		"in force":         {`select 1`, nil, true},
		"ended":            {`update staff_role set valid_to = $1`, []any{past}, false},
		"ends this moment": {`update staff_role set valid_to = $1`, []any{dbtest.Start}, false},
		"ends later":       {`update staff_role set valid_to = $1`, []any{future}, true},
		"not begun":        {`update staff_role set valid_from = $1`, []any{future}, false},
		"no such role":     {`update staff_role set role = 'minister'`, nil, false},
		"left the service": {`update staff set active = false`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := seeded(t)
			secret := start(t, d, auth.Admin, officer("verifier"), db.ID{})
			if p, _ := resolve(t, d, auth.Admin, secret); !p.May(auth.CaseRecommend) {
				t.Fatal("a verifier may not recommend")
			}
			change(t, d, c.statement, c.args...)
			if p, _ := resolve(t, d, auth.Admin, secret); p.May(auth.CaseRecommend) != c.may {
				t.Errorf("may recommend: %t", !c.may)
			}
		})
	}
}

func TestRemovedStaffMemberCannotSignIn(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	change(t, d, `update staff set active = false where sub = $1`, officer("verifier").Sub)
	for _, id := range []auth.Identity{officer("verifier"), officer("nobody"), citizen("amina"), {}} {
		err := d.View(t.Context(), auth.Principal{}.DB(auth.Admin), func(tx db.Tx) error {
			_, err := auth.StaffMember(tx, id)
			return err
		})
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%q: %v", id.Sub, err)
		}
	}
}

// Somebody sees where they are signed in, ends any of it, and nobody else's.
func TestSignIns(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	phone, library := start(t, d, auth.Portal, citizen("amina"), db.ID{}), start(t, d, auth.Portal, citizen("amina"), db.ID{})
	other := start(t, d, auth.Portal, citizen("joseph"), db.ID{})
	me, _ := resolve(t, d, auth.Portal, phone)
	there, _ := resolve(t, d, auth.Portal, library)
	joseph, _ := resolve(t, d, auth.Portal, other)
	list := func(p auth.Principal) (l []auth.SignIn) {
		in(t, d, auth.Portal, func(tx db.Tx) (err error) { l, err = auth.SignIns(tx, p); return err })
		return l
	}
	if l := list(me); len(l) != 2 || !l[0].Open || !l[1].Open {
		t.Errorf("%+v", l)
	}
	try := func(do func(tx db.Tx) error) error {
		return d.WithTx(t.Context(), me.DB(auth.Portal), do)
	}
	if err := try(func(tx db.Tx) error { return auth.EndSignIn(tx, me, joseph.Session) }); !fault.Is(err, fault.NotFound) {
		t.Error("somebody else's:", err)
	}
	if err := try(func(tx db.Tx) error { return auth.Dispute(tx, me, joseph.Session) }); !fault.Is(err, fault.NotFound) {
		t.Error("somebody else's disputed:", err)
	}
	if err := try(func(tx db.Tx) error { return auth.Dispute(tx, me, me.Session) }); !fault.Is(err, fault.NotFound) {
		t.Error("one's own disputed:", err)
	}
	if err := try(func(tx db.Tx) error { return auth.EndSignIn(tx, me, there.Session) }); err != nil {
		t.Fatal(err)
	}
	if p, _ := resolve(t, d, auth.Portal, library); p.SignedIn() {
		t.Error("still signed in there")
	}
	if err := try(func(tx db.Tx) error { return auth.EndSignIn(tx, me, there.Session) }); !fault.Is(err, fault.NotFound) {
		t.Error("ended twice:", err)
	}
	third := start(t, d, auth.Portal, citizen("amina"), db.ID{})
	if err := try(func(tx db.Tx) error { return auth.Dispute(tx, me, there.Session) }); err != nil {
		t.Fatal(err)
	}
	for secret, in := range map[string]bool{phone: true, third: false, other: true} {
		if p, _ := resolve(t, d, auth.Portal, secret); p.SignedIn() != in {
			t.Errorf("signed in: %v", p.SignedIn())
		}
	}
	d.Clock.Set(d.Clock.Now().Add(21 * time.Minute))
	if l := list(me); len(l) != 3 || l[2].Open || !l[2].Ended.Valid {
		t.Errorf("not used for a while: %+v", l)
	}
}
