package areas

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/areas"
	"daftar/web"
	"daftar/web/ui"
)

// proposalForm is a form that proposes something about one area. The forms
// differ in their inputs and in what they plan.
type proposalForm struct {
	kind   string
	inputs func(*web.Ctx) []string
	start  func(*web.Ctx, area) map[string][]string
	view   func(area, *ui.Form, []areas.Area) templ.Component
	plan   func(*web.Ctx, db.Tx, *web.Form, *fault.Check, area) (*areas.Plan, error)
}

func (p proposalForm) load(c *web.Ctx) (area, []areas.Area, error) {
	v, err := load(c, false)
	if err != nil {
		return v, nil, err
	}
	if !v.Mine || v.Area.Ended() {
		return v, nil, fault.Hidden()
	}
	var beside []areas.Area
	err = c.View(func(tx db.Tx) (err error) {
		beside, err = areas.Siblings(tx, actor(c), v.Area)
		return err
	})
	return v, beside, err
}

func (p proposalForm) form(c *web.Ctx) error {
	v, beside, err := p.load(c)
	if err != nil {
		return err
	}
	return c.Render(p.view(v, &ui.Form{Values: p.start(c, v)}, beside))
}

func (p proposalForm) submit(c *web.Ctx) error {
	v, beside, err := p.load(c)
	if err != nil {
		return err
	}
	form, err := c.Form(append(p.inputs(c), "day", "month", "year", "reason")...)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(p.view(v, state, beside))
	}
	var ref string
	err = c.WithTx(func(tx db.Tx) error {
		var check fault.Check
		on := dayOf(c, form, &check)
		reason := form.Required(&check, "reason", maxNote, "areas.error.reason")
		plan, err := p.plan(c, tx, form, &check, v)
		if err := check.Merge(err); err != nil {
			return err
		}
		if err := check.Err(); err != nil {
			return err
		}
		ref, err = areas.Propose(tx, areas.Draft{Kind: p.kind, On: on, Reason: reason, Lang: c.Printer().Tag}, plan)
		return err
	})
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), p.view(v, state, beside))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/areas/changes/" + ref))
}

// dayOf reads the three inputs of a day; not one in the future.
func dayOf(c *web.Ctx, f *web.Form, check *fault.Check) string {
	n := func(name string) int {
		v, err := strconv.Atoi(strings.TrimSpace(i18n.LatinDigits(f.Get(name))))
		if err != nil {
			return -1
		}
		return v
	}
	y, m, d := n("year"), n("month"), n("day")
	day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < 1000 || y > 9999 || day.Day() != d || int(day.Month()) != m {
		check.Fail("day", "areas.problem.day")
		return ""
	}
	return areas.On(check, "day", day, today(c))
}

func onToday(c *web.Ctx) map[string][]string {
	t := today(c)
	return map[string][]string{"day": {strconv.Itoa(t.Day())}, "month": {strconv.Itoa(int(t.Month()))}, "year": {strconv.Itoa(t.Year())}}
}

const maxName = 200

// namesOf reads an input per language.
func namesOf(c *web.Ctx, f *web.Form, check *fault.Check, prefix string) i18n.Text {
	t := i18n.Text{}
	for _, l := range spoken(c) {
		if s := f.Text(check, prefix+l.Tag, maxName); s != "" {
			t[l.Tag] = s
		}
	}
	return t
}

func nameInputs(c *web.Ctx, prefix string) []string {
	var list []string
	for _, l := range spoken(c) {
		list = append(list, prefix+l.Tag)
	}
	return list
}

// listed are the lines of a text area, without the empty ones.
func listed(s string) []string {
	var list []string
	for _, line := range strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == ',' }) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

var merge = proposalForm{
	kind:   areas.KindMerge,
	inputs: func(c *web.Ctx) []string { return append(nameInputs(c, "name_"), "with", "into", "code") },
	start:  func(c *web.Ctx, _ area) map[string][]string { return onToday(c) },
	view:   mergePage,
	plan: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, v area) (*areas.Plan, error) {
		m := areas.Merge{Areas: append([]string{v.Area.Code}, f.All("with")...), Into: v.Area.Code, On: today(c).Format(time.DateOnly)}
		switch f.Choice(check, "into", []string{"this", "new"}, "areas.error.into") {
		case "new":
			m.New = &areas.Part{Code: f.Text(check, "code", 30), Name: namesOf(c, f, check, "name_")}
		case "this":
		default:
			return nil, nil
		}
		if day := dayOf(c, f, &fault.Check{}); day != "" {
			m.On = day
		}
		return areas.PlanMerge(tx, actor(c), m)
	},
}

// MergeForm asks what an area is merged with.
func MergeForm(c *web.Ctx) error { return merge.form(c) }

// Merge proposes it.
func Merge(c *web.Ctx) error { return merge.submit(c) }

// maxParts is how many new areas one split makes.
const maxParts = 4

var split = proposalForm{
	kind: areas.KindSplit,
	inputs: func(c *web.Ctx) []string {
		list := []string{"rest", "answers"}
		for i := 1; i <= maxParts; i++ {
			list = append(list, fmt.Sprintf("code_%d", i), fmt.Sprintf("holds_%d", i))
			list = append(list, nameInputs(c, fmt.Sprintf("name_%d_", i))...)
		}
		return list
	},
	start: func(c *web.Ctx, _ area) map[string][]string { return onToday(c) },
	view:  splitPage,
	plan: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, v area) (*areas.Plan, error) {
		s := areas.Split{Area: v.Area.Code, On: today(c).Format(time.DateOnly)}
		s.Ends = f.Choice(check, "rest", []string{"stays", "first"}, "areas.error.rest") == "first"
		s.Answers = f.Get("answers") == "follow"
		for i := 1; i <= maxParts; i++ {
			n := strconv.Itoa(i)
			part := areas.Part{
				Code: f.Text(check, "code_"+n, 30), Name: namesOf(c, f, check, "name_"+n+"_"), Holds: listed(f.Get("holds_" + n)),
			}
			if part.Code != "" || len(part.Name) > 0 || len(part.Holds) > 0 {
				s.Parts = append(s.Parts, part)
			}
		}
		if check.Failed("rest") {
			return nil, nil
		}
		if day := dayOf(c, f, &fault.Check{}); day != "" {
			s.On = day
		}
		return areas.PlanSplit(tx, actor(c), s)
	},
}

// SplitForm asks for the parts of an area.
func SplitForm(c *web.Ctx) error { return split.form(c) }

// Split proposes them.
func Split(c *web.Ctx) error { return split.submit(c) }

var edit = proposalForm{
	kind:   areas.KindEdit,
	inputs: func(c *web.Ctx) []string { return append(nameInputs(c, "name_"), "alternative", "kind", "kind_new") },
	start: func(c *web.Ctx, v area) map[string][]string {
		values := onToday(c)
		for _, l := range v.Locales {
			values["name_"+l.Tag] = []string{v.Area.Name[l.Tag]}
		}
		values["kind"] = []string{v.Area.Kind}
		values["alternative"] = []string{strings.Join(v.Area.Alternative, "\n")}
		return values
	},
	view: namesPage,
	plan: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, v area) (*areas.Plan, error) {
		e := areas.Edit{Area: v.Area.Code, Name: namesOf(c, f, check, "name_"), Alternative: listed(f.Get("alternative")), Kind: kindOf(f, check, v.Kinds)}
		for _, s := range e.Alternative {
			if len([]rune(s)) > maxName {
				check.Fail("alternative", "areas.problem.text", "Max", maxName)
				break
			}
		}
		if e.Name[i18n.Source] == "" && v.Area.Name[i18n.Source] != "" {
			check.Fail("name_"+i18n.Source, "areas.problem.no_name")
		}
		return areas.PlanEdit(tx, actor(c), e)
	},
}

// NamesForm asks for an area's names.
func NamesForm(c *web.Ctx) error { return edit.form(c) }

// Names proposes them.
func Names(c *web.Ctx) error { return edit.submit(c) }
