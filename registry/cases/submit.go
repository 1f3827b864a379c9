package cases

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/registry/jobs"
)

// proposal is what a case asks for, checked as a whole.
type proposal struct {
	out     effect.Out
	blocked string // a message key: why the office has to look before anything can be proposed
	seals   bool
}

// maker makes the proposal of a case of some kind.
type maker func(tx db.Tx, c *Case, kind kinds.Kind) (proposal, error)

// Submit hands a registration to the office: the answers become a proposed
// change, and the clock starts. fault.Invalid lists what is missing.
func Submit(tx db.Tx, actor Actor, ref string, form Form) (Case, error) {
	return submit(tx, actor, ref, registration(form))
}

// File is Submit for every other kind.
func File(tx db.Tx, actor Actor, ref string) (Case, error) {
	return submit(tx, actor, ref, propose)
}

func submit(tx db.Tx, actor Actor, ref string, make maker) (Case, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if c.State != StateDraft {
		return c, nil // sent twice on a slow line: the first one counts
	}
	return c, send(tx, &c, make)
}

// send checks a locked draft as a whole and starts the clock.
func send(tx db.Tx, c *Case, make maker) error {
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil {
		return err
	}
	p, err := make(tx, c, kind)
	if err != nil {
		return err
	}
	calendar, err := clock(tx, *c)
	if err != nil {
		return err
	}
	today := calendar.Today(tx.Now())
	days := kind.Days
	if days == 0 {
		settings, err := registry.LoadSettings(tx)
		if err != nil {
			return err
		}
		days = settings.Clocks.AnswerDays
	}
	c.SubmittedAt.Time, c.SubmittedAt.Valid = tx.Now(), true
	c.DueOn.Time, c.DueOn.Valid = calendar.AddWorkingDays(today, days), true
	if kind.Hours > 0 {
		c.DueAt.Time, c.DueAt.Valid = tx.Now().Add(time.Duration(kind.Hours)*time.Hour), true
		c.DueOn.Time = calendar.Today(c.DueAt.Time)
	}
	if len(p.out.Affected) > 0 && kind.Object > 0 {
		c.ObjectUntil.Time, c.ObjectUntil.Valid = calendar.AddWorkingDays(today, kind.Object), true
	}
	if err := lodge(tx, c, p); err != nil {
		return err
	}
	if err := held(tx, *c); err != nil {
		return err
	}
	if err := parties(tx, *c, p.out); err != nil {
		return err
	}
	if slices.Contains(told, kind.Code) {
		if err := tx.Enqueue(jobs.KindSettleCase, c.ID, 1); err != nil {
			return err
		}
	}
	if err := hush(tx, *c, p.out); err != nil {
		return err
	}
	if err := suspend(tx, *c); err != nil {
		return err
	}
	if err := move(tx, c, step{action: Submitted}); err != nil {
		return err
	}
	if p.seals || kind.Access == "sealed" {
		return sealed(tx, *c)
	}
	return nil
}

// Answer sends a registration back to the office after a question, with the
// answers as they are now. The days of waiting are added to the due date.
func Answer(tx db.Tx, actor Actor, ref string, form Form, note, lang string) (Case, error) {
	return answer(tx, actor, ref, registration(form), note, lang)
}

// Reply is Answer for every other kind.
func Reply(tx db.Tx, actor Actor, ref, note, lang string) (Case, error) {
	return answer(tx, actor, ref, propose, note, lang)
}

func answer(tx db.Tx, actor Actor, ref string, make maker, note, lang string) (Case, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if c.State != StateWaiting {
		return c, fault.New(fault.Conflict, "error.out_of_order")
	}
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil {
		return c, err
	}
	if err := unlodge(tx, &c); err != nil {
		return c, err
	}
	p, err := make(tx, &c, kind)
	if err != nil {
		return c, err
	}
	if err := goOn(tx, &c); err != nil {
		return c, err
	}
	if err := lodge(tx, &c, p); err != nil {
		return c, err
	}
	if err := held(tx, c); err != nil {
		return c, err
	}
	if err := parties(tx, c, p.out); err != nil {
		return c, err
	}
	return c, move(tx, &c, step{action: Answered, note: note, lang: lang})
}

// unlodge takes back what a case proposes, if it does.
func unlodge(tx db.Tx, c *Case) error {
	if c.Change == nil {
		return nil
	}
	err := registry.Supersede(tx, *c.Change)
	c.Change = nil
	return err
}

// lodge stores a case with what it proposes: the change, whose records it is
// about, the office that it belongs to, its clock. All of it is one update: each
// writes a case into every index anew.
func lodge(tx db.Tx, c *Case, p proposal) error {
	earlier := p.seals && !c.Secret // what was written until now is not sealed yet
	c.Secret = c.Secret || p.seals
	draft, err := c.encode(tx)
	if err != nil {
		return err
	}
	if len(p.out.Items) > 0 {
		change, err := registry.Propose(tx, registry.OriginCase, p.out.Items)
		if err != nil {
			return err
		}
		c.Change = &change
	}
	c.Blocked = p.blocked
	if p.out.Risky || len(p.out.Needed) > 0 {
		c.Hands = 3
	}
	c.Version++
	if err := tx.Exec(`
		update case_file set draft = $2, version = $3, change_id = $4, blocked = nullif($5, ''), area_id = $6, household_id = $7, applicant = $8,
		  submitted_at = $9, due_on = $10, due_at = $11, objections_until = $12, hands = $13,
		  access_wanted = case when $14 then 'sealed' else access_wanted end
		where id = $1`,
		c.ID, draft, c.Version, c.Change, c.Blocked, c.Area, c.Household, c.Applicant,
		c.SubmittedAt, c.DueOn, c.DueAt, c.ObjectUntil, c.Hands, p.seals); err != nil {
		return err
	}
	if earlier {
		if err := tx.Enqueue(jobs.KindSealCase, c.ID, c.Version); err != nil {
			return err
		}
	}
	return subjects(tx, *c, p.out)
}

// held refuses what an account may not ask for yet that came to its person a short
// while ago, and says from when it may; the database refuses it too.
func held(tx db.Tx, c Case) error {
	if c.Account == nil || tx.Who().Kind != "citizen" {
		return nil
	}
	var until sql.NullTime
	if err := tx.Get(&until, `select link_holds($1, $2)`, c.ID, tx.Now()); err != nil || !until.Valid {
		return err
	}
	return fault.New(fault.Conflict, "filing.link_held", "Until", i18n.Moment(until.Time))
}

// subjects notes the records that a case is about.
func subjects(tx db.Tx, c Case, out effect.Out) error {
	var people, homes []string
	note := func(list *[]string, id db.ID) {
		if s := id.String(); !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, it := range out.Items {
		if it.Kind == registry.KindHousehold {
			note(&homes, it.Subject)
		} else {
			note(&people, it.Subject)
		}
	}
	if c.Household != nil {
		note(&homes, *c.Household)
	}
	if c.Person != nil {
		note(&people, *c.Person)
	}
	if len(people)+len(homes) == 0 {
		return nil
	}
	return tx.Exec(`
		insert into case_subject (case_id, kind, subject_id)
		select $1::uuid, 'person', unnest($2::uuid[]) union all select $1::uuid, 'household', unnest($3::uuid[]) on conflict do nothing`, c.ID, people, homes)
}

// propose is the maker of every kind but registration.
func propose(tx db.Tx, c *Case, kind kinds.Kind) (proposal, error) {
	f, err := filing(tx, *c)
	if err != nil {
		return proposal{}, err
	}
	if err := f.Form.Complete(f.Draft.Answers, f.Draft.Done); err != nil {
		return proposal{}, err
	}
	p := proposal{}
	switch {
	case kind.Family == "appeal" && c.Appeals != nil:
		if p, err = appealed(tx, c); err != nil {
			return p, err
		}
	case kind.Effect != "":
		said, err := registry.AddSource(tx, sourceOf(*c), &c.ID, "")
		if err != nil {
			return p, err
		}
		if p, err = f.attempt(tx, said); err != nil {
			return p, err
		}
		p.seals = p.out.Unsafe
	}
	c.Draft = f.Draft
	if c.State != StateDraft {
		return p, nil // it stays with the household and the office that it was filed with, wherever the person is now (RULES R5, R17)
	}
	if home := f.home(); home != (db.ID{}) {
		c.Household = &home
	}
	c.Area, err = f.office(tx)
	return p, err
}

// sourceOf is how what a case says reached the registry.
func sourceOf(c Case) registry.SourceKind {
	if c.Channel == ChannelCounter {
		return registry.SourceCounter
	}
	return registry.SourceSelf
}

// attempt is Propose, where what the office has to look at first is no error.
func (f *Filing) attempt(tx db.Tx, said db.ID) (proposal, error) {
	out, err := f.Propose(tx, said)
	var e *fault.Error
	if errors.As(err, &e) && e.Code == fault.Conflict {
		if e.Key == effect.Nothing && f.State == StateDraft {
			return proposal{}, fault.New(fault.Conflict, nothing(f.Form.Kind.Effect)) // the person can put that right
		}
		return proposal{blocked: e.Key}, nil
	}
	return proposal{out: out}, err
}

// nothing is what to say where nothing in the records would differ.
func nothing(effect string) string {
	switch effect {
	case "hide":
		return "filing.nothing.hide"
	case "set", "confirm":
		return "filing.nothing.set"
	}
	return "filing.nothing.other"
}

// office is the area whose office the case belongs to: the household's, else the
// place that was said, else the whole country.
func (f *Filing) office(tx db.Tx) (*db.ID, error) {
	if home, ok := f.Scene.Homes[f.home()]; ok {
		area := home.AreaID
		return &area, nil
	}
	if f.Appeals != nil { // of a case without a household: its office
		var areas []db.ID
		if err := tx.Select(&areas, `select c.area_id from decision d join case_file c on c.id = d.case_id where d.id = $1`, *f.Appeals); err != nil {
			return nil, err
		}
		if len(areas) == 1 {
			return &areas[0], nil
		}
	}
	code, _ := f.Draft.Answers["area"].(string)
	if code == "" {
		settings, err := registry.LoadSettings(tx)
		if err != nil {
			return nil, err
		}
		code = settings.Country.Code
	}
	area, err := registry.CurrentArea(tx, code)
	if fault.Is(err, fault.NotFound) {
		var check fault.Check
		check.Fail("page-area", "apply.error.area_ended")
		return nil, check.Err()
	}
	return &area.ID, err
}

// registration is the maker of registrations: it gives the new records their
// identities.
func registration(form Form) maker {
	return func(tx db.Tx, c *Case, _ kinds.Kind) (proposal, error) {
		d := &c.Draft
		if err := checkComplete(d, form); err != nil {
			return proposal{}, err
		}
		if err := d.CheckFamily(form.Today); err != nil {
			return proposal{}, err
		}
		area, err := registry.CurrentArea(tx, d.AreaCode) // it may have ended since it was chosen
		if fault.Is(err, fault.NotFound) {
			var check fault.Check
			check.Fail("task-"+string(SectionPlace), "apply.error.area_ended")
			return proposal{}, check.Err()
		}
		if err != nil {
			return proposal{}, err
		}
		c.Area, c.Applicant = &area.ID, d.Applicant().FullName
		if d.HouseholdID == (db.ID{}) {
			d.HouseholdID, d.HouseholdRef = tx.NewID(), registry.NewRef(registry.RefHousehold, tx.Rand())
		}
		for i := range d.Members {
			if m := &d.Members[i]; m.PersonID == (db.ID{}) {
				m.PersonID, m.PersonRef = tx.NewID(), registry.NewRef(registry.RefPerson, tx.Rand())
			}
		}
		items, err := changeItems(tx, *c, form, area.ID)
		return proposal{out: effect.Out{Items: items}}, err
	}
}

// checkComplete lists the pages that still need an answer.
func checkComplete(d *Draft, form Form) error {
	var check fault.Check
	for _, s := range Sections() {
		if done, all := form.Progress(d, s); done < all {
			check.Fail("task-"+string(s), "apply.error.unfinished", "Section", "@task."+string(s))
		}
	}
	if (len(d.Members) == 0 || d.AreaCode == "") && !check.Failed("task-"+string(SectionPeople)) {
		check.Fail("task-"+string(SectionPeople), "apply.error.unfinished", "Section", "@task.people")
	}
	return check.Err()
}

// changeItems writes the draft as new records.
func changeItems(tx db.Tx, c Case, form Form, area db.ID) ([]registry.Item, error) {
	d := c.Draft
	said, err := registry.AddSource(tx, sourceOf(c), &c.ID, "")
	if err != nil {
		return nil, err
	}
	var vouched db.ID
	if m := d.Applicant(); m.IDVerified {
		if vouched, err = registry.AddSource(tx, registry.SourceNationalID, &c.ID, ""); err != nil {
			return nil, err
		}
	}
	home := registry.HouseholdData{
		Ref: d.HouseholdRef, AreaID: area, Directions: d.Directions, Fields: AnswersTo(form.Asks(registry.KindHousehold, d.Fields), d.Fields),
		Provenance: registry.Provenance{"*": said},
	}
	if d.NoFixed != "" {
		home.Tags = []string{registry.TagNoFixedPlace}
	}
	items := []registry.Item{{Kind: registry.KindHousehold, Subject: d.HouseholdID, Data: home}}
	since := form.Today.Format(time.DateOnly)
	for _, m := range d.Members {
		birth := m.Birth.Date()
		person := registry.PersonData{
			Ref: m.PersonRef, FullName: m.FullName, FullNameLatin: m.FullNameLatin, Sex: m.Sex,
			Fields: AnswersTo(form.AsksOf(m), m.Fields), Provenance: registry.Provenance{"*": said},
		}
		if birth.Known() {
			person.BirthFrom, person.BirthTo = birth.From.Format(time.DateOnly), birth.To.Format(time.DateOnly)
		}
		person.Memberships = []registry.MembershipData{{
			ID: tx.NewID(), HouseholdID: d.HouseholdID, Relationship: m.Relationship, StartDate: since,
		}}
		if m.NationalID != "" {
			identifier := registry.IdentifierData{
				Type: registry.NationalID, Value: m.NationalID, Status: "unverified", Provenance: registry.Provenance{"*": said},
			}
			if m.IDVerified {
				identifier.Status, identifier.Provenance = "verified", registry.Provenance{"*": vouched}
			}
			person.Identifiers = []registry.IdentifierData{identifier}
		}
		items = append(items, registry.Item{Kind: registry.KindPerson, Subject: m.PersonID, Data: person})
	}
	return items, nil
}

// Withdraw ends a case, and what it proposed, at the applicant's wish.
func Withdraw(tx db.Tx, actor Actor, ref string) (Case, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if !(Life{State: c.State, Hands: c.Hands}).May(Withdrawn, actor.ID, ByApplicant) {
		return c, fault.New(fault.Conflict, "error.out_of_order")
	}
	sent := c.State != StateDraft
	if c.State != StateJoined {
		if err := unlodge(tx, &c); err != nil {
			return c, err
		}
	}
	if err := move(tx, &c, step{action: Withdrawn}); err != nil || !sent {
		return c, err
	}
	if err := resume(tx, c); err != nil {
		return c, err
	}
	return c, tx.Enqueue(jobs.KindSettleCase, c.ID, 2) // what had joined it stands alone again
}
