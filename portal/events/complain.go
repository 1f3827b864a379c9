package events

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/filing"
	"daftar/web/ui"
)

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
	f, err := blank(c)
	if err != nil {
		return err
	}
	return c.Render(complainPage(k, f))
}

// onceInput names a form, so that what is sent twice is one case.
const onceInput = "once"

// blank is a form that nobody has sent yet.
func blank(c *web.Ctx) (*ui.Form, error) {
	once, err := uuid.NewRandomFromReader(c.DB().Rand())
	return &ui.Form{Values: map[string][]string{onceInput: {once.String()}}}, err
}

// again is how long a receipt is shown once more to the browser that sent the
// form: on a slow line, not to whoever opens a shared one the next day.
const again = 10 * time.Minute

// Complain takes it and answers with the receipt: its code is the only way back.
func (p Pages) Complain(c *web.Ctx) error {
	k, err := p.complaint(c)
	if err != nil {
		return err
	}
	inputs := []string{"photo", onceInput}
	for _, page := range k.Pages {
		inputs = append(inputs, ask.Inputs(page.Field, page.Code)...)
	}
	form, err := c.Form(inputs...)
	if fault.Is(err, fault.TooLarge) {
		var check fault.Check
		check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
		f, err := blank(c)
		if err != nil {
			return err
		}
		f.Err = check.Fault()
		return c.RenderStatus(web.Status(fault.Invalid), complainPage(k, f))
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
	complaint := cases.Complaint{Kind: k.Kind.Code, Answers: answers, Language: c.Printer().Tag, Photos: photos}
	if id, err := uuid.Parse(form.Get(onceInput)); err == nil {
		complaint.Once = id.String()
	}
	var sent cases.Case
	var before bool
	err = c.DB().WithTx(c.Context(), db.Principal{Role: db.Citizen, Kind: "anonymous"}, func(tx db.Tx) (err error) {
		sent, before, err = cases.Complain(tx, complaint)
		return err
	})
	if err != nil {
		return err
	}
	if before {
		for _, e := range photos { // stored with the first one
			if err := p.Blobs.Remove(e.Blob); err != nil {
				return err
			}
		}
	}
	if before && c.Now().Sub(sent.SubmittedAt.Time) > again {
		return c.Render(complainedPage(k))
	}
	return filing.ShowReceipt(c, filing.Receipt{Case: sent, Kind: k.Kind, Code: p.Codes.Of(sent), Anonymous: true, PortalURL: p.URL})
}
