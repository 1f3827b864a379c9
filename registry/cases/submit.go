package cases

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// Submit hands the application to the office: the answers become a proposed
// change, and the clock starts. fault.Invalid lists what is missing.
func Submit(tx db.Tx, actor Actor, ref string, form Form) (Case, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if c.State != StateDraft {
		return c, nil // sent twice on a slow line: the first one counts
	}
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return c, err
	}
	if err := propose(tx, &c, form); err != nil {
		return c, err
	}
	calendar, err := registry.CalendarOf(tx, *c.Area)
	if err != nil {
		return c, err
	}
	due := calendar.AddWorkingDays(calendar.Today(tx.Now()), settings.Clocks.AnswerDays)
	c.DueOn.Time, c.DueOn.Valid = due, true
	c.SubmittedAt.Time, c.SubmittedAt.Valid = tx.Now(), true
	if err := tx.Exec(`update case_file set submitted_at = $2, due_on = $3, area_id = $4, change_id = $5 where id = $1`,
		c.ID, tx.Now(), due, c.Area, c.Change); err != nil {
		return c, err
	}
	return c, move(tx, &c, step{action: Submitted})
}

// Answer sends a case back to the office after a question, with the answers as
// they are now. The days of waiting are added to the due date.
func Answer(tx db.Tx, actor Actor, ref string, form Form, note, lang string) (Case, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if c.State != StateWaiting {
		return c, fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := registry.Supersede(tx, *c.Change); err != nil {
		return c, err
	}
	if err := propose(tx, &c, form); err != nil {
		return c, err
	}
	calendar, err := registry.CalendarOf(tx, *c.Area)
	if err != nil {
		return c, err
	}
	waited := calendar.WorkingDays(calendar.Today(c.WaitingSince.Time), calendar.Today(tx.Now()))
	c.DueOn.Time = calendar.AddWorkingDays(c.DueOn.Time, waited)
	if err := tx.Exec(`update case_file set waiting_since = null, due_on = $2, area_id = $3, change_id = $4 where id = $1`,
		c.ID, c.DueOn.Time, c.Area, c.Change); err != nil {
		return c, err
	}
	return c, move(tx, &c, step{action: Answered, note: note, lang: lang})
}

// propose checks the draft as a whole, gives the new records their identities
// and stores the change.
func propose(tx db.Tx, c *Case, form Form) error {
	d := &c.Draft
	if err := checkComplete(d, form); err != nil {
		return err
	}
	if err := d.CheckFamily(form.Today); err != nil {
		return err
	}
	area, err := registry.CurrentArea(tx, d.AreaCode) // it may have ended since it was chosen
	if fault.Is(err, fault.NotFound) {
		var check fault.Check
		check.Fail("task-"+string(SectionPlace), "apply.error.area_ended")
		return check.Err()
	}
	if err != nil {
		return err
	}
	c.Area = &area.ID
	if d.HouseholdID == (db.ID{}) {
		d.HouseholdID, d.HouseholdRef = tx.NewID(), registry.NewRef(registry.RefHousehold, tx.Rand())
	}
	for i := range d.Members {
		if m := &d.Members[i]; m.PersonID == (db.ID{}) {
			m.PersonID, m.PersonRef = tx.NewID(), registry.NewRef(registry.RefPerson, tx.Rand())
		}
	}
	if err := store(tx, c); err != nil {
		return err
	}
	items, err := changeItems(tx, *c, form, area.ID)
	if err != nil {
		return err
	}
	change, err := registry.Propose(tx, registry.OriginCase, items)
	c.Change = &change
	return err
}

// checkComplete lists the pages that still need an answer.
func checkComplete(d *Draft, form Form) error {
	var check fault.Check
	for _, s := range Sections() {
		if done, all := form.Progress(d, s); done < all {
			check.Fail("task-"+string(s), "apply.error.unfinished", "Section", "@task."+string(s))
		}
	}
	if len(d.Members) == 0 || d.AreaCode == "" {
		check.Fail("task-"+string(SectionPeople), "apply.error.unfinished", "Section", "@task.people")
	}
	return check.Err()
}

// changeItems writes the draft as new records.
func changeItems(tx db.Tx, c Case, form Form, area db.ID) ([]registry.Item, error) {
	d := c.Draft
	kind := registry.SourceSelf
	if c.Channel == ChannelCounter {
		kind = registry.SourceCounter
	}
	said, err := registry.AddSource(tx, kind, &c.ID, "")
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
		Ref: d.HouseholdRef, AreaID: area, Directions: d.Directions, Fields: form.Answers(registry.KindHousehold, d.Fields),
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
			Fields: form.Answers(registry.KindPerson, m.Fields), Provenance: registry.Provenance{"*": said},
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
	if _, err := Next(c.State, Withdrawn); err != nil {
		return c, err
	}
	if c.Change != nil {
		if err := registry.Supersede(tx, *c.Change); err != nil {
			return c, err
		}
	}
	return c, move(tx, &c, step{action: Withdrawn})
}
