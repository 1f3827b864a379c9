package home

import (
	"daftar/db"
	"daftar/fault"
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
		if s.Cases, err = cases.Mine(tx, p.ID); err != nil || p.Person == nil {
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

// open is the application that is still going on, if any.
func (s summary) open() *cases.Case {
	for i := range s.Cases {
		if st := s.Cases[i].State; st == cases.StateDraft || st.Open() {
			return &s.Cases[i]
		}
	}
	return nil
}
