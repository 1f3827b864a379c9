package oversight

import (
	"daftar/db"
	"daftar/i18n"
	"daftar/registry/audit/seal"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

// Checks lists the latest verifications of the log, with what they found.
func Checks(c *web.Ctx) error {
	var list []oversight.Check
	var head *oversight.Head
	if err := asAuditor(c, func(tx db.Tx) (err error) {
		if list, err = oversight.Checks(tx); err != nil {
			return err
		}
		head, err = oversight.Latest(tx)
		return err
	}); err != nil {
		return err
	}
	return c.Render(checksPage(head, list))
}

// Check has the log verified in the background.
func Check(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { _, err := oversight.Ask(tx); return err }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/audit/checks"))
}

// outcome is a verification in a word, with its colour.
func outcome(p *i18n.Printer, k oversight.Check) (text, colour string) {
	switch {
	case !k.Finished.Valid:
		return p.T("audit.check.running"), "blue"
	case k.Failed != "":
		return p.T("audit.check.failed"), "orange"
	case len(k.Report.Problems) > 0:
		return p.T("audit.check.changed"), "red"
	}
	return p.T("audit.check.sound"), "green"
}

// reach says what a verification is worth.
func reach(p *i18n.Printer, r seal.Report) string {
	if r.Given == 0 {
		return p.T("audit.check.alone", "Count", p.Number(int(r.Size)))
	}
	return p.T("audit.check.reach", "Count", p.Number(int(r.Size)), "Reach", p.Number(int(r.Reach)), "Given", p.Number(r.Given))
}

// problem is one thing that is wrong, in words.
func problem(p *i18n.Printer, x seal.Problem) string {
	which := p.Number(int(x.From))
	if x.To > x.From+1 {
		which = p.T("audit.range", "From", p.Number(int(x.From)), "To", p.Number(int(x.To-1)))
	}
	text := p.T("audit.problem."+string(x.Kind), "Which", which, "Size", p.Number(int(x.To)))
	if x.Entry != (db.ID{}) {
		text = p.T("audit.problem_of", "Problem", text, "When", p.Time(x.At))
	}
	return text
}

func columns(p *i18n.Printer, keys ...string) []ui.Column {
	var list []ui.Column
	for _, key := range keys {
		list = append(list, ui.Column{Title: p.T(key)})
	}
	return list
}
