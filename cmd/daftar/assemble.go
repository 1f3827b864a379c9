package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"daftar/admin"
	"daftar/auth"
	"daftar/db"
	"daftar/demo"
	"daftar/i18n"
	"daftar/issuer"
	"daftar/jose"
	"daftar/locales"
	"daftar/mockid"
	"daftar/notify"
	"daftar/oauth"
	"daftar/pdf"
	"daftar/portal"
	"daftar/registry/cases"
	"daftar/registry/credentials"
	"daftar/registry/settings"
	"daftar/static"
	"daftar/web"
)

// Names of keys and secrets in the key store.
const (
	rootKey       = "root"
	credentialKey = "credential"
	statusKey     = "status"
	portalKey     = "client-portal"
	adminKey      = "client-admin"
	receiptSecret = "receipt"
	offerSecret   = "offer"
	nonceSecret   = "nonce"
)

// parts are what several sites share.
type parts struct {
	cmd      serveCmd
	c        *Config
	s        *store
	log      *slog.Logger
	messages *i18n.Bundle
	live     *settings.Live
	assets   static.Assets
	origins  map[string]string
	client   *http.Client   // to the identity providers
	gateway  *notify.Twilio // for text messages; nil: none
	metrics  *metrics
	pdf      *pdf.Printer // nil: no Chromium
}

// assemble builds the sites and the worker.
func (cmd serveCmd) assemble(ctx context.Context, c *Config, s *store, log *slog.Logger) (*system, error) {
	secure := cmd.TLS == "dev"
	p := &parts{cmd: cmd, c: c, s: s, log: log, assets: static.Load(), metrics: newMetrics(s.db), pdf: pdf.Find(c.Chromium), client: &http.Client{Timeout: 10 * time.Second}}
	sys := &system{sites: map[string]site{}}
	if secure {
		conf, ca, err := s.tlsConfig(c)
		if err != nil {
			return nil, err
		}
		sys.tls = conf
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		roots.AppendCertsFromPEM(ca)
		p.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	}
	p.origins = map[string]string{
		"portal": c.origin(c.PortalURL, portPortal, secure), "admin": c.origin(c.AdminURL, portAdmin, secure),
		"issuer": c.origin(c.IssuerURL, portIssuer, secure),
	}
	sealer, err := s.newSealer(c, p.origins["portal"])
	if err != nil {
		return nil, err
	}
	s.sealer = sealer
	citizenIssuer, staffIssuer := c.CitizenIssuer, c.StaffIssuer
	if cmd.Demo {
		p.origins["mockid"] = c.origin("", portMockID, secure)
		if citizenIssuer == "" {
			citizenIssuer = mockid.Issuer(p.origins["mockid"], demo.CitizenRealm)
		}
		if staffIssuer == "" {
			staffIssuer = mockid.Issuer(p.origins["mockid"], demo.StaffRealm)
		}
	}
	if err := cmd.seed(ctx, s.db, citizenIssuer, staffIssuer); err != nil {
		return nil, err
	}
	if cmd.wants("issuer") {
		if err := s.noteIssuer(ctx, p.origins["issuer"]); err != nil {
			return nil, err
		}
	}
	if p.messages, err = i18n.Load(locales.FS, time.UTC); err != nil {
		return nil, err
	}
	if p.live, err = settings.NewLive(ctx, s.db, p.messages); err != nil {
		return nil, err
	}
	sys.live = func(ctx context.Context) error {
		p.live.Follow(ctx, func(err error) { log.Warn("settings", "error", db.Quiet(err)) })
		return nil
	}
	if p.gateway, err = c.gateway(p.origins["portal"]); err != nil {
		return nil, err
	}
	if err := p.installTexts(ctx); err != nil {
		return nil, err
	}
	for _, build := range []func(*system) error{
		func(sys *system) error { return p.portal(sys, citizenIssuer) },
		func(sys *system) error { return p.admin(sys, staffIssuer) },
		p.issuer,
		p.mockid,
	} {
		if err := build(sys); err != nil {
			return nil, err
		}
	}
	sys.ops = p.metrics.handler(s.db, p.messages, s.sealer)
	if cmd.wants("worker") {
		shop, err := p.workshop()
		if err != nil {
			return nil, err
		}
		sys.worker = shop.work
	}
	if cmd.wants("portal") {
		sys.pulse = p.beat
	}
	sys.banner = bannerText(cmd, p.running())
	return sys, nil
}

// running are the origins of the sites that are started.
func (p *parts) running() map[string]string {
	running := map[string]string{}
	for name := range p.cmd.ports() {
		if origin, ok := p.origins[name]; ok {
			running[name] = origin
		}
	}
	return running
}

func (p *parts) site(name string, cfg web.Config) *web.Server {
	cfg.Name, cfg.Origin, cfg.DB, cfg.Messages, cfg.Assets = name, p.origins[name], p.s.db, p.messages, p.assets
	cfg.Live = p.live
	cfg.Log, cfg.Clock, cfg.Demo, cfg.Proxies, cfg.Observe = p.log, time.Now, p.cmd.Demo, p.c.Proxies, p.metrics.observe
	cfg.PDF = p.pdf
	return web.New(cfg)
}

func (p *parts) provider(a auth.Audience, site, issuer, client, secret, key string) (*auth.Provider, error) {
	cfg := auth.ProviderConfig{
		Audience: a, Issuer: issuer, ClientID: client, Secret: secret, RedirectURL: p.origins[site] + "/auth/callback",
		NationalIDClaim: p.c.CitizenIDClaim, StrongACR: p.c.StrongACR, Client: p.client, Clock: time.Now,
	}
	var err error
	if secret == "" {
		cfg.Key, err = p.s.keys.Key(key)
	}
	return auth.NewProvider(cfg), err
}

func (p *parts) portal(sys *system, idp string) error {
	provider, err := p.provider(auth.Portal, "portal", idp, p.c.CitizenClientID, p.c.CitizenSecret, portalKey)
	if err != nil {
		return err
	}
	receipts, err := p.s.keys.Secret(receiptSecret)
	if err != nil {
		return err
	}
	offers, err := p.s.keys.Secret(offerSecret)
	if err != nil {
		return err
	}
	site := p.site("portal", web.Config{Audience: auth.Portal, Nav: portal.Nav, FormTargets: []string{provider.Origin()}})
	site.Mount(portal.Routes(portal.Config{
		Provider: provider, Blobs: p.s.blobs, Codes: cases.Codes{Key: receipts},
		OfferCodes: credentials.Codes{Key: offers}, IssuerURL: p.origins["issuer"], PortalURL: p.origins["portal"],
		Gateway: p.gateway, Reports: p.origins["portal"] + smsReports,
	})...)
	sys.sites["portal"] = site
	return nil
}

// demoStaffSecret is the admin area's secret in the demo, so that both ways of
// client authentication are in use.
const demoStaffSecret = "only-for-the-demo"

func (p *parts) admin(sys *system, idp string) error {
	secret := p.c.StaffSecret
	if p.cmd.Demo && p.c.StaffIssuer == "" {
		secret = demoStaffSecret
	}
	provider, err := p.provider(auth.Admin, "admin", idp, p.c.StaffClientID, secret, adminKey)
	if err != nil {
		return err
	}
	receipts, err := p.s.keys.Secret(receiptSecret)
	if err != nil {
		return err
	}
	site := p.site("admin", web.Config{Audience: auth.Admin, Nav: admin.Nav, StepUp: auth.StepUp(p.c.StepUp), FormTargets: []string{provider.Origin()}})
	keys, err := auth.NewPasskeys(p.origins["admin"], "Daftar")
	if err != nil {
		return err
	}
	if keys == nil && p.c.StepUp == auth.ByPasskey {
		return errors.New("DAFTAR_STEP_UP=passkey takes an admin area with a name: DAFTAR_ADMIN_URL is an IP address")
	}
	site.Mount(admin.Routes(admin.Config{Provider: provider, Passkeys: keys, Blobs: p.s.blobs, Codes: cases.Codes{Key: receipts}, PortalURL: p.origins["portal"]})...)
	sys.sites["admin"] = site
	return nil
}

func (p *parts) issuer(sys *system) error {
	is, err := newIssuer(p.s, p.origins["issuer"], p.messages)
	if err != nil {
		return err
	}
	site := p.site("issuer", web.Config{Failed: issuer.Failed})
	site.Mount(is.Routes()...)
	sys.sites["issuer"] = site
	return nil
}

// newIssuer builds the issuer from the key store.
func newIssuer(s *store, origin string, messages *i18n.Bundle) (*issuer.Issuer, error) {
	root, err := s.keys.Authority(rootKey, "Daftar root", time.Now())
	if err != nil {
		return nil, err
	}
	offers, err := s.keys.Secret(offerSecret)
	if err != nil {
		return nil, err
	}
	nonces, err := s.keys.Secret(nonceSecret)
	if err != nil {
		return nil, err
	}
	return issuer.New(issuer.Config{
		Origin: origin, DB: s.db, Messages: messages, Codes: credentials.Codes{Key: offers}, NonceKey: nonces, Clock: time.Now,
		Credential: signer(root, credentialKey, "Daftar credential issuer", origin),
		Status:     signer(root, statusKey, "Daftar status issuer", origin),
	}), nil
}

// signer reads a key and its certificate, and looks again every minute for a
// newer one.
func signer(root *jose.Authority, name, commonName, origin string) func() (issuer.Signer, error) {
	var mu sync.Mutex
	var current issuer.Signer
	var read time.Time
	return func() (issuer.Signer, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(read) < time.Minute {
			return current, nil
		}
		key, cert, err := root.Leaf(name, commonName, origin, time.Now())
		if err == nil {
			current, read = issuer.Signer{Key: key, Cert: cert}, time.Now()
		}
		return current, err
	}
}

func (p *parts) mockid(sys *system) error {
	if !p.cmd.Demo {
		return nil
	}
	ec, err1 := p.s.keys.Key("mockid-ec")
	rsa, err2 := p.s.keys.RSAKey("mockid-rsa")
	client, err3 := p.s.keys.Key(portalKey)
	citizens, officers, err4 := demo.Directory(time.Now())
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	registered := func(id, site string) oauth.Client {
		return oauth.Client{ID: id, RedirectURIs: []string{p.origins[site] + "/auth/callback"}, LogoutURIs: []string{p.origins[site] + "/signed-out"}}
	}
	forPortal, forAdmin := registered(p.c.CitizenClientID, "portal"), registered(p.c.StaffClientID, "admin")
	forPortal.Key, forPortal.IDTokenAlg = client.Public(), "ES256"
	forAdmin.Secret = demoStaffSecret
	site := p.site("mockid", web.Config{})
	err := mockid.New(site, p.cmd.Demo, []mockid.Realm{
		{Name: demo.CitizenRealm, People: citizens, Clients: []oauth.Client{forPortal}},
		{Name: demo.StaffRealm, People: officers, Clients: []oauth.Client{forAdmin}, Strong: true},
	}, ec, rsa, time.Now)
	sys.sites["mockid"] = site
	return err
}
