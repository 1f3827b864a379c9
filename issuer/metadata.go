package issuer

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/jose"
	"daftar/registry/credentials"
	"daftar/registry/settings"
	"daftar/web"
)

type object = map[string]any

// colour is the country's, as cards are shown.
func colour(c *web.Ctx) string { return settings.ColourOf(c.Settings().Branding.Colour).Hex }

// issuerMetadata is the credential issuer's metadata (OpenID4VCI 1.0 section
// 12.2), made from the credential types in every language of the portal.
func (is *Issuer) issuerMetadata(c *web.Ctx) error {
	types, err := is.types(c)
	if err != nil {
		return err
	}
	configurations := object{}
	for _, t := range types {
		configurations[t.ID] = is.configuration(t, colour(c))
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return c.JSON(fiber.StatusOK, object{
		"credential_issuer":                   is.Origin,
		"credential_endpoint":                 is.Origin + "/credential",
		"nonce_endpoint":                      is.Origin + "/nonce",
		"notification_endpoint":               is.Origin + "/notification",
		"batch_credential_issuance":           object{"batch_size": BatchSize},
		"display":                             is.display(func(p *i18n.Printer) object { return object{"name": p.Owner()} }),
		"credential_configurations_supported": configurations,
	})
}

// types are the credential types as they are issued now.
func (is *Issuer) types(c *web.Ctx) (list []credentials.Type, err error) {
	err = is.DB.View(c.Context(), who, func(tx db.Tx) error { list, err = credentials.LoadAll(tx); return err })
	return list, err
}

// claimName is what a claim is called in a language: the definition's label, or
// a message.
func claimName(p *i18n.Printer, c credentials.Claim) string {
	if c.Label != nil {
		return c.Label.In(p)
	}
	return p.T("credential.claim." + c.Path[0])
}

func (is *Issuer) configuration(t credentials.Type, colour string) object {
	var claims []object
	for _, claim := range t.Claims {
		claims = append(claims, object{
			"path": claim.Path, "mandatory": claim.Mandatory,
			"display": is.display(func(p *i18n.Printer) object { return object{"name": claimName(p, claim)} }),
		})
	}
	return object{
		"format": "dc+sd-jwt",
		"scope":  t.ID,
		"vct":    is.vct(t),
		"cryptographic_binding_methods_supported": []string{"jwk"},
		"credential_signing_alg_values_supported": []string{"ES256"},
		"proof_types_supported":                   object{"jwt": object{"proof_signing_alg_values_supported": []string{"ES256"}}},
		"credential_metadata": object{
			"display": is.display(func(p *i18n.Printer) object {
				return object{
					"name": p.T("credential." + t.ID + ".name"), "description": p.T("credential." + t.ID + ".description"),
					"background_color": colour, "text_color": settings.Words,
				}
			}),
			"claims": claims,
		},
	}
}

// display makes one entry per language.
func (is *Issuer) display(entry func(*i18n.Printer) object) []object {
	var list []object
	for _, l := range is.Messages.Locales() {
		e := entry(is.Messages.Printer(l.Tag))
		e["locale"] = l.Tag
		list = append(list, e)
	}
	return list
}

// serverMetadata is the authorization server's metadata (RFC 8414).
func (is *Issuer) serverMetadata(c *web.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return c.JSON(fiber.StatusOK, object{
		"issuer":                                          is.Origin,
		"token_endpoint":                                  is.Origin + "/token",
		"grant_types_supported":                           []string{preAuthorized},
		"response_types_supported":                        []string{},
		"token_endpoint_auth_methods_supported":           []string{"none"},
		"dpop_signing_alg_values_supported":               []string{"ES256"},
		"pre-authorized_grant_anonymous_access_supported": true,
		"authorization_details_types_supported":           []string{"openid_credential"},
	})
}

// keyMetadata is the issuer's keys for those who do not use x5c
// (draft-ietf-oauth-sd-jwt-vc section 5).
func (is *Issuer) keyMetadata(c *web.Ctx) error {
	signer, err := is.Credential()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return c.JSON(fiber.StatusOK, object{"issuer": is.Origin, "jwks": jose.Set(signer.Key)})
}

// vct is the type's identifier, which is also the address of its metadata. A
// version is never changed.
func (is *Issuer) vct(t credentials.Type) string {
	return is.Origin + "/vct/" + t.ID + "/" + strconv.Itoa(t.Version)
}

// typeMetadata describes a credential type (draft-ietf-oauth-sd-jwt-vc section
// 6).
func (is *Issuer) typeMetadata(c *web.Ctx) error {
	version, err := strconv.ParseInt(c.Param("version"), 10, 32) // the column's size
	n := int(version)
	if err != nil || c.Param("version") != strconv.Itoa(n) {
		return fault.Hidden()
	}
	var t credentials.Type
	if err := is.DB.View(c.Context(), who, func(tx db.Tx) error { t, err = credentials.LoadVersion(tx, c.Param("type"), n); return err }); err != nil {
		return err
	}
	var claims []object
	for _, claim := range t.Claims {
		disclosable := "always"
		if claim.Shown {
			disclosable = "never"
		}
		claims = append(claims, object{
			"path": claim.Path, "mandatory": claim.Mandatory, "sd": disclosable,
			"display": is.display(func(p *i18n.Printer) object { return object{"label": claimName(p, claim)} }),
		})
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=86400")
	source := is.Messages.Printer(i18n.Source)
	return c.JSON(fiber.StatusOK, object{
		"vct":         is.vct(t),
		"name":        source.T("credential." + t.ID + ".name"),
		"description": source.T("credential." + t.ID + ".description"),
		"display": is.display(func(p *i18n.Printer) object {
			return object{
				"name": p.T("credential." + t.ID + ".name"), "description": p.T("credential." + t.ID + ".description"),
				"rendering": object{"simple": object{"background_color": colour(c), "text_color": settings.Words}},
			}
		}),
		"claims": claims,
	})
}
