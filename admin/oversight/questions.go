package oversight

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/looks"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

// Questions lists what people ask about looks at their records, the most urgent
// first.
func Questions(c *web.Ctx) error {
	var list []looks.Question
	if err := c.View(func(tx db.Tx) (err error) {
		list, err = looks.Open(tx)
		return err
	}); err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, q := range list {
		due := ui.Cell{Text: p.Day(q.DueOn)}
		if q.DueOn.Before(c.Now()) {
			due.Class = "dft-overdue"
		}
		rows = append(rows, []ui.Cell{{Text: q.Ref, Path: "/questions/" + q.Ref, LTR: true}, {Text: p.Time(q.EventAt)}, {Text: p.Time(q.AskedAt)}, due})
	}
	return c.Render(questionsPage(rows))
}

// question is one, with the entry of the log that it is about.
type question struct {
	looks.Question
	About []ui.Row
}

func oneQuestion(c *web.Ctx) (q question, err error) {
	if err = c.WithTx(func(tx db.Tx) error {
		if q.Question, err = looks.FindQuestion(tx, c.Param("ref")); err != nil {
			return err
		}
		return oversight.Note(tx, oversight.Filter{}, "question.read")
	}); err != nil {
		return q, err
	}
	var e oversight.Row
	if err = asAuditor(c, func(tx db.Tx) error {
		e, err = oversight.Entry(tx, q.EventAt, q.Event)
		return err
	}); err != nil {
		return q, err
	}
	p := c.Printer()
	q.About = []ui.Row{
		{Key: p.T("audit.when"), Value: p.Time(e.At)}, {Key: p.T("audit.who"), Value: who(p, e)}, {Key: p.T("audit.action"), Value: known(p, "audit.action.", e.Action)},
		{Key: p.T("audit.about"), Value: about(p, e), LTR: e.SubjectRef != ""}, {Key: p.T("audit.why"), Value: why(p, e), LTR: e.CaseRef != ""},
		{Key: p.T("audit.number"), Value: number(p, e), LTR: true},
	}
	return q, nil
}

// Question is one of them.
func Question(c *web.Ctx) error {
	q, err := oneQuestion(c)
	if err != nil {
		return err
	}
	return c.Render(questionPage(q, &ui.Form{}))
}

// Answer answers it, in the officer's own words.
func Answer(c *web.Ctx) error {
	q, err := oneQuestion(c)
	if err != nil {
		return err
	}
	form, err := c.Form("finding", "answer")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(questionPage(q, state))
	}
	var check fault.Check
	finding := form.Choice(&check, "finding", looks.Findings(), "finding.error")
	answer := form.Required(&check, "answer", 2000, "question.error.answer")
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error { return looks.Answer(tx, q.Question, finding, answer, c.Printer().Tag) })
	}
	if refused := said(err, state); refused != 0 {
		return c.RenderStatus(refused, questionPage(q, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/questions/" + q.Ref))
}
