// Package intake is the application for registration, page by page: one thing
// on each, saved at every step. The portal and the counter mount the same
// pages.
package intake

import (
	"errors"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/dedup"
	"daftar/registry/formula"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/show"
	"daftar/web/ui"
)

// Site is where the pages are mounted.
type Site struct {
	Base       string // "/apply" or "/counter"
	Permission auth.Permission
	Counter    bool // an officer types for somebody else
	Blobs      *blob.Dir
	Codes      cases.Codes
	PortalURL  string // where a receipt's code is entered
}

// Routes lists the pages of an application.
func (s Site) Routes() []web.Route {
	var routes []web.Route
	add := func(method, path string, h web.Handler) {
		routes = append(routes, web.Route{Method: method, Path: s.Base + "/:ref" + path, Permission: s.Permission, Handler: h})
	}
	question := func(path string, p page) {
		add(fiber.MethodGet, path, s.show(p))
		add(fiber.MethodPost, path, s.save(p))
	}
	add(fiber.MethodGet, "", s.tasks)
	question("/people", people)
	question("/people/:member/name", name)
	question("/people/:member/birth", birth)
	question("/people/:member/about", about)
	question("/people/:member/id", nationalID)
	question("/people/:member/q/:code", fieldQuestion)
	question("/people/:member/q/:code/rows/:row", rosterRow)
	question("/people/:member/q/:code/rows/:row/remove", removeRow)
	question("/people/:member/remove", remove)
	question("/area", area)
	question("/directions", directions)
	question("/q/:code", fieldQuestion)
	question("/q/:code/rows/:row", rosterRow)
	question("/q/:code/rows/:row/remove", removeRow)
	for _, p := range s.photos() {
		if strings.HasSuffix(p.path, "/photo") { // an answer: its page is the question's
			add(fiber.MethodGet, p.path, p.send(s))
		} else {
			add(fiber.MethodGet, p.path, p.show(s))
			add(fiber.MethodGet, p.path+"/photo", p.send(s))
		}
		add(fiber.MethodPost, p.path, p.save(s))
		routes[len(routes)-1].Upload = true
	}
	add(fiber.MethodGet, "/check", s.check)
	add(fiber.MethodPost, "/check", s.send)
	add(fiber.MethodGet, "/receipt", s.receipt)
	add(fiber.MethodGet, "/receipt/pdf", s.receiptPDF)
	return routes
}

// visit is one request within an application.
type visit struct {
	*web.Ctx
	site   Site
	c      cases.Case
	form   cases.Form
	member *cases.Member // of the path
	field  registry.Field
	row    registry.Row    // of a roster
	near   ask.Near        // places that a column of it offers
	areas  []registry.Area // to choose from
	path   []registry.Area // chosen so far
	office registry.Office // that somebody without a fixed place belongs to

	pairs     []dedup.Pair // people who may be in the registry already, at the counter
	elsewhere int
}

// open loads the application and what the path names. Anything that is not
// there, or not this person's, is fault.NotFound.
func (s Site) open(c *web.Ctx) (*visit, error) { return s.openFor(c, page{}) }

func (s Site) openFor(c *web.Ctx, p page) (*visit, error) {
	v := &visit{Ctx: c, site: s}
	err := c.View(func(tx db.Tx) error { return v.load(tx) })
	if err != nil {
		return nil, err
	}
	if key := c.Param("member"); key != "" {
		v.member = v.c.Draft.Member(key)
		if v.member == nil && p.adds && key == v.c.Draft.NextKey() {
			v.member = &cases.Member{Key: key}
		}
		if v.member == nil {
			return nil, fault.Hidden()
		}
	}
	if code := c.Param("code"); code != "" {
		subject := registry.KindHousehold
		if v.member != nil {
			subject = registry.KindPerson
		}
		var ok bool
		if v.field, ok = v.form.Fields.Of(subject).Get(code); !ok {
			return nil, fault.Hidden()
		}
	}
	return v, nil
}

func (v *visit) load(tx db.Tx) (err error) {
	if v.c, err = cases.Load(tx, v.actor(), v.Param("ref")); err != nil {
		return err
	}
	v.form, err = LoadForm(tx, v.site.Counter)
	return err
}

// LoadForm is the registration form as it is today.
func LoadForm(tx db.Tx, counter bool) (cases.Form, error) {
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return cases.Form{}, err
	}
	today, err := registry.TodayOf(tx, tx.Now())
	if err != nil {
		return cases.Form{}, err
	}
	formulas, err := formula.New(fields)
	return cases.Form{Fields: fields.Asked(), Formulas: formulas, Counter: counter, Today: today}, err
}

func (v *visit) actor() cases.Actor { return Actor(v.Ctx, v.site.Counter) }

// Actor is who works on a case in a request, with the route's permission.
func Actor(c *web.Ctx, staff bool) cases.Actor {
	a := cases.Actor{ID: c.Principal().ID, Staff: staff, Person: c.Principal().Person}
	for _, d := range c.Principal().Desks(c.Permission()) {
		a.Desks = append(a.Desks, cases.Desk{Code: d.Code, Area: d.Area})
	}
	return a
}

// at is an address of this application, after the language.
func (v *visit) at(page string) string {
	return strings.TrimSuffix(v.site.Base+"/"+v.c.Ref+"/"+page, "/")
}

// proofURL is where anybody can have the entry of a receipt proven.
func (v *visit) proofURL(leaf string) string {
	return v.site.PortalURL + v.URL("/audit/proof/"+leaf)
}

// back is where the back link leads: to the answers when they are being
// checked, else to the task list.
func (v *visit) back() string {
	if v.Query("from") == "check" {
		return v.at("check")
	}
	if v.member != nil {
		return v.at("people")
	}
	return v.at("")
}

// page is one question.
type page struct {
	inputs []string
	adds   bool                                                      // the member may be one who is added by the answer
	key    func(*visit) string                                       // marked as answered; see cases.Form
	load   func(*visit, db.Tx) error                                 // more to read, nil for nothing
	fill   func(*visit) map[string][]string                          // what was answered before
	read   func(*visit, *web.Form) (func(*cases.Draft) error, error) // what was typed
	view   func(*visit, *ui.Form) templ.Component
	named  func(*visit) []string                        // more inputs, from the definitions
	next   func(*visit, *cases.Draft, *web.Form) string // where to go, when it is not after key
}

// show answers a GET with the question and the earlier answer.
func (s Site) show(p page) web.Handler {
	return func(c *web.Ctx) error {
		v, err := s.openFor(c, p)
		if err != nil {
			return err
		}
		if !v.c.State.Editable() { // going back after sending: nobody types in vain
			return c.Redirect(c.URL("/cases/" + v.c.Ref))
		}
		if err := v.more(p); err != nil {
			return err
		}
		return c.Render(p.view(v, &ui.Form{Values: p.fill(v)}))
	}
}

func (v *visit) more(p page) error {
	if p.load == nil {
		return nil
	}
	return v.View(func(tx db.Tx) error { return p.load(v, tx) })
}

// save answers a POST: the same page in another language, the page with its
// errors and everything typed, or the next page.
func (s Site) save(p page) web.Handler {
	return func(c *web.Ctx) error {
		v, err := s.openFor(c, p)
		if err != nil {
			return err
		}
		if err := v.more(p); err != nil {
			return err
		}
		inputs := p.inputs
		if p.named != nil {
			inputs = slices.Concat(inputs, p.named(v))
		}
		form, err := c.Form(inputs...)
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		if form.Switching() {
			return c.Render(p.view(v, state))
		}
		edit, err := p.read(v, form)
		if err == nil {
			err = v.edit(p, edit)
		}
		if invalid(err, state) {
			return c.RenderStatus(web.Status(fault.Invalid), p.view(v, state))
		}
		if err != nil {
			return err
		}
		return c.Redirect(c.URL(v.next(p, form)))
	}
}

// invalid keeps the errors that the form can show.
func invalid(err error, state *ui.Form) bool {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Invalid {
		state.Err = f
		return true
	}
	return false
}

func (v *visit) edit(p page, edit func(*cases.Draft) error) error {
	return v.WithTx(func(tx db.Tx) error {
		c, err := cases.Edit(tx, v.actor(), v.c.Ref, func(d *cases.Draft) error {
			if err := edit(d); err != nil {
				return err
			}
			if p.key != nil {
				d.Mark(p.key(v))
			}
			return nil
		})
		v.c = c
		return err
	})
}

func (v *visit) next(p page, form *web.Form) string {
	if p.next != nil {
		return p.next(v, &v.c.Draft, form)
	}
	return v.after(p.key(v))
}

// after is where to go when a page was answered: back to the answers when they
// are being checked, else on.
func (v *visit) after(key string) string {
	if v.Query("from") == "check" && v.form.Complete(&v.c.Draft) {
		return v.at("check")
	}
	return v.at(v.form.After(&v.c.Draft, key))
}

// one is the value of a single input, as a form holds it.
func one(name, value string) map[string][]string { return map[string][]string{name: {value}} }

// caption names the person whom a page is about; "" for the applicant in the
// portal and for the household.
func (v *visit) caption() string {
	if v.member == nil || v.isApplicant() && !v.site.Counter {
		return ""
	}
	return v.memberName(v.member)
}

func (v *visit) isApplicant() bool {
	return v.member != nil && v.c.Draft.Applicant().Key == v.member.Key
}

// memberName is what a member is called on the pages.
func (v *visit) memberName(m *cases.Member) string { return show.Name(v.Printer(), m.FullName) }
