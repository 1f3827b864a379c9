package issuer

import (
	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/credentials"
	"daftar/web"
)

// preAuthorized is the grant type of OpenID4VCI 1.0 section 6.1.
const preAuthorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code"

// offer is a credential offer by reference (OpenID4VCI 1.0 section 4.1.3).
// Fetching it changes nothing: link previews fetch offers too. One that is over
// is not there.
func (is *Issuer) offer(c *web.Ctx) error {
	var o credentials.Offer
	err := is.DB.View(c.Context(), who, func(tx db.Tx) (err error) {
		o, err = credentials.OfferByRef(tx, c.Param("ref"))
		return err
	})
	if err != nil {
		return err
	}
	if !o.Usable(is.DB.Now()) {
		return fault.Hidden()
	}
	return c.JSON(fiber.StatusOK, object{
		"credential_issuer":            is.Origin,
		"credential_configuration_ids": []string{o.Type},
		"grants": object{preAuthorized: object{
			"pre-authorized_code": is.Codes.PreAuthorized(o.Ref),
			"tx_code": object{
				"input_mode": "numeric", "length": credentials.TxCodeLength,
				"description": c.Printer().T("offer.tx_description"),
			},
		}},
	})
}
