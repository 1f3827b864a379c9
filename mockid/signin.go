package mockid

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"daftar/fault"
	"daftar/oauth"
	"daftar/web"
)

// authorize asks who is signing in.
func (p *provider) authorize(c *web.Ctx, r Realm) error {
	req, ok, err := p.request(c, r)
	if !ok {
		return err
	}
	if slices.Contains(strings.Fields(req.Prompt), "none") {
		return c.Redirect(p.answer(r, req, url.Values{"error": {"login_required"}}))
	}
	for _, tag := range strings.Fields(c.Query("ui_locales")) {
		c.Speak(tag)
		break
	}
	c.MayLeadTo(req.RedirectURI)
	strong := slices.Contains(req.ACR, ACRStrong)
	return c.Render(signInPage(r, "/"+r.Name+"/authorize?"+c.RawQuery(), strong))
}

// choose signs the chosen person in and sends the code.
func (p *provider) choose(c *web.Ctx, r Realm) error {
	req, ok, err := p.request(c, r)
	if !ok {
		return err
	}
	form, err := c.Form("person", "acr", "cancel")
	if err != nil {
		return err
	}
	if form.Get("cancel") != "" {
		return c.Redirect(p.answer(r, req, url.Values{"error": {"access_denied"}}))
	}
	if !slices.ContainsFunc(r.People, func(person Person) bool { return person.Key == form.Get("person") }) {
		return fault.New(fault.Malformed, "error.malformed")
	}
	acr := ACRNormal
	if said := form.Get("acr"); said == ACRStrong || r.Strong && said != ACRNormal {
		acr = ACRStrong
	}
	code := secret()
	p.mu.Lock()
	p.sweep()
	p.codes[r.Name+"|"+code] = oauth.Grant{
		ClientID: req.Client.ID, RedirectURI: req.RedirectURI, Challenge: req.Challenge, Nonce: req.Nonce,
		Scopes: req.Scopes, Subject: form.Get("person"), ACR: acr, AuthTime: p.now(), Expires: p.now().Add(oauth.CodeTTL),
	}
	p.mu.Unlock()
	return c.Redirect(p.answer(r, req, url.Values{"code": {code}}))
}

// request validates the authorization request in the query. When it cannot be
// used, the answer has been given: an error page, or the error to the client.
func (p *provider) request(c *web.Ctx, r Realm) (oauth.Request, bool, error) {
	q, err := url.ParseQuery(c.RawQuery())
	if err != nil {
		return oauth.Request{}, false, fault.New(fault.Malformed, "error.malformed")
	}
	req, redirectable, err := oauth.ParseRequest(r.Clients, q)
	if err == nil && !slices.Contains(req.Scopes, "openid") {
		err = oauth.Fail("invalid_scope", "openid is required")
	}
	if err == nil {
		return req, true, nil
	}
	e, _ := oauth.As(err)
	if !redirectable {
		return req, false, fault.Wrap(e, fault.Malformed, "error.malformed")
	}
	return req, false, c.Redirect(p.answer(r, req, url.Values{"error": {e.Code}, "error_description": {e.Description}}))
}

// answer is the client's address with the result, the state and who answers
// (RFC 9207).
func (p *provider) answer(r Realm, req oauth.Request, params url.Values) string {
	params.Set("state", req.State)
	params.Set("iss", Issuer(p.origin, r.Name))
	return oauth.Redirect(req.RedirectURI, params)
}

// logout forgets nothing, because nothing is remembered, and sends the browser
// back to a registered address.
func (p *provider) logout(c *web.Ctx, r Realm) error {
	back := c.Query("post_logout_redirect_uri")
	for _, client := range r.Clients {
		if client.ID == c.Query("client_id") && slices.Contains(client.LogoutURIs, back) {
			return c.Redirect(oauth.Redirect(back, url.Values{"state": {c.Query("state")}}))
		}
	}
	return c.RenderStatus(fiber.StatusOK, signedOutPage())
}
