package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry"
	"daftar/registry/oversight"
	"daftar/registry/settings"
)

const (
	adminOrigin = "http://localhost:8081"
	adminParty  = "localhost"
)

// token is an authenticator with one key, which does what it is told to, wrong
// things too.
type token struct {
	key     *ecdsa.PrivateKey
	id      []byte
	user    []byte
	count   uint32
	flags   byte   // UP and UV
	origin  string // of the page that it believes it talks to
	party   string
	asSaid  string // in place of the challenge
	purpose string // in place of the type
}

func newToken(t *testing.T) *token {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &token{key: key, id: id, flags: 0x05, origin: adminOrigin, party: adminParty}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// said is what the page asked for.
type said struct {
	Challenge string `json:"challenge"`
	User      struct {
		ID string `json:"id"`
	} `json:"user"`
	UserVerification string `json:"userVerification"`
	Allow            []struct {
		ID string `json:"id"`
	} `json:"allowCredentials"`
	Exclude []struct {
		ID string `json:"id"`
	} `json:"excludeCredentials"`
}

func read(t *testing.T, options string) (s said) {
	t.Helper()
	if err := json.Unmarshal([]byte(options), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (k *token) client(kind string, s said) []byte {
	if k.asSaid != "" {
		s.Challenge = k.asSaid
	}
	if k.purpose != "" {
		kind = k.purpose
	}
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": s.Challenge, "origin": k.origin, "crossOrigin": false})
	return raw
}

func (k *token) data(more []byte, flags byte) []byte {
	party := sha256.Sum256([]byte(k.party))
	return append(append(append(slices.Clone(party[:]), flags), binary.BigEndian.AppendUint32(nil, k.count)...), more...)
}

// makes answers navigator.credentials.create.
func (k *token) makes(t *testing.T, options string) string {
	t.Helper()
	s := read(t, options)
	user, err := base64.RawURLEncoding.DecodeString(s.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.user = user
	public, err := k.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	if err != nil {
		t.Fatal(err)
	}
	more := append(make([]byte, 16), byte(len(k.id)>>8), byte(len(k.id)))
	more = append(append(more, k.id...), cose...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": k.data(more, k.flags|0x40)})
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(map[string]string{"clientDataJSON": b64(k.client("webauthn.create", s)), "attestationObject": b64(object)})
}

// signs answers navigator.credentials.get.
func (k *token) signs(t *testing.T, options string) string {
	t.Helper()
	k.count++
	return k.repeats(t, options)
}

// repeats signs without counting on.
func (k *token) repeats(t *testing.T, options string) string {
	t.Helper()
	client, data := k.client("webauthn.get", read(t, options)), k.data(nil, k.flags)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(map[string]string{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.user)})
}

func (k *token) answer(response map[string]string) string {
	raw, _ := json.Marshal(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response})
	return string(raw)
}

// desk is a member of staff who is signed in.
type desk struct {
	*testing.T
	d    *dbtest.DB
	keys *auth.Passkeys
	p    auth.Principal
}

func atDesk(t *testing.T, d *dbtest.DB, key string) *desk {
	t.Helper()
	keys, err := auth.NewPasskeys(adminOrigin, "Daftar")
	if err != nil || keys == nil {
		t.Fatal(err)
	}
	p, _ := resolve(t, d, auth.Admin, start(t, d, auth.Admin, officer(key), db.ID{}))
	return &desk{t, d, keys, p}
}

func (o *desk) do(fn func(db.Tx) error) {
	o.Helper()
	as(o.T, o.d, o.p.DB(auth.Admin), fn)
}

func (o *desk) offered(name string) (options string) {
	o.Helper()
	o.do(func(tx db.Tx) (err error) { options, err = o.keys.Offer(tx, o.p, name); return err })
	return options
}

func (o *desk) asked() (options string) {
	o.Helper()
	o.do(func(tx db.Tx) (err error) { options, err = o.keys.Ask(tx, o.p); return err })
	return options
}

func (o *desk) adds(answer string) (refused string) {
	o.Helper()
	o.do(func(tx db.Tx) (err error) { refused, err = o.keys.Add(tx, o.p, answer); return err })
	return refused
}

// has adds a key of an authenticator.
func (o *desk) has(k *token) {
	o.Helper()
	if refused := o.adds(k.makes(o.T, o.offered("computer"))); refused != "" {
		o.Fatal("the key is refused: " + refused)
	}
}

// proves sends an answer; what was proved goes on in a new session.
func (o *desk) proves(answer string) (refused string) {
	o.Helper()
	var secret string
	o.do(func(tx db.Tx) (err error) { secret, refused, err = o.keys.Prove(tx, o.p, answer); return err })
	if refused == "" {
		was := o.p.Session
		o.p, _ = resolve(o.T, o.d, auth.Admin, secret)
		if !o.p.SignedIn() || o.p.Session == was || o.p.StrongBy != auth.ByPasskey || !o.p.SteppedUp(o.d.Now()) {
			o.Fatalf("the session after it: %+v", o.p)
		}
	} else if secret != "" {
		o.Fatal("refused, with a session")
	}
	return refused
}

func (o *desk) actions() (list []string) {
	o.Helper()
	as(o.T, o.d, worker, func(tx db.Tx) error {
		return tx.Select(&list, `select action from audit_event where action like 'passkey.%' order by action`)
	})
	return list
}

func TestPasskeyProvesOnceAndEndsTheOldSession(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	o := atDesk(t, d, "approver")
	if o.p.Keys || o.p.SteppedUp(d.Now()) {
		t.Fatalf("before: %+v", o.p)
	}
	k := newToken(t)
	o.has(k)
	options := o.asked()
	if s := read(t, options); s.UserVerification != "required" || len(s.Allow) != 1 || s.Allow[0].ID != b64(k.id) {
		t.Fatalf("asked for %+v", s)
	}
	d.Clock.Add(time.Minute)
	was, answer := o.p, k.signs(t, options)
	if refused := o.proves(answer); refused != "" {
		t.Fatal(refused)
	}
	if !o.p.Keys {
		t.Error("whoever has a key is not said to")
	}
	var expires []time.Time
	as(t, d, worker, func(tx db.Tx) error {
		return tx.Select(&expires, `select distinct expires_at from session where staff_id = $1`, o.p.ID)
	})
	if len(expires) != 1 {
		t.Errorf("a passkey moves the end of the working day: %v", expires)
	}
	// The same answer again, in either session.
	if refused := o.proves(answer); refused != auth.KeyRefused {
		t.Errorf("an answer counts twice: %q", refused)
	}
	o.p = was
	if refused := o.proves(answer); refused != auth.KeyRefused {
		t.Errorf("an answer counts twice: %q", refused)
	}
	if got, want := o.actions(), []string{"passkey.added", "passkey.proved", "passkey.refused", "passkey.refused"}; !slices.Equal(got, want) {
		t.Errorf("the log says %v", got)
	}
	if s := read(t, o.offered("phone")); len(s.Exclude) != 1 {
		t.Errorf("the same authenticator may be added again: %+v", s)
	}
}

func TestPasskeyIsRefused(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for name, wrong := range map[string]func(o *desk, k *token) string{
		"another origin": func(o *desk, k *token) string {
			k.origin = "http://localhost:8080"
			return k.signs(t, o.asked())
		},
		"another party": func(o *desk, k *token) string { k.party = "example.org"; return k.signs(t, o.asked()) },
		"a challenge of one's own": func(o *desk, k *token) string {
			k.asSaid = b64(make([]byte, 32))
			return k.signs(t, o.asked())
		},
		"a registration for a proof": func(o *desk, k *token) string { k.purpose = "webauthn.create"; return k.signs(t, o.asked()) },
		"nobody verified":            func(o *desk, k *token) string { k.flags = 0x01; return k.signs(t, o.asked()) },
		"nobody there":               func(o *desk, k *token) string { k.flags = 0x04; return k.signs(t, o.asked()) },
		"too late": func(o *desk, k *token) string {
			options := o.asked()
			d.Clock.Add(5 * time.Minute)
			return k.signs(t, options)
		},
		"the challenge of another session": func(o *desk, k *token) string {
			return k.signs(t, atDesk(t, d, "approver").asked())
		},
		"somebody else's challenge": func(o *desk, k *token) string {
			other := atDesk(t, d, "verifier")
			other.has(newToken(t))
			return k.signs(t, other.asked())
		},
		"somebody else's key": func(o *desk, _ *token) string {
			other, theirs := atDesk(t, d, "approver2"), newToken(t)
			other.has(theirs)
			theirs.user = nil
			return theirs.signs(t, o.asked())
		},
		"another key under this one's id": func(o *desk, k *token) string {
			forged := newToken(t)
			forged.id, forged.user = k.id, k.user
			return forged.signs(t, o.asked())
		},
		"a key that was removed": func(o *desk, k *token) string {
			options := o.asked()
			o.do(func(tx db.Tx) error {
				list, err := auth.PasskeysOf(tx, o.p.ID)
				if err != nil {
					return err
				}
				return auth.RemovePasskey(tx, list[len(list)-1].Ref)
			})
			return k.signs(t, options)
		},
		"the challenge of a registration": func(o *desk, k *token) string { return k.signs(t, o.offered("another")) },
		"nothing":                         func(*desk, *token) string { return "" },
		"no JSON":                         func(*desk, *token) string { return "{" },
	} {
		o, k := atDesk(t, d, "approver"), newToken(t)
		o.has(k)
		if refused := o.proves(wrong(o, k)); refused != auth.KeyRefused {
			t.Errorf("%s: %q", name, refused)
		}
		var by []string
		as(t, d, worker, func(tx db.Tx) error {
			return tx.Select(&by, `select coalesce(strong_by, '') from session where staff_id = $1 and revoked_at is null and strong_by = 'passkey'`, o.p.ID)
		})
		if len(by) != 0 {
			t.Errorf("%s: a session is strong", name)
		}
	}
}

func TestNoKeyIsAddedWrongly(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	o := atDesk(t, d, "approver")
	for name, wrong := range map[string]func() string{
		"another origin": func() string {
			k := newToken(t)
			k.origin = "http://localhost.example"
			return k.makes(t, o.offered("x"))
		},
		"nobody verified": func() string {
			k := newToken(t)
			k.flags = 0x01
			return k.makes(t, o.offered("x"))
		},
		"somebody else's offer":      func() string { return newToken(t).makes(t, atDesk(t, d, "verifier").offered("x")) },
		"the challenge of a step-up": func() string { return newToken(t).makes(t, o.asked()) },
		"somebody else's key": func() string {
			other, k := atDesk(t, d, "verifier"), newToken(t)
			other.has(k)
			return k.makes(t, o.offered("x"))
		},
	} {
		if name == "the challenge of a step-up" {
			o.has(newToken(t)) // there is nothing to ask for without one
		}
		before := len(keysOf(t, d, o.p.ID))
		if refused := o.adds(wrong()); refused != auth.KeyRefused {
			t.Errorf("%s: %q", name, refused)
		}
		if after := len(keysOf(t, d, o.p.ID)); after != before {
			t.Errorf("%s: there is a key", name)
		}
	}
}

func keysOf(t *testing.T, d *dbtest.DB, staff db.ID) (list []auth.Passkey) {
	t.Helper()
	as(t, d, officerOf(t, d, "sysadmin"), func(tx db.Tx) (err error) { list, err = auth.PasskeysOf(tx, staff); return err })
	return list
}

// A counter that does not go on is that of a copy: the key ends, and the data
// protection officer is told.
func TestPasskeyCounterThatGoesBackEndsTheKey(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for name, count := range map[string]uint32{"approver": 4, "approver2": 7, "verifier": 0} {
		o, k := atDesk(t, d, name), newToken(t)
		o.has(k)
		k.count = 6
		if refused := o.proves(k.signs(t, o.asked())); refused != "" {
			t.Fatal(refused)
		}
		options := o.asked()
		k.count = count
		if refused := o.proves(k.repeats(t, options)); refused != auth.KeyCopied {
			t.Fatalf("from 7 to %d: %q", count, refused)
		}
		if list := keysOf(t, d, o.p.ID); len(list) != 1 || !list[0].Removed {
			t.Fatalf("its owner does not learn of it: %+v", list)
		}
		k.count = 100 // it ended
		if refused := o.proves(k.signs(t, options)); refused != auth.KeyRefused {
			t.Errorf("the copy counts again: %q", refused)
		}
	}
	var alerts []oversight.Alert
	as(t, d, officerOf(t, d, "dpo"), func(tx db.Tx) (err error) { alerts, err = oversight.Alerts(tx); return err })
	if len(alerts) != 3 || alerts[0].Kind != "passkey" || alerts[0].Staff == "" || alerts[0].AboutReading() {
		t.Fatalf("the alerts: %+v", alerts)
	}
	// An authenticator that does not count says 0 for ever.
	o, k := atDesk(t, d, "dpo"), newToken(t)
	o.has(k)
	for range 3 {
		if refused := o.proves(k.repeats(t, o.asked())); refused != "" {
			t.Fatal(refused)
		}
	}
}

func TestStepUpAsTheDeploymentChooses(t *testing.T) {
	t.Parallel()
	now := dbtest.Start
	signed := auth.Principal{ID: db.ID{1}, StrongAt: now, StrongBy: auth.BySignIn}
	withKey, byKey, plain := signed, signed, auth.Principal{ID: db.ID{1}}
	withKey.Keys = true
	byKey.StrongBy, byKey.Keys = auth.ByPasskey, true
	for _, c := range []struct {
		how         auth.StepUp
		p           auth.Principal
		needs, adds bool // is it enough, and is it to add a passkey
	}{
		{"", plain, true, true}, {auth.StepUpOff, plain, true, true},
		{auth.StepUpEither, plain, false, false}, {auth.StepUpEither, signed, true, true}, {auth.StepUpEither, byKey, true, true},
		{auth.StepUpSignIn, plain, false, false}, {auth.StepUpSignIn, signed, true, true}, {auth.StepUpSignIn, byKey, false, false},
		{auth.StepUpPasskey, plain, false, false}, {auth.StepUpPasskey, signed, false, true}, {auth.StepUpPasskey, withKey, false, false}, {auth.StepUpPasskey, byKey, true, true},
	} {
		if got := c.how.Met(c.p, now, false); got != c.needs {
			t.Errorf("%q, %+v: %t", c.how, c.p, got)
		}
		if got := c.how.Met(c.p, now, true); got != c.adds {
			t.Errorf("%q, %+v, to add a key: %t", c.how, c.p, got)
		}
		if c.how != "" && c.how != auth.StepUpOff && c.how.Met(c.p, now.Add(auth.StepUpTTL), true) {
			t.Errorf("%q, %+v: it counts for ever", c.how, c.p)
		}
	}
}

// What somebody else's key is removed by takes two people; nobody writes the table
// around it.
func TestKeysOfOthersTakeTwoPeople(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	o := atDesk(t, d, "approver")
	o.has(newToken(t))
	admin, dpo := officerOf(t, d, "sysadmin"), officerOf(t, d, "dpo")
	as(t, d, admin, func(tx db.Tx) error {
		if err := auth.RemovePasskey(tx, keysOf(t, d, o.p.ID)[0].Ref); err == nil {
			t.Error("an administrator removes it alone")
		}
		return nil
	})
	var ref string
	as(t, d, admin, func(tx db.Tx) error {
		list, err := settings.Keys(tx, o.p.ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		ref, err = settings.ProposeKeyRemoval(tx, list[0], settings.Proposal{Origin: settings.OriginPage})
		return err
	})
	if err := d.WithTx(t.Context(), admin, func(tx db.Tx) error { return settings.Approve(tx, ref) }); err == nil {
		t.Error("whoever proposed it agreed")
	}
	if len(keysOf(t, d, o.p.ID)) != 1 {
		t.Fatal("it is gone before anybody agreed")
	}
	as(t, d, dpo, func(tx db.Tx) error { return settings.Approve(tx, ref) })
	if list := keysOf(t, d, o.p.ID); len(list) != 0 {
		t.Errorf("it is there still: %+v", list)
	}
	for _, statement := range []string{
		`update passkey set removed_at = null, removed_why = null`,
		`update passkey set sign_count = 0`,
		`delete from passkey`,
		`insert into passkey (id, ref, staff_id, name, credential_id, public_key, backup_able, sign_count, added_at)
		 select gen_random_uuid(), 'x', id, 'x', '\x00112233445566778899aabbccddeeff', '\x00', false, 0, '2026-01-01' from staff limit 1`,
	} {
		if err := d.WithTx(t.Context(), admin, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Errorf("%s: done", statement)
		}
	}
}

// A citizen who says that a sign-in was not theirs alarms the data protection
// officer, once for a day until somebody looked.
func TestNotMeAlarms(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	sign := func() auth.Principal {
		p, _ := resolve(t, d, auth.Portal, start(t, d, auth.Portal, citizen("amina"), db.ID{}))
		return p
	}
	other, second, mine := sign(), sign(), sign()
	change(t, d, `update account set person_id = (select id from person where full_name_latin = 'Amina Yusuf')`)
	for _, p := range []auth.Principal{other, second} {
		as(t, d, mine.DB(auth.Portal), func(tx db.Tx) error { return auth.Dispute(tx, mine, p.Session) })
	}
	dpo := officerOf(t, d, "dpo")
	var alerts []oversight.Alert
	look := func() {
		as(t, d, dpo, func(tx db.Tx) (err error) { alerts, err = oversight.Alerts(tx); return err })
	}
	look()
	if len(alerts) != 1 || alerts[0].Kind != "not_me" || alerts[0].Reads != 2 || alerts[0].Staff != "" {
		t.Fatalf("the alerts: %+v", alerts)
	}
	if _, ok := registry.ParseRef(registry.RefPerson, alerts[0].Person); !ok {
		t.Errorf("whose it is: %+v", alerts[0])
	}
	as(t, d, dpo, func(tx db.Tx) error { return oversight.Close(tx, alerts[0], "unclear", "asked her", "en") })
	third := sign()
	as(t, d, mine.DB(auth.Portal), func(tx db.Tx) error { return auth.Dispute(tx, mine, third.Session) })
	look()
	if len(alerts) != 2 || alerts[0].Closed.Valid {
		t.Errorf("after the first was closed: %+v", alerts)
	}
	// Nobody raises one about something else, or of another kind.
	if err := d.WithTx(t.Context(), mine.DB(auth.Portal), func(tx db.Tx) error {
		return tx.Exec(`select raise_alert(gen_random_uuid(), 'x', 'many', '2026-01-01', $1, $1, $1)`, tx.Now())
	}); err == nil {
		t.Error("a citizen raises an alert of any kind")
	}
}
