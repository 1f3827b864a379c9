package people

import (
	"slices"
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
	"daftar/web/ui"
)

// part is one kind of change to a record beyond its plain values: somebody moves,
// gets a duty, shows a number. It is a short form, and a proposal like any other.
type part struct {
	Key    string // in the address; "part.<key>" is its message
	Reason string // one of registry.ChangeReasons
	Inputs []input
	Dated  bool // it has a day on which it became so
	// Apply changes the record that is edited; what is wrong goes into its check.
	Apply func(*edit) error
}

// input asks for one thing: "part.input.<name>" is its label, and
// "part.error.<name>" says that it is missing.
type input struct {
	Name     string
	Style    string                     // "text", "select", "radios", "boxes", "day"
	Choices  func(*edit) []ui.Choice    // of select, radios and boxes
	Start    func(v *proposal) []string // what the form begins with
	Optional bool
	Hint     bool // there is a message "part.hint.<name>"
}

// edit is a form of a part that is being drawn or read.
type edit struct {
	c     *web.Ctx
	tx    db.Tx
	p     *i18n.Printer
	form  *web.Form
	check fault.Check
	v     *proposal
	day   string // since when
	also  []registry.Item
}

// get reads an input that has no list to choose from.
func (e *edit) get(name string) string { return e.form.Text(&e.check, name, maxNote) }

// find finds the record that an input names, wherever it is: whoever was given
// the reference may say so. What is kept from the officer is not found.
func (e *edit) find(name, kind string, letter rune) (id db.ID) {
	ref, ok := registry.ParseRef(letter, e.form.Get(name))
	table := map[string]string{registry.KindPerson: "person", registry.KindHousehold: "household", registry.KindGroup: "group_record"}[kind]
	if !ok || e.tx.Get(&id, `select id from `+table+` where ref = $1 and (status = 'active' or $2 and status_reason = $3)`,
		ref, kind == registry.KindHousehold, registry.HouseholdEmpty) != nil { // one that nobody is in goes on
		e.check.Fail(name, "part.error."+name)
	}
	return id
}

// partOf is the part of an address; fault.NotFound when there is none.
func partOf(kind, key string) (part, error) {
	for _, pt := range parts[kind] {
		if pt.Key == key {
			return pt, nil
		}
	}
	return part{}, fault.Hidden()
}

// parts lists them in the order in which they are offered.
var parts = map[string][]part{registry.KindPerson: personParts, registry.KindHousehold: householdParts, registry.KindGroup: groupParts}

// PersonPart asks for a part of a person's record.
func PersonPart(c *web.Ctx) error { return partForm(c, registry.KindPerson) }

// SendPersonPart takes the proposal.
func SendPersonPart(c *web.Ctx) error { return sendPart(c, registry.KindPerson) }

// HouseholdPart asks for a part of a household's record.
func HouseholdPart(c *web.Ctx) error { return partForm(c, registry.KindHousehold) }

// SendHouseholdPart takes the proposal.
func SendHouseholdPart(c *web.Ctx) error { return sendPart(c, registry.KindHousehold) }

// GroupPart asks for a part of a group's record.
func GroupPart(c *web.Ctx) error { return partForm(c, registry.KindGroup) }

// SendGroupPart takes the proposal.
func SendGroupPart(c *web.Ctx) error { return sendPart(c, registry.KindGroup) }

// partView is a part's form with its lists.
type partView struct {
	proposal
	Part    part
	Choices map[string][]ui.Choice
}

func partForm(c *web.Ctx, kind string) error {
	pt, err := partOf(kind, c.Param("part"))
	if err != nil {
		return err
	}
	if _, ok, err := why(c, kind); err != nil || !ok {
		return err
	}
	v, err := loadProposal(c, kind)
	if err != nil {
		return err
	}
	v.Form.Values["base"] = []string{strconv.Itoa(v.Base)}
	for _, in := range pt.Inputs {
		if in.Start != nil {
			v.Form.Values[in.Name] = in.Start(&v)
		}
	}
	pv, err := pt.view(c, &v)
	if err != nil {
		return err
	}
	return c.Render(partPage(pv))
}

// view fills the lists of a form.
func (pt part) view(c *web.Ctx, v *proposal) (partView, error) {
	pv := partView{proposal: *v, Part: pt, Choices: map[string][]ui.Choice{}}
	return pv, c.View(func(tx db.Tx) error {
		e := &edit{c: c, tx: tx, p: c.Printer(), v: v}
		for _, in := range pt.Inputs {
			if in.Choices != nil {
				pv.Choices[in.Name] = in.Choices(e)
			}
		}
		return nil
	})
}

func (pt part) names() []string {
	names := []string{"base", "nature", "effective", "method", "note"}
	for _, in := range pt.Inputs {
		names = append(names, in.Name)
	}
	return names
}

func sendPart(c *web.Ctx, kind string) error {
	pt, err := partOf(kind, c.Param("part"))
	if err != nil {
		return err
	}
	v, err := loadProposal(c, kind)
	if err != nil {
		return err
	}
	pv, err := pt.view(c, &v)
	if err != nil {
		return err
	}
	return send(c, kind, v.Form, pt.names(), func() templ.Component { return partPage(pv) }, func(tx db.Tx, f *web.Form) (amend.Draft, error) {
		next := v
		e := &edit{c: c, tx: tx, p: c.Printer(), form: f, v: &next}
		return pt.read(e)
	})
}

// read takes the form's answers, those about the change itself last.
func (pt part) read(e *edit) (amend.Draft, error) {
	for _, in := range pt.Inputs {
		e.read(in)
	}
	d := amend.Draft{Lang: e.p.Tag}
	d.Item.Nature = registry.Nature(e.form.Choice(&e.check, "nature", []string{"correction", "event"}, "propose.error.nature"))
	d.Item.Reason = pt.Reason
	if pt.Dated {
		e.day = day(e.form, &e.check, "effective", registry.Today(e.c.Now(), e.p.Zone))
		if e.day == "" && !e.check.Failed("effective") {
			e.check.Fail("effective", "part.error.effective")
		}
		d.Item.EffectiveOn = e.day
	}
	d.Method = method(e.form, &e.check)
	d.Note = e.form.Required(&e.check, "note", maxNote, "propose.error.note")
	var err error
	if d.Item.BaseVersion, err = strconv.Atoi(e.form.Get("base")); err != nil {
		return d, fault.Wrap(err, fault.Malformed, "error.malformed")
	}
	if err := e.check.Err(); err != nil {
		return d, err
	}
	if err := pt.Apply(e); err != nil {
		return d, err
	}
	for i := range e.also {
		e.also[i].Nature, e.also[i].Reason, e.also[i].EffectiveOn = d.Item.Nature, d.Item.Reason, d.Item.EffectiveOn
	}
	d.Also = e.also
	switch e.v.Kind {
	case registry.KindPerson:
		d.Item.Data = e.v.Person
	case registry.KindHousehold:
		d.Item.Data = e.v.Household
	default:
		d.Item.Data = e.v.Group
	}
	return d, e.check.Err()
}

// read checks that an input holds something that it may hold.
func (e *edit) read(in input) {
	given := slices.DeleteFunc(slices.Clone(e.form.All(in.Name)), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(given) == 0 {
		if !in.Optional {
			e.check.Fail(in.Name, "part.error."+in.Name)
		}
		return
	}
	if in.Choices == nil {
		return
	}
	choices := in.Choices(e)
	for _, g := range given {
		if !slices.ContainsFunc(choices, func(c ui.Choice) bool { return c.Value == g }) {
			e.check.Fail(in.Name, "part.error."+in.Name)
			return
		}
	}
}

// method reads how something was checked.
func method(f *web.Form, check *fault.Check) string {
	return f.Choice(check, "method", registry.VerificationMethods(), "propose.error.method")
}

// day reads a day that is not in the future; "" when there is none.
func day(f *web.Form, check *fault.Check, name string, today time.Time) string {
	s := i18n.LatinDigits(strings.TrimSpace(f.Get(name)))
	if s == "" {
		return ""
	}
	if t, err := time.Parse(time.DateOnly, s); err != nil || t.After(today) {
		check.Fail(name, "propose.error.effective")
	}
	return s
}

// chosen is a list of codes with messages.
func chosen(prefix string, codes ...string) func(*edit) []ui.Choice {
	return func(e *edit) []ui.Choice {
		var list []ui.Choice
		for _, code := range codes {
			list = append(list, ui.Choice{Value: code, Label: e.p.T(prefix + code)})
		}
		return list
	}
}
