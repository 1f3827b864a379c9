package signin

import (
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/web"
	"daftar/web/ui"
)

// stay keeps a session that is used on a page that sends nothing: the request
// itself is the use.
func stay(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	return c.Send(fiber.StatusNoContent, "", nil)
}

// list shows where one is signed in, and was.
func list(c *web.Ctx) error {
	done := c.Query("done")
	if done != "ended" && done != "others" && done != "disputed" {
		done = ""
	}
	var signIns []auth.SignIn
	if err := c.View(func(tx db.Tx) (err error) { signIns, err = auth.SignIns(tx, c.Principal()); return err }); err != nil {
		return err
	}
	return c.Render(signInsPage(signIns, c.Principal().Session, c.Principal().Audience == auth.Admin, done))
}

// end ends one of one's own sessions.
func end(c *web.Ctx) error {
	return with(c, "ended", func(tx db.Tx, id db.ID) error { return auth.EndSignIn(tx, c.Principal(), id) })
}

// notMe ends every other session, and notes which one was somebody else's.
func notMe(c *web.Ctx) error {
	return with(c, "disputed", func(tx db.Tx, id db.ID) error { return auth.Dispute(tx, c.Principal(), id) })
}

func with(c *web.Ctx, done string, do func(db.Tx, db.ID) error) error {
	form, err := c.Form("id")
	if err != nil {
		return err
	}
	var id db.ID
	if id.UnmarshalText([]byte(form.Get("id"))) != nil {
		return fault.Hidden()
	}
	if err := c.WithTx(func(tx db.Tx) error { return do(tx, id) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/sign-ins?done=" + done))
}

// endOthers signs out everywhere else.
func endOthers(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.EndOthers(tx, c.Principal()) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/sign-ins?done=others"))
}

func others(list []auth.SignIn, mine db.ID) bool {
	for _, s := range list {
		if s.Open && s.ID != mine {
			return true
		}
	}
	return false
}

func about(p *i18n.Printer, s auth.SignIn, mine db.ID) []ui.Row {
	device := "signin.device.other"
	if s.Client != "" {
		device = "signin.device." + s.Client
	}
	rows := []ui.Row{{Key: p.T("signin.device"), Value: p.T(device)}, {Key: p.T("signin.began"), Value: p.Time(s.Started)}}
	switch {
	case s.ID == mine:
		rows = append(rows, ui.Row{Key: p.T("signin.now"), Value: p.T("signin.this")})
	case s.Open:
		rows = append(rows, ui.Row{Key: p.T("signin.now"), Value: p.T("signin.used", "Time", p.Time(s.Seen))})
	default:
		rows = append(rows, ui.Row{Key: p.T("signin.ended"), Value: p.Time(s.Ended.Time)})
	}
	return rows
}
