package kinds

import (
	"slices"
	"strings"
	"time"

	"daftar/fault"
	"daftar/registry"
	"daftar/registry/formula"
)

// Form is a kind as it is asked: its questions with what a country defines and
// the people who can be chosen.
type Form struct {
	Kind     Kind
	Defs     registry.Fields             // the country's definitions
	Formulas *formula.Set                // of those: when each is asked
	Offers   map[string]registry.Options // of the questions that choose: people, programmes
	Today    time.Time
}

// Page is one question of a form.
type Page struct {
	Code     string // also names the answer
	Question Question
	Field    registry.Field
	Columns  registry.Fields // of a roster
	Value    Value           // what the answer is a value of; zero for nothing
}

// Value names one value of a record: of the person whom another answer names,
// of the household, or of the person whose case it is.
type Value struct {
	Of   string // code of the question that says of whom; "" for the person themselves
	Kind string // registry.KindPerson or KindHousehold
	Name string // as in the provenance: "full_name", "birth", or a field's code
}

// fieldTypes are the types of the pages that are none.
var fieldTypes = map[string]registry.FieldType{
	"person": registry.TypeChoice, "people": registry.TypeChoices, "area": registry.TypeText, "record": registry.TypeText,
	"values": registry.TypeChoices, "programme": registry.TypeChoice,
}

func (q Question) field(roster string) registry.Field {
	f := registry.Field{Subject: "event", Roster: roster, Code: q.Code, Type: registry.FieldType(q.Page), Label: q.Label, Question: q.Ask,
		Help: q.Help, Options: q.Options, Rules: q.Rules}
	if t, ok := fieldTypes[q.Page]; ok {
		f.Type = t
	}
	return f
}

// CoreValues are the values without a definition that people may say are wrong.
// The others are parts of a record that change in their own ways.
func CoreValues() []string {
	var codes []string
	for _, f := range Core() {
		codes = append(codes, f.Code)
	}
	return codes
}

// valuesOf are the values of a kind of record that the people themselves may
// change: those without a definition first.
func (f Form) valuesOf(kind string) registry.Fields {
	var list registry.Fields
	if kind == registry.KindPerson {
		list = slices.Clone(Core())
	}
	for _, d := range f.Defs.Of(kind) {
		if d.Type == registry.TypeCalculated || !d.Asked && len(d.Question) == 0 {
			continue // what is never put to people is the office's to know
		}
		if theirs(d) && (d.Type != registry.TypeRoster || len(f.columnsOf(d, "")) > 0) {
			list = append(list, d)
		}
	}
	return list
}

// theirs reports whether people may see and change the values of a definition
// themselves.
func theirs(d registry.Field) bool {
	for _, use := range []string{"see", "edit"} {
		if roles, named := d.Roles[use]; named && !slices.Contains(roles, registry.Citizen) {
			return false
		}
	}
	return true
}

// columnsOf are the columns of a roster that people may see and change, as those of
// a page called code, so that its rows are shown. A sensitive one is the office's in
// a roster that is not: it would be told to everybody of the household (RULES R4).
func (f Form) columnsOf(roster registry.Field, code string) registry.Fields {
	var list registry.Fields
	for _, column := range f.Defs.Columns(roster) {
		secret := column.Sensitivity == "sensitive" && roster.Sensitivity != "sensitive"
		if column.Roster = code; theirs(column) && !secret {
			list = append(list, column)
		}
	}
	return list
}

// Pages lists the questions that are asked with these answers, in order.
func (f Form) Pages(answers registry.Values) []Page {
	var pages []Page
	live := registry.Values{} // the answers to questions that are asked
	for _, q := range f.Kind.Questions {
		if !q.asked(live) {
			continue
		}
		live[q.Code] = answers[q.Code]
		switch {
		case q.Page == "values":
			pages = append(pages, f.values(q, answers)...)
		case q.Field != "":
			if p, ok := f.defined(q); ok {
				pages = append(pages, p)
			}
		default:
			p := Page{Code: q.Code, Question: q, Field: q.field("")}
			if offer, ok := f.Offers[q.Code]; ok {
				p.Field.Options = offer
				if len(offer) == 0 && !q.Needed {
					continue // nobody to choose
				}
			}
			p.Field.Options = slices.DeleteFunc(slices.Clone(p.Field.Options), func(o registry.Option) bool { return f.leadsNowhere(q, o.Code) })
			if q.Except != "" {
				p.Field.Options = slices.DeleteFunc(slices.Clone(p.Field.Options), func(o registry.Option) bool { return o.Code == answers[q.Except] })
			}
			for _, c := range q.Columns {
				p.Columns = append(p.Columns, c.field(q.Code))
			}
			pages = append(pages, p)
		}
	}
	return append(pages, f.own(answers)...)
}

// leadsNowhere reports whether an answer makes somebody choose among people of whom
// there are none: it is not offered.
func (f Form) leadsNowhere(q Question, answer string) bool {
	return q.Page == string(registry.TypeChoice) && slices.ContainsFunc(f.Kind.Questions, func(next Question) bool {
		offer, ok := f.Offers[next.Code]
		return ok && next.Needed && len(offer) == 0 && slices.Equal(next.When[q.Code], []string{answer})
	})
}

// ownPrefix sets a country's own questions apart from those of a kind.
const ownPrefix = "own_"

// defs are the definitions that a country asks of events or applications, or of
// one kind or programme, with these answers.
func (f Form) defs(answers registry.Values) registry.Fields {
	subject, form := "event", f.Kind.Code
	switch f.Kind.Family {
	case "event":
	case "programme":
		subject = "application"
		form, _ = answers["programme"].(string)
	default:
		return nil
	}
	given, asked := registry.Values{}, f.Defs.Of(subject).Asked()
	for _, d := range asked {
		given[d.Code] = answers[ownPrefix+d.Code]
	}
	return slices.DeleteFunc(asked, func(d registry.Field) bool { return d.Form != "" && d.Form != form || !f.Formulas.Asked(d, given) })
}

// own are those questions as pages. What is answered belongs to the case and
// changes no record.
func (f Form) own(answers registry.Values) []Page {
	var pages []Page
	for _, d := range f.defs(answers) {
		if d.Type == registry.TypeFile { // one of Papers
			continue
		}
		p := Page{Code: ownPrefix + d.Code, Field: d, Question: Question{Code: ownPrefix + d.Code}}
		if d.Type == registry.TypeRoster {
			p.Columns = f.columnsOf(d, p.Code)
		}
		p.Field.Code = p.Code
		pages = append(pages, p)
	}
	return pages
}

// Papers are the documents that a country's own questions ask for: photos, and
// what backs an answer. None of them is needed (RULES R1).
func (f Form) Papers(answers registry.Values) []Proof {
	var list []Proof
	for _, d := range f.defs(answers) {
		if d.Type == registry.TypeFile || d.Evidence == "asked" && answers[ownPrefix+d.Code] != nil {
			list = append(list, Proof{Code: ownPrefix + d.Code, Label: d.Label, Level: "low"})
		}
	}
	return list
}

// anyAnswer stands in When for whatever was answered.
const anyAnswer = "*"

// asked reports whether the earlier answers lead to the question.
func (q Question) asked(answers registry.Values) bool {
	for code, want := range q.When {
		if slices.Equal(want, []string{anyAnswer}) {
			if empty(answers[code]) {
				return false
			}
			continue
		}
		switch v := answers[code].(type) {
		case nil:
		case string:
			if !slices.Contains(want, v) {
				return false
			}
		default:
			if !slices.ContainsFunc(registry.Field{}.Input(v), func(s string) bool { return slices.Contains(want, s) }) {
				return false
			}
		}
	}
	return true
}

// defined is the page of a definition; false where the country has none.
func (f Form) defined(q Question) (Page, bool) {
	kind, code, _ := strings.Cut(q.Field, ".")
	d, ok := f.Defs.Of(kind).Get(code)
	if !ok {
		return Page{}, false
	}
	d.Code = q.Code
	if len(q.Ask) > 0 {
		d.Question = q.Ask
	}
	if len(q.Help) > 0 {
		d.Help = q.Help
	}
	return Page{Code: q.Code, Question: q, Field: d, Value: Value{Of: q.Of, Kind: kind, Name: code}}, true
}

// values is the page that chooses what is wrong, and one for each that was
// chosen.
func (f Form) values(q Question, answers registry.Values) []Page {
	kind := registry.KindPerson
	if q.Field == registry.KindHousehold {
		kind = registry.KindHousehold
	}
	all := f.valuesOf(kind)
	chooser := Page{Code: q.Code, Question: q, Field: q.field("")}
	chooser.Field.Type = registry.TypeChoices
	for _, v := range all {
		chooser.Field.Options = append(chooser.Field.Options, registry.Option{Code: v.Code, Label: v.Label})
	}
	pages := []Page{chooser}
	for _, code := range chooser.Field.Input(answers[q.Code]) {
		d, ok := all.Get(code)
		if !ok {
			continue
		}
		name, columns := d.Code, registry.Fields(nil)
		if d.Type == registry.TypeRoster {
			columns = f.columnsOf(d, q.Code+"."+name)
		}
		d.Code = q.Code + "." + name
		pages = append(pages, Page{Code: d.Code, Columns: columns, Question: Question{Code: d.Code, Past: name == "birth"}, Field: d, Value: Value{Of: q.Of, Kind: kind, Name: name}})
	}
	return pages
}

// Page finds a question that is asked.
func (f Form) Page(answers registry.Values, code string) (Page, bool) {
	for _, p := range f.Pages(answers) {
		if p.Code == code {
			return p, true
		}
	}
	return Page{}, false
}

// After is the page that follows: the first after code that was not answered;
// "" when there is none.
func (f Form) After(answers registry.Values, done map[string]bool, code string) string {
	pages := f.Pages(answers)
	at := slices.IndexFunc(pages, func(p Page) bool { return p.Code == code })
	for _, p := range pages[at+1:] {
		if !done[p.Code] {
			return p.Code
		}
	}
	return ""
}

// First is the first page that was not answered; "" when all were.
func (f Form) First(answers registry.Values, done map[string]bool) string {
	return f.After(answers, done, "")
}

// Check finds what is wrong with an answer that was read: an empty one that is
// needed, a day to come. The input is called name.
func (p Page) Check(value any, name string, today time.Time, check *fault.Check) {
	if p.Question.Needed && empty(value) {
		key := "question.error.needed"
		if p.Field.Type == registry.TypeRoster {
			key = "question.error.needed_row"
		}
		check.Fail(name, key)
	}
	if day, ok := value.(string); ok && p.Question.Past && p.Field.Type == registry.TypeDate && day > today.Format(time.DateOnly) {
		check.Fail(name, "field.error.future")
	}
}

// Complete lists, as wrong inputs called "page-<code>", what still has to be
// answered.
func (f Form) Complete(answers registry.Values, done map[string]bool) error {
	var check fault.Check
	for _, p := range f.Pages(answers) {
		switch value := answers[p.Code]; {
		case !done[p.Code] || p.Question.Needed && empty(value):
			check.Fail("page-"+p.Code, "apply.error.unfinished", "Section", p.Field.Label)
		case !p.Fits(value):
			check.Fail("page-"+p.Code, "apply.error.unfit", "Section", p.Field.Label)
		}
	}
	return check.Err()
}

// empty reports whether nothing was answered, or none of several.
func empty(value any) bool {
	return value == nil || slices.Equal(registry.Field{}.Input(value), []string{registry.NoneOf})
}

// Fits reports whether an answer is still one that the question takes: somebody
// who was chosen may not live there any more. What does not fit is never written
// as it is.
func (p Page) Fits(value any) bool {
	if value == nil {
		return true
	}
	if p.Field.Type != registry.TypeRoster {
		_, err := p.Field.Parse(p.Field.Input(value))
		return err == nil
	}
	rows := registry.Rows(value)
	for _, row := range rows {
		for _, column := range p.Columns {
			value := row[column.Code]
			if _, err := column.Parse(column.Input(value)); err != nil && !(p.Value.Name != "" && column.Holds(value, column.Input(value))) {
				return false // what a record holds may stay in it
			}
		}
	}
	return len(rows) > 0 || p.Value.Name != "" // none of them is left
}

// Asked is what was answered to questions that are still asked: an answer that
// another one took away is not sent.
func (f Form) Asked(answers registry.Values) registry.Values {
	out := registry.Values{}
	for _, p := range f.Pages(answers) {
		if v, ok := answers[p.Code]; ok {
			out[p.Code] = v
		}
	}
	return out
}
