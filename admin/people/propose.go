package people

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/web"
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
	Fields           registry.Fields
	AreaCode         string
	Form             *ui.Form
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
		if v.Fields, err = registry.LoadFields(tx); err != nil {
			return err
		}
		v.Fields = v.Fields.Of(kind)
		if kind == registry.KindPerson {
			v.Person, v.Base, err = registry.CurrentPerson(tx, id)
			if err != nil {
				return err
			}
			v.Ref, v.Title = v.Person.Ref, show.FullName(c.Printer(), v.Person.FullName, v.Person.FullNameLatin)
			v.SeesContacts, err = r.SeesContacts(tx, id)
			return err
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
	for _, f := range v.Fields {
		v.Form.Values["f."+f.Code] = f.Input(values[f.Code])
	}
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
	for _, f := range v.Fields {
		names = append(names, "f."+f.Code)
	}
	return names
}

// ProposePerson asks what should change in a person's record.
func ProposePerson(c *web.Ctx) error { return proposeForm(c, registry.KindPerson) }

// SendPerson takes the proposal.
func SendPerson(c *web.Ctx) error { return sendProposal(c, registry.KindPerson) }

// ProposeHousehold asks what should change in a household's record.
func ProposeHousehold(c *web.Ctx) error { return proposeForm(c, registry.KindHousehold) }

// SendHousehold takes the proposal.
func SendHousehold(c *web.Ctx) error { return sendProposal(c, registry.KindHousehold) }

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

func sendProposal(c *web.Ctx, kind string) error {
	v, err := loadProposal(c, kind)
	if err != nil {
		return err
	}
	return send(c, v.Kind, v.Form, v.inputs(), func() templ.Component { return proposePage(v) }, func(tx db.Tx, f *web.Form) (amend.Draft, error) {
		return v.read(c, tx, f)
	})
}

// send reads a form, proposes what it says and leads to the proposal; on a
// mistake the form comes back as it was typed.
func send(c *web.Ctx, kind string, state *ui.Form, inputs []string, page func() templ.Component, read func(db.Tx, *web.Form) (amend.Draft, error)) error {
	form, err := c.Form(inputs...)
	if err != nil {
		return err
	}
	state.Values = form.Values()
	if form.Switching() {
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
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), page())
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/changes/" + ref))
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
		d.Item.Data = v.Person
	} else {
		err = v.readHousehold(tx, f, &check)
		d.Item.Data = v.Household
	}
	if err != nil {
		return d, err
	}
	d.Item.Nature = registry.Nature(f.Choice(&check, "nature", []string{"correction", "event"}, "propose.error.nature"))
	d.Item.Reason = f.Choice(&check, "reason", reasons, "propose.error.reason")
	d.Item.EffectiveOn = day(f, &check, "effective", registry.Today(c.Now(), c.Printer().Zone))
	d.Method = method(f, &check)
	d.Note = f.Required(&check, "note", maxNote, "propose.error.note")
	return d, check.Err()
}

func (v *proposal) readPerson(c *web.Ctx, f *web.Form, check *fault.Check) error {
	p := &v.Person
	p.FullName = f.Text(check, "full_name", maxName)
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
	p.Fields = v.readFields(f, check, p.Fields)
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
	h.Fields = v.readFields(f, check, h.Fields)
	return nil
}

// readFields reads the values of the definitions; others stay as they are.
func (v *proposal) readFields(f *web.Form, check *fault.Check, old registry.Values) registry.Values {
	next := registry.Values{}
	for code, value := range old {
		next[code] = value
	}
	for _, field := range v.Fields {
		value, err := field.Parse(f.All("f." + field.Code))
		var wrong *fault.Error
		switch {
		case errors.As(err, &wrong) && len(wrong.Fields) > 0:
			check.Fail("f."+field.Code, wrong.Fields[0].Key, pairs(wrong.Fields[0].Args)...)
		case value == nil:
			delete(next, field.Code)
		default:
			next[field.Code] = value
		}
	}
	if len(next) == 0 {
		return nil
	}
	return next
}

func pairs(args map[string]any) []any {
	var list []any
	for name, value := range args {
		list = append(list, name, value)
	}
	return list
}

func choices(ctx context.Context, prefix string, codes []string) []ui.Choice {
	var list []ui.Choice
	for _, code := range codes {
		list = append(list, ui.Choice{Value: code, Label: i18n.T(ctx, prefix+code)})
	}
	return list
}

func fieldChoices(ctx context.Context, f registry.Field) []ui.Choice {
	if f.Type == registry.TypeYesNo {
		return choices(ctx, "answer.", []string{"yes", "no", registry.Unknown})
	}
	var list []ui.Choice
	for _, o := range f.Options {
		list = append(list, ui.Choice{Value: o.Code, Label: o.Label.For(ctx)})
	}
	return list
}
