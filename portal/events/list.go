// Package events is where people begin: what happened, in their own words, and
// what will be needed. The pages of a case are in web/filing.
package events

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/ui"
)

// Pages are those that need more than the request.
type Pages struct {
	Blobs *blob.Dir
	Codes cases.Codes
	URL   string // of the portal
}

// group is a part of the list.
type group struct {
	Code  string
	Kinds []kinds.Kind
}

// who is how the kinds call whoever looks at the page.
func who(c *web.Ctx) string {
	p := c.Principal()
	switch {
	case !p.SignedIn():
		return "citizen" // anybody may see what there is
	case p.Person == nil:
		return "visitor"
	}
	return "citizen"
}

// List is what can have happened, in people's own words.
func List(c *web.Ctx) error {
	var list []kinds.Kind
	if err := c.View(func(tx db.Tx) (err error) { list, err = kinds.List(tx, who(c)); return err }); err != nil {
		return err
	}
	var groups []group
	for _, code := range kinds.Groups() {
		g := group{Code: code, Kinds: slices.DeleteFunc(slices.Clone(list), func(k kinds.Kind) bool { return k.Group != code })}
		if len(g.Kinds) > 0 {
			groups = append(groups, g)
		}
	}
	return c.Render(listPage(groups, c.Principal().SignedIn() && c.Principal().Person == nil))
}

// Before says what happens and what to have at hand.
func Before(c *web.Ctx) error {
	var kind kinds.Kind
	if err := c.View(func(tx db.Tx) (err error) { kind, err = kinds.Startable(tx, c.Param("kind"), who(c)); return err }); err != nil {
		return err
	}
	return c.Render(beforePage(kind, c.Principal().SignedIn()))
}

// Start opens a case and leads to its first page.
func Start(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) (err error) {
		if _, err := kinds.Startable(tx, c.Param("kind"), who(c)); err != nil {
			return err
		}
		ref, err = cases.Begin(tx, intake.Actor(c, false), cases.Opening{Kind: c.Param("kind"), Person: c.Principal().Person, Language: c.Printer().Tag})
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}

// complaint is a complaint of somebody who is not signed in: all on one page,
// because nothing of it is kept anywhere before it is sent.
type complaint struct {
	Kind   kinds.Kind
	Pages  []kinds.Page
	Places []ui.Choice
}

func (p Pages) complaint(c *web.Ctx) (complaint, error) {
	var k complaint
	err := c.View(func(tx db.Tx) (err error) {
		if k.Kind, err = kinds.Startable(tx, c.Param("kind"), "anonymous"); err != nil {
			return err
		}
		form := kinds.Form{Kind: k.Kind, Today: c.Now()}
		k.Pages = form.Pages(registry.Values{})
		k.Places, err = places(c, tx)
		return err
	})
	return k, err
}

// places are the areas two levels below the country: near enough for an office,
// and not so near that somebody is known by it.
func places(c *web.Ctx, tx db.Tx) ([]ui.Choice, error) {
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return nil, err
	}
	regions, err := registry.Subareas(tx, settings.Country.Code)
	if err != nil {
		return nil, err
	}
	var list []ui.Choice
	for _, region := range regions {
		districts, err := registry.Subareas(tx, region.Code)
		if err != nil {
			return nil, err
		}
		for _, d := range districts {
			list = append(list, ui.Choice{Value: d.Code, Label: c.Printer().List([]string{region.Name.In(c.Printer()), d.Name.In(c.Printer())})})
		}
	}
	return list, nil
}

// ComplainForm asks for a complaint without a name.
func (p Pages) ComplainForm(c *web.Ctx) error {
	k, err := p.complaint(c)
	if err != nil {
		return err
	}
	return c.Render(complainPage(k, &ui.Form{}))
}

// Complain takes it and answers with the receipt: its code is the only way back.
func (p Pages) Complain(c *web.Ctx) error {
	k, err := p.complaint(c)
	if err != nil {
		return err
	}
	inputs := []string{"photo"}
	for _, page := range k.Pages {
		inputs = append(inputs, ask.Inputs(page.Field, page.Code)...)
	}
	form, err := c.Form(inputs...)
	if fault.Is(err, fault.TooLarge) {
		var check fault.Check
		check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
		return c.RenderStatus(web.Status(fault.Invalid), complainPage(k, &ui.Form{Err: check.Fault()}))
	}
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(complainPage(k, state))
	}
	var check fault.Check
	answers := registry.Values{}
	read := &ask.Answers{Form: form, Check: &check, Places: ask.PlacesOf(c)}
	for _, page := range k.Pages {
		name := ask.Inputs(page.Field, page.Code)[0]
		if page.Question.Page == "area" {
			if code := form.Get(name); slices.ContainsFunc(k.Places, func(o ui.Choice) bool { return o.Value == code }) {
				answers[page.Code] = code
			} else {
				check.Fail(name, "area.error.missing")
			}
			continue
		}
		value := read.Read(page.Field, page.Code, nil)
		if !check.Failed(name) {
			page.Check(value, name, c.Now(), &check)
		}
		answers[page.Code] = value
	}
	if read.Err() != nil {
		return read.Err()
	}
	var photos []cases.Evidence
	if _, sent := form.File("photo"); sent {
		photo, err := filing.Photo(c, p.Blobs, form, "photo", "paper")
		if err := check.Merge(err); err != nil {
			return err
		}
		if photo != nil {
			photos = append(photos, *photo)
		}
	}
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), complainPage(k, state))
	}
	var sent cases.Case
	err = c.DB().WithTx(c.Context(), db.Principal{Role: db.Citizen, Kind: "anonymous"}, func(tx db.Tx) (err error) {
		sent, err = cases.Complain(tx, k.Kind.Code, answers, c.Printer().Tag, photos)
		return err
	})
	if err != nil {
		return err
	}
	return filing.ShowReceipt(c, filing.Receipt{Case: sent, Kind: k.Kind, Code: p.Codes.Of(sent), Anonymous: true, PortalURL: p.URL})
}

// concern is a case of somebody else's that affects the reader.
type concern struct {
	Filing cases.Filing
	Party  cases.Party
	Until  time.Time
}

func loadConcern(c *web.Ctx) (concern, error) {
	person := c.Principal().Person
	if person == nil {
		return concern{}, fault.Hidden()
	}
	canonical, ok := registry.ParseRef(registry.RefCase, c.Param("ref"))
	if !ok {
		return concern{}, fault.Hidden()
	}
	var k concern
	err := c.View(func(tx db.Tx) (err error) {
		k.Filing, k.Party, err = cases.Concern(tx, *person, canonical)
		return err
	})
	k.Until = k.Filing.ObjectUntil.Time
	return k, err
}

// Concern tells somebody of a case that affects them: who asked for what, and that
// they may object (RULES R5). What the other answered is not theirs to read.
func Concern(c *web.Ctx) error {
	k, err := loadConcern(c)
	if err != nil {
		return err
	}
	return c.Render(concernPage(k, &ui.Form{}))
}

// Respond takes what they say to it.
func Respond(c *web.Ctx) error {
	k, err := loadConcern(c)
	if err != nil {
		return err
	}
	form, err := c.Form("answer", "why")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(concernPage(k, state))
	}
	var check fault.Check
	answer := form.Choice(&check, "answer", []string{"agree", "object"}, "concern.error.answer")
	why := form.Text(&check, "why", 1000)
	if answer == "object" && why == "" && !check.Failed("why") {
		check.Fail("why", "concern.error.why")
	}
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), concernPage(k, state))
	}
	err = c.WithTx(func(tx db.Tx) error {
		return cases.Respond(tx, *c.Principal().Person, k.Filing.Ref, answer == "agree", why, c.Printer().Tag)
	})
	if fault.Is(err, fault.Conflict) {
		state.Err = fault.New(fault.Conflict, "concern.error.over")
		return c.RenderStatus(fiber.StatusConflict, concernPage(k, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/concerns/" + k.Filing.Ref))
}
