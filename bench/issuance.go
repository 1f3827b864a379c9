package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/jose"
	"daftar/registry/credentials"
)

// flow is one way of getting a credential: a pre-authorized code with its
// transaction code, a token, a nonce, a credential for one key.
type flow struct {
	name     string
	dpop     bool
	verifies int // signatures that the issuer checks; it makes one
	commits  int // transactions that write, as the program was seen to use
}

// issued is the type that is issued: four claims about a household, two of its
// tables and its place.
const issued = credentials.HouseholdRegistration

// issuance measures issuing with one wallet and with eight. Each has one key
// and waits for its credential before it asks for the next; the offers are made
// before the clock starts.
func (b *bench) issuance() error {
	d, err := b.system.open(mainDatabase)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := importSurvey(b.ctx, d, generate(b.plan.background, 2)); err != nil {
		return err
	}
	flows := []*flow{{name: "Bearer", verifies: 1}, {name: "DPoP", verifies: 3, dpop: true}}
	if err := b.countCommits(flows); err != nil {
		return err
	}
	rest := b.system.memory("VmRSS")
	sign := b.metric("ES256 sign, one core", "µs", "")
	verify := b.metric("ES256 verify, one core", "µs", "")
	runs := b.issuanceRuns(flows)
	for _, f := range flows { // warms up, and fills the tables
		if _, _, _, err := b.issue(f, 8, b.plan.issuances); err != nil {
			return err
		}
	}
	if err := b.system.admin(mainDatabase, `analyze`); err != nil { // as autovacuum would, in time
		return err
	}
	b.system.forgetPeak()
	for range b.plan.pairs {
		signing, verifying, err := es256(b.plan.limitTime)
		if err != nil {
			return err
		}
		sign.values, verify.values = append(sign.values, signing), append(verify.values, verifying)
		for _, r := range runs {
			if err := b.issuancePair(r, signing, verifying); err != nil {
				return fmt.Errorf("%s: %w", r.flow.name, err)
			}
		}
	}
	b.metric("issuing, peak memory", "MB", "at rest").add(b.system.memory("VmHWM"), rest)
	return nil
}

// issuanceRun is one flow with so many wallets, and its lines.
type issuanceRun struct {
	flow                                 *flow
	wallets                              int
	rate, p50, p99, processor, databases *metric
}

func (b *bench) issuanceRuns(flows []*flow) []issuanceRun {
	var runs []issuanceRun
	for _, f := range flows {
		for _, wallets := range []int{1, 8} {
			commits := fmt.Sprintf("%d bare commits", f.commits)
			r := issuanceRun{flow: f, wallets: wallets,
				rate: b.metric(fmt.Sprintf("issuing, %s, c=%d", f.name, wallets), "/s", commits),
				p50:  b.metric("  p50", "ms", commits), p99: b.metric("  p99", "ms", commits)}
			if wallets > 1 {
				r.processor = b.metric("  server CPU", "ms", fmt.Sprintf("%d ES256 verify + 1 sign", f.verifies))
				r.databases = b.metric("  PostgreSQL CPU", "ms", commits)
			}
			runs = append(runs, r)
		}
	}
	return runs
}

func (b *bench) issuancePair(r issuanceRun, signing, verifying float64) error {
	limit, limitDB, err := b.bareCommits(r.wallets, r.flow.commits)
	if err != nil {
		return err
	}
	count := b.plan.issuances
	if r.wallets > 1 {
		count *= 4
	}
	ours, cpu, dbCPU, err := b.issue(r.flow, r.wallets, count)
	if err != nil {
		return err
	}
	r.rate.add(ours.rate(), limit.rate())
	r.p50.add(ours.ms(0.5), limit.ms(0.5))
	r.p99.add(ours.ms(0.99), limit.ms(0.99))
	if r.processor != nil {
		r.processor.add(cpu, (signing+float64(r.flow.verifies)*verifying)/1e3)
		r.databases.add(dbCPU, limitDB)
	}
	return nil
}

// issue has wallets take count credentials. It returns the processor time that
// the program and PostgreSQL took for each, in milliseconds.
func (b *bench) issue(f *flow, wallets, count int) (s sample, server, database float64, err error) {
	offers, err := b.offers(count)
	if err != nil {
		return s, 0, 0, err
	}
	list := make([]*wallet, wallets)
	for i := range list {
		if list[i], err = b.newWallet(f.dpop); err != nil {
			return s, 0, 0, err
		}
		defer list[i].wire.close()
	}
	before, beforeDB := b.system.serverTime(), b.system.databaseTime()
	s, err = load(b.ctx, wallets, count, 0, func(worker, i int) error { return list[worker].take(offers[i]) })
	return s, s.per(b.system.serverTime() - before), s.per(b.system.databaseTime() - beforeDB), err
}

// countCommits watches one issuance of each flow.
func (b *bench) countCommits(flows []*flow) error {
	if err := b.system.watch(true); err != nil {
		return err
	}
	for _, f := range flows {
		said, err := b.system.capture(db.Issuer, func() error {
			_, _, _, err := b.issue(f, 1, 1)
			return err
		})
		if err != nil {
			return err
		}
		if f.commits = commits(said); f.commits == 0 {
			return errors.New("the issuer's transactions were not seen")
		}
	}
	return b.system.watch(false)
}

// walletOffer is what a wallet gets to redeem.
type walletOffer struct{ code, tx string }

// offers writes open offers into the database, in one go. credentials.Make
// would keep one for each holder.
func (b *bench) offers(count int) ([]walletOffer, error) {
	secret, err := b.system.secret(offerSecret)
	if err != nil {
		return nil, err
	}
	codes := credentials.Codes{Key: secret}
	conn, err := b.system.as(superuser, mainDatabase)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(b.ctx, `select person_id from membership where end_date is null and tie = 'usual' limit $1`, b.plan.background)
	if err != nil {
		return nil, err
	}
	holders, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	if err != nil {
		return nil, err
	}
	now := time.Now()
	list := make([]walletOffer, count)
	_, err = conn.CopyFrom(b.ctx, pgx.Identifier{"credential_offer"},
		[]string{"id", "ref", "person_id", "type", "code_hash", "channel", "created_at", "expires_at"},
		pgx.CopyFromSlice(count, func(i int) ([]any, error) {
			ref := rand.Text()
			list[i] = walletOffer{code: codes.PreAuthorized(ref), tx: codes.Tx(ref)}
			hash := sha256.Sum256([]byte(list[i].code))
			holder := holders[(i*7919)%len(holders)] // all over the registry
			return []any{[16]byte(db.NewID(now, rand.Reader)), ref, holder, issued, hash[:], credentials.ChannelCounter, now, now.Add(time.Hour)}, nil
		}))
	return list, err
}

// wallet takes credentials with one key. It signs by hand: the less it takes,
// the more the figures say of the issuer.
type wallet struct {
	wire   *wire
	host   string
	origin string
	dpop   bool
	key    *ecdsa.PrivateKey
	proof  string // encoded headers of the two kinds of proof
	bound  string
}

func (b *bench) newWallet(dpop bool) (*wallet, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := json.Marshal(jose.PublicJWK(key.Public()))
	if err != nil {
		return nil, err
	}
	header := func(typ string) string { return `{"alg":"ES256","typ":"` + typ + `","jwk":` + string(public) + `}` }
	conn, err := dial(b.system.address(portIssuer))
	host := b.system.host(portIssuer)
	return &wallet{wire: conn, host: host, origin: "http://" + host, dpop: dpop, key: key,
		proof: encode(header("openid4vci-proof+jwt")), bound: encode(header("dpop+jwt"))}, err
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// jws signs a payload (RFC 7518 section 3.4: r and s, 32 bytes each).
func (w *wallet) jws(header, payload string) (string, error) {
	signed := header + "." + encode(payload)
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, w.key, hash[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}

// dpopProof is a DPoP header for a request to path, bound to token.
func (w *wallet) dpopProof(path, token string) (string, error) {
	ath := ""
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		ath = `,"ath":"` + base64.RawURLEncoding.EncodeToString(hash[:]) + `"`
	}
	proof, err := w.jws(w.bound, fmt.Sprintf(`{"htm":"POST","htu":"%s%s","iat":%d,"jti":"%s"%s}`,
		w.origin, path, time.Now().Unix(), rand.Text(), ath))
	return "DPoP: " + proof, err
}

// take redeems an offer and gets its credential.
func (w *wallet) take(o walletOffer) error {
	token, err := w.token(o)
	if err != nil {
		return err
	}
	body, err := w.wire.expect(post(w.host, "/nonce", "application/json", ""))
	if err != nil {
		return err
	}
	var nonce struct {
		Nonce string `json:"c_nonce"`
	}
	if err := json.Unmarshal(body, &nonce); err != nil {
		return err
	}
	return w.credential(token, nonce.Nonce)
}

func (w *wallet) token(o walletOffer) (string, error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:pre-authorized_code"}, "pre-authorized_code": {o.code}, "tx_code": {o.tx}}
	var headers []string
	if w.dpop {
		proof, err := w.dpopProof("/token", "")
		if err != nil {
			return "", err
		}
		headers = append(headers, proof)
	}
	body, err := w.wire.expect(post(w.host, "/token", "application/x-www-form-urlencoded", form.Encode(), headers...))
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	return answer.Token, json.Unmarshal(body, &answer)
}

func (w *wallet) credential(token, nonce string) error {
	proof, err := w.jws(w.proof, fmt.Sprintf(`{"aud":"%s","iat":%d,"nonce":"%s"}`, w.origin, time.Now().Unix(), nonce))
	if err != nil {
		return err
	}
	headers := []string{"Authorization: Bearer " + token}
	if w.dpop {
		bound, err := w.dpopProof("/credential", token)
		if err != nil {
			return err
		}
		headers = []string{"Authorization: DPoP " + token, bound}
	}
	body, err := w.wire.expect(post(w.host, "/credential", "application/json",
		`{"credential_configuration_id":"`+issued+`","proofs":{"jwt":["`+proof+`"]}}`, headers...))
	if err == nil && !bytes.Contains(body, []byte(`"credential":"ey`)) {
		err = fmt.Errorf("no credential in %.200s", body)
	}
	return err
}
