package home

import (
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/notices"
	"daftar/registry/programmes"
	"daftar/web"
)

// summary is what somebody who signed in sees first.
type summary struct {
	Name       string
	Registered bool
	Household  string // reference
	Cases      []cases.Case
	Concerns   []cases.Case // of others, that affect one
	Titles     map[db.ID]i18n.Text
	Decisions  []programmes.Decision
	Planned    []programmes.Decision // what would take something away
	Unread     int                   // notices
}

// Home is the page after signing in: where one stands.
func Home(c *web.Ctx) error {
	p := c.Principal()
	s := summary{Name: p.Name, Registered: p.Person != nil}
	err := c.View(func(tx db.Tx) (err error) {
		if s.Unread, err = notices.Unread(tx, p.ID, p.Person); err != nil {
			return err
		}
		if s.Cases, err = cases.Mine(tx, cases.Actor{ID: p.ID, Person: p.Person}); err != nil {
			return err
		}
		if p.Person != nil {
			if s.Concerns, err = cases.Concerning(tx, *p.Person); err != nil {
				return err
			}
		}
		if s.Titles, err = titles(tx, s.Cases, s.Concerns); err != nil || p.Person == nil {
			return err
		}
		household, err := registry.HouseholdOf(tx, *p.Person)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		h, err := registry.LoadHousehold(tx, household)
		if err != nil {
			return err
		}
		s.Household = h.Ref
		if s.Planned, err = programmes.Planned(tx, household); err != nil {
			return err
		}
		s.Decisions, err = programmes.Decisions(tx, household)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(homePage(s))
}

// titles are what the kinds of cases are called.
func titles(tx db.Tx, lists ...[]cases.Case) (map[db.ID]i18n.Text, error) {
	titles := map[db.ID]i18n.Text{}
	for _, list := range lists {
		for _, k := range list {
			kind, err := k.Of(tx)
			if err != nil {
				return nil, err
			}
			titles[k.KindID] = kind.Title
		}
	}
	return titles, nil
}

// open is the application for registration that is still going on, if any.
func (s summary) open() *cases.Case {
	for i := range s.Cases {
		if k := &s.Cases[i]; k.Kind == "registration" && (k.State == cases.StateDraft || k.State.Open()) {
			return k
		}
	}
	return nil
}

// asked is a case that waits for an answer, if any.
func (s summary) asked() *cases.Case {
	for i := range s.Cases {
		if s.Cases[i].State == cases.StateWaiting {
			return &s.Cases[i]
		}
	}
	return nil
}
