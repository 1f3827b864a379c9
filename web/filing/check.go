package filing

import (
	"errors"
	"slices"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

const maxNote = 1000

// check shows every answer with a link to change it, and what would change in
// the records.
func (s Site) check(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error { return v.showCheck(fiber.StatusOK, &ui.Form{}) })
}

// preview is what the case would do, in words; the reason why nothing can be
// shown yet is an error of the form.
type preview struct {
	Records []show.Altered
	Blocked bool // the office has to look at it first
}

func (v *visit) showCheck(status int, f *ui.Form) error {
	var p preview
	err := v.View(func(tx db.Tx) (err error) {
		if p, err = v.preview(tx); fault.Is(err, fault.Invalid) {
			return nil // said when it is sent
		}
		return err
	})
	if err != nil {
		return err
	}
	list, err := v.sheets()
	if err != nil {
		return err
	}
	return v.RenderStatus(status, checkPage(v, f, v.answers(list), p))
}

func (v *visit) preview(tx db.Tx) (preview, error) {
	if v.kind().Effect == "" {
		return preview{}, nil
	}
	out, err := v.f.Propose(tx, db.ID{})
	var e *fault.Error
	if errors.As(err, &e) && e.Code == fault.Conflict {
		return preview{Blocked: e.Key != effect.Nothing}, nil
	}
	if err != nil {
		return preview{}, err
	}
	list, err := v.f.Preview(out)
	if err != nil {
		return preview{}, err
	}
	s := v.f.Scene
	records, err := show.Proposal(tx, v.Printer(), list, func(a cases.Alteration) (show.Reader, bool) {
		known := a.Kind == registry.KindHousehold || a.Subject == s.Me || s.Child(a.Subject) // RULES R4
		return show.Reader{Place: true, Contacts: known}, known
	})
	return preview{Records: records}, err
}

// answers lists what was said, with the page where each can be changed.
func (v *visit) answers(sheets []sheet) []ui.Row {
	rows := Answers(v.Ctx, v.f, func(page string) string { return v.at("q/"+page) + "?from=check" }, true)
	if len(v.kind().Proof) > 0 {
		row := ui.Row{Key: v.Printer().T("filing.proof.title"), Path: v.at("proof") + "?from=check", Change: v.Printer().T("filing.proof.title")}
		for _, s := range sheets {
			row.Lines = append(row.Lines, sheetName(v.Context(), s))
		}
		rows = append(rows, row)
	}
	return rows
}

// Answers lists what a case says, question by question; at is nil where nothing
// can be changed. Without place, what was told of where people live is left out.
func Answers(c *web.Ctx, f cases.Filing, at func(page string) string, place bool) []ui.Row {
	p := c.Printer()
	var rows []ui.Row
	for _, page := range placed(c, f.Pages(), f.Draft.Answers) {
		value := f.Draft.Answers[page.Code]
		row := ui.Row{Key: label(p, page), Value: page.Field.Show(p, value), Change: label(p, page)}
		if ref, ok := value.(string); ok && page.Question.Page == "person" && !page.Field.Options.Has(ref) {
			row.Value = called(f, ref)
		}
		if page.Question.Page == "area" {
			row.Value = placeName(c, value)
		}
		if !place && value != nil && (page.Question.Page == "area" || page.Code == "directions") {
			row.Value = p.T("record.hidden")
		}
		if page.Field.Type == registry.TypeRoster {
			row.Value = ""
			for _, r := range registry.Rows(value) {
				row.Lines = append(row.Lines, show.RosterRow(p, append(registry.Fields{page.Field}, page.Columns...), page.Field, r))
			}
		}
		if at != nil {
			row.Path = at(page.Code)
		}
		rows = append(rows, row)
	}
	return rows
}

// called is the name of somebody whom an answer names and whom the question does not
// offer any more, because it was decided since; else the reference.
func called(f cases.Filing, ref string) string {
	for _, p := range f.Scene.People {
		if p.Ref == ref && p.FullName != "" {
			return p.FullName
		}
	}
	return ref
}

// placed are pages whose places have names.
func placed(c *web.Ctx, pages []kinds.Page, answers registry.Values) []kinds.Page {
	var asked registry.Fields
	for _, page := range pages {
		asked = append(append(asked, page.Field), page.Columns...)
	}
	if !slices.ContainsFunc(asked, func(f registry.Field) bool { return f.Type == registry.TypeArea }) {
		return pages
	}
	_ = c.View(func(tx db.Tx) (err error) { // else they are told by their codes
		named, err := registry.WithPlaces(tx, asked, answers)
		if err == nil {
			asked = named
		}
		return err
	})
	for i, n := range pages {
		pages[i].Field, pages[i].Columns = asked[0], asked[1:1+len(n.Columns)]
		asked = asked[1+len(n.Columns):]
	}
	return pages
}

func placeName(c *web.Ctx, value any) (name string) {
	code, ok := value.(string)
	if !ok {
		return ""
	}
	_ = c.View(func(tx db.Tx) error { // a place that ended is told by its code
		name = code
		a, err := registry.AreaByCode(tx, code)
		if err != nil {
			return err
		}
		path, err := registry.AreaPath(tx, a.ID)
		name = registry.PathName(c.Printer(), path)
		return err
	})
	return name
}

// send hands the case to the office, or answers the office's question.
func (s Site) send(c *web.Ctx) error {
	form, err := c.Form("note", "agree")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	again := func(status int) error {
		return s.editing(c, func(v *visit) error { return v.showCheck(status, state) })
	}
	if form.Switching() {
		return again(fiber.StatusOK)
	}
	var before, sent cases.Case
	var kind kinds.Kind
	err = c.WithTx(func(tx db.Tx) (err error) {
		actor := intake.Actor(c, s.Counter)
		if before, err = cases.Load(tx, actor, c.Param("ref")); err != nil {
			return err
		}
		if before.Kind == "registration" {
			return fault.Hidden()
		}
		var check fault.Check
		note := form.Text(&check, "note", maxNote)
		if before.State == cases.StateDraft && form.Get("agree") != "yes" {
			check.Fail("agree", "check.error.agree")
		}
		if err := check.Err(); err != nil {
			return err
		}
		if kind, err = before.Of(tx); err != nil {
			return err
		}
		switch {
		case before.State == cases.StateWaiting:
			sent, err = cases.Reply(tx, actor, before.Ref, note, c.Printer().Tag)
		case before.State.Editable():
			sent, err = cases.File(tx, actor, before.Ref)
		}
		return err
	})
	switch {
	case invalid(err, state):
		return again(web.Status(fault.Invalid))
	case err != nil:
		return err
	case before.State == cases.StateWaiting || !before.State.Editable(): // its own page says how it goes on
		return c.Redirect(c.URL("/cases/" + before.Ref))
	case !s.Counter:
		return c.Redirect(c.URL(Base + "/" + before.Ref + "/receipt"))
	}
	// At the counter: whoever took it may not be one who reads it from now on.
	return ShowReceipt(c, Receipt{Case: sent, Kind: kind, Code: s.Codes.Of(sent), Counter: true, PortalURL: s.PortalURL})
}

// Receipt is what somebody takes home: the reference, the status code, the day
// of the answer, the proof that it is in the log, the office.
type Receipt struct {
	Case      cases.Case
	Kind      kinds.Kind
	Code      string
	Counter   bool
	Anonymous bool
	PortalURL string // where the code is entered
	PDF       string // the address of the receipt as a file; "" for none
	Entries   []audit.Receipt
	Office    registry.Office
}

// fill adds what the registry knows about it. Of a sealed case, the paper says
// neither what it is nor where it lies.
func (r *Receipt) fill(tx db.Tx) (err error) {
	if r.Entries, err = audit.Receipts(tx, r.Case.ID); err != nil || r.Kind.Exit {
		return err
	}
	r.Office, _, err = registry.OfficeOfCase(tx, r.Case.OpenedBy, r.Case.Area)
	return err
}

// proofURL is where anybody can have the entry of a receipt proven.
func (r Receipt) proofURL(c *web.Ctx, leaf string) string {
	return r.PortalURL + c.URL("/audit/proof/"+leaf)
}

// receipt can be printed again.
func (s Site) receipt(c *web.Ctx) error { return s.received(c, ShowReceipt) }

// receiptPDF is the receipt as a file.
func (s Site) receiptPDF(c *web.Ctx) error {
	return s.received(c, func(c *web.Ctx, r Receipt) error {
		if err := c.View(r.fill); err != nil {
			return err
		}
		return c.PDF("receipt-"+r.Case.Ref, receiptPage(c, r))
	})
}

func (s Site) received(c *web.Ctx, show func(*web.Ctx, Receipt) error) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	if v.f.State == cases.StateDraft {
		return c.Redirect(c.URL(v.at("")))
	}
	return show(c, Receipt{Case: v.f.Case, Kind: v.kind(), Code: s.Codes.Of(v.f.Case), Counter: s.Counter, PortalURL: s.PortalURL, PDF: v.at("receipt/pdf")})
}

// ShowReceipt answers with a receipt.
func ShowReceipt(c *web.Ctx, r Receipt) error {
	if err := c.View(r.fill); err != nil {
		return err
	}
	return c.Render(receiptPage(c, r))
}
