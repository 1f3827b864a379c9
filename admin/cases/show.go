package cases

import (
	"errors"
	"slices"

	"daftar/auth"
	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/dedup"
	"daftar/registry/letters"
	"daftar/registry/notices"
	"daftar/registry/quarantine"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

// view is a case as the office sees it: what would change, beside the evidence.
type view struct {
	Case       cases.Case
	Story      filing.Story
	Life       cases.Life
	Answers    []intake.Section
	Proposal   []show.Altered
	Moved      bool // a record moved on since
	Gains      []cases.Gain
	Unpaid     []string // households that nobody would receive the payments of
	Uncared    []cases.Uncared
	Doubts     []cases.Case // that may register the same child
	Other      filed        // one of them, to be looked at
	Parties    []cases.Party
	Objections []ui.Happening // in full, of those who decide
	Related    []cases.Link
	Links      []cases.Link
	Appealed   *appealed
	Visits     []cases.HomeVisit
	UndoneBy   string  // the case that takes this one's change back; "" for none
	Stuck      []stuck // what keeps it from being taken back
	Fields     registry.Fields
	Told       []notices.Told
	Letters    []letters.Letter
	Alike      []dedup.Pair // people of the registry who may be members
	Elsewhere  int          // and some who are not this officer's business
	Link       func(ref string) string
	Sheets     []sheet
	Events     []ui.Happening
	Advice     []ui.Happening // the last recommendation, and who agreed to it
	Registered []string       // members whose identifier is in the registry already
	Joined     []filed        // others who told of the same event
	Officer    string         // who has it
	Best       string         // the best level of proof that came with it; "" for none
	Can        actions
	Keys       bool           // single letters are commands
	Letter     []letters.Part // that a ruling would send
	Previewed  bool
	Colleagues []cases.Colleague
	Officials  []cases.Colleague
}

// sheet is one document of a case.
type sheet struct {
	Path, Name string
	Scan       quarantine.State
}

// filed is what somebody else told of the same event.
type filed struct {
	Ref, Applicant string
	Answers        []ui.Row
}

// actions are the next steps that are open to this officer. The database
// decides again when a step is taken.
type actions struct {
	Ask, Recommend, Decide, Answer, Return        bool
	Note, Assign, Say, Visit, Link, Trim          bool
	Undo, Seal, Official, Endorse, Reply, Counter bool
	Same                                          bool
}

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
		if v.Story, err = filing.StoryOf(c, tx, v.Case); err != nil {
			return err
		}
		events, err := cases.Events(tx, v.Case, true)
		if err != nil {
			return err
		}
		for _, e := range events {
			v.Events = append(v.Events, v.Story.Happening(c.Printer(), e, true))
		}
		v.Advice = v.advice(events)
		v.Life = cases.LifeOf(v.Case, events)
		if err := errors.Join(v.said(c, tx), v.proposed(c, tx), v.around(c, tx), v.duplicates(tx)); err != nil || !logged {
			return err
		}
		return v.alike(c, tx)
	})
	v.Can = v.may(c.Principal())
	return v, err
}

// advice are the steps that a decision follows, of events with the latest first.
func (v *view) advice(events []cases.Event) (list []ui.Happening) {
	for i, e := range events {
		switch e.Action {
		case cases.Endorsed:
			list = append(list, v.Events[i])
		case cases.Recommended:
			return append(list, v.Events[i])
		case cases.Returned, cases.Answered:
			return list
		}
	}
	return list
}

// told are the definitions whose values the officer may see.
func told(c *web.Ctx, all registry.Fields) registry.Fields {
	roles := c.Principal().Roles()
	return slices.DeleteFunc(slices.Clone(all), func(f registry.Field) bool { return !f.May("see", roles) })
}

// shown reports whether a photo may be seen: one that backs an answer of a
// registration, if the answer may.
func (v *view) shown(e cases.Evidence) bool {
	return v.Case.Kind != "registration" || e.Kind == cases.EvidenceBirthCertificate || e.Event != nil ||
		slices.ContainsFunc(v.Fields, func(f registry.Field) bool { return f.Code == e.Kind })
}

// evidenceTitle names what a photo backs.
func (v *view) evidenceTitle(c *web.Ctx, e cases.Evidence) string {
	for _, f := range v.Fields {
		if v.Case.Kind == "registration" && f.Code == e.Kind {
			return f.Label.In(c.Printer())
		}
	}
	return filing.ProofName(c, v.Story.Kind, e.Kind)
}

// said adds the answers and the documents.
func (v *view) said(c *web.Ctx, tx db.Tx) (err error) {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	v.Fields = told(c, all) // of what somebody told, an officer sees what their roles may see
	if v.Answers, err = filing.Sections(c, tx, v.Case, func(f registry.Field) bool { return f.May("see", c.Principal().Roles()) }, protects(c)); err != nil {
		return err
	}
	photos, err := cases.EvidenceOf(tx, v.Case)
	if err != nil {
		return err
	}
	blobs := make([]string, len(photos))
	for i, e := range photos {
		blobs[i] = e.Blob
	}
	scans, err := quarantine.States(tx, blobs)
	if err != nil {
		return err
	}
	if v.Told, err = notices.About(tx, v.Case.ID); err != nil {
		return err
	}
	if v.Letters, err = letters.About(tx, v.Case.ID); err != nil {
		return err
	}
	levels := registry.Assurances()
	for _, e := range photos {
		if !v.shown(e) {
			continue
		}
		s := sheet{Path: "/cases/" + v.Case.Ref + "/documents/" + e.ID.String(), Name: v.evidenceTitle(c, e), Scan: scans[e.Blob]}
		if e.Member != "" {
			s.Name = c.Printer().T("page.about_person", "What", s.Name, "Name", memberName(c.Printer(), v.Case, e.Member))
		}
		v.Sheets = append(v.Sheets, s)
		for _, p := range v.Story.Kind.Proof {
			if p.Code == e.Kind && (v.Best == "" || slices.Index(levels, p.Level) < slices.Index(levels, v.Best)) {
				v.Best = p.Level
			}
		}
	}
	joined, err := cases.JoinedTo(tx, v.Case)
	if err != nil {
		return err
	}
	for _, f := range joined {
		kept, err := cases.PlaceKept(tx, f.Case)
		if err != nil {
			return err
		}
		v.Joined = append(v.Joined, filed{f.Ref, f.Applicant, filing.Answers(c, f, nil, !kept || protects(c))})
	}
	return nil
}

// proposed adds what would change, and what that would do.
func (v *view) proposed(c *web.Ctx, tx db.Tx) error {
	list, err := cases.Proposed(tx, v.Case)
	if err != nil {
		return err
	}
	r := registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
	sees := map[db.ID]show.Reader{}
	for _, a := range list {
		who := show.Reader{Staff: true, Place: true, Contacts: true, Roles: c.Principal().Roles()}
		if a.Kind == registry.KindPerson {
			who.Place = protects(c) // of the households that keep theirs
		}
		if a.Old != nil && a.Kind == registry.KindHousehold {
			who.Place, err = r.SeesPlace(tx, a.Subject)
		} else if a.Old != nil {
			who.Contacts, err = r.SeesContacts(tx, a.Subject)
		}
		if err != nil {
			return err
		}
		if a.New.Value("protected") == true {
			who.Place = len(r.Protected) > 0
		}
		sees[a.Subject] = who
	}
	v.Proposal, err = show.Proposal(tx, c.Printer(), list, func(a cases.Alteration) (show.Reader, bool) { return sees[a.Subject], true })
	if err != nil {
		return err
	}
	if v.Case.State.Open() {
		if v.Unpaid, err = cases.Unpaid(tx, list); err != nil {
			return err
		}
		if v.Uncared, err = cases.Uncareds(tx, list); err != nil {
			return err
		}
	}
	if v.Moved, err = cases.Moved(tx, v.Case); err != nil || !v.Case.State.Open() || v.Moved {
		return err
	}
	v.Gains, err = cases.Gains(tx, v.Case)
	v.Gains = slices.DeleteFunc(v.Gains, func(g cases.Gain) bool { return g.Kept && !protects(c) })
	return err
}

// around adds the other people, cases and visits.
func (v *view) around(c *web.Ctx, tx db.Tx) (err error) {
	actor := intake.Actor(c, true)
	if v.Parties, err = cases.Parties(tx, v.Case); err != nil {
		return err
	}
	if v.Doubts, err = cases.Doubts(tx, v.Case); err != nil {
		return err
	}
	objections, err := cases.Objections(tx, v.Case)
	if err != nil {
		return err
	}
	for _, o := range objections {
		v.Objections = append(v.Objections, ui.Happening{Title: o.Name, When: c.Printer().Time(o.At), Words: ui.Words{By: c.Printer().T("words.objector"), Text: o.Note, Lang: o.Lang}})
	}
	if v.Related, err = cases.Related(tx, actor, v.Case); err != nil {
		return err
	}
	if v.Links, err = cases.Links(tx, actor, v.Case); err != nil {
		return err
	}
	if err := v.appealed(c, tx); err != nil {
		return err
	}
	if v.Visits, err = cases.VisitsOf(tx, v.Case); err != nil {
		return err
	}
	if v.UndoneBy, err = cases.UndoneBy(tx, v.Case); err != nil {
		return err
	}
	if v.Officer, err = cases.OfficerOf(tx, v.Case); err != nil {
		return err
	}
	v.Keys, err = cases.Letters(tx, c.Principal().ID)
	return err
}

// may says what this officer can do next.
func (v *view) may(p auth.Principal) actions {
	at := func(need auth.Permission) bool {
		return slices.ContainsFunc(p.Desks(need), func(d auth.Desk) bool { return d.Code == v.Case.Desk })
	}
	free := func(a cases.Action) bool { return v.Life.May(a, p.ID, cases.ByOfficer) }
	s := v.Case.State
	counter := v.Case.Channel == cases.ChannelCounter
	return actions{
		Ask:       at(auth.CaseAsk) && s == cases.StateSubmitted && free(cases.Asked),
		Recommend: at(auth.CaseRecommend) && s == cases.StateSubmitted && free(cases.Recommended),
		Decide:    at(auth.CaseDecide) && (free(cases.Approved) || free(cases.Endorsed) || free(cases.Refused)),
		Endorse:   free(cases.Endorsed),
		Same: len(v.Doubts) > 0 && (at(auth.CaseRecommend) && s == cases.StateSubmitted && free(cases.Recommended) ||
			at(auth.CaseDecide) && (free(cases.Approved) || free(cases.Endorsed))),
		Return:   at(auth.CaseDecide) && free(cases.Returned),
		Answer:   p.May(auth.CaseIntake) && s == cases.StateWaiting && counter,
		Counter:  p.May(auth.CaseIntake) && s.Open() && counter,
		Note:     at(auth.CaseRead),
		Assign:   at(auth.CaseRead) && s.Open() && s != cases.StateJoined,
		Say:      at(auth.CaseAsk),
		Visit:    at(auth.CaseAsk) && s.Open(),
		Link:     at(auth.CaseRead),
		Trim:     v.Story.Kind.Values && v.Case.Change != nil && (at(auth.CaseRecommend) && s == cases.StateSubmitted && free(cases.Recommended) || at(auth.CaseDecide) && free(cases.Returned)),
		Undo:     p.May(auth.CaseOpen) && s == cases.StateApproved && v.Case.Change != nil && v.Story.Kind.Effect != "register" && v.UndoneBy == "",
		Seal:     at(auth.CaseAsk) && v.Case.Access != "sealed" && s.Open(),
		Official: at(auth.CaseAsk) && v.Story.Kind.Access == "restricted" && s.Open(),
	}
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

// Document is one photo of a case, once it may be opened.
func (e Evidence) Document(c *web.Ctx) error {
	return filing.SendPhoto(c, e.Blobs, func(tx db.Tx) (cases.Case, error) {
		return cases.Read(tx, intake.Actor(c, true), c.Param("ref"))
	}, func(tx db.Tx, k cases.Case, photo cases.Evidence) error {
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		if v := (view{Case: k, Fields: told(c, all)}); !v.shown(photo) {
			return fault.Hidden()
		}
		return quarantine.Check(tx, photo.Blob)
	})
}
