package filing

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/ui"
)

// input is what a question's input is called.
const input = "answer"

// question shows one question with the earlier answer.
func (s Site) question(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error { return c.Render(questionPage(v, &ui.Form{Values: v.fill()})) })
}

// nobody reports whether the question chooses among people of whom there are none.
func (v *visit) nobody() bool {
	return (v.page.Question.Page == "person" || v.page.Question.Page == "people") && len(v.page.Field.Options) == 0
}

// fill is the earlier answer as the inputs take it back.
func (v *visit) fill() map[string][]string {
	given := v.earlier()
	if v.page.Question.Page == "area" && !v.f.Draft.Done[v.page.Code] && len(v.path) > 0 && v.path[len(v.path)-1].Code == given {
		return nil // the area just chosen is not yet an answer to where in it
	}
	return ask.Fill(v.page.Field, input, given)
}

// earlier is the answer given before, else the value on record.
func (v *visit) earlier() any {
	given := v.f.Draft.Answers[v.page.Code]
	if given == nil && v.page.Value.Name != "" {
		given = v.known()
	}
	return given
}

// known is the value on record, where the person may see it: so that only what
// changed has to be typed (RULES R4: one's own, one's children's, the dwelling's).
func (v *visit) known() any {
	s, value := v.f.Scene, v.page.Value
	if value.Kind == registry.KindHousehold {
		for id, h := range s.Homes {
			if m, ok := s.Residence(s.Me); ok && m.HouseholdID == id {
				return v.told(h.Fields[value.Name])
			}
		}
		return nil
	}
	who := s.Me
	if value.Of != "" {
		for id, p := range s.People {
			if p.Ref == v.f.Draft.Answers[value.Of] {
				who = id
			}
		}
	}
	if who != s.Me && !s.Child(who) {
		return nil
	}
	p := s.People[who]
	switch value.Name {
	case "full_name":
		return text(p.FullName)
	case "sex":
		return text(p.Sex)
	case "birth":
		if p.BirthFrom == p.BirthTo {
			return text(p.BirthFrom)
		}
		return nil
	}
	return v.told(p.Fields[value.Name])
}

// told is a value as people see it: of the rows of a roster, what they may change.
func (v *visit) told(value any) any {
	if v.page.Field.Type != registry.TypeRoster || value == nil {
		return value
	}
	rows := registry.Rows(value)
	for i, row := range rows {
		rows[i] = registry.Row{registry.RowID: row.ID()}
		for _, column := range v.page.Columns {
			if one, ok := row[column.Code]; ok {
				rows[i][column.Code] = one
			}
		}
	}
	return rows
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// answer saves one answer: the same page in another language, the page with its
// errors and everything typed, or the next page.
func (s Site) answer(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		if v.page.Field.Type == registry.TypeRoster {
			return v.another()
		}
		form, err := c.Form(ask.Inputs(v.page.Field, input)...)
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		if form.Switching() {
			return c.Render(questionPage(v, state))
		}
		if v.page.Question.Page == "area" {
			return v.choosePlace(form, state)
		}
		var check fault.Check
		answers := &ask.Answers{Form: form, Check: &check, Places: ask.PlacesOf(c)}
		value := answers.Read(v.page.Field, input, v.earlier())
		if answers.Err() != nil {
			return answers.Err()
		}
		if v.page.Question.Page == "record" {
			value = v.reference(value, &check)
		}
		if !check.Failed(ask.Inputs(v.page.Field, input)[0]) {
			v.page.Check(value, ask.Inputs(v.page.Field, input)[0], v.f.Form.Today, &check)
		}
		if state.Err = check.Fault(); state.Err != nil {
			return c.RenderStatus(web.Status(fault.Invalid), questionPage(v, state))
		}
		return v.put(v.page.Code, value)
	})
}

// reference is a reference as it is stored. Whether there is such a record is
// not said.
func (v *visit) reference(value any, check *fault.Check) any {
	typed, ok := value.(string)
	if !ok {
		return value
	}
	for _, kind := range []rune{registry.RefPerson, registry.RefHousehold} {
		if ref, ok := registry.ParseRef(kind, typed); ok {
			return ref
		}
	}
	check.Fail(input, "question.error.record")
	return nil
}

// place reads the areas to choose from, one level at a time.
func (v *visit) place(tx db.Tx) error {
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return err
	}
	inside := v.Query("in")
	if inside == "" {
		inside = settings.Country.Code
	}
	parent, err := registry.AreaByCode(tx, inside)
	if err != nil {
		return err
	}
	if v.path, err = registry.AreaPath(tx, parent.ID); err != nil {
		return err
	}
	if v.path[0].Code != settings.Country.Code {
		return fault.Hidden()
	}
	v.areas, err = registry.Subareas(tx, inside)
	return err
}

// choosePlace takes one level of a place. Who has no fixed place stays with the
// area chosen so far, once it is smaller than the country (RULES R1); where a
// place is not needed, it may stay open.
func (v *visit) choosePlace(form *web.Form, state *ui.Form) error {
	code, here := form.Get(input), v.path[len(v.path)-1]
	if code == "" && !v.page.Question.Needed && here.Level == 0 {
		return v.put(v.page.Code, nil)
	}
	chosen := slices.ContainsFunc(v.areas, func(a registry.Area) bool { return a.Code == code })
	if !chosen && (code != here.Code || here.Level == 0) {
		var check fault.Check
		check.Fail(input, "area.error.missing")
		state.Err = check.Fault()
		return v.RenderStatus(web.Status(fault.Invalid), questionPage(v, state))
	}
	var inside []registry.Area
	if err := v.View(func(tx db.Tx) (err error) { inside, err = registry.Subareas(tx, code); return err }); err != nil {
		return err
	}
	if code == here.Code || len(inside) == 0 {
		return v.put(v.page.Code, code)
	}
	to := v.at("q/"+v.page.Code) + "?in=" + code
	if v.checking() {
		to += "&from=check"
	}
	return v.Redirect(v.URL(to))
}
