package duplicates

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/registry/credentials"
	"daftar/registry/dedup"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// merging is the form that proposes to make one record of two.
type merging struct {
	Pair     dedup.Stored
	Keep     []ui.Choice
	Values   []ui.Question // what differs, each with the two values
	Choices  [][]ui.Choice
	Versions [2]int
	// Credentials of each record, which end with it.
	Credentials [2][]string
	Form        *ui.Form
	names       []string
}

// MergeForm asks which record goes on and which values it has.
func MergeForm(c *web.Ctx) error {
	v, err := loadMerge(c)
	if err != nil {
		return err
	}
	return c.Render(mergePage(v))
}

func loadMerge(c *web.Ctx) (merging, error) {
	p := c.Printer()
	v := merging{Form: &ui.Form{Values: map[string][]string{}}}
	err := c.WithTx(func(tx db.Tx) (err error) {
		r := reader(c)
		if v.Pair, err = dedup.Read(tx, r, c.Param("ref")); err != nil {
			return err
		}
		m, versions, err := amend.Merger(tx, v.Pair.AID, v.Pair.BID)
		if err != nil {
			return err
		}
		v.Versions = versions
		var sides [2]side
		for i, id := range []db.ID{v.Pair.AID, v.Pair.BID} {
			if sides[i], err = readSide(tx, p, r, id); err != nil {
				return err
			}
			held, err := credentials.Standing(tx, id)
			if err != nil {
				return err
			}
			for _, k := range held {
				v.Credentials[i] = append(v.Credentials[i], p.T("merge.credential", "Type", p.T("credential."+k.Type), "Date", p.Date(k.IssuedAt), "Ref", k.Ref))
			}
		}
		fields, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		if fields, err = registry.WithPlaces(tx, fields, m.Kept.Fields, m.Ended.Fields); err != nil {
			return err
		}
		v.fill(p.T, sides, m.Differences(), fields, m, c)
		return nil
	})
	return v, err
}

// fill makes the questions. The first record's values are chosen to begin with:
// it is the older one.
func (v *merging) fill(t func(string, ...any) string, sides [2]side, differences []string, fields registry.Fields, m registry.Merger, c *web.Ctx) {
	p := c.Printer()
	for i, letter := range []string{"a", "b"} {
		s := []dedup.Side{v.Pair.A, v.Pair.B}[i]
		v.Keep = append(v.Keep, ui.Choice{Value: letter, Label: show.TwoNames(p, s.Name, s.Latin) + " " + s.Ref})
	}
	v.names = differences
	for _, name := range differences {
		q := ui.Question{Name: "v." + name, Of: v.Form}
		var said [2]string
		switch code, isField := strings.CutPrefix(name, "fields."); {
		case name == registry.MergeHome:
			q.Label = t("merge.home")
			for i := range sides {
				if said[i] = t("merge.home_of", "Household", sides[i].home, "Place", sides[i].place); sides[i].hidden {
					said[i] = t("merge.home_of", "Household", sides[i].home, "Place", t("record.hidden"))
				}
			}
		case isField:
			for _, f := range fields.Of(registry.KindPerson) {
				if f.Code == code && f.May("see", c.Principal().Roles()) {
					q.Label = f.Label.In(p)
					said = [2]string{f.Show(p, m.Kept.Fields[code]), f.Show(p, m.Ended.Fields[code])}
				}
			}
			if q.Label == "" { // the officer may not know them, and chooses by the record
				q.Label, said = t("merge.hidden"), [2]string{t("dedup.first"), t("dedup.second")}
				if f, ok := fields.Of(registry.KindPerson).Get(code); ok {
					q.Label = f.Label.In(p)
				}
			}
		default:
			q.Label, said = show.PersonValue(p, name, m.Kept, m.Ended)
		}
		v.Values = append(v.Values, q)
		v.Choices = append(v.Choices, []ui.Choice{{Value: "a", Label: said[0]}, {Value: "b", Label: said[1]}})
		v.Form.Values[q.Name] = []string{"a"}
	}
	v.Form.Values["version_a"], v.Form.Values["version_b"] = []string{strconv.Itoa(v.Versions[0])}, []string{strconv.Itoa(v.Versions[1])}
}

// Merge proposes the merge. Two others decide about it.
func Merge(c *web.Ctx) error {
	v, err := loadMerge(c)
	if err != nil {
		return err
	}
	inputs := []string{"keep", "note", "version_a", "version_b"}
	for _, q := range v.Values {
		inputs = append(inputs, q.Name)
	}
	form, err := c.Form(inputs...)
	if err != nil {
		return err
	}
	chosen := form.Values()
	for name, values := range v.Form.Values { // a choice that came up since
		if chosen[name] == nil {
			chosen[name] = values
		}
	}
	v.Form.Values = chosen
	for i := range v.Values {
		v.Values[i].Of = v.Form
	}
	if form.Switching() {
		return c.Render(mergePage(v))
	}
	var check fault.Check
	keep := form.Choice(&check, "keep", []string{"a", "b"}, "merge.error.keep")
	d := amend.MergeDraft{Pair: v.Pair.Ref, Keep: v.Pair.A.Ref, Lang: c.Printer().Tag}
	if keep == "b" {
		d.Keep = v.Pair.B.Ref
	}
	for i, name := range []string{"version_a", "version_b"} {
		if d.Versions[i], err = strconv.Atoi(form.Get(name)); err != nil {
			return fault.Wrap(err, fault.Malformed, "error.malformed")
		}
	}
	for _, name := range v.names {
		if side := form.Choice(&check, "v."+name, []string{"a", "b"}, "merge.error.value"); side != keep {
			d.Take = append(d.Take, name)
		}
	}
	d.Note = form.Required(&check, "note", maxNote, "dedup.error.note")
	err = check.Err()
	ref := ""
	if err == nil {
		err = c.WithTx(func(tx db.Tx) (err error) {
			ref, err = amend.ProposeMerge(tx, reader(c), d)
			return err
		})
	}
	var f *fault.Error
	if errors.As(err, &f) && slices.Contains([]fault.Code{fault.Invalid, fault.Conflict, fault.Forbidden}, f.Code) {
		v.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), mergePage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/changes/" + ref))
}
