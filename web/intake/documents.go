package intake

import (
	"context"
	"crypto/sha256"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/quarantine"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/ui"
)

// photo is a page that asks for a picture: a document, or an answer that is one.
// Not having it never stops anybody (RULES R1).
type photo struct {
	path  string                                     // below the application
	key   func(*visit) string                        // marked as answered
	fits  func(*visit) bool                          // whether it is asked of this application
	find  func(*visit, db.Tx) (registry.File, error) // fault.NotFound when there is none yet
	keep  func(*visit, db.Tx, cases.Photo) error
	drop  func(*visit, db.Tx) error
	words func(context.Context, *visit) photoWords
}

// photoWords are the texts of such a page.
type photoWords struct{ Caption, Title, Lead, Label, Alt string }

// photos lists the pages.
func (s Site) photos() []photo {
	return []photo{
		s.document("/documents/:member", documentKey, func(v *visit) string { return v.member.Key }, func(v *visit) bool { return true }, documentWords),
		s.document("/people/:member/q/:code/evidence", evidencePage, evidenceKey, askedToBack, evidenceWords),
		s.document("/q/:code/evidence", evidencePage, evidenceKey, askedToBack, evidenceWords),
		s.answer("/people/:member/q/:code/photo"),
		s.answer("/q/:code/photo"),
	}
}

func documentKey(v *visit) string { return "documents/" + v.member.Key }

func documentWords(ctx context.Context, v *visit) photoWords {
	return photoWords{Caption: v.memberName(v.member), Title: i18n.T(ctx, "document.title"), Lead: i18n.T(ctx, "document.optional"),
		Label: i18n.T(ctx, "document.label"), Alt: i18n.T(ctx, "document.alt", "Name", v.memberName(v.member))}
}

func evidencePage(v *visit) string { return v.fieldKey() + "/evidence" }

// evidenceKey names the photo that backs the answer of the path.
func evidenceKey(v *visit) string {
	e := cases.Evidence{Kind: v.field.Code}
	if v.member != nil {
		e.Member = v.member.Key
	}
	return e.Key()
}

func askedToBack(v *visit) bool { return cases.Backs(v.field, v.answers()[v.field.Code]) }

func evidenceWords(ctx context.Context, v *visit) photoWords {
	title := i18n.T(ctx, "evidence.title", "Field", v.field.Label.For(ctx))
	return photoWords{Caption: v.caption(), Title: title, Lead: i18n.T(ctx, "evidence.optional"), Label: i18n.T(ctx, "field.photo"), Alt: title}
}

// document is a page for a photo that is kept beside the answers.
func (s Site) document(path string, page, key func(*visit) string, fits func(*visit) bool, words func(context.Context, *visit) photoWords) photo {
	return photo{
		path: path, key: page, fits: fits, words: words,
		find: func(v *visit, tx db.Tx) (registry.File, error) {
			e, err := cases.OneEvidence(tx, v.c, key(v))
			return registry.File{MediaType: e.MediaType, Blob: e.Blob}, err
		},
		keep: func(v *visit, tx db.Tx, p cases.Photo) error {
			blob := tx.NewID().String()
			if err := s.Blobs.Put(blob, p.JPEG); err != nil {
				return err
			}
			if err := quarantine.Hold(tx, blob); err != nil {
				return err
			}
			sum := sha256.Sum256(p.JPEG)
			e := cases.Evidence{Kind: cases.EvidenceBirthCertificate, MediaType: "image/jpeg", Size: len(p.JPEG), Width: p.Width, Height: p.Height,
				SHA256: sum[:], Blob: blob}
			if v.member != nil {
				e.Member = v.member.Key
			}
			if v.field.Code != "" {
				e.Kind = v.field.Code
			}
			return cases.Attach(tx, v.actor(), v.c.Ref, e)
		},
		drop: func(v *visit, tx db.Tx) error { return cases.Detach(tx, v.c, key(v)) },
	}
}

// answer is a page for a photo that is the answer itself.
func (s Site) answer(path string) photo {
	set := func(v *visit, tx db.Tx, value any) error {
		_, err := cases.Edit(tx, v.actor(), v.c.Ref, v.set(value))
		return err
	}
	return photo{
		path: path, key: (*visit).fieldKey,
		fits: func(v *visit) bool { return v.field.Type == registry.TypeFile },
		find: func(v *visit, tx db.Tx) (registry.File, error) {
			ref, _ := v.answers()[v.field.Code].(string)
			file, _, err := registry.FileIn(tx, registry.Fields{v.field}, ref, v.answers())
			return file, err
		},
		keep: func(v *visit, tx db.Tx, p cases.Photo) error {
			ref, err := ask.Keep(tx, s.Blobs)(p)
			if err != nil {
				return err
			}
			return set(v, tx, ref)
		},
		drop: func(v *visit, tx db.Tx) error { return set(v, tx, nil) },
		words: func(ctx context.Context, v *visit) photoWords {
			help := v.field.Help.For(ctx)
			if help == "" {
				help = i18n.T(ctx, "question.skip")
			}
			return photoWords{Caption: v.caption(), Title: v.field.Ask().For(ctx), Lead: help, Label: i18n.T(ctx, "field.photo"), Alt: v.field.Label.For(ctx)}
		},
	}
}

// taken is a photo that is there, and what is known about it; nothing without one.
type taken struct {
	registry.File
	State quarantine.State
}

// open finds the application and the photo that it has.
func (p photo) open(s Site, c *web.Ctx) (*visit, taken, error) {
	v, err := s.open(c)
	if err != nil {
		return nil, taken{}, err
	}
	if !p.fits(v) {
		return nil, taken{}, fault.Hidden()
	}
	there, err := p.taken(v)
	return v, there, err
}

func (p photo) taken(v *visit) (there taken, err error) {
	err = v.View(func(tx db.Tx) (err error) {
		if there.File, err = p.find(v, tx); err == nil {
			there.State, err = quarantine.StateOf(tx, there.Blob)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return there, err
}

// action is the address of the page's form.
func (p photo) action(v *visit) string {
	if v.field.Type == registry.TypeFile {
		return v.at(p.key(v) + "/photo")
	}
	return v.at(p.key(v))
}

// picture is the address of the photo itself.
func (p photo) picture(v *visit) string {
	if v.field.Type == registry.TypeFile {
		return p.action(v)
	}
	return p.action(v) + "/photo"
}

// show answers a GET with the page.
func (p photo) show(s Site) web.Handler {
	return func(c *web.Ctx) error {
		v, there, err := p.open(s, c)
		if err != nil {
			return err
		}
		return c.Render(photoPage(p, v, &ui.Form{}, there))
	}
}

// save takes the photo, or "I have none", or takes an earlier one away.
func (p photo) save(s Site) web.Handler {
	return func(c *web.Ctx) error {
		v, there, err := p.open(s, c)
		if err != nil {
			return err
		}
		form, err := c.Form("photo", "do")
		if fault.Is(err, fault.TooLarge) {
			var check fault.Check
			check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
			state := &ui.Form{Err: check.Fault()}
			return c.RenderStatus(web.Status(fault.Invalid), photoPage(p, v, state, there))
		}
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		if form.Switching() {
			return c.Render(photoPage(p, v, state, there))
		}
		switch form.Get("do") {
		case "none", "keep":
			err = v.edit(page{key: p.key}, func(*cases.Draft) error { return nil })
		case "remove":
			if err := v.without(p); err != nil {
				return err
			}
			return c.Redirect(c.URL(v.at(p.key(v))))
		default:
			err = v.attach(p, form)
		}
		if invalid(err, state) {
			return c.RenderStatus(web.Status(fault.Invalid), photoPage(p, v, state, there))
		}
		if err != nil {
			return err
		}
		return c.Redirect(c.URL(v.after(p.key(v))))
	}
}

// without takes the photo away; the page waits for another answer.
func (v *visit) without(p photo) error {
	return v.WithTx(func(tx db.Tx) error {
		if _, err := cases.Edit(tx, v.actor(), v.c.Ref, func(d *cases.Draft) error {
			delete(d.Done, p.key(v))
			return nil
		}); err != nil {
			return err
		}
		return p.drop(v, tx)
	})
}

func (v *visit) attach(p photo, form *web.Form) error {
	file, ok := form.File("photo")
	if !ok {
		var check fault.Check
		check.Fail("photo", "upload.error.missing")
		return check.Err()
	}
	picture, err := cases.NewPhoto("photo", file.Bytes)
	if err != nil {
		return err
	}
	return v.WithTx(func(tx db.Tx) error {
		if err := p.keep(v, tx, picture); err != nil {
			return err
		}
		v.c, err = cases.Edit(tx, v.actor(), v.c.Ref, func(d *cases.Draft) error { d.Mark(p.key(v)); return nil })
		return err
	})
}

// send shows the applicant's own upload, unless it was found to be harmful.
func (p photo) send(s Site) web.Handler {
	return func(c *web.Ctx) error {
		_, there, err := p.open(s, c)
		if err != nil {
			return err
		}
		if there.Blob == "" || there.State == quarantine.Infected {
			return fault.Hidden()
		}
		return c.SendPhoto(s.Blobs.Get, there.Blob, there.MediaType)
	}
}
