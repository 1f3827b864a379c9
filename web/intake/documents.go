package intake

import (
	"crypto/sha256"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/quarantine"
	"daftar/web"
	"daftar/web/ui"
)

// document asks for a photo of a child's birth certificate. Not having one
// never stops anybody (RULES R1).
func (s Site) document(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	there, err := v.hasPhoto()
	if err != nil {
		return err
	}
	return c.Render(documentPage(v, &ui.Form{}, there))
}

// hasPhoto says what is known about the member's photo; "" when there is none.
func (v *visit) hasPhoto() (state quarantine.State, err error) {
	err = v.View(func(tx db.Tx) error {
		e, err := cases.OneEvidence(tx, v.c, v.member.Key)
		if err == nil {
			state, err = quarantine.StateOf(tx, e.Blob)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return state, err
}

// upload takes the photo, or "no document", or takes an earlier one away.
func (s Site) upload(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	there, err := v.hasPhoto()
	if err != nil {
		return err
	}
	form, err := c.Form("photo", "do")
	if fault.Is(err, fault.TooLarge) {
		var check fault.Check
		check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
		state := &ui.Form{Err: check.Fault()}
		return c.RenderStatus(web.Status(fault.Invalid), documentPage(v, state, there))
	}
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(documentPage(v, state, there))
	}
	switch form.Get("do") {
	case "none", "keep":
		err = v.edit(page{key: documentKey}, func(*cases.Draft) error { return nil })
	case "remove":
		err = v.WithTx(func(tx db.Tx) error {
			if _, err := cases.Edit(tx, v.actor(), v.c.Ref, func(d *cases.Draft) error {
				delete(d.Done, documentKey(v))
				return nil
			}); err != nil {
				return err
			}
			return cases.Detach(tx, v.c, v.member.Key)
		})
		if err == nil {
			return c.Redirect(c.URL(v.at(documentKey(v))))
		}
	default:
		err = v.attach(form)
	}
	if invalid(err, state) {
		return c.RenderStatus(web.Status(fault.Invalid), documentPage(v, state, there))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(v.after(documentKey(v))))
}

func documentKey(v *visit) string { return "documents/" + v.member.Key }

func (v *visit) attach(form *web.Form) error {
	file, ok := form.File("photo")
	if !ok {
		var check fault.Check
		check.Fail("photo", "upload.error.missing")
		return check.Err()
	}
	photo, err := cases.NewPhoto("photo", file.Bytes)
	if err != nil {
		return err
	}
	key := db.NewID(v.Now(), v.DB().Rand()).String()
	if err := v.site.Blobs.Put(key, photo.JPEG); err != nil {
		return err
	}
	sum := sha256.Sum256(photo.JPEG)
	err = v.WithTx(func(tx db.Tx) error {
		if err := quarantine.Hold(tx, key); err != nil {
			return err
		}
		return cases.Attach(tx, v.actor(), v.c.Ref, cases.Evidence{
			Member: v.member.Key, Kind: cases.EvidenceBirthCertificate, MediaType: "image/jpeg",
			Size: len(photo.JPEG), Width: photo.Width, Height: photo.Height, SHA256: sum[:], Blob: key,
		})
	})
	if err == nil {
		v.c.Draft.Mark(documentKey(v))
	}
	return err
}

// photo shows the applicant's own upload, unless it was found to be harmful.
func (s Site) photo(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	var e cases.Evidence
	if err := c.View(func(tx db.Tx) (err error) {
		if e, err = cases.OneEvidence(tx, v.c, v.member.Key); err != nil {
			return err
		}
		state, err := quarantine.StateOf(tx, e.Blob)
		if err == nil && state == quarantine.Infected {
			err = fault.Hidden()
		}
		return err
	}); err != nil {
		return err
	}
	b, err := s.Blobs.Get(e.Blob)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(fiber.StatusOK, e.MediaType, b)
}
