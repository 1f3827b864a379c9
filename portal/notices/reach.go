package notices

import (
	"errors"
	"slices"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/notices"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// reach is how somebody is told.
type reach struct {
	Contacts  []ui.Row
	Languages []ui.Choice
	Form      *ui.Form
}

// ReachForm asks on which channels somebody wants to be told, and in which
// language.
func ReachForm(c *web.Ctx) error {
	r, err := loadReach(c)
	if err != nil {
		return err
	}
	return c.Render(reachPage(r))
}

func loadReach(c *web.Ctx) (reach, error) {
	r := reach{Form: &ui.Form{Values: map[string][]string{}}}
	for _, l := range c.Locales() {
		r.Languages = append(r.Languages, ui.Choice{Value: l.Tag, Label: l.Name})
	}
	person := c.Principal().Person
	if person == nil {
		return r, nil
	}
	err := c.View(func(tx db.Tx) error {
		me, _, err := registry.CurrentPerson(tx, *person)
		if err != nil {
			return err
		}
		var list []registry.Contact
		for _, k := range me.Contacts {
			list = append(list, registry.Contact{Kind: k.Kind, Value: k.Value, Owner: k.Owner, Safe: strings.Join(k.Safe, " "), Protected: k.Protected})
		}
		r.Contacts = show.Contacts(c.Printer(), list, true)
		s, err := notices.LoadSetting(tx, *person)
		if err != nil {
			return err
		}
		for _, channel := range notices.Channels() {
			if !s.Off(channel) {
				r.Form.Values["channel"] = append(r.Form.Values["channel"], channel)
			}
		}
		lang := s.Language
		if lang == "" {
			account := c.Principal().ID
			lang, err = notices.Language(tx, person, &account)
		}
		r.Form.Values["language"] = []string{lang}
		return err
	})
	return r, err
}

// Reach saves it.
func Reach(c *web.Ctx) error {
	r, err := loadReach(c)
	if err != nil {
		return err
	}
	form, err := c.Form("channel", "language")
	if err != nil {
		return err
	}
	r.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(reachPage(r))
	}
	person := c.Principal().Person
	if person == nil {
		return fault.New(fault.Conflict, "reach.error.none")
	}
	var check fault.Check
	tags := make([]string, len(r.Languages))
	for i, l := range r.Languages {
		tags[i] = l.Value
	}
	s := notices.Setting{Language: form.Choice(&check, "language", tags, "reach.error.language"), EmailOff: true, TextOff: true}
	for _, channel := range form.All("channel") {
		switch channel {
		case notices.ChannelEmail:
			s.EmailOff = false
		case notices.ChannelText:
			s.TextOff = false
		}
		if !slices.Contains(notices.Channels(), channel) && !check.Failed("channel") {
			check.Fail("channel", "reach.error.channel")
		}
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return notices.SaveSetting(tx, *person, s) })
	}
	if errors.As(err, &r.Form.Err) && r.Form.Err.Code == fault.Invalid {
		return c.RenderStatus(web.Status(fault.Invalid), reachPage(r))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/notices"))
}
