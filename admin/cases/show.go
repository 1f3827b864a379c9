package cases

import (
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/blob"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/notices"
	"daftar/registry/quarantine"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// view is a case as the office sees it: what was told, beside the evidence.
type view struct {
	Case       cases.Case
	Answers    []intake.Section
	Evidence   []cases.Evidence
	Scans      map[string]quarantine.State // of the evidence, by blob
	Told       []notices.Told
	Events     []ui.Happening
	Registered []string // members whose identifier is in the registry already
	Can        actions
}

// actions are the next steps that are open to this officer. The database
// decides again when a step is taken.
type actions struct{ Ask, Recommend, Decide, Answer bool }

// Show is one case, side by side with its evidence. The reading is logged
// before the answer leaves.
func Show(c *web.Ctx) error {
	v, err := load(c, true)
	if err != nil {
		return err
	}
	return c.Render(casePage(v))
}

func load(c *web.Ctx, logged bool) (view, error) {
	var v view
	read := cases.Load
	if logged {
		read = cases.Read
	}
	err := c.WithTx(func(tx db.Tx) (err error) {
		if v.Case, err = read(tx, intake.Actor(c, true), c.Param("ref")); err != nil {
			return err
		}
		form, err := intake.LoadForm(tx, v.Case.Channel == cases.ChannelCounter)
		if err != nil {
			return err
		}
		if v.Answers, err = intake.Answers(c, tx, v.Case, form, nil); err != nil {
			return err
		}
		if v.Evidence, err = cases.EvidenceOf(tx, v.Case); err != nil {
			return err
		}
		blobs := make([]string, len(v.Evidence))
		for i, e := range v.Evidence {
			blobs[i] = e.Blob
		}
		if v.Scans, err = quarantine.States(tx, blobs); err != nil {
			return err
		}
		if v.Told, err = notices.About(tx, v.Case.ID); err != nil {
			return err
		}
		events, err := cases.Events(tx, v.Case, true)
		if err != nil {
			return err
		}
		for _, e := range events {
			v.Events = append(v.Events, intake.Happening(c.Printer(), v.Case, form, e, true))
		}
		return v.duplicates(tx)
	})
	p, s := c.Principal(), v.Case.State
	v.Can = actions{
		Ask:       p.May(auth.CaseAsk) && s == cases.StateSubmitted,
		Recommend: p.May(auth.CaseRecommend) && s == cases.StateSubmitted,
		Decide:    p.May(auth.CaseDecide) && s == cases.StateRecommended,
		Answer:    p.May(auth.CaseIntake) && s == cases.StateWaiting && v.Case.Channel == cases.ChannelCounter,
	}
	return v, err
}

// duplicates notes the members whose identifier somebody else has: a task for
// a person, never a refusal by itself.
func (v *view) duplicates(tx db.Tx) error {
	if !v.Case.State.Open() {
		return nil
	}
	for _, m := range v.Case.Draft.Members {
		if m.NationalID == "" {
			continue
		}
		there, err := registry.RegisteredWith(tx, registry.NationalID, m.NationalID)
		if err != nil {
			return err
		}
		if there {
			v.Registered = append(v.Registered, m.FullName)
		}
	}
	return nil
}

// Evidence shows photos.
type Evidence struct{ Blobs *blob.Dir }

// Photo is one photo of a case.
func (e Evidence) Photo(c *web.Ctx) error {
	var photo cases.Evidence
	err := c.WithTx(func(tx db.Tx) error {
		k, err := cases.Read(tx, intake.Actor(c, true), c.Param("ref"))
		if err != nil {
			return err
		}
		if photo, err = cases.OneEvidence(tx, k, c.Param("member")); err != nil {
			return err
		}
		return quarantine.Check(tx, photo.Blob)
	})
	if err != nil {
		return err
	}
	b, err := e.Blobs.Get(photo.Blob)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(fiber.StatusOK, photo.MediaType, b)
}
