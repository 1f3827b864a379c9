package cases

import (
	"slices"

	"daftar/auth"
	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/dedup"
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
	Fields     registry.Fields
	Scans      map[string]quarantine.State // of the evidence, by blob
	Told       []notices.Told
	Events     []ui.Happening
	Alike      []dedup.Pair // people of the registry who may be members
	Elsewhere  int          // and some who are not this officer's business
	Registered []string     // members whose identifier is in the registry already
	Link       func(ref string) string
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
		// Of what somebody told, an officer sees what their roles may see.
		form.Fields = told(c, form.Fields)
		v.Fields = form.Fields
		if v.Answers, err = intake.Answers(c, tx, v.Case, form, nil); err != nil {
			return err
		}
		if v.Evidence, err = cases.EvidenceOf(tx, v.Case); err != nil {
			return err
		}
		v.Evidence = slices.DeleteFunc(v.Evidence, func(e cases.Evidence) bool { return !shown(e, form.Fields) })
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
		if logged {
			if err := v.alike(c, tx); err != nil {
				return err
			}
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

// told are the definitions whose values the officer may see.
func told(c *web.Ctx, all registry.Fields) registry.Fields {
	roles := c.Principal().Roles()
	return slices.DeleteFunc(slices.Clone(all), func(f registry.Field) bool { return !f.May("see", roles) })
}

// shown reports whether a photo backs an answer that is seen.
func shown(e cases.Evidence, fields registry.Fields) bool {
	return e.Kind == cases.EvidenceBirthCertificate || slices.ContainsFunc(fields, func(f registry.Field) bool { return f.Code == e.Kind })
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

// maxAlike is how many people who may be members a case shows.
const maxAlike = 20

// alike finds people of the registry who may be members of an open case, and logs
// whom it shows. The applicant is never told: whether somebody is in the registry
// is that person's own affair (RULES R14).
func (v *view) alike(c *web.Ctx, tx db.Tx) error {
	if !v.Case.State.Open() || v.Case.Change == nil {
		return nil
	}
	pairs, _, err := dedup.OfChange(tx, *v.Case.Change, maxAlike)
	if err != nil {
		return err
	}
	r := registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
	if v.Alike, v.Elsewhere, err = dedup.Visible(tx, r, pairs); err != nil {
		return err
	}
	v.Link = func(ref string) string {
		if !c.Principal().May(auth.PersonRead) {
			return ""
		}
		return "/people/" + ref
	}
	return dedup.Shown(tx, v.Alike, v.Case.ID)
}

// Evidence shows photos.
type Evidence struct{ Blobs *blob.Dir }

// Answer is a photo that is an answer of a case.
func (e Evidence) Answer(c *web.Ctx) error {
	var file registry.File
	err := c.WithTx(func(tx db.Tx) error {
		k, err := cases.Read(tx, intake.Actor(c, true), c.Param("ref"))
		if err != nil {
			return err
		}
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		values := []registry.Values{k.Draft.Fields}
		for _, m := range k.Draft.Members {
			values = append(values, m.Fields)
		}
		if file, _, err = registry.FileIn(tx, told(c, all), c.Param("photo"), values...); err != nil {
			return err
		}
		return quarantine.Check(tx, file.Blob)
	})
	if err != nil {
		return err
	}
	return c.SendPhoto(e.Blobs.Get, file.Blob, file.MediaType)
}

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
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		if !shown(photo, told(c, all)) {
			return fault.Hidden()
		}
		return quarantine.Check(tx, photo.Blob)
	})
	if err != nil {
		return err
	}
	return c.SendPhoto(e.Blobs.Get, photo.Blob, photo.MediaType)
}
