package settings

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/kinds"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

func kindList(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	return c.Render(kindsPage(v, may(c)))
}

// inKind is the path of the kind in the file that the page makes.
const inKind = "case_kinds.0."

func (v *visit) kind() kinds.Kind {
	k, _ := v.state.CaseKind(v.Param("code"))
	return k
}

// place is the input that says where a question stands.
func place(q kinds.Question) string { return inKind + "place." + q.Code }

// help is the input for what stands below a question, without its language.
func help(q kinds.Question) string { return inKind + "help." + q.Code }

// clocksOfKind are the inputs of a kind's clocks.
var clocksOfKind = []string{"days", "hours", "object", "regional", "national"}

// caseKind is one kind of what people can ask for: what it is called, what is
// asked, how long the office has, who decides, what proof helps, for what it may
// be refused. What it does to records is not up to a page.
var caseKind = page{
	path: "kinds/:code", title: "setting.case_kind", careful: true,
	load: func(v *visit) error {
		if v.kind().Code == "" {
			return fault.Hidden()
		}
		return v.View(func(tx db.Tx) (err error) { v.history, err = kinds.History(tx, v.kind().Code); return err })
	},
	named: func(v *visit) []string {
		names := slices.Concat(v.texts(inKind+"title"), v.texts(inKind+"hint"), v.texts(inKind+"lead"), v.texts(inKind+"needs"))
		for _, input := range append([]string{"off", "from", "desk", "hands", "proven", "proof", "reasons", "add"}, clocksOfKind...) {
			names = append(names, inKind+input)
		}
		for _, q := range v.kind().Questions {
			names = append(append(names, place(q)), v.texts(help(q))...)
		}
		return names
	},
	input: func(name string) string {
		switch {
		case strings.HasPrefix(name, inKind+"questions"):
			return inKind + "add"
		case name == inKind+"code":
			return inKind + "off"
		}
		return ""
	},
	fill: func(v *visit) map[string][]string {
		k := v.kind()
		values := map[string][]string{inKind + "from": {k.From}, inKind + "days": {numberOrNone(k.Days)}, inKind + "hours": {numberOrNone(k.Hours)},
			inKind + "object": {numberOrNone(k.Object)}, inKind + "regional": {numberOrNone(k.Regional)}, inKind + "national": {numberOrNone(k.National)}, inKind + "desk": {k.Desk}, inKind + "hands": {strconv.Itoa(k.Hands)}}
		v.fillText(values, inKind+"title", k.Title)
		v.fillText(values, inKind+"hint", k.Hint)
		v.fillText(values, inKind+"lead", k.Lead)
		for _, l := range v.languages {
			var lines []string
			for _, need := range k.Needs {
				lines = append(lines, need[l.Tag])
			}
			values[inKind+"needs."+l.Tag] = []string{strings.Join(lines, "\n")}
		}
		if k.Off {
			values[inKind+"off"] = []string{"yes"}
		}
		if k.Proven {
			values[inKind+"proven"] = []string{"yes"}
		}
		var proof []string
		for _, p := range k.Proof {
			proof = append(proof, v.namedLine(p.Label, p.Code, p.Level))
		}
		values[inKind+"proof"] = []string{strings.Join(proof, "\n")}
		values[inKind+"reasons"] = []string{v.reasonLines(k)}
		for i, q := range k.Questions {
			values[place(q)] = []string{strconv.Itoa(i + 1)}
			v.fillText(values, help(q), q.Help)
		}
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		k := v.kind()
		k.Off, k.Proven = form.Get(inKind+"off") == "yes", form.Get(inKind+"proven") == "yes"
		k.From = i18n.LatinDigits(form.Text(check, inKind+"from", 10))
		k.Title, k.Hint, k.Lead = v.readText(form, check, inKind+"title"), v.readText(form, check, inKind+"hint"), v.readText(form, check, inKind+"lead")
		k.Needs = v.readNeeds(form, check)
		k.Days, k.Hours, k.Object = some(form, check, inKind+"days"), some(form, check, inKind+"hours"), some(form, check, inKind+"object")
		k.Regional, k.National = some(form, check, inKind+"regional"), some(form, check, inKind+"national")
		k.Desk = form.Choice(check, inKind+"desk", kinds.Desks(), "field.error.choice")
		k.Hands, _ = strconv.Atoi(form.Choice(check, inKind+"hands", handsList, "field.error.choice"))
		k.Proof = v.readProof(form.Text(check, inKind+"proof", longest), check)
		k.Reasons = v.readReasons(form.Text(check, inKind+"reasons", longest), check)
		k.Questions = v.readQuestions(k, form, check)
		return part(func(f *settings.File) { f.CaseKinds = []kinds.Kind{k} })
	},
	view:  func(v *visit, f *ui.Form) templ.Component { return kindInputs(v, f) },
	extra: func(v *visit) templ.Component { return kindHistory(v) },
}

var handsList = []string{"1", "2", "3"}

// numberOrNone is a number in an input; nothing for none.
func numberOrNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// some reads a number that may be left open; 0 is none that was meant.
func some(form *web.Form, check *fault.Check, name string) int {
	if form.Get(name) == "" {
		return 0
	}
	n := whole(form, check, name)
	if n < 1 && !check.Failed(name) {
		check.Fail(name, "settings.error.at_least_one")
	}
	return n
}

// readNeeds reads what to have at hand: a line for each, the same ones in every
// language.
func (v *visit) readNeeds(form *web.Form, check *fault.Check) []i18n.Text {
	var list []i18n.Text
	for _, l := range v.languages {
		n := 0
		for line := range strings.Lines(form.Text(check, inKind+"needs."+l.Tag, longest)) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if n == len(list) {
				list = append(list, i18n.Text{})
			}
			list[n][l.Tag] = line
			n++
		}
	}
	return list
}

// readLines reads the lines of an input with so many codes each, and a name per
// language.
func (v *visit) readLines(input, text string, codes int, check *fault.Check, each func(codes []string, name i18n.Text)) {
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != codes+len(v.languages) {
			check.Fail(input, "field.error.option_line", "Line", i+1)
			return
		}
		for n := range parts {
			parts[n] = strings.TrimSpace(parts[n])
		}
		name := i18n.Text{}
		for n, l := range v.languages {
			if parts[codes+n] != "" {
				name[l.Tag] = parts[codes+n]
			}
		}
		each(parts[:codes], name)
	}
}

// namedLine is a line that readLines reads.
func (v *visit) namedLine(name i18n.Text, codes ...string) string {
	for _, l := range v.languages {
		codes = append(codes, name[l.Tag])
	}
	return strings.Join(codes, " | ")
}

// readProof reads the documents that help: code | level | a name per language.
func (v *visit) readProof(text string, check *fault.Check) (list []kinds.Proof) {
	v.readLines(inKind+"proof", text, 2, check, func(codes []string, name i18n.Text) {
		list = append(list, kinds.Proof{Code: codes[0], Level: codes[1], Label: name})
	})
	return list
}

// factMark begins the line of a fact, which belongs to the reason above it.
const factMark = "-"

// readReasons reads for what the kind may be refused: code | words per language.
func (v *visit) readReasons(text string, check *fault.Check) (list []kinds.Reason) {
	v.readLines(inKind+"reasons", text, 1, check, func(codes []string, words i18n.Text) {
		if fact, ok := strings.CutPrefix(codes[0], factMark); ok && len(list) > 0 {
			last := &list[len(list)-1]
			last.Facts = append(last.Facts, kinds.Fact{Code: strings.TrimSpace(fact), Text: words})
			return
		}
		list = append(list, kinds.Reason{Code: codes[0], Text: words})
	})
	return list
}

// reasonLines is what readReasons reads.
func (v *visit) reasonLines(k kinds.Kind) string {
	var lines []string
	for _, r := range k.Reasons {
		lines = append(lines, v.namedLine(r.Text, r.Code))
		for _, f := range r.Facts {
			lines = append(lines, v.namedLine(f.Text, factMark+" "+f.Code))
		}
	}
	return strings.Join(lines, "\n")
}

// readQuestions puts the questions in the order of their numbers, leaves out
// those without one, and adds the definition that was chosen.
func (v *visit) readQuestions(k kinds.Kind, form *web.Form, check *fault.Check) []kinds.Question {
	type placed struct {
		at int
		q  kinds.Question
	}
	var list []placed
	for _, q := range k.Questions {
		if form.Get(place(q)) == "" {
			continue
		}
		q.Help = v.readHelp(form, check, q)
		list = append(list, placed{whole(form, check, place(q)), q})
	}
	slices.SortStableFunc(list, func(a, b placed) int { return a.at - b.at })
	var questions []kinds.Question
	for _, p := range list {
		questions = append(questions, p.q)
	}
	field := form.Get(inKind + "add")
	if field == "" {
		return questions
	}
	i := slices.IndexFunc(settings.Askable(v.state), func(f registry.Field) bool { return fieldName(f) == field })
	if i < 0 {
		check.Fail(inKind+"add", "settings.error.unknown_field", "Code", field)
		return questions
	}
	f := settings.Askable(v.state)[i]
	q := kinds.Question{Code: f.Code, Field: field, Label: f.Label}
	if f.Subject == registry.KindPerson { // of whom: whom the case is about
		if n := slices.IndexFunc(questions, func(o kinds.Question) bool { return o.Page == "person" && o.Needed }); n >= 0 {
			q.Of = questions[n].Code
		}
	}
	return append(questions, q)
}

// maxHelp is how long what stands below a question may be.
const maxHelp = 200

// readHelp reads what stands below a question; nil for nothing.
func (v *visit) readHelp(form *web.Form, check *fault.Check, q kinds.Question) i18n.Text {
	var t i18n.Text
	for _, l := range v.languages {
		if s := form.Text(check, help(q)+"."+l.Tag, maxHelp); s != "" {
			if t == nil {
				t = i18n.Text{}
			}
			t[l.Tag] = s
		}
	}
	return t
}

// fieldName is a definition as a question names it.
func fieldName(f registry.Field) string { return f.Subject + "." + f.Code }

// addable are the definitions that the kind does not ask for yet; none where it
// writes no values.
func (v *visit) addable(ctx context.Context) []ui.Choice {
	k := v.kind()
	if k.Effect != "set" {
		return nil
	}
	var list []ui.Choice
	for _, f := range settings.Askable(v.state) {
		if slices.ContainsFunc(k.Questions, func(q kinds.Question) bool { return q.Field == fieldName(f) || q.Code == f.Code }) {
			continue
		}
		list = append(list, ui.Choice{Value: fieldName(f), Label: f.Label.For(ctx) + " – " + i18n.T(ctx, "setting.subject."+f.Subject)})
	}
	return list
}

// label is what a question is called here.
func (v *visit) label(ctx context.Context, q kinds.Question) string {
	if len(q.Label) > 0 {
		return q.Label.For(ctx)
	}
	for _, f := range settings.Askable(v.state) {
		if fieldName(f) == q.Field {
			return f.Label.For(ctx)
		}
	}
	return q.Code
}
