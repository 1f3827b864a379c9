package areas

import (
	"errors"
	"net/url"
	"strconv"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/areas"
	"daftar/web"
	"daftar/web/ui"
)

// rights are what somebody may do with areas somewhere; the data layer decides
// again for the area at hand.
type rights struct{ Propose, Approve bool }

func may(c *web.Ctx) rights {
	return rights{c.Principal().May(auth.AreaPropose), c.Principal().May(auth.AreaApprove)}
}

// Changes lists what was proposed.
func Changes(c *web.Ctx) error {
	var list []areas.Change
	err := c.View(func(tx db.Tx) (err error) {
		list, err = areas.Changes(tx, actor(c))
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(changesPage(list))
}

// diffSize is how many lines of a diff are on one page.
const diffSize = 100

// proposal is a change as its page shows it.
type proposal struct {
	Change areas.Change
	Items  []areas.ItemLine
	What   string // only these; "" for all
	Next   string
	Mine   bool
	Can    rights
}

func loadChange(c *web.Ctx) (proposal, error) {
	v := proposal{What: c.Query("what"), Can: may(c)}
	after, _ := strconv.Atoi(c.Query("after"))
	next := 0
	err := c.View(func(tx db.Tx) (err error) {
		v.Change, v.Items, next, err = areas.ShowChange(tx, actor(c), c.Param("ref"), v.What, after, diffSize)
		return err
	})
	if next > 0 {
		v.Next = "/areas/changes/" + v.Change.Ref + "?" + url.Values{"what": {v.What}, "after": {strconv.Itoa(next)}}.Encode()
	}
	v.Mine = v.Change.ProposedBy == c.Principal().ID
	return v, err
}

// Change is one proposal with its diff.
func Change(c *web.Ctx) error {
	v, err := loadChange(c)
	if err != nil {
		return err
	}
	return c.Render(changePage(v))
}

// Send hands a draft over for approval.
func Send(c *web.Ctx) error { return step(c, areas.Send) }

// Withdraw takes one's own proposal back.
func Withdraw(c *web.Ctx) error { return step(c, areas.Withdraw) }

// Retry has an approved change that failed carried out again.
func Retry(c *web.Ctx) error { return step(c, areas.Retry) }

func step(c *web.Ctx, do func(db.Tx, areas.Actor, string) error) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	ref := c.Param("ref")
	if err := c.WithTx(func(tx db.Tx) error { return do(tx, actor(c), ref) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/areas/changes/" + ref))
}

// DecideForm asks for the decision.
func DecideForm(c *web.Ctx) error {
	v, err := loadChange(c)
	if err != nil {
		return err
	}
	return c.Render(decidePage(v, &ui.Form{}))
}

const maxNote = 1000

// Decide approves or refuses a proposal.
func Decide(c *web.Ctx) error {
	v, err := loadChange(c)
	if err != nil {
		return err
	}
	form, err := c.Form("decision", "note")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(decidePage(v, state))
	}
	var check fault.Check
	decision := form.Choice(&check, "decision", []string{"approve", "refuse"}, "areas.error.decision")
	note := form.Text(&check, "note", maxNote)
	if decision == "refuse" && note == "" {
		check.Fail("note", "areas.error.note")
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			if decision == "refuse" {
				return areas.Refuse(tx, actor(c), v.Change.Ref, note, c.Printer().Tag)
			}
			return areas.Approve(tx, actor(c), v.Change.Ref)
		})
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), decidePage(v, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/areas/changes/" + v.Change.Ref))
}

// shown is an error that a form shows; nil for any other.
func shown(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		return f
	}
	return nil
}

func changeRows(p *i18n.Printer, list []areas.Change) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, a := range list {
		rows = append(rows, []ui.Cell{
			{Text: a.Ref, Path: "/areas/changes/" + a.Ref, LTR: true},
			{Text: p.T("areas.change." + a.Kind)},
			{Text: counted(p, a.Counts)},
			{Text: proposer(p, a)},
			{Text: p.Time(a.ProposedAt)},
			{Text: p.T("areas.change_state." + a.Shown()), Colour: stateColour(a.Shown())},
		})
	}
	return rows
}

func proposer(p *i18n.Printer, a areas.Change) string {
	if a.Proposer == "" {
		return p.T("areas.by_command")
	}
	return a.Proposer
}

// counted is "3 new, 1 renamed".
func counted(p *i18n.Printer, n areas.Counts) string {
	var parts []string
	for _, what := range areas.Whats() {
		if n.What[what] > 0 {
			parts = append(parts, p.Number(n.What[what])+" "+p.T("areas.what."+what))
		}
	}
	return p.List(parts)
}

func stateColour(state string) string {
	switch state {
	case "applied":
		return "green"
	case "refused", "stale", "failed":
		return "red"
	case "draft", "withdrawn":
		return "grey"
	}
	return "blue"
}

func diffRows(p *i18n.Printer, items []areas.ItemLine) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, it := range items {
		rows = append(rows, []ui.Cell{
			{Text: it.Code, LTR: true}, {Text: whats(p, it.What)}, {Text: it.Name.In(p)}, {Text: it.Kind.In(p)}, {Text: it.In.In(p)}, {Text: was(p, it)},
		})
	}
	return rows
}

// called is an area by its name, else by its code.
func called(p *i18n.Printer, name i18n.Text, code string) string {
	if s := name.In(p); s != "" {
		return s
	}
	return code
}

// was says what is different.
func was(p *i18n.Printer, it areas.ItemLine) string {
	var parts []string
	if it.Before.Name != nil {
		parts = append(parts, p.T("areas.was_called", "Name", it.Before.Name.In(p)))
	}
	if it.Before.Parent != "" {
		parts = append(parts, p.T("areas.was_in", "Area", called(p, it.Was, it.Before.Parent)))
	}
	if it.RestTo != "" && it.RestTo != it.Code {
		parts = append(parts, p.T("areas.goes_to", "Area", called(p, it.RestName, it.RestTo)))
	}
	if it.To != "" {
		parts = append(parts, p.T("areas.ended_on", "Date", shownDay(p, it.To)))
	}
	text := ""
	for i, s := range parts {
		if i > 0 {
			text += " "
		}
		text += s
	}
	return text
}
