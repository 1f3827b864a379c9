// Package letters is the office's print queue, with the proof of delivery, and
// the texts that letters are written in.
package letters

import (
	"strings"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/letters"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

func reader(c *web.Ctx) registry.Reader {
	return registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
}

// queue is what waits on paper, in three parts.
type queue struct{ Print, Send, Out [][]ui.Cell }

// Queue lists the letters to print, to send, and on their way.
func Queue(c *web.Ctx) error {
	var q queue
	err := c.WithTx(func(tx db.Tx) error {
		rows, err := letters.Queue(tx, reader(c), letters.Wanted, letters.Printed, letters.HandedOver, letters.Posted, letters.Returned)
		for _, r := range rows {
			cells := row(c.Printer(), r)
			switch r.Paper {
			case letters.Wanted, letters.Returned:
				q.Print = append(q.Print, cells)
			case letters.Printed:
				q.Send = append(q.Send, cells)
			default:
				q.Out = append(q.Out, cells)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(queuePage(q))
}

func row(p *i18n.Printer, r letters.Row) []ui.Cell {
	place := r.AreaName.In(p)
	if r.Protected {
		place = p.T("letters.in_person")
	}
	return []ui.Cell{
		{Text: r.Ref, Path: "/letters/" + r.Ref, LTR: true}, {Text: p.T("letter.kind." + r.Kind)}, {Text: show.Name(p, r.Name)}, {Text: place},
		{Text: p.Date(r.PaperAt)}, {Text: p.T("paper." + string(r.Paper)), Colour: colour(r.Paper)},
	}
}

func colour(s letters.Paper) string {
	switch s {
	case letters.Wanted:
		return "orange"
	case letters.Returned:
		return "red"
	case letters.SignedFor:
		return "green"
	}
	return "blue"
}

// sheet is a letter as it is printed, with what happened to it.
type sheet struct {
	letters.Sheet
	Place  string
	Events []ui.Happening
	Steps  []ui.Choice
	Form   *ui.Form
}

// Show is one letter, to be printed. Reading it is logged.
func Show(c *web.Ctx) error {
	s, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(sheetPage(s))
}

// PDF is the letter as a file for the printer.
func PDF(c *web.Ctx) error {
	s, err := load(c)
	if err != nil {
		return err
	}
	return c.PDF("letter-"+s.Ref, sheetPage(s))
}

func load(c *web.Ctx) (sheet, error) {
	p := c.Printer()
	s := sheet{Form: &ui.Form{Values: map[string][]string{}}}
	err := c.WithTx(func(tx db.Tx) (err error) {
		s.Sheet, err = letters.Read(tx, reader(c), c.Param("ref"))
		return err
	})
	if err != nil {
		return s, err
	}
	s.Form.Action = "/letters/" + s.Ref + "/note"
	s.Place = registry.PathName(p, s.Sheet.Place)
	for i := len(s.Sheet.Events) - 1; i >= 0; i-- {
		e := s.Sheet.Events[i]
		h := ui.Happening{Title: p.T("paper.event." + e.What), When: p.Day(e.Day)}
		if e.By != "" {
			h.Lines = []string{e.By}
		}
		if e.Note != "" {
			h.Words = ui.Words{By: p.T("words.officer"), Text: e.Note, Lang: e.Lang}
		}
		s.Events = append(s.Events, h)
	}
	for _, step := range s.Paper.Steps() {
		if step != letters.Posted || !s.Protected {
			s.Steps = append(s.Steps, ui.Choice{Value: string(step), Label: p.T("paper.step." + string(step))})
		}
	}
	s.Form.Values["day"] = []string{registry.Today(c.Now(), p.Zone).Format(time.DateOnly)}
	return s, nil
}

// Note writes down what happened to a letter.
func Note(c *web.Ctx) error {
	s, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("step", "day", "note")
	if err != nil {
		return err
	}
	s.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(sheetPage(s))
	}
	var check fault.Check
	note := form.Text(&check, "note", 500)
	day, err := time.Parse(time.DateOnly, i18n.LatinDigits(strings.TrimSpace(form.Get("day"))))
	if err != nil {
		check.Fail("day", "paper.error.day")
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			return letters.Note(tx, reader(c), s.Ref, letters.Paper(form.Get("step")), day, note, c.Printer().Tag)
		})
	}
	if f := web.AsFault(err); err != nil && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		s.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), sheetPage(s))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/letters/" + s.Ref))
}
