package people

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/show"
	"daftar/web/ui"
)

const (
	maxName = 120 // characters
	maxNote = 1000
)

// proposal is a form that proposes the next state of one record.
type proposal struct {
	Kind, Ref, Title string
	Base             int
	Person           registry.PersonData
	Household        registry.HouseholdData
	Group            registry.GroupData
	ID               db.ID
	Hidden           bool // the place is not shown, and stays as it is
	SeesContacts     bool // those that are told to nobody, too
	Sheet            ask.Sheet
	AreaCode         string
	Form             *ui.Form
	blobs            *blob.Dir
}

// Reasons that are chosen on the form; the others come of themselves.
var reasons = []string{"mistake", "evidence", "moved", "married", "separated", "income", "health", "confirmed", "other"}

// loadProposal reads the record that is to change. That is a purpose of its own:
// a form that was filled in is not held up by a question.
func loadProposal(c *web.Ctx, kind string) (proposal, error) {
	v := proposal{Kind: kind, Form: &ui.Form{Values: map[string][]string{}}}
	err := c.WithTx(func(tx db.Tx) error {
		r := reader(c)
		id, err := registry.ReadRecord(tx, r, kind, c.Param("ref"), "correction")
		if err != nil {
			return err
		}
		v.ID = id
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		// What one may not see or change is not asked; amend.Propose refuses it too.
		all = slices.DeleteFunc(all, func(f registry.Field) bool { return !f.May("see", r.Roles) || !f.May("edit", r.Roles) })
		v.Sheet = ask.NewSheet(all, all.Of(kind))
		v.Sheet.Office = true
		if kind == registry.KindPerson {
			v.Person, v.Base, err = registry.CurrentPerson(tx, id)
			if err != nil {
				return err
			}
			v.Ref, v.Title = v.Person.Ref, show.FullName(c.Printer(), v.Person.FullName, v.Person.FullNameLatin)
			if v.SeesContacts, err = r.SeesContacts(tx, id); err != nil {
				return err
			}
			return v.Sheet.Name(tx, v.Person.Fields)
		}
		if kind == registry.KindGroup {
			v.Group, v.Base, err = registry.CurrentGroup(tx, id)
			v.Ref, v.Title = v.Group.Ref, v.Group.Name
			if err != nil || v.Group.AreaID == nil {
				return err
			}
			v.AreaCode, err = areaCode(tx, *v.Group.AreaID)
			return err
		}
		if v.Household, v.Base, err = registry.CurrentHousehold(tx, id); err != nil {
			return err
		}
		if err := v.Sheet.Name(tx, v.Household.Fields); err != nil {
			return err
		}
		v.Ref, v.Title = v.Household.Ref, c.Printer().T("record.household_title")
		sees, err := r.SeesPlace(tx, id)
		v.Hidden = !sees
		if err != nil || v.Hidden {
			return err
		}
		v.AreaCode, err = areaCode(tx, v.Household.AreaID)
		return err
	})
	return v, err
}

func areaCode(tx db.Tx, id db.ID) (string, error) {
	path, err := registry.AreaPath(tx, id)
	if err != nil {
		return "", err
	}
	return path[len(path)-1].Code, nil
}

// fill puts the record's values into the form.
func (v *proposal) fill() {
	set := func(name, value string) { v.Form.Values[name] = []string{value} }
	set("base", strconv.Itoa(v.Base))
	values := v.Household.Fields
	if v.Kind == registry.KindPerson {
		p := v.Person
		values = p.Fields
		set("full_name", p.FullName)
		set("full_name_latin", p.FullNameLatin)
		set("family_name", p.FamilyName)
		set("given_name", p.GivenName)
		set("other_names", p.OtherNames)
		set("sex", p.Sex)
		year, month, day := birthParts(p)
		set("year", year)
		set("month", month)
		set("day", day)
	} else if !v.Hidden {
		set("area", v.AreaCode)
		set("directions", v.Household.Directions)
	}
	v.Sheet.Fill(v.Form.Values, values)
}

// birthParts are the parts of a birth date that are known for sure; none for a range
// that is no year or month.
func birthParts(p registry.PersonData) (year, month, day string) {
	from, err := time.Parse(time.DateOnly, p.BirthFrom)
	to, err2 := time.Parse(time.DateOnly, p.BirthTo)
	if err != nil || err2 != nil {
		return "", "", ""
	}
	y, m, d := strconv.Itoa(from.Year()), strconv.Itoa(int(from.Month())), strconv.Itoa(from.Day())
	switch {
	case from.Equal(to):
		return y, m, d
	case from.Day() == 1 && to.Equal(from.AddDate(0, 1, -1)):
		return y, m, ""
	case from.Day() == 1 && from.Month() == time.January && to.Equal(from.AddDate(1, 0, -1)):
		return y, "", ""
	}
	return "", "", ""
}

func (v *proposal) inputs() []string {
	names := []string{"base", "nature", "reason", "effective", "method", "note", "full_name", "full_name_latin", "family_name", "given_name", "other_names", "sex",
		"day", "month", "year", "area", "directions"}
	return append(names, v.Sheet.Inputs()...)
}

// Proposals takes proposals to change a record.
type Proposals struct{ Blobs *blob.Dir }

// ProposePerson asks what should change in a person's record.
func ProposePerson(c *web.Ctx) error { return proposeForm(c, registry.KindPerson) }

// SendPerson takes the proposal.
func (p Proposals) SendPerson(c *web.Ctx) error { return p.send(c, registry.KindPerson) }

// ProposeHousehold asks what should change in a household's record.
func ProposeHousehold(c *web.Ctx) error { return proposeForm(c, registry.KindHousehold) }

// SendHousehold takes the proposal.
func (p Proposals) SendHousehold(c *web.Ctx) error { return p.send(c, registry.KindHousehold) }

func proposeForm(c *web.Ctx, kind string) error {
	if _, ok, err := why(c, kind); err != nil || !ok {
		return err
	}
	v, err := loadProposal(c, kind)
	if err != nil {
		return err
	}
	v.fill()
	return c.Render(proposePage(v))
}

func (p Proposals) send(c *web.Ctx, kind string) error {
	v, err := loadProposal(c, kind)
	if err != nil {
		return err
	}
	v.blobs = p.Blobs
	return send(c, v.Kind, v.Form, v.inputs(), func() templ.Component { return proposePage(v) }, func(tx db.Tx, f *web.Form) (amend.Draft, error) {
		return v.read(c, tx, f)
	})
}

// send reads a form, proposes what it says and leads to the proposal; on a
// mistake the form comes back as it was typed.
func send(c *web.Ctx, kind string, state *ui.Form, inputs []string, page func() templ.Component, read func(db.Tx, *web.Form) (amend.Draft, error)) error {
	form, err := c.Form(inputs...)
	var large *fault.Error
	if errors.As(err, &large) && large.Code == fault.TooLarge {
		state.Err = large
		return c.RenderStatus(web.Status(fault.Invalid), page())
	}
	if err != nil {
		return err
	}
	state.Values = form.Values()
	if form.Switching() || ask.Growing(form) {
		return c.Render(page())
	}
	var ref string
	err = c.WithTx(func(tx db.Tx) error {
		d, err := read(tx, form)
		if err != nil {
			return err
		}
		d.Item.Kind = kind
		ref, err = amend.Propose(tx, reader(c), c.Param("ref"), d)
		return err
	})
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		f = beside(f, inputs)
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), page())
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/changes/" + ref))
}

// breaking are the inputs that break a rule of the database when it is broken:
// the first of them that a form has.
var breaking = map[string][]string{
	"rule.payee_of_age":               {"role", "relationship"},
	"rule.membership_payee":           {"role"},
	"rule.membership_head":            {"old_head", "relationship", "household"},
	"rule.membership_usual_residence": {"household", "effective"},
	"rule.membership_dates":           {"effective"},
	"rule.role_of":                    {"of"},
	"rule.role_dates":                 {"effective"},
	"rule.relation_self":              {"other"},
	"rule.relation_circle":            {"other"},
	"rule.relation_two":               {"relation"},
	"rule.relation_dates":             {"effective"},
	"rule.identifier_pattern":         {"value"},
	"rule.group_cycle":                {"member"},
	"rule.group_member_once":          {"member"},
	"rule.group_member_dates":         {"effective"},
	"rule.group_member_early":         {"effective", "formed"},
	"rule.group_member_future":        {"effective"},
	"rule.person_merged":              {"into"},
	"rule.person_death":               {"year"},
	"rule.name_transliterated":        {"full_name"},
}

// beside tells a broken rule beside the input that breaks it, where the form has one.
func beside(f *fault.Error, inputs []string) *fault.Error {
	for _, name := range breaking[f.Key] {
		if slices.Contains(inputs, name) {
			var check fault.Check
			check.Fail(name, f.Key)
			return check.Fault()
		}
	}
	return f
}

func (v *proposal) read(c *web.Ctx, tx db.Tx, f *web.Form) (amend.Draft, error) {
	var check fault.Check
	d := amend.Draft{Lang: c.Printer().Tag}
	base, err := strconv.Atoi(f.Get("base"))
	if err != nil {
		return d, fault.Wrap(err, fault.Malformed, "error.malformed")
	}
	d.Item.BaseVersion = base
	if v.Kind == registry.KindPerson {
		err = v.readPerson(c, f, &check)
	} else {
		err = v.readHousehold(tx, f, &check)
	}
	if err != nil {
		return d, err
	}
	d.Item.Nature = registry.Nature(f.Choice(&check, "nature", []string{"correction", "event"}, "propose.error.nature"))
	d.Item.Reason = f.Choice(&check, "reason", reasons, "propose.error.reason")
	d.Item.EffectiveOn = day(f, &check, "effective", registry.Today(c.Now(), c.Printer().Zone))
	d.Method = method(f, &check)
	d.Note = f.Required(&check, "note", maxNote, "propose.error.note")
	// Last: a photo is kept only when nothing else is wrong.
	answers := &ask.Answers{Form: f, Check: &check, Places: ask.Places(tx), Photo: ask.Keep(tx, v.blobs)}
	if v.Kind == registry.KindPerson {
		v.Person.Fields = v.readFields(answers, v.Person.Fields, tx)
		d.Item.Data = v.Person
	} else {
		v.Household.Fields = v.readFields(answers, v.Household.Fields, tx)
		d.Item.Data = v.Household
	}
	if answers.Err() != nil {
		return d, answers.Err()
	}
	return d, check.Err()
}

func (v *proposal) readPerson(c *web.Ctx, f *web.Form, check *fault.Check) error {
	p := &v.Person
	named := p.FullName != ""
	p.FullName = f.Text(check, "full_name", maxName)
	if named && p.FullName == "" && !check.Failed("full_name") {
		check.Fail("full_name", "propose.error.name")
	}
	p.FullNameLatin = f.Text(check, "full_name_latin", maxName)
	p.FamilyName = f.Text(check, "family_name", maxName)
	p.GivenName = f.Text(check, "given_name", maxName)
	p.OtherNames = f.Text(check, "other_names", maxName)
	if f.Get("sex") != "" || p.Sex != "" {
		p.Sex = f.Choice(check, "sex", registry.Sexes(), "about.error.sex")
	}
	if err := v.readBirth(c, f, check); err != nil {
		return err
	}
	return nil
}

// readBirth takes the parts that are known; a range that the form cannot show
// stays as long as nothing is typed.
func (v *proposal) readBirth(c *web.Ctx, f *web.Form, check *fault.Check) error {
	year, month, day := birthParts(v.Person)
	if f.Get("year") == year && f.Get("month") == month && f.Get("day") == day {
		return nil
	}
	part := func(name string) int {
		s := strings.TrimSpace(i18n.LatinDigits(f.Get(name)))
		n, err := strconv.Atoi(s)
		if s != "" && (err != nil || n < 1 || n > 9999) {
			check.Fail(name, "birth.error."+name)
		}
		return n
	}
	b, err := registry.NewBirthDate(part("year"), part("month"), part("day"), registry.Today(c.Now(), c.Printer().Zone))
	if err := check.Merge(err); err != nil {
		return err
	}
	v.Person.BirthFrom, v.Person.BirthTo = "", ""
	if b.Known() {
		v.Person.BirthFrom, v.Person.BirthTo = b.From.Format(time.DateOnly), b.To.Format(time.DateOnly)
	}
	return nil
}

func (v *proposal) readHousehold(tx db.Tx, f *web.Form, check *fault.Check) error {
	h := &v.Household
	if !v.Hidden {
		h.Directions = f.Text(check, "directions", maxNote)
		code := strings.ToUpper(i18n.LatinDigits(strings.TrimSpace(f.Get("area"))))
		area, err := registry.AreaByCode(tx, code)
		switch {
		case fault.Is(err, fault.NotFound):
			check.Fail("area", "propose.error.area")
		case err != nil:
			return err
		default:
			h.AreaID = area.ID
		}
	}
	return nil
}

// readFields reads the values of the definitions; others stay as they are.
func (v *proposal) readFields(a *ask.Answers, old registry.Values, tx db.Tx) registry.Values {
	next := v.Sheet.Read(a, old, func() string { return registry.RandomCode(6, tx.Rand()) })
	if len(next) == 0 {
		return nil
	}
	return next
}

func choices(ctx context.Context, prefix string, codes []string) []ui.Choice {
	var list []ui.Choice
	for _, code := range codes {
		list = append(list, ui.Choice{Value: code, Label: i18n.T(ctx, prefix+code)})
	}
	return list
}
