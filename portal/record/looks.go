package record

import (
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/looks"
	"daftar/web"
	"daftar/web/ui"
)

// seen is who looked at one's record, and what one asked about it.
type seen struct {
	Person    db.ID
	Looks     []looks.Look
	Questions []looks.Question
	Country   registry.Country
}

func loadSeen(c *web.Ctx) (s seen, err error) {
	person := c.Principal().Person
	if person == nil {
		return s, fault.Hidden()
	}
	s.Person = *person
	err = c.View(func(tx db.Tx) error {
		if s.Looks, err = looks.Of(tx, s.Person); err != nil {
			return err
		}
		if s.Questions, err = looks.Mine(tx, s.Person); err != nil {
			return err
		}
		all, err := registry.LoadSettings(tx)
		s.Country = all.Country
		return err
	})
	return s, err
}

// Looks tells who of the staff looked at one's record, found it in a search or
// took it along in a file: when, in which office and role, what for, and what
// they saw.
func Looks(c *web.Ctx) error {
	s, err := loadSeen(c)
	if err != nil {
		return err
	}
	p := c.Printer()
	asked := map[db.ID]bool{}
	for _, q := range s.Questions {
		asked[q.Event] = true
	}
	var list []shown
	for _, l := range s.Looks {
		w := l.In(p, s.Country)
		one := shown{Action: w.Action, When: p.Time(l.At), Lines: []string{
			p.T("looks.who_where", "Role", w.Role, "Office", w.Office), p.T("looks.kinds", "Kinds", p.List(w.Kinds)),
			p.T("looks.why", "Purpose", w.Purpose, "Basis", w.Basis),
		}}
		if l.Delayed {
			one.Lines = append(one.Lines, p.T("looks.delayed"))
		}
		if !asked[l.Event] {
			one.Ask = "/record/looks/" + l.Ref(s.Person)
		}
		list = append(list, one)
	}
	return c.Render(looksPage(list, told(p, s.Questions)))
}

// shown is a look in words.
type shown struct {
	Action, When string
	Lines        []string
	Ask          string // where to ask about it; "" when one has
}

// told are the questions with their answers, as a timeline.
func told(p *i18n.Printer, list []looks.Question) []ui.Happening {
	var out []ui.Happening
	for _, q := range list {
		out = append(out, ui.Happening{Title: p.T("looks.question_about", "Ref", q.Ref, "When", p.Time(q.EventAt)), When: p.Time(q.AskedAt),
			Words: ui.Words{By: p.T("looks.you_wrote"), Text: q.Words, Lang: q.WordsLang}})
		if !q.AnsweredAt.Valid {
			out[len(out)-1].Lines = []string{p.T("looks.answer_by", "Date", p.Day(q.DueOn))}
			continue
		}
		out = append(out, ui.Happening{Title: p.T("looks.answer_to", "Ref", q.Ref), When: p.Time(q.AnsweredAt.Time), Lines: []string{p.T("finding." + q.Finding.String)},
			Words: ui.Words{By: p.T("looks.dpo_wrote"), Text: q.Answer, Lang: q.AnswerLang}})
	}
	return out
}

// LooksFile is the same list as a document for programs.
func LooksFile(c *web.Ctx) error {
	s, err := loadSeen(c)
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(looks.Track(s.Looks, s.Person, c.Now(), c.Printer(), s.Country), "", "  ")
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="looks.json"`)
	return c.Send(fiber.StatusOK, fiber.MIMEApplicationJSONCharsetUTF8, raw)
}
