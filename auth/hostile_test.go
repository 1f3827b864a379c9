package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/jose"
	"daftar/oauth"
)

type object = map[string]any

// op is a provider that does everything right, but for what one test bends.
type op struct {
	bend bend
	now  func() time.Time
	key  *jose.Key
	http *httptest.Server

	mu    sync.Mutex
	asked map[string]url.Values // authorization requests by code
}

// bend is what a hostile provider, or somebody in between, changes. Each nil
// member changes nothing.
type bend struct {
	discovery func(object)
	keys      func(*op) any                              // instead of the key set
	claims    func(*op, object)                          // of the identity token
	sign      func(t *testing.T, o *op, c object) string // instead of signing with the key
	tokens    func(object)                               // the token endpoint's answer
	userinfo  func(object)                               // the userinfo endpoint's answer
	status    map[string]int                             // of a path, instead of an answer
	callback  func(*auth.Callback)                       // what comes back to us
	meanwhile func(t *testing.T, s *signIn, o *op)       // after the authorization
	strong    bool
}

func newOP(t *testing.T, now func() time.Time, b bend) *op {
	o := &op{bend: b, now: now, key: newKey(t), asked: map[string]url.Values{}}
	mux := http.NewServeMux()
	o.http = httptest.NewServer(mux)
	t.Cleanup(o.http.Close)
	answer := func(path string, content func(*http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if status := b.status[path]; status != 0 {
				http.Error(w, "<html>no</html>", status)
				return
			}
			body := content(r)
			w.Header().Set("Content-Type", "application/json")
			if body == nil {
				w.WriteHeader(http.StatusBadRequest)
				body = object{"error": "invalid_grant"}
			}
			_ = json.NewEncoder(w).Encode(body)
		})
	}
	answer("/.well-known/openid-configuration", func(*http.Request) any {
		d := object{
			"issuer": o.http.URL, "authorization_endpoint": o.http.URL + "/authorize", "token_endpoint": o.http.URL + "/token",
			"userinfo_endpoint": o.http.URL + "/userinfo", "jwks_uri": o.http.URL + "/jwks",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
		}
		apply(b.discovery, d)
		return d
	})
	answer("/jwks", func(*http.Request) any {
		if b.keys != nil {
			return b.keys(o)
		}
		return jose.Set(o.key)
	})
	answer("/token", func(r *http.Request) any { return o.exchange(t, r) })
	answer("/userinfo", func(*http.Request) any {
		u := object{"sub": "sub-of-amina", "name": "Amina", "individual_id": aminasID}
		apply(b.userinfo, u)
		return u
	})
	return o
}

func apply(change func(object), to object) {
	if change != nil {
		change(to)
	}
}

// authorize answers an authorization request as if Amina had signed in.
func (o *op) authorize(address string) auth.Callback {
	u, _ := url.Parse(address)
	o.mu.Lock()
	defer o.mu.Unlock()
	code := fmt.Sprintf("code-%d", len(o.asked))
	o.asked[code] = u.Query()
	return auth.Callback{State: u.Query().Get("state"), Code: code, Issuer: o.http.URL}
}

func (o *op) exchange(t *testing.T, r *http.Request) any {
	_ = r.ParseForm()
	o.mu.Lock()
	q, ok := o.asked[r.Form.Get("code")]
	delete(o.asked, r.Form.Get("code"))
	o.mu.Unlock()
	if !ok || !oauth.VerifyPKCE(q.Get("code_challenge"), r.Form.Get("code_verifier")) {
		return nil
	}
	claims := object{
		"iss": o.http.URL, "sub": "sub-of-amina", "aud": "daftar", "nonce": q.Get("nonce"), "acr": q.Get("acr_values"),
		"iat": o.now().Unix(), "exp": o.now().Add(time.Minute).Unix(), "auth_time": o.now().Unix(),
		"at_hash": leftHalf("the-access-token"),
	}
	if o.bend.claims != nil {
		o.bend.claims(o, claims)
	}
	sign := o.bend.sign
	if sign == nil {
		sign = func(t *testing.T, o *op, c object) string { return signed(t, c, o.key, o.key.ID) }
	}
	tokens := object{"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 60, "id_token": sign(t, o, claims)}
	apply(o.bend.tokens, tokens)
	return tokens
}

func leftHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func signed(t *testing.T, claims object, key *jose.Key, kid string) string {
	token, err := jose.SignJSON(jose.Header{Kid: kid, Typ: "JWT"}, claims, key)
	if err != nil {
		t.Error(err)
	}
	return token
}

// forged is a token with a header of one's own choice and an HMAC over it.
func forged(t *testing.T, header, claims object, secret []byte) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	body := part(header) + "." + part(claims)
	if secret == nil {
		return body + "."
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signIn is one sign-in under way.
type signIn struct {
	d        *dbtest.DB
	provider *auth.Provider
	browser  string
	back     auth.Callback
}

// attack signs in once with everything bent as b says.
func attack(t *testing.T, d *dbtest.DB, b bend) (auth.Identity, error) {
	t.Helper()
	o := newOP(t, d.Clock.Now, b)
	s := &signIn{d: d, provider: auth.NewProvider(auth.ProviderConfig{
		Audience: auth.Portal, Issuer: o.http.URL, ClientID: "daftar", Secret: "secret", RedirectURL: "http://127.0.0.1:1/auth/callback",
		StrongACR: "high", Clock: d.Clock.Now,
	})}
	address, browser, err := s.provider.Begin(t.Context(), d.DB, "/", "en", b.strong)
	if err != nil {
		return auth.Identity{}, err
	}
	s.browser, s.back = browser, o.authorize(address)
	if b.meanwhile != nil {
		b.meanwhile(t, s, o)
	}
	if b.callback != nil {
		b.callback(&s.back)
	}
	id, _, err := s.provider.Complete(t.Context(), d.DB, s.browser, s.back)
	return id, err
}

func set(name string, value any) func(*op, object) {
	return func(_ *op, c object) { c[name] = value }
}

func drop(name string) func(*op, object) {
	return func(_ *op, c object) { delete(c, name) }
}

func both(one, two func(*op, object)) func(*op, object) {
	return func(o *op, c object) { one(o, c); two(o, c) }
}

// after moves a time claim by d.
func after(name string, d time.Duration) func(*op, object) {
	return func(o *op, c object) { c[name] = o.now().Add(d).Unix() }
}

func bySomebodyElse(kid func(*op) string) func(*testing.T, *op, object) string {
	return func(t *testing.T, o *op, c object) string { return signed(t, c, newKey(t), kid(o)) }
}

// again starts a second sign-in in another browser.
func again(t *testing.T, s *signIn, o *op) (browser string, back auth.Callback) {
	t.Helper()
	address, browser, err := s.provider.Begin(t.Context(), s.d.DB, "/", "en", false)
	if err != nil {
		t.Fatal(err)
	}
	return browser, o.authorize(address)
}

var hostile = map[string]struct {
	bend bend
	want fault.Code
}{
	"iss parameter of another provider": {bend{callback: func(c *auth.Callback) { c.Issuer = "https://evil.example" }}, fault.Forbidden},
	"iss parameter with a slash":        {bend{callback: func(c *auth.Callback) { c.Issuer += "/" }}, fault.Forbidden},
	"announced iss parameter missing":   {bend{callback: func(c *auth.Callback) { c.Issuer = "" }}, fault.Forbidden},
	"iss parameter wrong where none is announced": {bend{
		discovery: func(d object) { delete(d, "authorization_response_iss_parameter_supported") },
		callback:  func(c *auth.Callback) { c.Issuer = "https://evil.example" },
	}, fault.Forbidden},
	"discovery of another issuer":    {bend{discovery: func(d object) { d["issuer"] = "https://evil.example" }}, fault.Unavailable},
	"discovery is down":              {bend{status: map[string]int{"/.well-known/openid-configuration": 500}}, fault.Unavailable},
	"token endpoint is down":         {bend{status: map[string]int{"/token": 503}}, fault.Unavailable},
	"token endpoint refuses us":      {bend{status: map[string]int{"/token": 401}}, fault.Forbidden},
	"userinfo is down":               {bend{status: map[string]int{"/userinfo": 500}}, fault.Unavailable},
	"userinfo refuses the token":     {bend{status: map[string]int{"/userinfo": 401}}, fault.Unavailable},
	"keys are down":                  {bend{status: map[string]int{"/jwks": 500}}, fault.Forbidden},
	"no keys":                        {bend{keys: func(*op) any { return jose.Set() }}, fault.Forbidden},
	"keys are not keys":              {bend{keys: func(*op) any { return object{"keys": "none"} }}, fault.Forbidden},
	"userinfo about somebody else":   {bend{userinfo: func(u object) { u["sub"] = "sub-of-joseph" }}, fault.Forbidden},
	"userinfo about nobody":          {bend{userinfo: func(u object) { delete(u, "sub") }}, fault.Forbidden},
	"no identity token":              {bend{tokens: func(a object) { delete(a, "id_token") }}, fault.Forbidden},
	"identity token is not a string": {bend{tokens: func(a object) { a["id_token"] = 7 }}, fault.Forbidden},
	"identity token is not a token":  {bend{tokens: func(a object) { a["id_token"] = "x.y.z" }}, fault.Forbidden},
	"no access token":                {bend{tokens: func(a object) { delete(a, "access_token") }}, fault.Unavailable},
	"access token was exchanged":     {bend{tokens: func(a object) { a["access_token"] = "another" }}, fault.Forbidden},
	"at_hash of another token":       {bend{claims: set("at_hash", leftHalf("another"))}, fault.Forbidden},
	"another issuer":                 {bend{claims: set("iss", "https://evil.example")}, fault.Forbidden},
	"no issuer":                      {bend{claims: drop("iss")}, fault.Forbidden},
	"no subject":                     {bend{claims: drop("sub"), userinfo: func(u object) { delete(u, "sub") }}, fault.Forbidden},
	"a subject with a null byte":     {bend{claims: set("sub", "a\x00"), userinfo: func(u object) { u["sub"] = "a\x00" }}, fault.Forbidden},
	"an endless subject":             {bend{claims: set("sub", strings.Repeat("a", 300)), userinfo: func(u object) { u["sub"] = strings.Repeat("a", 300) }}, fault.Forbidden},
	"for another client":             {bend{claims: set("aud", "another")}, fault.Forbidden},
	"for nobody":                     {bend{claims: drop("aud")}, fault.Forbidden},
	"for several, without azp":       {bend{claims: set("aud", []string{"daftar", "another"})}, fault.Forbidden},
	"for several, azp another":       {bend{claims: both(set("aud", []string{"daftar", "another"}), set("azp", "another"))}, fault.Forbidden},
	"azp another":                    {bend{claims: set("azp", "another")}, fault.Forbidden},
	"nonce of another sign-in":       {bend{claims: set("nonce", "another")}, fault.Forbidden},
	"no nonce":                       {bend{claims: drop("nonce")}, fault.Forbidden},
	"expired":                        {bend{claims: after("exp", -time.Second)}, fault.Forbidden},
	"never expires":                  {bend{claims: drop("exp")}, fault.Forbidden},
	"not valid yet":                  {bend{claims: after("nbf", time.Hour)}, fault.Forbidden},
	"signed by an unknown key":       {bend{sign: bySomebodyElse(func(*op) string { return "unknown" })}, fault.Forbidden},
	"signed by another key of ours":  {bend{sign: bySomebodyElse(func(o *op) string { return o.key.ID })}, fault.Forbidden},
	"signed by another key, unnamed": {bend{sign: bySomebodyElse(func(*op) string { return "" })}, fault.Forbidden},
	"changed after signing": {bend{sign: func(t *testing.T, o *op, c object) string {
		parts := strings.Split(signed(t, c, o.key, o.key.ID), ".")
		c["sub"] = "sub-of-joseph"
		return parts[0] + "." + strings.Split(forged(t, nil, c, nil), ".")[1] + "." + parts[2]
	}}, fault.Forbidden},
	"alg none": {bend{sign: func(t *testing.T, _ *op, c object) string {
		return forged(t, object{"alg": "none"}, c, nil)
	}}, fault.Forbidden},
	"HMAC with the public key": {bend{sign: func(t *testing.T, o *op, c object) string {
		der, _ := x509.MarshalPKIXPublicKey(o.key.Public())
		public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		return forged(t, object{"alg": "HS256", "kid": o.key.ID}, c, public)
	}}, fault.Forbidden},
	"HMAC with the client secret": {bend{sign: func(t *testing.T, _ *op, c object) string {
		return forged(t, object{"alg": "HS256"}, c, []byte("secret"))
	}}, fault.Forbidden},
	"brings its own key": {bend{sign: func(t *testing.T, _ *op, c object) string {
		key := newKey(t)
		public, _ := json.Marshal(jose.PublicJWK(key.Public()))
		token, err := jose.SignJSON(jose.Header{Kid: key.ID, JWK: public}, c, key)
		if err != nil {
			t.Error(err)
		}
		return token
	}}, fault.Forbidden},
	"acr lower than asked":      {bend{strong: true, claims: set("acr", "normal")}, fault.Forbidden},
	"no acr where asked":        {bend{strong: true, claims: drop("acr")}, fault.Forbidden},
	"strong, but long ago":      {bend{strong: true, claims: after("auth_time", -time.Hour)}, fault.Forbidden},
	"strong, nobody knows when": {bend{strong: true, claims: drop("auth_time")}, fault.Forbidden},
	"cancelled at the provider": {bend{callback: func(c *auth.Callback) { c.Code, c.Error = "", "access_denied" }}, fault.Forbidden},
	"an error with a code":      {bend{callback: func(c *auth.Callback) { c.Error = "server_error" }}, fault.Forbidden},
	"no code":                   {bend{callback: func(c *auth.Callback) { c.Code = "" }}, fault.Forbidden},
	"unknown code":              {bend{callback: func(c *auth.Callback) { c.Code = "unknown" }}, fault.Forbidden},
	"no state":                  {bend{callback: func(c *auth.Callback) { c.State = "" }}, fault.Forbidden},
	"unknown state":             {bend{callback: func(c *auth.Callback) { c.State += "x" }}, fault.Forbidden},
	"without the browser's cookie": {bend{meanwhile: func(_ *testing.T, s *signIn, _ *op) {
		s.browser = ""
	}}, fault.Forbidden},
	"in another browser": {bend{meanwhile: func(t *testing.T, s *signIn, o *op) {
		s.browser, _ = again(t, s, o)
	}}, fault.Forbidden},
	"code of another sign-in": {bend{meanwhile: func(t *testing.T, s *signIn, o *op) {
		_, other := again(t, s, o)
		s.back.Code = other.Code
	}}, fault.Forbidden},
	"code of another sign-in, and a provider without PKCE": {bend{meanwhile: func(t *testing.T, s *signIn, o *op) {
		_, other := again(t, s, o)
		nonce := o.asked[other.Code].Get("nonce")
		o.asked[other.Code] = maps.Clone(o.asked[s.back.Code])
		o.asked[other.Code].Set("nonce", nonce)
		s.back.Code = other.Code
	}}, fault.Forbidden},
	"state used twice": {bend{meanwhile: func(t *testing.T, s *signIn, _ *op) {
		if _, _, err := s.provider.Complete(t.Context(), s.d.DB, s.browser, s.back); err != nil {
			t.Error(err)
		}
	}}, fault.Forbidden},
	"state tried before with an error": {bend{meanwhile: func(t *testing.T, s *signIn, _ *op) {
		_, _, _ = s.provider.Complete(t.Context(), s.d.DB, s.browser, auth.Callback{State: s.back.State, Error: "access_denied"})
	}}, fault.Forbidden},
	"too late": {bend{meanwhile: func(_ *testing.T, s *signIn, _ *op) {
		s.d.Clock.Add(auth.SignInTTL)
	}}, fault.Forbidden},
	"started at the other site": {bend{meanwhile: func(t *testing.T, s *signIn, _ *op) {
		asOwner(t, s.d, `update sign_in_attempt set audience = 'admin'`)
	}}, fault.Forbidden},
}

func TestNothingHostileMakesAnIdentity(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			id, err := attack(t, d, c.bend)
			if id != (auth.Identity{}) || !fault.Is(err, c.want) {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// What providers may do differently must not be taken for an attack.
func TestHonestProvidersDiffer(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for name, b := range map[string]bend{
		"as announced":                      {},
		"strong":                            {strong: true},
		"strong, its clock a little behind": {strong: true, claims: after("auth_time", -30*time.Second)},
		"aud is a list":                     {claims: set("aud", []string{"daftar"})},
		"azp is us":                         {claims: set("azp", "daftar")},
		"no at_hash":                        {claims: drop("at_hash")},
		"no auth_time":                      {claims: drop("auth_time")},
		"no iss parameter and none announced": {
			discovery: func(d object) { delete(d, "authorization_response_iss_parameter_supported") },
			callback:  func(c *auth.Callback) { c.Issuer = "" },
		},
		"several keys": {keys: func(o *op) any { other, _ := jose.GenerateKey(); return jose.Set(other, o.key) }},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := attack(t, d, b)
			if err != nil || id.Sub != "sub-of-amina" || id.Claims.NationalID != aminasID || id.AuthTime.IsZero() {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// Odd values of single claims are dropped; they never get into an application.
func TestClaimsThatCannotBeUsedAreDropped(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	id, err := attack(t, d, bend{userinfo: func(u object) {
		u["birthdate"], u["gender"], u["name"], u["name#Latn"] = "May 1991", "Weiblich", 7, strings.Repeat("x", 256)
	}})
	if want := (auth.Claims{NationalID: aminasID}); err != nil || id.Claims != want || id.Name != "" {
		t.Errorf("%+v, %v", id, err)
	}
	id, err = attack(t, d, bend{userinfo: func(u object) { u["birthdate"], u["gender"], u["name"] = "1991-06-02", "Female", "A\x00\n" }})
	if err != nil || id.Name != "" || id.Claims.BirthDate != "1991-06-02" || id.Claims.Sex != "female" {
		t.Errorf("%+v, %v", id, err)
	}
}

// A provider that changes its signing key is followed without a restart.
func TestKeyRotationIsFollowed(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	o := newOP(t, d.Clock.Now, bend{})
	p := auth.NewProvider(auth.ProviderConfig{Audience: auth.Portal, Issuer: o.http.URL, ClientID: "daftar", Secret: "secret", Clock: d.Clock.Now})
	for range 2 {
		address, browser, err := p.Begin(t.Context(), d.DB, "/", "en", false)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Complete(t.Context(), d.DB, browser, o.authorize(address)); err != nil {
			t.Fatal(err)
		}
		o.key = newKey(t)
	}
}

func TestOneStateIsGoodForOneOfManyAtOnce(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	o := newOP(t, d.Clock.Now, bend{})
	p := auth.NewProvider(auth.ProviderConfig{Audience: auth.Portal, Issuer: o.http.URL, ClientID: "daftar", Secret: "secret", Clock: d.Clock.Now})
	for range 5 {
		address, browser, err := p.Begin(t.Context(), d.DB, "/", "en", false)
		if err != nil {
			t.Fatal(err)
		}
		back := o.authorize(address)
		const racers = 20
		won := make(chan bool, racers)
		for range racers {
			go func() {
				_, _, err := p.Complete(t.Context(), d.DB, browser, back)
				won <- err == nil
			}()
		}
		n := 0
		for range racers {
			if <-won {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d of %d won", n, racers)
		}
	}
}
