package imports

import (
	"bytes"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/history"
	"daftar/registry/importer"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// view is a batch as its page shows it.
type view struct {
	importer.Batch
	problems []importer.Problem
	mine     bool
	// The next steps that are open to this officer; the database decides again.
	maySend, mayWithdraw, mayReopen, mayRestart, mayDecide, mayUndo bool
}

// shownProblems is how many problems the page lists; all are in the file.
const shownProblems = 100

// Show is one batch, at whatever stage it is.
func (p Pages) Show(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	if b.State == importer.Draft && b.Mine(officer(c)) {
		d, err := p.loadDraft(c)
		if err != nil {
			return err
		}
		return c.Render(draftPage(d))
	}
	v, err := viewOf(c, b)
	if err != nil {
		return err
	}
	return c.Render(batchPage(v))
}

func viewOf(c *web.Ctx, b importer.Batch) (view, error) {
	v := view{Batch: b, mine: b.Mine(officer(c))}
	who := c.Principal()
	err := c.WithTx(func(tx db.Tx) (err error) {
		if v.problems, err = importer.Problems(tx, b, shownProblems); err != nil || len(v.problems) == 0 {
			return err
		}
		return read(tx, b)
	})
	is := func(states ...string) bool {
		for _, s := range states {
			if b.State == s {
				return true
			}
		}
		return false
	}
	run := v.mine && who.May(auth.ImportRun)
	v.maySend = run && is(importer.Checked)
	v.mayWithdraw = run && is(importer.Checking, importer.Checked, importer.Same, importer.Failed, importer.Stale, importer.Proposed)
	v.mayReopen = run && b.Undoes == nil && is(importer.Checked, importer.Same, importer.Failed, importer.Stale)
	v.mayRestart = run && is(importer.Failed, importer.Stale)
	v.mayDecide = !v.mine && who.May(auth.ImportApprove) && is(importer.Proposed)
	v.mayUndo = who.May(auth.ImportRun) && is(importer.Applied) && b.Undoes == nil && b.UndoneBy == ""
	return v, err
}

// read logs that somebody saw what a batch's files say of people.
func read(tx db.Tx, b importer.Batch) error {
	return audit.Write(tx, audit.Event{Action: "import.read", SubjectKind: "batch", Subject: b.ID, Purpose: "import"})
}

// State answers with how far the batch is, for the page that waits for it.
func (Pages) State(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	return c.JSON(fiber.StatusOK, map[string]string{"state": stateOf(b)})
}

// stateOf changes whenever the page would say something else.
func stateOf(b importer.Batch) string {
	p := b.Progress.V
	return b.State + " " + p.Step + " " + strconv.FormatInt(percent(p), 10)
}

func percent(p importer.Progress) int64 {
	if p.Total == 0 {
		return 0
	}
	return min(100, 100*p.Done/p.Total)
}

// Problems answers with all problems as a file.
func (Pages) Problems(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := c.WithTx(func(tx db.Tx) error {
		if err := importer.WriteProblems(tx, b, c.Printer(), &out); err != nil {
			return err
		}
		return read(tx, b)
	}); err != nil {
		return err
	}
	return download(c, b.Ref+".csv", mediaCSV, out.Bytes())
}

// record is one record of a batch, told value by value.
type record struct {
	Title string
	Path  string
	New   bool
	Lines []string
}

const pageSize = 25

// Records shows what would become of each record.
func (Pages) Records(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	what := c.Query("what")
	after, _ := strconv.Atoi(c.Query("after"))
	var list []record
	next := ""
	err = c.WithTx(func(tx db.Tx) error {
		proposals, err := importer.Proposals(tx, b, what, after, pageSize)
		if err != nil {
			return err
		}
		if list, err = told(tx, c, b, proposals); err != nil {
			return err
		}
		if len(proposals) == pageSize {
			next = here(b, "records") + "?what=" + what + "&after=" + strconv.Itoa(proposals[pageSize-1].Seq)
		}
		return seen(tx, b, proposals)
	})
	if err != nil {
		return err
	}
	return c.Render(recordsPage(b, what, list, next))
}

// seen logs whose records were on the page.
func seen(tx db.Tx, b importer.Batch, list []importer.Proposal) error {
	for _, kind := range []string{registry.KindPerson, registry.KindHousehold, registry.KindGroup} {
		var ids []db.ID
		for _, p := range list {
			if p.Kind == kind {
				ids = append(ids, p.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if err := audit.WriteAbout(tx, audit.Event{Action: kind + ".listed", SubjectKind: "batch", Subject: b.ID, Purpose: "import"}, kind, ids); err != nil {
			return err
		}
	}
	return nil
}

// told tells an officer what would become of records, as far as their roles may see it.
func told(tx db.Tx, c *web.Ctx, b importer.Batch, list []importer.Proposal) ([]record, error) {
	p := c.Printer()
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	var all []history.Change
	var values []registry.Values
	diffs := make([][]history.Change, len(list))
	refs := make([]string, len(list))
	for i, one := range list {
		var old, now history.State
		if one.Old != nil {
			if err := json.Unmarshal(one.Old, &old); err != nil {
				return nil, err
			}
		}
		if err := json.Unmarshal(one.Data, &now); err != nil {
			return nil, err
		}
		diffs[i], refs[i] = history.Diff(old, now), now.Text("ref")
		all = append(all, diffs[i]...)
		for _, s := range []history.State{old, now} {
			of, _ := s.Value("fields").(map[string]any)
			values = append(values, of)
		}
	}
	if fields, err = registry.WithPlaces(tx, fields, values...); err != nil {
		return nil, err
	}
	r := show.Record{P: p, Fields: fields, Staff: true, Roles: c.Principal().Roles()}
	names, err := show.NamesIn(tx, p, all...)
	if err != nil {
		return nil, err
	}
	var brought []string // those of the same batch are not there yet
	for _, c := range all {
		for _, key := range []string{"household_id", "person_id", "group_id"} {
			if id := c.New.Text(key); id != "" && names[id] == "" {
				brought = append(brought, id)
			}
		}
	}
	called, err := importer.Called(tx, b, brought)
	if err != nil {
		return nil, err
	}
	maps.Copy(names, called)
	var out []record
	for i, one := range list {
		rec := record{Title: p.T("import.record."+one.Kind) + " " + refs[i], New: one.Base == 0, Lines: r.Changes(diffs[i], names, reader(one))}
		if !rec.New {
			rec.Path = map[string]string{registry.KindPerson: "/people/", registry.KindHousehold: "/households/", registry.KindGroup: "/groups/"}[one.Kind] + refs[i]
		}
		out = append(out, rec)
	}
	return out, nil
}

// reader sees of a known record what everybody may see: its protected place and
// contacts are told to nobody here (RULES R5). Of a new one there is nothing but
// what the file says.
func reader(one importer.Proposal) show.Reader {
	var old registry.HouseholdData
	known := one.Old != nil && json.Unmarshal(one.Old, &old) == nil
	return show.Reader{Staff: true, Place: !known || !old.Protected, Contacts: !known}
}

const maxNote = 1000

// DecideForm asks for the decision.
func (Pages) DecideForm(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(decidePage(b, &ui.Form{}))
}

// Decide approves a batch or refuses it.
func (Pages) Decide(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("decision", "note")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(decidePage(b, state))
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
			return importer.Decide(tx, officer(c), b.Ref, decision == "approve", note, c.Printer().Tag)
		})
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), decidePage(b, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(here(b, "")))
}

// UndoForm asks why a batch is to be taken back.
func (Pages) UndoForm(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(undoPage(b, &ui.Form{}))
}

// Undo asks for it: a job works out what it means, and somebody else decides.
func (Pages) Undo(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("note")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(undoPage(b, state))
	}
	var check fault.Check
	note := form.Required(&check, "note", maxNote, "areas.error.note")
	var ref string
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) (err error) {
			ref, err = importer.Undo(tx, officer(c), b, note, c.Printer().Tag)
			return err
		})
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), undoPage(b, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/imports/" + ref))
}
