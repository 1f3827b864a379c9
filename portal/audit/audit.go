// Package audit is what anybody may know of the audit log: its signed heads, its
// hashes, and the proof that an entry is in it. None of it says anything about a
// person.
package audit

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/mod/sumdb/tlog"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit/seal"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

const plainText = fiber.MIMETextPlainCharsetUTF8

// Show explains the log, with its latest checkpoint.
func Show(c *web.Ctx) error {
	var head *oversight.Head
	if err := c.View(func(tx db.Tx) (err error) {
		head, err = oversight.Latest(tx)
		return err
	}); err != nil {
		return err
	}
	return c.Render(auditPage(head))
}

// Checkpoint is the latest checkpoint (C2SP tlog-tiles, "checkpoint").
func Checkpoint(c *web.Ctx) error {
	var head *oversight.Head
	if err := c.View(func(tx db.Tx) (err error) {
		head, err = oversight.Latest(tx)
		return err
	}); err != nil {
		return err
	}
	if head == nil {
		return fault.Hidden()
	}
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return c.Send(fiber.StatusOK, plainText, []byte(head.Note))
}

// pageOf is how many checkpoints are in one answer.
const pageOf = 1000

// Checkpoints are those beyond a size, for a second party to add to its file.
func Checkpoints(c *web.Ctx) error {
	after, err := strconv.ParseInt(c.Query("after"), 10, 64)
	if c.Query("after") != "" && (err != nil || after < 0) {
		return fault.New(fault.Malformed, "error.malformed")
	}
	var notes []string
	if err := c.View(func(tx db.Tx) (err error) {
		notes, err = seal.Checkpoints(tx, after, pageOf)
		return err
	}); err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-cache")
	body := ""
	if len(notes) > 0 {
		body = strings.Join(notes, "\n") + "\n"
	}
	return c.Send(fiber.StatusOK, plainText, []byte(body))
}

// Tile is a tile of hashes (C2SP tlog-tiles, "tile/<L>/<N>[.p/<W>]").
func Tile(c *web.Ctx) error {
	tile, err := tlog.ParseTilePath("tile/8/" + c.Param("level") + "/" + c.Param("*"))
	if err != nil || tile.L < 0 {
		return fault.Hidden()
	}
	var b []byte
	if err := c.View(func(tx db.Tx) (err error) {
		b, err = seal.Tile(tx, tile.L, tile.N, tile.W)
		return err
	}); err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.Send(fiber.StatusOK, fiber.MIMEOctetStream, b)
}

// proof finds the proof of the receipt that the address names. pending says that
// it is too new to be sealed.
func proof(c *web.Ctx) (p seal.Proof, pending bool, err error) {
	leaf, err := hex.DecodeString(strings.ToLower(c.Param("leaf")))
	if err != nil {
		return p, false, fault.Hidden()
	}
	var size int64
	if s := c.Query("size"); s != "" {
		if size, err = strconv.ParseInt(s, 10, 64); err != nil || size < 1 {
			return p, false, fault.New(fault.Malformed, "error.malformed")
		}
	}
	err = c.View(func(tx db.Tx) (err error) {
		p, err = seal.Prove(tx, leaf, size)
		return err
	})
	if errors.Is(err, seal.ErrPending) {
		return p, true, nil
	}
	return p, false, err
}

// Proof shows that the entry of a receipt is in the log.
func Proof(c *web.Ctx) error {
	p, pending, err := proof(c)
	if err != nil {
		return err
	}
	if pending {
		return c.Render(pendingPage())
	}
	printer := c.Printer()
	return c.Render(proofPage(p, []ui.Row{
		{Key: printer.T("proof.index"), Value: printer.Number(int(p.Index)), LTR: true}, {Key: printer.T("proof.size"), Value: printer.Number(int(p.Size)), LTR: true},
	}))
}

// ProofFile is the proof for "daftar audit verify --receipt", and other programs.
func ProofFile(c *web.Ctx) error {
	p, pending, err := proof(c)
	if err != nil {
		return err
	}
	if pending {
		return fault.New(fault.Unavailable, "proof.pending")
	}
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="proof.json"`)
	return c.JSON(fiber.StatusOK, p)
}
