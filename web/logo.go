package web

import (
	"encoding/base64"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// logoPath is where the logo is, before the hash of its bytes.
const logoPath = "/logo/"

// Logo is the route of the owner's logo. Its address changes with it.
func Logo() Route {
	return Route{Method: fiber.MethodGet, Path: logoPath + ":hash", Permission: auth.Public, Handler: logo, Bare: true}
}

func logo(c *Ctx) error {
	is := c.Settings().Logo
	if is.Hash == "" || c.Param("hash") != is.Hash {
		return fault.Hidden()
	}
	var data string
	if err := c.View(func(tx db.Tx) (err error) { data, err = registry.LogoData(tx); return err }); err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	c.Set("Content-Security-Policy", "default-src 'none'; sandbox") // an SVG runs and fetches nothing
	return c.Send(fiber.StatusOK, is.Type, b)
}
