// Package duplicates is the office's work on records that may be of one person:
// side by side, why they seem to be one, what is said about it, and the merge.
package duplicates

import (
	"errors"
	"slices"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/dedup"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

func reader(c *web.Ctx) registry.Reader {
	return registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
}

const perPage = 25

// list is a page of pairs.
type list struct {
	State       dedup.State
	Filters     []ui.NavItem
	Rows        [][]ui.Cell
	First, Next string
	MayOpen     bool
}

// List shows the pairs that wait, or those in another state, the strongest first.
func List(c *web.Ctx) error {
	v := list{State: dedup.State(c.Query("state")), MayOpen: c.Principal().May(auth.DuplicateDecide)}
	if !slices.Contains(dedup.States(), v.State) {
		v.State = dedup.Open
	}
	after := c.Query("after")
	p := c.Printer()
	err := c.WithTx(func(tx db.Tx) error {
		pairs, more, err := dedup.List(tx, reader(c), v.State, after, perPage)
		for _, s := range pairs {
			v.Rows = append(v.Rows, []ui.Cell{
				{Text: s.Ref, Path: "/duplicates/pairs/" + s.Ref, LTR: true},
				{Text: show.Ended(p, show.TwoNames(p, s.A.Name, s.A.Latin), s.A.Status)}, {Text: show.Ended(p, show.TwoNames(p, s.B.Name, s.B.Latin), s.B.Status)},
				{Text: show.Strength(p, s.Score), Colour: show.StrengthColour(s.Score)}, {Text: p.Date(s.FoundAt)},
			})
		}
		if more {
			v.Next = "/duplicates?state=" + string(v.State) + "&after=" + pairs[len(pairs)-1].Ref
		}
		return err
	})
	if err != nil {
		return err
	}
	if after != "" {
		v.First = "/duplicates?state=" + string(v.State)
	}
	return c.Render(listPage(v))
}

// OpenForm asks for two records that may be of one person.
func OpenForm(c *web.Ctx) error { return c.Render(openPage(&ui.Form{})) }

// Open makes a pair of two records.
func Open(c *web.Ctx) error {
	form, err := c.Form("first", "second")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(openPage(state))
	}
	var check fault.Check
	first := form.Required(&check, "first", 40, "dedup.error.reference")
	second := form.Required(&check, "second", 40, "dedup.error.reference")
	err = check.Err()
	ref := ""
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			for name, value := range map[string]string{"first": first, "second": second} {
				if _, err := registry.FindRecord(tx, reader(c), registry.KindPerson, value); fault.Is(err, fault.NotFound) {
					check.Fail(name, "dedup.error.reference")
				} else if err != nil {
					return err
				}
			}
			if err := check.Err(); err != nil {
				return err
			}
			ref, err = dedup.OpenPair(tx, reader(c), first, second)
			return err
		})
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), openPage(state))
	}
	if fault.Is(err, fault.NotFound) { // one of them is protected from these eyes
		check.Fail("second", "dedup.error.reference")
		state.Err = check.Fault()
		return c.RenderStatus(web.Status(fault.Invalid), openPage(state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/duplicates/pairs/" + ref))
}
