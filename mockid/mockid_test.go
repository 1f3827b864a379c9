package mockid_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/jose"
	"daftar/locales"
	"daftar/mockid"
	"daftar/oauth"
	"daftar/static"
	"daftar/web"
)

// The example of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const (
	redirect = "https://daftar.example/auth/callback"
	back     = "https://daftar.example/signed-out"
	secret   = "a secret"
)

var people = []mockid.Person{
	{Key: "amina", Name: "آمنة <b>يوسف</b>", NameLatin: "Amina Yusuf", BirthDate: "1991-06-02", Gender: "female", NationalID: "MJ-1", About: "demo.person.amina"},
	{Key: "mama", Name: "Mama", About: "demo.person.rosa"},
}

// provider is the mock provider on a real port.
type provider struct {
	t       *testing.T
	origin  string
	clock   *dbtest.Clock
	ec, rsa *jose.Key
}

// start serves two realms, whose clients have the same names.
func start(t *testing.T) *provider {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, origin: "http://" + ln.Addr().String(), clock: &dbtest.Clock{}}
	p.clock.Set(dbtest.Start)
	p.ec, p.rsa = keys(t)
	site := newSite(t, p.origin, p.clock.Now)
	client := oauth.Client{ID: "portal", Secret: secret, RedirectURIs: []string{redirect}, LogoutURIs: []string{back}}
	modern := client
	modern.ID, modern.IDTokenAlg, modern.LogoutURIs = "modern", "ES256", nil
	if err := mockid.New(site, true, []mockid.Realm{
		{Name: "citizen", People: people, Clients: []oauth.Client{client, modern}},
		{Name: "staff", People: []mockid.Person{{Key: "intake", Name: "Ines", About: "demo.role.intake"}}, Clients: []oauth.Client{client}},
	}, p.ec, p.rsa, p.clock.Now); err != nil {
		t.Fatal(err)
	}
	if extra := site.Undeclared(); len(extra) != 0 {
		t.Error("routes that nothing declares: ", extra)
	}
	go func() { _ = site.Serve(ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = site.Shutdown(ctx)
	})
	return p
}

func newSite(t *testing.T, origin string, now func() time.Time) *web.Server {
	t.Helper()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return web.New(web.Config{
		Name: "mockid", Origin: origin, Messages: messages, Assets: static.Load(), Clock: now, Demo: true,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
}

func keys(t *testing.T) (ec, rsa *jose.Key) {
	t.Helper()
	store, err := jose.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if ec, err = store.Key("ec"); err != nil {
		t.Fatal(err)
	}
	if rsa, err = store.RSAKey("rsa"); err != nil {
		t.Fatal(err)
	}
	return ec, rsa
}

var browser = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

func (p *provider) do(method, path string, form url.Values, headers ...string) answer {
	p.t.Helper()
	var sent io.Reader
	if form != nil {
		sent = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.origin+path, sent)
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := browser.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (p *provider) get(path string, headers ...string) answer {
	p.t.Helper()
	return p.do(http.MethodGet, path, nil, headers...)
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatal(err, a.body)
	}
	return v
}

// query is what a redirect carries to the client; nil when it leads elsewhere.
func (a answer) query() url.Values {
	u, err := a.Location()
	if err != nil || !strings.HasPrefix(u.String(), redirect+"?") {
		return nil
	}
	return u.Query()
}

// request is the address of an authorization request.
func request(realm string, change func(url.Values)) string {
	q := url.Values{
		"client_id": {"portal"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid profile"}, "state": {"the state"},
		"nonce": {"the nonce"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	if change != nil {
		change(q)
	}
	return "/" + realm + "/authorize?" + q.Encode()
}

func set(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }

// code signs a person in at a realm.
func (p *provider) code(realm, person string, change func(url.Values)) string {
	p.t.Helper()
	a := p.do(http.MethodPost, request(realm, change), url.Values{"person": {person}})
	q := a.query()
	if q.Get("code") == "" || q.Get("state") != "the state" || q.Get("iss") != p.origin+"/"+realm {
		p.t.Fatalf("%d %s %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	return q.Get("code")
}

func tokenForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier},
		"client_id": {"portal"}, "client_secret": {secret},
	}
}

func (p *provider) tokens(realm, person string) map[string]any {
	p.t.Helper()
	a := p.do(http.MethodPost, "/"+realm+"/token", tokenForm(p.code(realm, person, nil)))
	if a.StatusCode != http.StatusOK {
		p.t.Fatal(a.StatusCode, a.body)
	}
	return a.json(p.t)
}

func TestRefusesOutsideADemo(t *testing.T) {
	t.Parallel()
	site := newSite(t, "https://id.example", time.Now)
	ec, rsa := keys(t)
	if err := mockid.New(site, false, nil, ec, rsa, time.Now); err == nil || len(site.Routes()) != 0 {
		t.Errorf("%v, %d routes", err, len(site.Routes()))
	}
}

func TestDiscoverySaysWhatIsServed(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, realm := range []string{"citizen", "staff"} {
		a := p.get("/" + realm + "/.well-known/openid-configuration")
		d := a.json(t)
		if d["issuer"] != p.origin+"/"+realm || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Error(d["issuer"], a.Header)
		}
		for name, want := range map[string]int{
			"authorization_endpoint": 400, "token_endpoint": 401, "userinfo_endpoint": 401, "jwks_uri": 200, "end_session_endpoint": 200,
		} {
			method, form := http.MethodGet, url.Values(nil)
			if name == "token_endpoint" {
				method, form = http.MethodPost, url.Values{}
			}
			path, here := strings.CutPrefix(d[name].(string), p.origin)
			if a := p.do(method, path, form); !here || a.StatusCode != want {
				t.Errorf("%s is %v and answers %d", name, d[name], a.StatusCode)
			}
		}
		var set jose.JWKSet
		if err := json.Unmarshal([]byte(p.get("/"+realm+"/jwks").body), &set); err != nil || len(set.Keys) != 2 {
			t.Fatal(set, err)
		}
		for i, k := range []*jose.Key{p.ec, p.rsa} {
			if got := set.Keys[i]; got.Kid != k.ID || got.Alg != k.Alg || got.JWK != jose.PublicJWK(k.Public()) || got.Use != "sig" {
				t.Errorf("%+v", got)
			}
		}
	}
	for _, path := range []string{"/nowhere/.well-known/openid-configuration", "/nowhere/jwks", "/nowhere/authorize", "/nowhere/userinfo", "/nowhere/logout"} {
		if a := p.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func TestPageHasPlainButtons(t *testing.T) {
	t.Parallel()
	p := start(t)
	a := p.get(request("citizen", nil))
	for _, want := range []string{
		`<button type="submit"`, `name="person" value="amina"`, `name="person" value="mama"`, `name="acr" type="checkbox" value="high"`,
		"آمنة &lt;b&gt;يوسف&lt;/b&gt;", `<html lang="en"`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if a.StatusCode != 200 || strings.Contains(a.body, " checked") || strings.Contains(a.body, "MJ-1") || a.Header.Get("Cache-Control") != "no-store" {
		t.Error(a.StatusCode, a.body)
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://daftar.example;") {
		t.Error("the form may not lead back to the client: ", csp)
	}
	if a := p.get(request("citizen", func(q url.Values) { q.Set("acr_values", "high"); q.Set("ui_locales", "ar en") })); !strings.Contains(a.body, " checked") ||
		!strings.Contains(a.body, `<html lang="ar" dir="rtl"`) {
		t.Error("the request's acr and language are not followed")
	}
	if a := p.get(request("staff", set("ui_locales", "tlh"))); !strings.Contains(a.body, `value="intake"`) || strings.Contains(a.body, "amina") ||
		!strings.Contains(a.body, `<html lang="en"`) {
		t.Error("the staff directory's page is wrong")
	}
}

func TestSignInAndUserinfo(t *testing.T) {
	t.Parallel()
	p := start(t)
	for client, key := range map[string]*jose.Key{"portal": p.rsa, "modern": p.ec} {
		a := p.do(http.MethodPost, request("citizen", set("client_id", client)), url.Values{"person": {"amina"}, "acr": {"high"}})
		p.clock.Add(30 * time.Second)
		form := tokenForm(a.query().Get("code"))
		form.Set("client_id", client)
		a = p.do(http.MethodPost, "/citizen/token", form)
		got := a.json(t)
		if a.StatusCode != 200 || got["token_type"] != "Bearer" || got["expires_in"] != 300.0 || got["scope"] != "openid profile" || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatal(a.StatusCode, a.body)
		}
		var claims struct {
			Iss, Sub, Aud, Nonce, ACR string
			Iat, Exp                  int64
			AuthTime                  int64 `json:"auth_time"`
		}
		if err := jose.Verify(got["id_token"].(string), key.Public(), []string{"ES256", "RS256"}, &claims); err != nil {
			t.Fatal(client, err)
		}
		if claims.Iss != p.origin+"/citizen" || claims.Sub != mockid.Subject("citizen", "amina") || claims.Aud != client || claims.Nonce != "the nonce" ||
			claims.ACR != "high" || claims.AuthTime != p.clock.Now().Unix()-30 || claims.Iat != p.clock.Now().Unix() || claims.Exp != claims.Iat+300 {
			t.Errorf("%+v", claims)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			info := p.do(method, "/citizen/userinfo", nil, "Authorization", "Bearer "+got["access_token"].(string)).json(t)
			if info["sub"] != claims.Sub || info["name"] != people[0].Name || info["name#Latn"] != "Amina Yusuf" || info["birthdate"] != "1991-06-02" ||
				info["gender"] != "female" || info["individual_id"] != "MJ-1" {
				t.Error(info)
			}
		}
	}
}

func TestClaimsThatSomebodyLacksAreNotSent(t *testing.T) {
	t.Parallel()
	p := start(t)
	info := p.get("/citizen/userinfo", "Authorization", "Bearer "+p.tokens("citizen", "mama")["access_token"].(string)).json(t)
	if len(info) != 2 || info["name"] != "Mama" {
		t.Error(info)
	}
}

func TestSubjectsAreStableAndApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, realm := range []string{"citizen", "staff"} {
		for _, key := range []string{"amina", "intake"} {
			sub := mockid.Subject(realm, key)
			if seen[sub] || strings.Contains(sub, key) || sub != mockid.Subject(realm, key) {
				t.Error(realm, key, sub)
			}
			seen[sub] = true
		}
	}
}

func TestChoosingRefuses(t *testing.T) {
	t.Parallel()
	p := start(t)
	for name, form := range map[string]url.Values{
		"unknown person":         {"person": {"nobody"}},
		"nobody":                 {},
		"of the other directory": {"person": {"intake"}},
		"an unknown input":       {"person": {"amina"}, "sub": {"x"}},
	} {
		if a := p.do(http.MethodPost, request("citizen", nil), form); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	a := p.do(http.MethodPost, request("citizen", nil), url.Values{"cancel": {"1"}, "person": {"amina"}})
	if q := a.query(); q.Get("error") != "access_denied" || q.Get("code") != "" || q.Get("state") != "the state" || q.Get("iss") != p.origin+"/citizen" {
		t.Error(q)
	}
	a = p.do(http.MethodPost, request("citizen", nil), url.Values{"person": {"amina"}}, "Sec-Fetch-Site", "cross-site")
	if a.StatusCode != http.StatusForbidden {
		t.Error("another site's page signed somebody in: ", a.StatusCode)
	}
}

func TestAuthorizationRefuses(t *testing.T) {
	t.Parallel()
	p := start(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string // error sent to the client; "" for a page of our own
	}{
		"unknown client":       {set("client_id", "nobody"), ""},
		"another address":      {set("redirect_uri", "https://evil.example/"), ""},
		"repeated":             {func(q url.Values) { q.Add("state", "2") }, ""},
		"without PKCE":         {func(q url.Values) { q.Del("code_challenge") }, "invalid_request"},
		"implicit":             {set("response_type", "id_token"), "unsupported_response_type"},
		"without openid":       {set("scope", "profile"), "invalid_scope"},
		"request object":       {set("request", "x"), "request_not_supported"},
		"without asking":       {set("prompt", "none"), "login_required"},
		"without asking twice": {set("prompt", "login none"), "login_required"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			form := url.Values(nil)
			if method == http.MethodPost {
				form = url.Values{"person": {"amina"}}
			}
			a := p.do(method, request("citizen", c.change), form)
			q := a.query()
			if q.Get("code") != "" && c.want != "login_required" {
				t.Errorf("%s %s: a code", method, name)
			}
			if method == http.MethodPost && c.want == "login_required" {
				continue // somebody did press a button
			}
			if c.want == "" && (a.StatusCode != 400 || a.Header.Get("Location") != "") ||
				c.want != "" && (q.Get("error") != c.want || q.Get("iss") != p.origin+"/citizen") {
				t.Errorf("%s %s: %d to %q", method, name, a.StatusCode, a.Header.Get("Location"))
			}
		}
	}
	if a := p.get("/citizen/authorize?%zz"); a.StatusCode != 400 {
		t.Error("a broken query: ", a.StatusCode)
	}
}

func TestTokenRefuses(t *testing.T) {
	t.Parallel()
	p := start(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string
		status int
	}{
		"wrong secret":      {set("client_secret", "x"), "invalid_client", 401},
		"another client":    {set("client_id", "modern"), "invalid_grant", 400},
		"wrong verifier":    {set("code_verifier", strings.Repeat("x", 43)), "invalid_grant", 400},
		"another address":   {set("redirect_uri", back), "invalid_grant", 400},
		"unknown code":      {set("code", "x"), "invalid_grant", 400},
		"another grant":     {set("grant_type", "password"), "unsupported_grant_type", 400},
		"no grant type":     {func(f url.Values) { f.Del("grant_type") }, "unsupported_grant_type", 400},
		"two kinds of auth": {set("client_assertion", "x.y.z"), "invalid_request", 400},
	} {
		form := tokenForm(p.code("citizen", "amina", nil))
		c.change(form)
		a := p.do(http.MethodPost, "/citizen/token", form)
		if got := a.json(t); a.StatusCode != c.status || got["error"] != c.want || (a.Header.Get("WWW-Authenticate") != "") != (c.status == 401) {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

func TestCodeIsGoodOnceForAMinuteInItsRealm(t *testing.T) {
	t.Parallel()
	p := start(t)
	code := p.code("citizen", "amina", nil)
	exchange := func(realm, code string) int {
		return p.do(http.MethodPost, "/"+realm+"/token", tokenForm(code)).StatusCode
	}
	if first, again := exchange("citizen", code), exchange("citizen", code); first != 200 || again != 400 {
		t.Error(first, again)
	}
	code = p.code("citizen", "amina", nil)
	p.clock.Add(oauth.CodeTTL)
	if late := exchange("citizen", code); late != 400 {
		t.Error("late: ", late)
	}
	if elsewhere := exchange("staff", p.code("citizen", "amina", nil)); elsewhere != 400 {
		t.Error("in the other realm: ", elsewhere)
	}
}

func TestUserinfoNeedsATokenOfItsRealm(t *testing.T) {
	t.Parallel()
	p := start(t)
	token := p.tokens("citizen", "amina")["access_token"].(string)
	for name, c := range map[string]struct {
		path, header string
		want         int
	}{
		"its own":          {"/citizen/userinfo", "Bearer " + token, 200},
		"the other realm":  {"/staff/userinfo", "Bearer " + token, 401},
		"no token":         {"/citizen/userinfo", "", 401},
		"an empty token":   {"/citizen/userinfo", "Bearer ", 401},
		"another token":    {"/citizen/userinfo", "Bearer " + token + "x", 401},
		"another scheme":   {"/citizen/userinfo", "Basic " + token, 401},
		"as basic":         {"/citizen/userinfo", "Basic " + base64.StdEncoding.EncodeToString([]byte("portal:"+secret)), 401},
		"the token alone":  {"/citizen/userinfo", token, 401},
		"in the query":     {"/citizen/userinfo?access_token=" + token, "", 401},
		"an unknown realm": {"/nowhere/userinfo", "Bearer " + token, 404},
	} {
		a := p.get(c.path, "Authorization", c.header)
		if a.StatusCode != c.want || (c.want == 401) != strings.Contains(a.Header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%s: %d %v", name, a.StatusCode, a.Header)
		}
	}
	p.clock.Add(5 * time.Minute)
	if a := p.get("/citizen/userinfo", "Authorization", "Bearer "+token); a.StatusCode != 401 {
		t.Error("after five minutes: ", a.StatusCode)
	}
}

func TestLogoutLeadsToRegisteredAddressesAlone(t *testing.T) {
	t.Parallel()
	p := start(t)
	for name, c := range map[string]struct {
		query url.Values
		want  string
	}{
		"registered":                     {url.Values{"client_id": {"portal"}, "post_logout_redirect_uri": {back}, "state": {"ar"}}, back + "?state=ar"},
		"without a state":                {url.Values{"client_id": {"portal"}, "post_logout_redirect_uri": {back}}, back},
		"another address":                {url.Values{"client_id": {"portal"}, "post_logout_redirect_uri": {"https://evil.example/"}}, ""},
		"a longer address":               {url.Values{"client_id": {"portal"}, "post_logout_redirect_uri": {back + ".evil.example"}}, ""},
		"the client's other address":     {url.Values{"client_id": {"portal"}, "post_logout_redirect_uri": {redirect}}, ""},
		"an address of another client":   {url.Values{"client_id": {"modern"}, "post_logout_redirect_uri": {back}}, ""},
		"no client":                      {url.Values{"post_logout_redirect_uri": {back}}, ""},
		"an unknown client":              {url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {back}}, ""},
		"nothing":                        {nil, ""},
		"no address and an empty client": {url.Values{"client_id": {""}, "post_logout_redirect_uri": {""}}, ""},
	} {
		a := p.get("/citizen/logout?" + c.query.Encode())
		want := http.StatusOK
		if c.want != "" {
			want = http.StatusSeeOther
		}
		if a.StatusCode != want || a.Header.Get("Location") != c.want {
			t.Errorf("%s: %d to %q", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
}
