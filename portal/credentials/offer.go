package credentials

import (
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/credentials"
	"daftar/web"
	"daftar/web/ui"
)

// OfferLink is the address that opens a wallet: the offer by reference
// (OpenID4VCI 1.0 section 4.1.3).
func OfferLink(issuer, ref string) string {
	return "openid-credential-offer://?" + url.Values{"credential_offer_uri": {issuer + "/offers/" + ref}}.Encode()
}

// Make makes an offer and leads to its page.
func (pg Pages) Make(c *web.Ctx) error {
	form, err := c.Form("type")
	if err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var offer credentials.Offer
	err = c.WithTx(func(tx db.Tx) (err error) {
		offer, err = credentials.Make(tx, *person, form.Get("type"), credentials.ChannelPortal, pg.Codes)
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/credentials/offers/" + offer.Ref))
}

func (pg Pages) own(c *web.Ctx) (o credentials.Offer, err error) {
	person := c.Principal().Person
	if person == nil {
		return o, fault.Hidden()
	}
	err = c.View(func(tx db.Tx) error {
		o, err = credentials.OwnOffer(tx, *person, c.Param("ref"))
		return err
	})
	return o, err
}

// Show is the offer as a link and a QR code. The transaction code is on a page
// of its own: never on the screen that carries the QR code.
func (pg Pages) Show(c *web.Ctx) error {
	o, err := pg.own(c)
	if err != nil {
		return err
	}
	link := OfferLink(pg.IssuerURL, o.Ref)
	edge, path, err := ui.QR(link)
	if err != nil {
		return err
	}
	return c.Render(offerPage(o, link, edge, path, o.Usable(c.Now())))
}

// Code shows the transaction code.
func (pg Pages) Code(c *web.Ctx) error {
	o, err := pg.own(c)
	if err != nil {
		return err
	}
	if !o.Usable(c.Now()) {
		return c.Redirect(c.URL("/credentials/offers/" + o.Ref))
	}
	return c.Render(codePage(o, pg.Codes.Tx(o.Ref)))
}

// State says where the offer stands, for the page that waits.
func (pg Pages) State(c *web.Ctx) error {
	o, err := pg.own(c)
	var f *fault.Error
	if errors.As(err, &f) {
		return c.JSON(web.Status(f.Code), map[string]string{"error": string(f.Code)})
	}
	if err != nil {
		return err
	}
	return c.JSON(fiber.StatusOK, map[string]string{"state": string(o.State)})
}

// Cancel voids an offer that somebody else may have seen.
func (pg Pages) Cancel(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	if err := c.WithTx(func(tx db.Tx) error { return credentials.Cancel(tx, *person, c.Param("ref")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/credentials"))
}
