// Package notices is a citizen's inbox, and how they want to be told.
package notices

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/cases"
	"daftar/registry/notices"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

// Inbox lists what somebody was told, the latest first.
func Inbox(c *web.Ctx) error {
	var list []notices.Told
	err := c.View(func(tx db.Tx) (err error) {
		list, err = notices.Inbox(tx, c.Principal().ID, c.Principal().Person)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(inboxPage(tasks(c.Printer(), list)))
}

func tasks(p *i18n.Printer, list []notices.Told) []ui.Task {
	var tasks []ui.Task
	for _, n := range list {
		t := ui.Task{ID: n.Ref, Title: show.NoticeTitle(p, n), Hint: hint(p, n), Path: "/notices/" + n.Ref, Status: p.T("notice.new"), Colour: "blue"}
		if n.ReadAt.Valid {
			t.Status, t.Colour = p.T("notice.read"), ""
		}
		tasks = append(tasks, t)
	}
	return tasks
}

// hint tells notices of one kind apart.
func hint(p *i18n.Printer, n notices.Told) string {
	if n.CaseRef == "" {
		return p.Time(n.CreatedAt)
	}
	return p.T("notice.about", "When", p.Time(n.CreatedAt), "Ref", show.Unbroken(n.CaseRef))
}

// Show is one notice. Reading it is noted.
func Show(c *web.Ctx) error {
	var n notices.Told
	var waits time.Time
	err := c.WithTx(func(tx db.Tx) (err error) {
		if n, err = notices.Read(tx, c.Principal().ID, c.Principal().Person, c.Param("ref")); err != nil || n.Kind != "case_asked" {
			return err
		}
		waits, err = waitsUntil(c, tx, n.CaseRef)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(noticePage(n, about(n), waits))
}

// waitsUntil is the last day on which the answer to a case is waited for; zero where
// none is any more.
func waitsUntil(c *web.Ctx, tx db.Tx, ref string) (time.Time, error) {
	k, err := cases.Load(tx, intake.Actor(c, false), ref)
	if fault.Is(err, fault.NotFound) || err == nil && k.State != cases.StateWaiting {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return cases.WaitsUntil(tx, k)
}

// link is where a notice leads.
type link struct{ Path, Key string }

func about(n notices.Told) link {
	switch {
	case n.LetterRef != "":
		return link{"/letters/" + n.LetterRef, "letter.read"}
	case n.DecisionRef != "":
		return link{"/decisions/" + n.DecisionRef, "notice.to_decision"}
	case n.Kind == "delegate_granted":
		return link{"/delegates", "notice.to_delegates"}
	case n.Kind == "case_concern", n.Kind == "concern_decided":
		return link{"/concerns/" + n.CaseRef, "notice.to_concern"}
	case n.CaseRef != "":
		return link{"/cases/" + n.CaseRef, "notice.to_case"}
	}
	return link{}
}
