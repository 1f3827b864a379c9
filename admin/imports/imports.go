// Package imports is where files are brought into the registry: uploaded,
// understood, checked, sent, decided on, and taken back.
package imports

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/importer"
	"daftar/web"
	"daftar/web/ui"
)

// Pages are the pages, with the place where files lie.
type Pages struct{ Blobs *blob.Dir }

func officer(c *web.Ctx) importer.Officer {
	return importer.Officer{ID: c.Principal().ID, Areas: c.Areas(), Roles: c.Principal().Roles()}
}

// words are the languages in which columns and answers may be named.
func words(c *web.Ctx) []importer.Words {
	list := []importer.Words{c.Printer()}
	for _, l := range c.Locales() {
		if l.Tag != c.Printer().Tag {
			list = append(list, c.PrinterOf(l.Tag))
		}
	}
	return list
}

const listSize = 50

// List shows the batches, the newest first.
func (p Pages) List(c *web.Ctx) error {
	before := c.Now().Add(time.Hour)
	if ms, err := strconv.ParseInt(c.Query("before"), 10, 64); err == nil {
		before = time.UnixMicro(ms)
	}
	var list []importer.Batch
	if err := c.View(func(tx db.Tx) (err error) {
		list, err = importer.List(tx, officer(c), before, listSize)
		return err
	}); err != nil {
		return err
	}
	next := ""
	if len(list) == listSize {
		next = "/imports?before=" + strconv.FormatInt(list[listSize-1].CreatedAt.UnixMicro(), 10)
	}
	return c.Render(listPage(list, next, c.Principal().May(auth.ImportRun)))
}

// load finds the batch of the page.
func load(c *web.Ctx) (b importer.Batch, err error) {
	err = c.View(func(tx db.Tx) error {
		b, err = importer.Load(tx, officer(c), c.Param("ref"))
		return err
	})
	return b, err
}

// draft is a batch of one's own that is being prepared, with what is known of its
// files.
type draft struct {
	importer.Batch
	cat     *importer.Catalogue
	looks   []importer.Look
	mapping *importer.Mapping // nil where the columns name themselves
	words   []importer.Words
}

// loadDraft finds a draft of one's own. A batch that is further on leads to its
// page.
func (p Pages) loadDraft(c *web.Ctx) (draft, error) {
	d := draft{words: words(c)}
	b, err := load(c)
	if err != nil {
		return d, err
	}
	if d.Batch = b; !b.Mine(officer(c)) {
		return d, fault.Hidden()
	}
	if b.State != importer.Draft {
		return d, fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := c.View(func(tx db.Tx) error {
		d.cat, err = importer.LoadCatalogue(tx, c.Principal().Roles())
		return err
	}); err != nil {
		return d, err
	}
	if d.looks, err = p.look(b.Files.V, d.cat); err != nil {
		return d, err
	}
	if d.mapping, err = b.Parsed(d.cat); err != nil {
		d.mapping = d.cat.Suggested(d.looks, d.words...)
	}
	return d, nil
}

// look takes a first glance at files.
func (p Pages) look(uploads []importer.Upload, cat *importer.Catalogue) ([]importer.Look, error) {
	var files []importer.File
	for _, u := range uploads {
		f, err := p.Blobs.Open(u.Key)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		files = append(files, importer.File{Name: u.Name, Body: f, Size: info.Size(), Choices: u.Choices})
	}
	return importer.LookAt(files, cat)
}

// effective is the mapping as it works: what the columns say of themselves, where
// nobody said anything else.
func (d draft) effective() *importer.Mapping {
	if d.mapping != nil {
		return d.mapping
	}
	return d.cat.Suggested(d.looks)
}

// wrong says why the files cannot be read with the mapping; "" when they can.
func (d draft) wrong(print *i18n.Printer) string {
	for _, l := range d.looks {
		if l.Kind == "" {
			return print.T("import.error.table")
		}
	}
	return said(print, d.effective().Fits(d.looks, d.cat, d.words))
}

// said is an error about a file in words; "" for none.
func said(print *i18n.Printer, err error) string {
	if err == nil {
		return ""
	}
	if p, ok := importer.AboutFile(err); ok {
		return print.T("import.error.named", "File", p.File, "Why", p.Rule(print))
	}
	return print.T("import.error.mapping")
}

// strange counts the values that are no answers.
func (d draft) strange() int {
	n := 0
	for _, q := range d.questions() {
		n += len(q.Values)
	}
	return n
}

// aboutFile is an error about a file as the form shows it; nil for any other.
func aboutFile(c *web.Ctx, input string, err error) *fault.Error {
	p, ok := importer.AboutFile(err)
	if !ok {
		return nil
	}
	return beside(input, "import.error.named", "File", p.File, "Why", p.Rule(c.Printer()))
}

func beside(input, key string, args ...any) *fault.Error {
	var check fault.Check
	check.Fail(input, key, args...)
	return check.Fault()
}

// shown is an error that a form shows; nil for any other.
func shown(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		return f
	}
	return nil
}

// here is a batch's page, or one of its pages.
func here(b importer.Batch, page string) string {
	if page != "" {
		page = "/" + page
	}
	return "/imports/" + b.Ref + page
}

// step does something to a batch and leads back to its page.
func step(c *web.Ctx, do func(db.Tx, importer.Batch) error) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var b importer.Batch
	if err := c.WithTx(func(tx db.Tx) (err error) {
		if b, err = importer.Load(tx, officer(c), c.Param("ref")); err != nil {
			return err
		}
		if !b.Mine(officer(c)) {
			return fault.New(fault.Forbidden, "error.forbidden")
		}
		return do(tx, b)
	}); err != nil {
		return err
	}
	return c.Redirect(c.URL(here(b, "")))
}

// Start hands the draft to the job that checks it.
func (p Pages) Start(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	if b.State == importer.Draft {
		d, err := p.loadDraft(c)
		if err != nil {
			return err
		}
		if d.wrong(c.Printer()) != "" {
			return c.RenderStatus(fiber.StatusUnprocessableEntity, draftPage(d))
		}
	}
	return step(c, importer.Start)
}

// Reopen goes back to the mapping.
func (Pages) Reopen(c *web.Ctx) error { return step(c, importer.Reopen) }

// Send hands the batch to whoever approves.
func (Pages) Send(c *web.Ctx) error { return step(c, importer.Send) }

// Withdraw gives the batch up.
func (Pages) Withdraw(c *web.Ctx) error { return step(c, importer.Withdraw) }

func counted(p *i18n.Printer, b importer.Batch) string {
	n := b.Counts.V
	var parts []string
	for _, part := range []struct {
		key string
		n   int
	}{{"import.count.new", n.Added}, {"import.count.changed", n.Changed}, {"import.count.same", n.Unchanged}, {"import.count.ended", n.Ended}, {"import.count.rejected", n.Rejected}} {
		if part.n > 0 {
			parts = append(parts, p.T(part.key)+" "+p.Number(part.n))
		}
	}
	return p.List(parts)
}

func stateColour(state string) string {
	switch state {
	case importer.Applied:
		return "green"
	case importer.Refused, importer.Failed, importer.Stale:
		return "red"
	case importer.Draft, importer.Withdrawn, importer.Undone, importer.Same:
		return "grey"
	case importer.Proposed:
		return "yellow"
	}
	return "blue"
}

func creator(p *i18n.Printer, b importer.Batch) string {
	if b.Creator == "" {
		return p.T("areas.by_command")
	}
	return b.Creator
}

func batchRows(p *i18n.Printer, list []importer.Batch) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, b := range list {
		what := b.Source
		if b.Undoes != nil {
			what = p.T("import.undo_of", "Batch", b.UndoesRef)
		}
		rows = append(rows, []ui.Cell{
			{Text: b.Ref, Path: here(b, ""), LTR: true}, {Text: what}, {Text: counted(p, b)}, {Text: creator(p, b)}, {Text: p.Time(b.CreatedAt)},
			{Text: p.T("import.state." + b.State), Colour: stateColour(b.State)},
		})
	}
	return rows
}

// download answers with a file to keep.
func download(c *web.Ctx, name, media string, body []byte) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	return c.Send(fiber.StatusOK, media, body)
}

const (
	mediaCSV  = "text/csv; charset=utf-8"
	mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	mediaYAML = "application/yaml; charset=utf-8"
)

// catalogue is what the officer may import.
func catalogue(c *web.Ctx) (cat *importer.Catalogue, err error) {
	err = c.View(func(tx db.Tx) error {
		cat, err = importer.LoadCatalogue(tx, c.Principal().Roles())
		return err
	})
	return cat, err
}

// Template answers with the workbook to fill in, in the page's language.
func (Pages) Template(c *web.Ctx) error {
	cat, err := catalogue(c)
	if err != nil {
		return err
	}
	b, err := cat.Template(c.Printer())
	if err != nil {
		return err
	}
	return download(c, "daftar-template.xlsx", mediaXLSX, b)
}

// TableTemplate answers with the header of one table.
func (Pages) TableTemplate(c *web.Ctx) error {
	cat, err := catalogue(c)
	if err != nil {
		return err
	}
	table := c.Param("table")
	b, err := cat.TemplateOf(table, c.Printer())
	if err != nil {
		return err
	}
	return download(c, fmt.Sprintf("daftar-%s.csv", table), mediaCSV, b)
}

func remove(blobs *blob.Dir, uploads []importer.Upload) {
	for _, u := range uploads {
		if err := blobs.Remove(u.Key); err != nil && !errors.Is(err, os.ErrNotExist) {
			continue // the cleaning finds nothing to do with it
		}
	}
}
