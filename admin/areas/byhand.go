package areas

import (
	"strings"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
	"daftar/registry/audit"
	"daftar/web"
	"daftar/web/ui"
)

// meant is the P-code of the one area that somebody means with a name or a code;
// "" for nothing typed.
func meant(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, input string) (string, error) {
	typed := f.Text(check, input, maxName)
	if typed == "" || check.Failed(input) {
		return "", nil
	}
	list, err := registry.FindPlaces(tx, typed, 5)
	switch {
	case err != nil:
		return "", err
	case len(list) == 0:
		check.Fail(input, "areas.error.no_such")
		return "", nil
	case len(list) > 1:
		var names []string
		for _, a := range list {
			names = append(names, a.Name.In(c.Printer())+" "+a.Code)
		}
		check.Fail(input, "areas.error.which", "Areas", strings.Join(names, " · "))
		return "", nil
	}
	return list[0].Code, nil
}

// kindOf reads what kind an area is of: one of those that there are, or another
// that is called here for the first time.
func kindOf(f *web.Form, check *fault.Check, kinds []areas.Kind) string {
	if other := f.Text(check, "kind_new", 40); other != "" {
		code := areas.KindCode(other)
		if code == "" || code[0] < 'a' {
			check.Fail("kind_new", "areas.error.kind")
		}
		return code
	}
	var codes []string
	for _, k := range kinds {
		codes = append(codes, k.Code)
	}
	if f.Get("kind") == "" {
		return ""
	}
	return f.Choice(check, "kind", codes, "areas.error.kind")
}

// day is the day of a change as the form has it; today where that is none, which
// the form says in its own place.
func day(c *web.Ctx, f *web.Form) string {
	if on := dayOf(c, f, &fault.Check{}); on != "" {
		return on
	}
	return today(c).Format(time.DateOnly)
}

var add = proposalForm{
	kind: areas.KindAdd,
	inputs: func(c *web.Ctx) []string {
		return append(nameInputs(c, "name_"), "code", "alternative", "kind", "kind_new")
	},
	start: func(c *web.Ctx, _ area) map[string][]string { return onToday(c) },
	view:  addPage,
	plan: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, v area) (*areas.Plan, error) {
		return areas.PlanAdd(tx, actor(c), areas.Add{In: v.Area.Code, Code: strings.ToUpper(i18n.LatinDigits(f.Text(check, "code", 30))), Name: namesOf(c, f, check, "name_"),
			Alternative: listed(f.Get("alternative")), Kind: kindOf(f, check, v.KindsInside), On: day(c, f)})
	},
}

// AddForm asks for a new area inside another.
func AddForm(c *web.Ctx) error { return add.form(c) }

// Add proposes it.
func Add(c *web.Ctx) error { return add.submit(c) }

var move = proposalForm{
	kind:   areas.KindMove,
	inputs: func(*web.Ctx) []string { return []string{"in"} },
	start:  func(c *web.Ctx, _ area) map[string][]string { return onToday(c) },
	view:   movePage,
	plan: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, v area) (*areas.Plan, error) {
		in, err := meant(c, tx, f, check, "in")
		if err != nil || in == "" {
			if !check.Failed("in") {
				check.Fail("in", "areas.error.move_where")
			}
			return nil, err
		}
		return areas.PlanMove(tx, actor(c), areas.Move{Area: v.Area.Code, In: in, On: day(c, f)})
	},
}

// MoveForm asks where an area is to lie.
func MoveForm(c *web.Ctx) error { return move.form(c) }

// Move proposes it.
func Move(c *web.Ctx) error { return move.submit(c) }

var end = proposalForm{
	kind:   areas.KindEnd,
	inputs: func(*web.Ctx) []string { return []string{"into"} },
	start:  func(c *web.Ctx, _ area) map[string][]string { return onToday(c) },
	view:   endPage,
	plan: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, v area) (*areas.Plan, error) {
		into, err := meant(c, tx, f, check, "into")
		if err != nil || check.Failed("into") {
			return nil, err
		}
		return areas.PlanEnd(tx, actor(c), areas.End{Area: v.Area.Code, Into: into, On: day(c, f)})
	},
}

// EndForm asks when an area ends, and what takes what is in it.
func EndForm(c *web.Ctx) error { return end.form(c) }

// End proposes it.
func End(c *web.Ctx) error { return end.submit(c) }

// Left lists the answers that name an area that ended and of which nobody knows
// yet what they mean now. It is logged whose they are.
func Left(c *web.Ctx) error {
	var rows [][]ui.Cell
	err := c.WithTx(func(tx db.Tx) error {
		p := c.Principal()
		list, err := areas.Left(tx, registry.Reader{Areas: c.Areas(), Protected: p.Areas(auth.PersonProtected), Roles: p.Roles()})
		if err != nil {
			return err
		}
		fields, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		var subjects []db.ID
		for _, l := range list {
			subjects = append(subjects, l.Subject)
			path := map[string]string{registry.KindPerson: "/people/", registry.KindHousehold: "/households/"}[l.Kind] + l.Ref
			rows = append(rows, []ui.Cell{{Text: l.Ref, Path: path, LTR: true}, {Text: l.Label(c.Printer(), fields)},
				{Text: l.Name.In(c.Printer())}, {Text: l.Code, LTR: true}})
		}
		return audit.WriteAbout(tx, audit.Event{Action: "areas.left_listed", Purpose: "correction"}, "record", subjects)
	})
	if err != nil {
		return err
	}
	return c.Render(leftPage(rows))
}
