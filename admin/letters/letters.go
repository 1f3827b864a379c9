// Package letters is the texts of answers: one writes, another has read them
// before they go out by themselves (RULES R3).
package letters

import (
	"slices"
	"strconv"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// view is one text.
type view struct {
	Code, Lang, Name string
	Text             cases.LetterText
	Mine             bool // who looks wrote it
	Example          []string
	Form             *ui.Form
}

// List shows every letter in every language.
func List(c *web.Ctx) error {
	var list []cases.LetterText
	if err := c.View(func(tx db.Tx) (err error) { list, err = cases.LetterTexts(tx); return err }); err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, code := range cases.LetterCodes() {
		for _, l := range c.Locales() {
			if l.Tag == "en-XA" {
				continue
			}
			state, colour := p.T("letter.state.none"), "grey"
			for _, t := range list {
				switch {
				case t.Code != code || t.Lang != l.Tag:
				case t.Reviewed:
					state, colour = p.T("letter.state.reviewed"), "green"
				default:
					state, colour = p.T("letter.state.draft"), "yellow"
				}
			}
			rows = append(rows, []ui.Cell{{Text: p.T("letter.code." + code), Path: "/letters/" + code + "/" + l.Tag}, {Text: l.Name}, {Text: state, Colour: colour}})
		}
	}
	return c.Render(listPage(rows))
}

func load(c *web.Ctx) (view, error) {
	v := view{Code: c.Param("code"), Lang: c.Param("tag"), Form: &ui.Form{}}
	locale := slices.IndexFunc(c.Locales(), func(l i18n.Locale) bool { return l.Tag == v.Lang && l.Tag != "en-XA" })
	if !slices.Contains(cases.LetterCodes(), v.Code) || locale < 0 {
		return v, fault.Hidden()
	}
	v.Name = c.Locales()[locale].Name
	var list []cases.LetterText
	if err := c.View(func(tx db.Tx) (err error) { list, err = cases.LetterTexts(tx); return err }); err != nil {
		return v, err
	}
	for _, t := range list {
		if t.Code == v.Code && t.Lang == v.Lang {
			v.Text = t
		}
	}
	v.Mine = v.Text.By != nil && *v.Text.By == c.Principal().ID
	p := c.PrinterOf(v.Lang)
	v.Example = v.Text.Fill(map[string]string{"applicant": "آمنة يوسف", "received": p.Date(c.Now()), "kind": p.T("letter.example.kind"), "reference": "C-7KQ2M-9XDWA",
		"reason": p.T("letter.example.reason"), "left": p.T("birth.label"), "appeal": p.T("letter.appeal", "Date", p.Date(c.Now().AddDate(0, 1, 0)))})
	v.Form.Values = map[string][]string{"body": {v.Text.Body}}
	return v, nil
}

// Show is one text with an example of what it makes.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(showPage(v))
}

// Write stores the next version.
func Write(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("body")
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(showPage(v))
	}
	var check fault.Check
	body := form.Required(&check, "body", 4000, "letter.error.body")
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return cases.WriteLetter(tx, v.Code, v.Lang, body) })
	}
	if fault.Is(err, fault.Invalid) {
		v.Form.Err = err.(*fault.Error)
		return c.RenderStatus(web.Status(fault.Invalid), showPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/letters/" + v.Code + "/" + v.Lang))
}

// Review says that the officer, who did not write it, has read it.
func Review(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("version")
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(form.Get("version"))
	if err := c.WithTx(func(tx db.Tx) error { return cases.ReviewLetter(tx, v.Code, v.Lang, version) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/letters"))
}
