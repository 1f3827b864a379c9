package intake

import (
	"slices"
	"strings"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/dedup"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

const maxNote = 1000

// check shows every answer with a link to change it.
func (s Site) check(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	if !v.c.State.Editable() {
		return c.Redirect(c.URL("/cases/" + v.c.Ref))
	}
	return v.renderCheck(200, &ui.Form{})
}

func (v *visit) renderCheck(status int, f *ui.Form) error {
	var sections []Section
	err := v.View(func(tx db.Tx) (err error) {
		sections, err = Answers(v.Ctx, tx, v.c, v.form, v.at)
		return err
	})
	if err == nil && v.site.Counter {
		err = v.alike()
	}
	if err != nil {
		return err
	}
	return v.RenderStatus(status, checkPage(v, f, sections))
}

// alike finds who in the registry may be the people whom an officer is about to
// register, for the officer alone, and logs whom it shows. A citizen is never
// told.
func (v *visit) alike() error {
	return v.WithTx(func(tx db.Tx) error {
		var pairs []dedup.Pair
		area, err := registry.AreaByCode(tx, v.c.Draft.AreaCode)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		for _, m := range v.c.Draft.Members {
			p := dedup.Probe{Name: m.FullName, Latin: m.FullNameLatin, Sex: m.Sex, Birth: m.Birth.Date(), Area: area.ID, Answers: m.Fields}
			if m.NationalID != "" {
				p.Numbers = []dedup.Number{{Type: registry.NationalID, Value: registry.NormalIdentifier(m.NationalID)}}
			}
			found, err := dedup.Check(tx, p, dedup.KeptPerPerson)
			if err != nil {
				return err
			}
			pairs = append(pairs, found...)
		}
		r := registry.Reader{Areas: v.Areas(), Protected: v.Principal().Areas(auth.PersonProtected)}
		if v.pairs, v.elsewhere, err = dedup.Visible(tx, r, pairs); err != nil {
			return err
		}
		return dedup.Shown(tx, v.pairs, v.c.ID)
	})
}

// linkTo is where a record is, for an officer who may open it.
func (v *visit) linkTo(ref string) string {
	if !v.Principal().May(auth.PersonRead) {
		return ""
	}
	return "/people/" + ref
}

// send hands the application to the office, or answers the office's question.
func (s Site) send(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	form, err := c.Form("note", "agree")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return v.renderCheck(200, state)
	}
	var check fault.Check
	note := form.Text(&check, "note", maxNote)
	if v.c.State == cases.StateDraft && form.Get("agree") != "yes" {
		check.Fail("agree", "check.error.agree")
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			if v.c.State == cases.StateWaiting {
				_, err := cases.Answer(tx, v.actor(), v.c.Ref, v.form, note, c.Printer().Tag)
				return err
			}
			_, err := cases.Submit(tx, v.actor(), v.c.Ref, v.form)
			return err
		})
	}
	if invalid(err, state) {
		v.unanswered(state)
		return v.renderCheck(web.Status(fault.Invalid), state)
	}
	if err != nil {
		return err
	}
	if v.c.State == cases.StateWaiting {
		return c.Redirect(c.URL("/cases/" + v.c.Ref))
	}
	return c.Redirect(c.URL(v.at("receipt")))
}

// unanswered says which question of a part still waits for an answer, and leads to
// it: a part may have many.
func (v *visit) unanswered(state *ui.Form) {
	for i, e := range state.Err.Fields {
		code, ok := strings.CutPrefix(e.Name, "task-")
		if !ok {
			continue
		}
		page := v.form.First(&v.c.Draft, cases.Section(code))
		title := PageTitle(v.Printer(), v.c, v.form, page)
		if page == "" || title == "" {
			continue
		}
		if strings.HasSuffix(page, "/evidence") {
			title = v.Printer().T("evidence.title", "Field", title)
		}
		state.Err.Fields[i].Key, state.Err.Fields[i].Args = "apply.error.unanswered", fault.Pairs("Section", "@task."+code, "Question", title)
		if state.Links == nil {
			state.Links = map[string]string{}
		}
		state.Links[e.Name] = v.at(page)
	}
}

// Section is one part of the answers.
type Section struct {
	ID    string
	Title string
	Rows  []ui.Row
}

// Answers lists what an application says, with the page where each answer can
// be changed; at is nil where nothing can.
func Answers(c *web.Ctx, tx db.Tx, k cases.Case, form cases.Form, at func(string) string) ([]Section, error) {
	p, d := c.Printer(), &k.Draft
	change := func(page string) string {
		if at == nil {
			return ""
		}
		return at(page) + "?from=check"
	}
	photos, err := cases.EvidenceOf(tx, k)
	if err != nil {
		return nil, err
	}
	values := []registry.Values{d.Fields}
	for _, m := range d.Members {
		values = append(values, m.Fields)
	}
	if form.Fields, err = registry.WithPlaces(tx, form.Fields, values...); err != nil {
		return nil, err
	}
	// answer is one answer, and whether a photo backs it.
	answer := func(f registry.Field, given registry.Values, member, base, about string) []ui.Row {
		label := f.Label.In(p)
		link := ""
		if f.Type == registry.TypeFile && given[f.Code] != nil {
			if link = show.PhotoPath("/cases/"+k.Ref, given[f.Code]); at != nil {
				link = at(base + "q/" + f.Code + "/photo")
			}
		}
		rows := []ui.Row{{Link: link, Key: label, Value: f.Show(p, given[f.Code]), Lines: show.Rows(p, form.Fields, f, given[f.Code]), Path: change(base + "q/" + f.Code), Change: label + about}}
		if cases.Backs(f, given[f.Code]) {
			there := p.T("document.no")
			if slices.ContainsFunc(photos, func(e cases.Evidence) bool { return e.Member == member && e.Kind == f.Code }) {
				there = p.T("document.yes")
			}
			title := p.T("evidence.title", "Field", label)
			rows = append(rows, ui.Row{Key: title, Value: there, Path: change(base + "q/" + f.Code + "/evidence"), Change: title + about})
		}
		return rows
	}
	var out []Section
	for i := range d.Members {
		m := &d.Members[i]
		base := "people/" + m.Key + "/"
		name := show.Name(p, m.FullName)
		s := Section{ID: "people/" + m.Key, Title: name}
		row := func(key, value, page string) {
			s.Rows = append(s.Rows, ui.Row{Key: p.T(key), Value: value, Path: change(base + page), Change: p.T(key) + ": " + name})
		}
		row("name.full", m.FullName, "name")
		if m.FullNameLatin != "" {
			row("name.latin", m.FullNameLatin, "name")
		}
		row("birth.label", show.Birth(p, m.Birth.Date()), "birth")
		row("about.sex", show.Code(p, "sex.", m.Sex), "about")
		row("about.relationship.other", show.Code(p, "relationship.", m.Relationship), "about")
		switch {
		case m.IDVerified:
			s.Rows = append(s.Rows, ui.Row{Key: p.T("id.label"), Value: registry.Identifier{Value: m.NationalID}.Masked(), LTR: true, Source: p.T("id.vouched")})
		default:
			row("id.label", m.NationalID, "id")
		}
		for _, f := range form.AsksOf(*m) {
			s.Rows = append(s.Rows, answer(f, m.Fields, m.Key, base, ": "+name)...)
		}
		if m.IsChild(form.Today) {
			value := p.T("document.no")
			for _, e := range photos {
				if e.Member == m.Key && e.Kind == cases.EvidenceBirthCertificate {
					value = p.T("document.yes")
				}
			}
			s.Rows = append(s.Rows, ui.Row{Key: p.T("document.title"), Value: value, Path: change("documents/" + m.Key), Change: p.T("document.title") + ": " + name})
		}
		out = append(out, s)
	}
	place := Section{ID: "place", Title: p.T("task.place")}
	where := ""
	if d.AreaCode != "" {
		a, err := registry.AreaByCode(tx, d.AreaCode)
		if err != nil {
			return nil, err
		}
		path, err := registry.AreaPath(tx, a.ID)
		if err != nil {
			return nil, err
		}
		where = registry.PathName(p, path)
		if d.NoFixed != "" {
			where = p.T("area.no_fixed_in", "Area", where)
		}
	}
	place.Rows = append(place.Rows,
		ui.Row{Key: p.T("area.label"), Value: where, Path: change("area"), Change: p.T("area.label")},
		ui.Row{Key: p.T("directions.label"), Value: d.Directions, Path: change("directions"), Change: p.T("directions.label")})
	out = append(out, place)
	for _, name := range cases.HouseholdSections() {
		s := Section{ID: string(name), Title: p.T("task." + string(name))}
		for _, f := range form.Asks(registry.KindHousehold, d.Fields) {
			if f.Section == string(name) {
				s.Rows = append(s.Rows, answer(f, d.Fields, "", "", "")...)
			}
		}
		if len(s.Rows) > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}
