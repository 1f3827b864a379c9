// Package filing is every case but a registration, page by page: one question on
// each, saved at every step. What is asked is data (registry/cases/kinds). The
// portal and the counter mount the same pages.
package filing

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/intake"
	"daftar/web/ui"
)

// Base is where the pages are, on both sites.
const Base = "/request"

// Site is where the pages are mounted.
type Site struct {
	Permission auth.Permission
	Counter    bool // an officer types for somebody who is present
	Blobs      *blob.Dir
	Codes      cases.Codes
	PortalURL  string // where a receipt's code is entered
}

// Routes lists the pages of a case.
func (s Site) Routes() []web.Route {
	var routes []web.Route
	add := func(method, path string, h web.Handler) {
		routes = append(routes, web.Route{Method: method, Path: Base + "/:ref" + path, Permission: s.Permission, Handler: h,
			Upload: method == fiber.MethodPost && path == "/proof"})
	}
	add(fiber.MethodGet, "", s.resume)
	add(fiber.MethodGet, "/q/:page", s.question)
	add(fiber.MethodPost, "/q/:page", s.answer)
	add(fiber.MethodGet, "/q/:page/rows/:row", s.row)
	add(fiber.MethodPost, "/q/:page/rows/:row", s.putRow)
	add(fiber.MethodPost, "/q/:page/rows/:row/remove", s.dropRow)
	add(fiber.MethodGet, "/proof", s.proof)
	add(fiber.MethodPost, "/proof", s.upload)
	add(fiber.MethodGet, "/proof/:id", s.photo)
	add(fiber.MethodPost, "/proof/:id/remove", s.removePhoto)
	add(fiber.MethodGet, "/check", s.check)
	add(fiber.MethodPost, "/check", s.send)
	add(fiber.MethodGet, "/receipt", s.receipt)
	add(fiber.MethodGet, "/receipt/pdf", s.receiptPDF)
	return routes
}

// visit is one request within a case.
type visit struct {
	*web.Ctx
	site  Site
	f     cases.Filing
	page  kinds.Page   // of the path
	row   registry.Row // of a roster
	areas []registry.Area
	path  []registry.Area // chosen so far
	near  ask.Near        // places that a column of the roster offers
}

// open loads the case and the page of the path. Anything that is not there, not
// this person's, or a registration, is fault.NotFound.
func (s Site) open(c *web.Ctx) (*visit, error) {
	v := &visit{Ctx: c, site: s}
	err := c.View(func(tx db.Tx) (err error) {
		if v.f, err = cases.LoadFiling(tx, v.actor(), c.Param("ref")); err != nil {
			return err
		}
		if v.f.Kind == "registration" {
			return fault.Hidden()
		}
		if code := c.Param("page"); code != "" {
			var ok bool
			if v.page, ok = v.f.Form.Page(v.f.Draft.Answers, code); !ok {
				return fault.Hidden()
			}
			switch {
			case v.page.Question.Page == "area":
				return v.place(tx)
			case c.Param("row") != "":
				return v.offerPlaces(tx)
			case v.page.Field.Type == registry.TypeRoster:
				v.page.Columns, err = registry.WithPlaces(tx, v.page.Columns, registry.Values{v.page.Code: v.earlier()})
				return err
			}
		}
		return nil
	})
	return v, err
}

// editing is open for pages that change the answers: once they are with the
// office, the case's own page is shown.
func (s Site) editing(c *web.Ctx, show func(*visit) error) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	if !v.f.State.Editable() {
		return c.Redirect(c.URL("/cases/" + v.f.Ref))
	}
	return show(v)
}

func (v *visit) actor() cases.Actor { return intake.Actor(v.Ctx, v.site.Counter) }

func (v *visit) kind() kinds.Kind { return v.f.Form.Kind }

// at is an address of this case, after the language.
func (v *visit) at(page string) string { return strings.TrimSuffix(Base+"/"+v.f.Ref+"/"+page, "/") }

// props describes a page of the case.
func (v *visit) props(title, back string, f *ui.Form) ui.PageProps {
	return ui.PageProps{Title: title, Back: back, Form: f, Exit: v.kind().Exit}
}

// back is where the back link leads: to the answers when they are being checked,
// else to the question before.
func (v *visit) back() string {
	if v.checking() {
		return v.at("check")
	}
	before := ""
	for _, p := range v.f.Pages() {
		if p.Code == v.page.Code {
			break
		}
		before = p.Code
	}
	if before == "" {
		if v.site.Counter {
			return "/counter"
		}
		return "/events/" + v.kind().Code
	}
	return v.at("q/" + before)
}

func (v *visit) checking() bool { return v.Query("from") == "check" }

// resume goes on where the person stopped, on any device.
func (s Site) resume(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error { return c.Redirect(c.URL(v.at(v.next("")))) })
}

// next is the page to go to after one: the first after it that was not answered,
// then the proof, then the check.
func (v *visit) next(code string) string {
	d := v.f.Draft
	if page := v.f.Form.After(d.Answers, d.Done, code); page != "" {
		return "q/" + page
	}
	if page := v.f.Form.First(d.Answers, d.Done); page != "" {
		return "q/" + page
	}
	if len(v.kind().Proof) > 0 && !d.Done[proofPage] {
		return "proof"
	}
	return "check"
}

// put stores an answer and goes on.
func (v *visit) put(code string, value any) error {
	err := v.WithTx(func(tx db.Tx) (err error) {
		v.f.Case, err = cases.Put(tx, v.actor(), v.f.Ref, code, value)
		return err
	})
	if err != nil {
		return err
	}
	to := v.at(v.next(code))
	if v.checking() {
		to += "?from=check" // one page more may be asked now
	}
	return v.Redirect(v.URL(to))
}

// invalid keeps the errors that a form can show.
func invalid(err error, state *ui.Form) bool {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		state.Err = f
		return true
	}
	return false
}

// label is what a page is called in a list.
func label(p *i18n.Printer, page kinds.Page) string { return page.Field.Label.In(p) }
