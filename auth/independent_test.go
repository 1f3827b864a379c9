package auth_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/jose"
	"daftar/web"
	"daftar/web/signin"
)

const opSecret = "a+secret/with %:signs that is long enough"

// startOP starts npm's oidc-provider and returns its issuer. It ends with the
// test, or with this process.
func startOP(t *testing.T, config any) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("no Node.js: run `make deps-test`")
	}
	if _, err := os.Stat("../e2e/node/node_modules/oidc-provider"); err != nil {
		t.Fatal("no oidc-provider: run `make deps-test`")
	}
	cmd := exec.CommandContext(t.Context(), node, "op.mjs", "0")
	cmd.Dir, cmd.Stderr = "../e2e/node", io.Discard
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	if err := json.NewEncoder(stdin).Encode(config); err != nil {
		t.Fatal(err)
	}
	issuer, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal("op.mjs did not start: ", err)
	}
	return strings.TrimSpace(issuer)
}

// visitor is a browser without a screen.
type visitor struct {
	t      *testing.T
	client *http.Client
}

func newVisitor(t *testing.T) visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// page fetches an address, following redirects, and returns where that led.
func (v visitor) page(method, address string, form url.Values) (status int, at *url.URL, body string) {
	v.t.Helper()
	var sent io.Reader
	if method == http.MethodPost {
		sent = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(v.t.Context(), method, address, sent)
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Request.URL, string(raw)
}

func (v visitor) get(address string) (int, *url.URL, string) {
	v.t.Helper()
	return v.page(http.MethodGet, address, nil)
}

// whoami is a page for citizens that says what the session knows.
func whoami(c *web.Ctx) error {
	p := c.Principal()
	return c.Render(templ.Raw("<p>" + p.Name + "|" + p.ACR + "</p>"))
}

var logoutForm = regexp.MustCompile(`action="([^"]+)".*name="xsrf" value="([^"]+)"`)

// A provider that others wrote signs people in, with both kinds of client
// authentication, and forgets them when they sign out here.
func TestSignInThroughAnIndependentProvider(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return // "make test-fast" needs no Node.js
	}
	d := seeded(t)
	d.Clock.Set(time.Now()) // the provider has no other clock
	for name, withKey := range map[string]bool{"with-key": true, "with-secret": false} {
		t.Run(name, func(t *testing.T) {
			ln := listen(t, "127.0.0.1:0")
			site := newSite(t, d, ln, web.Config{Name: "portal", Audience: auth.Portal})
			cfg := auth.ProviderConfig{
				Audience: auth.Portal, ClientID: name, RedirectURL: site.Origin() + "/auth/callback", StrongACR: "high", Clock: d.Clock.Now,
			}
			key := newKey(t)
			if cfg.Key = key; !withKey {
				cfg.Key, cfg.Secret = nil, opSecret
			}
			cfg.Issuer = startOP(t, map[string]any{
				"claims": map[string]string{
					"sub": "somebody", "name": "Amina Yusuf", "birthdate": "1991-06-02", "gender": "female", "individual_id": aminasID,
				},
				"redirect": cfg.RedirectURL, "logout": site.Origin() + "/signed-out", "jwks": jose.Set(key), "secret": opSecret,
			})
			site.Mount(signin.Routes(auth.Portal, auth.NewProvider(cfg))...)
			site.Mount(web.Route{Method: fiber.MethodGet, Path: "/home", Permission: auth.Citizen, Handler: whoami})
			serve(t, site, ln)
			v := newVisitor(t)

			// The page that was wanted comes after the sign-in.
			if status, at, body := v.get(site.Origin() + "/ar/home?x=1"); status != 200 || at.String() != site.Origin()+"/ar/home?x=1" || body != "<p>Amina Yusuf|</p>" {
				t.Fatalf("%d at %s: %s", status, at, body)
			}
			if claims := claimsOf(t, d); claims != (auth.Claims{Name: "Amina Yusuf", BirthDate: "1991-06-02", Sex: "female", NationalID: aminasID}) {
				t.Errorf("%+v", claims)
			}
			before := v.cookie(site.Origin(), "daftar_portal")
			if _, _, body := v.get(site.Origin() + "/en/sign-in?strong=1&to=/home"); body != "<p>Amina Yusuf|high</p>" {
				t.Errorf("after a strong sign-in: %s", body)
			}
			if v.cookie(site.Origin(), "daftar_portal") == before {
				t.Error("the cookie did not change at the sign-in")
			}

			if _, back, _ := v.get(silent(cfg)); back.Query().Get("code") == "" {
				t.Errorf("the provider does not know the sign-in: %s", back)
			}
			status, at, body := v.page(http.MethodPost, site.Origin()+"/ar/sign-out", nil)
			confirm := logoutForm.FindStringSubmatch(body)
			if status != 200 || confirm == nil {
				t.Fatalf("the provider does not ask to sign out: %d at %s: %s", status, at, body)
			}
			status, at, _ = v.page(http.MethodPost, confirm[1], url.Values{"xsrf": {confirm[2]}, "logout": {"yes"}})
			if status != 200 || at.String() != site.Origin()+"/signed-out?state=ar" {
				t.Errorf("signing out ends with %d at %s", status, at)
			}
			if _, back, _ := v.get(silent(cfg)); back.Query().Get("error") != "login_required" {
				t.Errorf("the provider still knows the sign-in: %s", back)
			}
			if v.cookie(site.Origin(), "daftar_portal") != "" {
				t.Error("the cookie is still there")
			}
		})
	}
}

// silent asks the provider for a code if it remembers a sign-in, and nothing
// else.
func silent(cfg auth.ProviderConfig) string {
	return cfg.Issuer + "/auth?" + url.Values{
		"client_id": {cfg.ClientID}, "redirect_uri": {cfg.RedirectURL}, "response_type": {"code"}, "scope": {"openid"}, "prompt": {"none"},
		"code_challenge_method": {"S256"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}.Encode()
}

func (v visitor) cookie(origin, name string) string {
	u, err := url.Parse(origin)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// claimsOf is what the newest account's provider said.
func claimsOf(t *testing.T, d *dbtest.DB) (claims auth.Claims) {
	t.Helper()
	in(t, d, auth.Portal, func(tx db.Tx) (err error) {
		var id db.ID
		if err := tx.Get(&id, `select id from account where sub = 'somebody'`); err != nil {
			return err
		}
		claims, err = auth.ClaimsOf(tx, id)
		return err
	})
	return claims
}
