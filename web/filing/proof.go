package filing

import (
	"crypto/sha256"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/registry/quarantine"
	"daftar/web"
	"daftar/web/ui"
)

const proofPage = "proof"

// sheet is one photo that was sent, with the document that it is a page of.
type sheet struct {
	ID       string
	Document string // in words
	Page     int    // of the document's pages, from 1
}

// sheets are the photos of a case, numbered within each document.
func (v *visit) sheets() (list []sheet, err error) {
	var photos []cases.Evidence
	err = v.View(func(tx db.Tx) (err error) { photos, err = cases.EvidenceOf(tx, v.f.Case); return err })
	pages := map[string]int{}
	for _, e := range photos {
		pages[e.Kind]++
		list = append(list, sheet{e.ID.String(), ProofName(v.Ctx, v.kind(), e.Kind), pages[e.Kind]})
	}
	return list, err
}

// ProofName is what a kind of document is called.
func ProofName(c *web.Ctx, kind kinds.Kind, code string) string {
	for _, p := range kind.Proof {
		if p.Code == code {
			return p.Label.In(c.Printer())
		}
	}
	return c.Printer().T("proof.message")
}

// proof asks for photos of documents. Having none never stops anybody (RULES
// R1).
func (s Site) proof(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		if len(v.kind().Proof) == 0 {
			return fault.Hidden()
		}
		return v.showProof(fiber.StatusOK, &ui.Form{Values: map[string][]string{"kind": {v.kind().Proof[0].Code}, "instead": {c.Query("instead")}}})
	})
}

func (v *visit) showProof(status int, f *ui.Form) error {
	list, err := v.sheets()
	if err != nil {
		return err
	}
	return v.RenderStatus(status, proofTemplate(v, f, list))
}

// upload takes a photo, or goes on.
func (s Site) upload(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		form, err := c.Form("photo", "kind", "do", "instead")
		if fault.Is(err, fault.TooLarge) {
			var check fault.Check
			check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
			return v.showProof(web.Status(fault.Invalid), &ui.Form{Err: check.Fault()})
		}
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		switch {
		case form.Switching():
			return v.showProof(fiber.StatusOK, state)
		case form.Get("do") == "on":
			if err := v.WithTx(func(tx db.Tx) error {
				_, err := cases.Edit(tx, v.actor(), v.f.Ref, func(d *cases.Draft) error { d.Mark(proofPage); return nil })
				return err
			}); err != nil {
				return err
			}
			return c.Redirect(c.URL(v.at("check")))
		}
		if err := v.attach(form); invalid(err, state) {
			return v.showProof(web.Status(fault.Invalid), state)
		} else if err != nil {
			return err
		}
		return c.Redirect(c.URL(v.at("proof")))
	})
}

func (v *visit) attach(form *web.Form) error {
	var check fault.Check
	kind := form.Get("kind")
	if !slices.ContainsFunc(v.kind().Proof, func(p kinds.Proof) bool { return p.Code == kind }) {
		check.Fail("kind", "field.error.choice")
	}
	var instead *db.ID
	if typed := form.Get("instead"); typed != "" {
		id, err := uuid.Parse(typed)
		if err != nil {
			return fault.Hidden()
		}
		instead = &id
	}
	photo, err := Photo(v.Ctx, v.site.Blobs, form, "photo", kind)
	if err := check.Merge(err); err != nil {
		return err
	}
	if err := check.Err(); err != nil {
		return err
	}
	return v.WithTx(func(tx db.Tx) error { return cases.AttachPage(tx, v.actor(), v.f.Ref, *photo, instead) })
}

// Photo stores the photo of an input; fault.Invalid when there is none or it is
// something else.
func Photo(c *web.Ctx, blobs *blob.Dir, form *web.Form, name, kind string) (*cases.Evidence, error) {
	file, ok := form.File(name)
	if !ok {
		var check fault.Check
		check.Fail(name, "upload.error.missing")
		return nil, check.Err()
	}
	photo, err := cases.NewPhoto(name, file.Bytes)
	if err != nil {
		return nil, err
	}
	key := db.NewID(c.Now(), c.DB().Rand()).String()
	if err := blobs.Put(key, photo.JPEG); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(photo.JPEG)
	return &cases.Evidence{Kind: kind, MediaType: "image/jpeg", Size: len(photo.JPEG), Width: photo.Width, Height: photo.Height,
		SHA256: sum[:], Blob: key}, nil
}

// photo shows one of the applicant's own photos.
func (s Site) photo(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	return SendPhoto(c, s.Blobs, func(tx db.Tx) (cases.Case, error) { return v.f.Case, nil }, Harmless)
}

// SendPhoto answers with the photo of the path's :id, of a case that read finds
// and that may be shown.
func SendPhoto(c *web.Ctx, blobs *blob.Dir, read func(db.Tx) (cases.Case, error), may func(db.Tx, cases.Case, cases.Evidence) error) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return fault.Hidden()
	}
	var e cases.Evidence
	if err := c.WithTx(func(tx db.Tx) error {
		k, err := read(tx)
		if err != nil {
			return err
		}
		if e, err = cases.PageOf(tx, k, id); err != nil {
			return err
		}
		return may(tx, k, e)
	}); err != nil {
		return err
	}
	return c.SendPhoto(blobs.Get, e.Blob, e.MediaType)
}

// Harmless lets people see their own photos, unless one was found to be harmful.
func Harmless(tx db.Tx, _ cases.Case, e cases.Evidence) error {
	state, err := quarantine.StateOf(tx, e.Blob)
	if err == nil && state == quarantine.Infected {
		err = fault.Hidden()
	}
	return err
}

// removePhoto takes a page out again.
func (s Site) removePhoto(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		if _, err := c.Form(); err != nil {
			return err
		}
		id, err := uuid.Parse(c.Param("id"))
		if err != nil {
			return fault.Hidden()
		}
		if err := c.WithTx(func(tx db.Tx) error { return cases.DetachPage(tx, v.actor(), v.f.Ref, id) }); err != nil {
			return err
		}
		return c.Redirect(c.URL(v.at("proof")))
	})
}
