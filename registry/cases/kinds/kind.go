// Package kinds says what people can ask for: each kind is data that a country
// can change. The files in shipped come with Daftar; a registry has its own
// copies, in versions.
package kinds

import (
	"fmt"
	"slices"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// Kind is one version of something that people can ask for.
type Kind struct {
	ID      db.ID `json:"-" yaml:"-"`
	Version int   `json:"-" yaml:"-"`

	Code   string `json:"code" yaml:"code"`
	Family string `json:"family" yaml:"family"`                   // one of Families
	Group  string `json:"group,omitempty" yaml:"group,omitempty"` // where it stands in the list: one of Groups; "" for nowhere
	Order  int    `json:"order,omitempty" yaml:"order,omitempty"`
	Desk   string `json:"desk" yaml:"desk"`                         // whose work it is
	Hands  int    `json:"hands" yaml:"hands"`                       // officials that it takes; more where the change is risky
	Access string `json:"access,omitempty" yaml:"access,omitempty"` // "open" when empty, "restricted" or "sealed"
	Effect string `json:"effect,omitempty" yaml:"effect,omitempty"` // what it does to records; "" for nothing
	Starts Starts `json:"starts,omitempty" yaml:"starts,omitempty"` // who may begin it
	Off    bool   `json:"off,omitempty" yaml:"off,omitempty"`       // nobody may, for now
	From   string `json:"from,omitempty" yaml:"from,omitempty"`     // the version before holds until that day, "2026-12-01"
	Days   int    `json:"days,omitempty" yaml:"days,omitempty"`     // working days to answer; the country's when zero
	Hours  int    `json:"hours,omitempty" yaml:"hours,omitempty"`   // calendar hours, where those count
	Object int    `json:"object,omitempty" yaml:"object,omitempty"` // working days in which those affected may object
	// Regional and National are how many working days late an answer is when the
	// office above and the ministry are told; the law's when zero.
	Regional int  `json:"regional,omitempty" yaml:"regional,omitempty"`
	National int  `json:"national,omitempty" yaml:"national,omitempty"`
	Exit     bool `json:"exit,omitempty" yaml:"exit,omitempty"`     // its pages have a quick way out
	Safe     bool `json:"safe,omitempty" yaml:"safe,omitempty"`     // "I am not safe" is asked first
	Values   bool `json:"values,omitempty" yaml:"values,omitempty"` // may be granted value by value
	Proven   bool `json:"proven,omitempty" yaml:"proven,omitempty"` // nobody approves it without any proof
	// ProvenWhen is Proven for these answers, as Question.When lists them.
	ProvenWhen map[string][]string `json:"proven_when,omitempty" yaml:"proven_when,omitempty"`
	Nature     registry.Nature     `json:"nature,omitempty" yaml:"nature,omitempty"`
	Reason     string              `json:"reason,omitempty" yaml:"reason,omitempty"` // of the change: one of registry.ChangeReasons

	Title i18n.Text   `json:"title" yaml:"title"` // in people's own words: "A baby was born"
	Hint  i18n.Text   `json:"hint,omitempty" yaml:"hint,omitempty"`
	Lead  i18n.Text   `json:"lead,omitempty" yaml:"lead,omitempty"`   // what happens, before starting
	Needs []i18n.Text `json:"needs,omitempty" yaml:"needs,omitempty"` // to have at hand

	Questions []Question `json:"questions,omitempty" yaml:"questions,omitempty"`
	Proof     []Proof    `json:"proof,omitempty" yaml:"proof,omitempty"`
	Reasons   []Reason   `json:"reasons,omitempty" yaml:"reasons,omitempty"` // for which it may be refused
	Letter    string     `json:"letter,omitempty" yaml:"letter,omitempty"`   // which letters, one of LetterSets; the family's when empty
}

// Starts lists who may begin a case: "citizen" who is in the registry,
// "visitor" who is not, "anonymous", "counter", "office".
type Starts []string

// By reports whether somebody may begin it.
func (s Starts) By(who string) bool { return slices.Contains(s, who) }

// Families lists the families of kinds. Each has the message
// "case.family.<family>".
func Families() []string {
	return []string{"registration", "programme", "event", "grievance", "appeal", "duplicate", "recertification", "undo"}
}

// Groups lists the parts of the list that people choose from, in order. Each has
// the message "kinds.group.<group>".
func Groups() []string { return []string{"family", "home", "work", "record", "complaint"} }

// LetterSets lists the families of letters that answer a case.
func LetterSets() []string { return []string{"case", "complaint", "appeal"} }

// Letters is the set of letters that answers a kind.
func (k Kind) Letters() string {
	switch {
	case k.Letter != "":
		return k.Letter
	case k.Family == "grievance":
		return "complaint"
	case k.Family == "appeal":
		return "appeal"
	}
	return "case"
}

// Desks lists whose work a case can be. Each has the message "desk.<desk>".
func Desks() []string { return []string{"office", "quality", "grievance", "appeals", "protection"} }

// Question is one page of a kind.
type Question struct {
	Code string `json:"code" yaml:"code"`
	// Page is a field type (text, number, money, yes_no, date, choice, choices,
	// roster) or one of Pages.
	Page string `json:"page" yaml:"page"`
	// Field is "person.work" or "household.monthly_income": the question and the
	// value of that definition, where the country has it. Of names the question
	// that says about whom; without it, about the person themselves.
	Field string `json:"field,omitempty" yaml:"field,omitempty"`
	Of    string `json:"of,omitempty" yaml:"of,omitempty"`
	// Who says which people are offered: one of Circles. Except names an earlier
	// question: whoever was chosen there is not offered.
	Who     string              `json:"who,omitempty" yaml:"who,omitempty"`
	Except  string              `json:"except,omitempty" yaml:"except,omitempty"`
	Label   i18n.Text           `json:"label,omitempty" yaml:"label,omitempty"`
	Ask     i18n.Text           `json:"ask,omitempty" yaml:"ask,omitempty"`
	Help    i18n.Text           `json:"help,omitempty" yaml:"help,omitempty"`
	Options registry.Options    `json:"options,omitempty" yaml:"options,omitempty"`
	Rules   registry.FieldRules `json:"rules,omitzero" yaml:"rules,omitempty"`
	// When lists, for earlier questions, the answers with which it is asked: "*" is
	// any at all. What is not known yet hides nothing else.
	When map[string][]string `json:"when,omitempty" yaml:"when,omitempty"`
	// Needed questions have to be answered: without it nobody could say what is
	// asked for. All others may be left open (RULES R1).
	Needed  bool       `json:"needed,omitempty" yaml:"needed,omitempty"`
	Past    bool       `json:"past,omitempty" yaml:"past,omitempty"` // a day that is not in the future
	Columns []Question `json:"columns,omitempty" yaml:"columns,omitempty"`
	Late    bool       `json:"late,omitempty" yaml:"late,omitempty"` // asked only of an appeal that comes after the last day
}

// Pages lists the pages that are no field types: "person" and "people" choose
// from those whom the case may be about; "area" chooses a place; "record" names
// another household by its reference; "values" chooses what is wrong, and asks
// for each; "programme", "staff" and "decision" choose one of those.
func Pages() []string {
	return []string{"person", "people", "area", "record", "values", "programme", "staff"}
}

// Circles lists the groups of people that a question can offer, seen from the
// person whose case it is. "successors" and "carers" are the adults who stay, where
// whoever goes received the payments or cared for somebody, and nobody follows by
// itself.
func Circles() []string {
	return []string{"members", "others", "adults", "partners", "children", "parents", "mine", "ended", "successors", "carers"}
}

// Proof is a document that helps to believe what is said. Any of a kind's will
// do, and so will none: what there is gives a level (RULES R1).
type Proof struct {
	Code  string    `json:"code" yaml:"code"`
	Label i18n.Text `json:"label" yaml:"label"`
	Level string    `json:"level" yaml:"level"` // one of registry.Assurances
}

// Reason is a ground on which a kind may be refused, perhaps with a fact that
// must be given with it.
type Reason struct {
	Code  string    `json:"code" yaml:"code"`
	Text  i18n.Text `json:"text" yaml:"text"`
	Facts []Fact    `json:"facts,omitempty" yaml:"facts,omitempty"`
}

// Fact is what exactly the reason rests on.
type Fact struct {
	Code string    `json:"code" yaml:"code"`
	Text i18n.Text `json:"text" yaml:"text"`
}

// Permits reports whether the kind may be refused for a reason with a fact.
func (k Kind) Permits(reason, fact string) bool {
	return slices.ContainsFunc(k.Reasons, func(r Reason) bool {
		return r.Code == reason && (len(r.Facts) == 0 && fact == "" || slices.ContainsFunc(r.Facts, func(f Fact) bool { return f.Code == fact }))
	})
}

// ReasonText is what a reason and its fact say.
func (k Kind) ReasonText(reason, fact string) (text, detail i18n.Text) {
	for _, r := range k.Reasons {
		if r.Code != reason {
			continue
		}
		for _, f := range r.Facts {
			if f.Code == fact {
				detail = f.Text
			}
		}
		return r.Text, detail
	}
	return nil, nil
}

// NeedsProof reports whether nobody approves a case with these answers without any
// proof.
func (k Kind) NeedsProof(answers registry.Values) bool {
	for code, want := range k.ProvenWhen {
		if given, _ := answers[code].(string); slices.Contains(want, given) {
			return true
		}
	}
	return k.Proven
}

// Question finds a question of the kind.
func (k Kind) Question(code string) (Question, bool) {
	i := slices.IndexFunc(k.Questions, func(q Question) bool { return q.Code == code })
	if i < 0 {
		return Question{}, false
	}
	return k.Questions[i], true
}

// Check finds what is wrong with a definition. effects are the effects that
// there are.
func (k Kind) Check(effects []string) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("kind %s: "+format, append([]any{k.Code}, args...)...)
	}
	switch {
	case !slices.Contains(Families(), k.Family):
		return wrong("no family %q", k.Family)
	case k.Group != "" && !slices.Contains(Groups(), k.Group):
		return wrong("no group %q", k.Group)
	case !slices.Contains(Desks(), k.Desk):
		return wrong("no desk %q", k.Desk)
	case k.Hands < 1 || k.Hands > 3:
		return wrong("%d officials", k.Hands)
	case k.Effect != "" && !slices.Contains(effects, k.Effect):
		return wrong("no effect %q", k.Effect)
	case k.Effect != "" && k.Hands < 2:
		return wrong("records change only with two officials")
	case !slices.Contains([]string{"", "open", "restricted", "sealed"}, k.Access):
		return wrong("no access %q", k.Access)
	case len(k.Title) == 0:
		return wrong("no title")
	case len(k.Reasons) == 0 && k.Family != "undo":
		return wrong("nothing to refuse it for")
	case k.Letter != "" && !slices.Contains(LetterSets(), k.Letter):
		return wrong("no letters %q", k.Letter)
	case k.Reason != "" && !slices.Contains(registry.ChangeReasons(), k.Reason):
		return wrong("no reason of change %q", k.Reason)
	}
	for _, who := range k.Starts {
		if !slices.Contains([]string{"citizen", "visitor", "anonymous", "counter", "office"}, who) {
			return wrong("nobody is called %q", who)
		}
	}
	for _, p := range k.Proof {
		if !slices.Contains(registry.Assurances(), p.Level) {
			return wrong("proof %s: no level %q", p.Code, p.Level)
		}
	}
	return k.checkQuestions(wrong)
}

func (k Kind) checkQuestions(wrong func(string, ...any) error) error {
	seen := map[string]Question{}
	for _, q := range k.Questions {
		if _, twice := seen[q.Code]; twice || q.Code == "" {
			return wrong("question %q is there twice, or has no code", q.Code)
		}
		if q.Field == "" && !slices.Contains(Pages(), q.Page) && !slices.Contains(registry.FieldTypes(), registry.FieldType(q.Page)) {
			return wrong("question %s: no page %q", q.Code, q.Page)
		}
		if q.Field == "" && len(q.Label) == 0 {
			return wrong("question %s has no label", q.Code)
		}
		if (q.Page == "person" || q.Page == "people") && !slices.Contains(Circles(), q.Who) {
			return wrong("question %s: nobody is called %q", q.Code, q.Who)
		}
		if (q.Page == "roster") != (len(q.Columns) > 0) {
			return wrong("question %s: a roster has columns, and nothing else does", q.Code)
		}
		if of := seen[q.Of].Page; q.Of != "" && of != "person" && (of != "people" || q.Page != "person") {
			return wrong("question %s is about %q, which names nobody", q.Code, q.Of)
		}
		if q.Except != "" && seen[q.Except].Page != "person" {
			return wrong("question %s leaves out %q, which names nobody", q.Code, q.Except)
		}
		for code, answers := range q.When {
			of, ok := seen[code]
			if !ok {
				return wrong("question %s depends on %q, which was not asked", q.Code, code)
			}
			for _, a := range answers {
				if a != anyAnswer && of.Page == string(registry.TypeChoice) && !of.Options.Has(a) {
					return wrong("question %s: %s has no answer %q", q.Code, code, a)
				}
			}
		}
		seen[q.Code] = q
	}
	return nil
}
