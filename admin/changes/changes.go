// Package changes is the office's work on proposals to change a record: they
// are checked by one and decided by another.
package changes

import (
	"encoding/json"
	"errors"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/registry/history"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

func reader(c *web.Ctx) registry.Reader {
	return registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected), Roles: c.Principal().Roles()}
}

// List shows the proposals that wait for somebody.
func List(c *web.Ctx) error {
	var list, returned []amend.Amendment
	propose := c.Principal().May(auth.ChangePropose)
	err := c.WithTx(func(tx db.Tx) (err error) {
		if propose {
			if returned, err = amend.Returned(tx, reader(c), c.Now().Add(-returnedFor)); err != nil {
				return err
			}
		}
		list, err = amend.Open(tx, reader(c))
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(listPage(rows(c.Printer(), list), rows(c.Printer(), returned), propose))
}

// returnedFor is how long one's own proposals that were refused are listed.
const returnedFor = 30 * 24 * time.Hour

func rows(p *i18n.Printer, list []amend.Amendment) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, a := range list {
		rows = append(rows, []ui.Cell{
			{Text: a.Ref, Path: "/changes/" + a.Ref, LTR: true},
			{Text: a.SubjectRef, LTR: true}, {Text: full(p, a.Kind, a.SubjectName, a.Latin)},
			{Text: p.T("nature." + string(a.Nature))}, {Text: p.Date(a.ProposedAt)}, {Text: a.Proposer},
			{Text: p.T("amend.state." + a.Shown()), Colour: colour(a.Shown())},
		})
	}
	return rows
}

func colour(state string) string {
	switch state {
	case amend.Applied:
		return "green"
	case amend.Refused, "stale":
		return "red"
	case amend.Verified:
		return "purple"
	case amend.Superseded:
		return "grey"
	}
	return "blue"
}

// view is one proposal with what would change.
type view struct {
	amend.Amendment
	Path    string
	Changes []string
	Others  []other // records that change along with it
	Hidden  int     // and more that are not this officer's business
	Merge   *amend.Merge
	Since   []string // what changed in the record after it was proposed
	Numbers []number // that the proposal brings
	Form    *ui.Form
	// The next steps that are open to this officer; the database decides again.
	MayVerify, MayDecide, MayWithdraw, MayUndo, MayAgain bool
}

// number is one that a proposal brings. Those who check it see it as it is, to
// compare it with the paper; to others Value is nothing.
type number struct {
	Kind, Value string
	Unfit       bool // it does not look like one of its kind
}

// other is another record that the proposal changes.
type other struct {
	Ref, Name, Path string
	Changes         []string
}

// Show is one proposal, value by value.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(changePage(v))
}

func load(c *web.Ctx) (view, error) {
	v := view{Form: &ui.Form{}}
	err := c.WithTx(func(tx db.Tx) (err error) {
		r := reader(c)
		if v.Amendment, err = amend.Read(tx, r, c.Param("ref")); err != nil {
			return err
		}
		if v.Changes, err = told(tx, c, r, v.Kind, v.Subject, v.OldData, v.Data); err != nil {
			return err
		}
		others, hidden, err := amend.Others(tx, r, v.Amendment)
		if err != nil {
			return err
		}
		v.Hidden = hidden
		for _, o := range others {
			changes, err := told(tx, c, r, o.Kind, o.Subject, o.OldData, o.Data)
			if err != nil {
				return err
			}
			v.Others = append(v.Others, other{Ref: o.Ref, Name: full(c.Printer(), o.Kind, o.Name, o.Latin), Path: paths[o.Kind] + o.Ref, Changes: changes})
		}
		m, ok, err := amend.MergeOf(tx, v.Change)
		if err != nil {
			return err
		}
		if ok {
			v.Merge = &m
		}
		v.may(c)
		if v.Stale {
			if v.Since, err = since(tx, c, r, v.Amendment); err != nil {
				return err
			}
		}
		return v.numbers(tx, c.Printer())
	})
	return v, err
}

// may says which steps are open to the officer.
func (v *view) may(c *web.Ctx) {
	p, me := c.Principal(), c.Principal().ID
	mine := v.ProposedBy == me || v.VerifiedBy != nil && *v.VerifiedBy == me
	v.Path = paths[v.Kind] + v.SubjectRef
	v.MayVerify = p.May(auth.ChangeVerify) && v.State == amend.Proposed && !mine
	v.MayDecide = p.May(auth.ChangeApprove) && v.State == amend.Verified && !mine
	v.MayWithdraw = v.ProposedBy == me && v.Waits()
	v.MayUndo = p.May(auth.ChangePropose) && v.Merge != nil && v.Merge.Undoes == nil && v.State == amend.Applied && v.Merge.Undone == ""
	v.MayAgain = p.May(auth.ChangePropose) && v.Stale && v.Merge == nil
}

// since tells what changed in the record after the proposal was made from it.
func since(tx db.Tx, c *web.Ctx, r registry.Reader, a amend.Amendment) ([]string, error) {
	versions, err := history.Versions(tx, a.Subject, c.Now())
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	now, err := json.Marshal(versions[len(versions)-1].Data)
	if err != nil {
		return nil, err
	}
	return told(tx, c, r, a.Kind, a.Subject, a.OldData, now)
}

// numbers finds the numbers that the proposal brings. That they are shown is logged.
func (v *view) numbers(tx db.Tx, p *i18n.Printer) error {
	changes, err := diff(v.OldData, v.Data)
	if err != nil {
		return err
	}
	types, err := registry.IdentifierTypes(tx)
	if err != nil {
		return err
	}
	checks := (v.MayVerify || v.MayDecide) && !v.Stale && v.Merge == nil // a merge brings nothing that is on a paper
	for _, ch := range changes {
		if ch.What != "identifiers" || ch.New == nil || ch.New.Text("status") == "ended" {
			continue
		}
		code, value := ch.New.Text("type"), ch.New.Text("value")
		n := number{Kind: show.IdentifierName(p, types, code)}
		for _, t := range types {
			n.Unfit = n.Unfit || t.Code == code && !t.Fits(value)
		}
		if checks {
			n.Value = value
		}
		v.Numbers = append(v.Numbers, n)
	}
	if !checks || len(v.Numbers) == 0 {
		return nil
	}
	return amend.NumbersShown(tx, v.Amendment)
}

// full is what a record is called; a household has no name.
func full(p *i18n.Printer, kind, name, latin string) string {
	if kind == registry.KindHousehold {
		return p.T("record.household_title")
	}
	return show.FullName(p, name, latin)
}

func diff(before, after []byte) ([]history.Change, error) {
	var old, now history.State
	if before != nil {
		if err := json.Unmarshal(before, &old); err != nil {
			return nil, err
		}
	}
	err := json.Unmarshal(after, &now)
	return history.Diff(old, now), err
}

// told tells what would change in a record, as far as the officer may see it.
func told(tx db.Tx, c *web.Ctx, r registry.Reader, kind string, subject db.ID, before, after []byte) ([]string, error) {
	var proposed struct {
		Fields registry.Values `json:"fields"`
	}
	if err := json.Unmarshal(after, &proposed); err != nil {
		return nil, err
	}
	told, err := show.LoadRecord(tx, c.Printer(), subject, c.Now(), proposed.Fields)
	if err != nil {
		return nil, err
	}
	told.Staff, told.Roles = true, r.Roles
	changes, err := diff(before, after)
	if err != nil {
		return nil, err
	}
	names, err := show.NamesIn(tx, c.Printer(), changes...)
	if err != nil {
		return nil, err
	}
	who := show.Reader{Staff: true, Place: true, Contacts: true}
	switch kind {
	case registry.KindHousehold:
		who.Place, err = r.SeesPlace(tx, subject)
	case registry.KindPerson:
		who.Contacts, err = r.SeesContacts(tx, subject)
	}
	return told.Changes(changes, names, who), err
}

// paths are where the records of each kind are.
var paths = map[string]string{registry.KindPerson: "/people/", registry.KindHousehold: "/households/", registry.KindGroup: "/groups/"}

// Verify notes that the proposal was checked.
func Verify(c *web.Ctx) error {
	return step(c, nil, func(tx db.Tx, _ *web.Form) error { return amend.Verify(tx, reader(c), c.Param("ref")) })
}

// Reject sends a proposal back that is not right, with the reason.
func Reject(c *web.Ctx) error {
	return step(c, []string{"wrong"}, func(tx db.Tx, f *web.Form) error {
		var check fault.Check
		wrong := f.Required(&check, "wrong", 1000, "changes.error.wrong")
		if err := check.Err(); err != nil {
			return err
		}
		return amend.Reject(tx, reader(c), c.Param("ref"), wrong, c.Printer().Tag)
	})
}

// Again proposes anew what a proposal says whose record moved on.
func Again(c *web.Ctx) error {
	return leading(c, nil, func(tx db.Tx, _ *web.Form) (string, error) { return amend.Again(tx, reader(c), c.Param("ref")) })
}

// Decide applies the proposal or refuses it.
func Decide(c *web.Ctx) error {
	return step(c, []string{"decision", "answer"}, func(tx db.Tx, f *web.Form) error {
		var check fault.Check
		decision := f.Choice(&check, "decision", []string{"approve", "refuse"}, "decide.error.decision")
		answer := f.Text(&check, "answer", 1000)
		if decision == "refuse" && answer == "" {
			check.Fail("answer", "changes.error.answer")
		}
		if err := check.Err(); err != nil {
			return err
		}
		if decision == "refuse" {
			return amend.Refuse(tx, reader(c), c.Param("ref"), answer, c.Printer().Tag)
		}
		return amend.Approve(tx, reader(c), c.Param("ref"))
	})
}

// Withdraw takes one's own proposal back.
func Withdraw(c *web.Ctx) error {
	return step(c, nil, func(tx db.Tx, _ *web.Form) error { return amend.Withdraw(tx, reader(c), c.Param("ref")) })
}

func step(c *web.Ctx, inputs []string, take func(db.Tx, *web.Form) error) error {
	return leading(c, inputs, func(tx db.Tx, f *web.Form) (string, error) { return c.Param("ref"), take(tx, f) })
}

// leading takes a step that leads to the proposal that it returns.
func leading(c *web.Ctx, inputs []string, take func(db.Tx, *web.Form) (string, error)) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form(inputs...)
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(changePage(v))
	}
	to := ""
	err = c.WithTx(func(tx db.Tx) (err error) { to, err = take(tx, form); return err })
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		v.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), changePage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/changes/" + to))
}
