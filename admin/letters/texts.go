package letters

import (
	"context"
	"slices"
	"strconv"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/letters"
	"daftar/web"
	"daftar/web/ui"
)

// Texts lists the texts of letters by kind and language, and how many letters
// wait for one.
func Texts(c *web.Ctx) error {
	var list []letters.Wording
	var held map[string]int
	err := c.View(func(tx db.Tx) (err error) {
		if list, err = letters.Wordings(tx); err != nil {
			return err
		}
		held, err = letters.Held(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, w := range list {
		state, colour := p.T("lettertext.unreviewed"), "orange"
		if w.Reviewed() {
			state, colour = p.T("lettertext.reviewed"), "green"
		}
		rows = append(rows, []ui.Cell{
			{Text: p.T("letter.kind." + w.Kind), Path: "/letters/texts/" + w.Kind + "/" + w.Language}, {Text: languageName(c, w.Language)},
			{Text: p.Number(w.Version)}, {Text: p.Date(w.WrittenAt)}, {Text: state, Colour: colour}, {Text: p.Number(held[w.Kind])},
		})
	}
	return c.Render(textsPage(rows))
}

func languageName(c *web.Ctx, tag string) string {
	for _, l := range c.Locales() {
		if l.Tag == tag {
			return l.Name
		}
	}
	return tag
}

// wording is one text with its versions.
type wording struct {
	Kind, Language, LanguageName, Dir string
	Versions                          []letters.Wording
	Form                              *ui.Form
	MayWrite, MayReview               bool
}

// Text is one text: its latest version to be reviewed, or to be written anew.
func Text(c *web.Ctx) error {
	w, err := loadText(c)
	if err != nil {
		return err
	}
	return c.Render(textPage(w))
}

func loadText(c *web.Ctx) (wording, error) {
	p := c.Principal()
	w := wording{Kind: c.Param("kind"), Language: c.Param("language")}
	if !slices.Contains(letters.Kinds(), w.Kind) {
		return w, fault.Hidden()
	}
	err := c.View(func(tx db.Tx) (err error) {
		w.Versions, err = letters.Versions(tx, w.Kind, w.Language)
		return err
	})
	if err != nil {
		return w, err
	}
	last := w.Versions[0]
	w.LanguageName, w.Dir = languageName(c, w.Language), direction(c, w.Language)
	w.MayWrite = p.May(auth.LetterEdit)
	w.MayReview = p.May(auth.LetterReview) && !last.Reviewed() && (last.WrittenBy == nil || *last.WrittenBy != p.ID)
	w.Form = &ui.Form{Action: "/letters/texts/" + w.Kind + "/" + w.Language, Values: map[string][]string{"title": {last.Title}, "body": {last.Body}}}
	return w, nil
}

func direction(c *web.Ctx, tag string) string {
	if p := c.PrinterOf(tag); p != nil {
		return p.Dir
	}
	return "auto"
}

// Write adds a version of a text.
func Write(c *web.Ctx) error {
	w, err := loadText(c)
	if err != nil {
		return err
	}
	form, err := c.Form("title", "body")
	if err != nil {
		return err
	}
	w.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(textPage(w))
	}
	var check fault.Check
	title, body := form.Text(&check, "title", 200), form.Text(&check, "body", 8000)
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return letters.Write(tx, w.Kind, w.Language, title, body) })
	}
	if f := web.AsFault(err); err != nil && f.Code == fault.Invalid {
		w.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), textPage(w))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/letters/texts/" + w.Kind + "/" + w.Language))
}

// Review says that the officer has read the text and that it may go out.
func Review(c *web.Ctx) error {
	w, err := loadText(c)
	if err != nil {
		return err
	}
	form, err := c.Form("version")
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(form.Get("version"))
	if err != nil {
		return fault.Wrap(err, fault.Malformed, "error.malformed")
	}
	if err := c.WithTx(func(tx db.Tx) error { return letters.Review(tx, w.Kind, w.Language, version) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/letters/texts"))
}

func about(ctx context.Context, v letters.Wording) []ui.Row {
	p := i18n.From(ctx)
	writer := v.Writer
	if v.WrittenBy == nil {
		writer = p.T("lettertext.shipped")
	}
	rows := []ui.Row{
		{Key: p.T("lettertext.version"), Value: p.Number(v.Version)},
		{Key: p.T("lettertext.writer"), Value: writer, Lines: []string{p.Time(v.WrittenAt)}},
	}
	if v.Reviewed() {
		rows = append(rows, ui.Row{Key: p.T("lettertext.reviewer"), Value: v.Reviewer, Lines: []string{p.Time(v.ReviewedAt.Time)}})
	}
	return rows
}
