package mockid

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/jose"
	"daftar/oauth"
	"daftar/web"
)

const tokenTTL = 5 * time.Minute

// token exchanges a code for tokens.
func (p *provider) token(c *web.Ctx, r Realm) error {
	answer, err := p.exchange(c, r)
	if e, ok := oauth.As(err); ok {
		if e.Status == fiber.StatusUnauthorized {
			c.Set(fiber.HeaderWWWAuthenticate, "Basic")
		}
		return c.JSON(e.Status, e)
	}
	if err != nil {
		return err
	}
	return c.JSON(fiber.StatusOK, answer)
}

func (p *provider) exchange(c *web.Ctx, r Realm) (map[string]any, error) {
	form, err := url.ParseQuery(string(c.Body()))
	if err != nil {
		return nil, oauth.Fail("invalid_request", "the form cannot be read")
	}
	iss := Issuer(p.origin, r.Name)
	client, err := oauth.Authenticate(c.Context(), r.Clients, c.Header(fiber.HeaderAuthorization), form,
		[]string{iss, iss + "/token"}, p.now(), p.once)
	if err != nil {
		return nil, err
	}
	if form.Get("grant_type") != "authorization_code" {
		return nil, oauth.Fail("unsupported_grant_type", "only authorization_code is supported")
	}
	g, err := oauth.Exchange(c.Context(), p.take(r), client, form, p.now())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.People, func(person Person) bool { return person.Key == g.Subject })
	token := secret()
	p.mu.Lock()
	p.tokens[token] = access{realm: r.Name, person: r.People[i], expires: p.now().Add(tokenTTL)}
	p.mu.Unlock()
	idToken, err := p.idToken(r, client, g)
	return map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(tokenTTL.Seconds()),
		"id_token": idToken, "scope": strings.Join(g.Scopes, " "),
	}, err
}

func (p *provider) idToken(r Realm, client oauth.Client, g oauth.Grant) (string, error) {
	key := p.rsa
	if client.IDTokenAlg == "ES256" {
		key = p.ec
	}
	now := p.now()
	claims := map[string]any{
		"iss": Issuer(p.origin, r.Name), "sub": Subject(r.Name, g.Subject), "aud": client.ID,
		"iat": now.Unix(), "exp": now.Add(tokenTTL).Unix(), "auth_time": g.AuthTime.Unix(), "acr": g.ACR,
	}
	if g.Nonce != "" {
		claims["nonce"] = g.Nonce
	}
	return jose.SignJSON(jose.Header{Kid: key.ID, Typ: "JWT"}, claims, key)
}

// userinfo tells about the person of an access token.
func (p *provider) userinfo(c *web.Ctx, r Realm) error {
	token, ok := strings.CutPrefix(c.Header(fiber.HeaderAuthorization), "Bearer ")
	p.mu.Lock()
	a, known := p.tokens[token]
	p.mu.Unlock()
	if !ok || !known || a.realm != r.Name || !p.now().Before(a.expires) {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer error="invalid_token"`)
		return c.JSON(fiber.StatusUnauthorized, oauth.Fail("invalid_token", "the token is unknown or over"))
	}
	claims := map[string]any{"sub": Subject(r.Name, a.person.Key)}
	for name, value := range map[string]string{
		"name": a.person.Name, "name#Latn": a.person.NameLatin, "birthdate": a.person.BirthDate,
		"gender": a.person.Gender, "individual_id": a.person.NationalID,
	} {
		if value != "" {
			claims[name] = value
		}
	}
	return c.JSON(fiber.StatusOK, claims)
}
