package kinds_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/registry/formula"
)

// every calls fn with every text of a kind.
func every(k kinds.Kind, fn func(where string, t i18n.Text)) {
	fn("title", k.Title)
	fn("hint", k.Hint)
	fn("lead", k.Lead)
	for _, n := range k.Needs {
		fn("needs", n)
	}
	var questions func(list []kinds.Question)
	questions = func(list []kinds.Question) {
		for _, q := range list {
			fn(q.Code, q.Label)
			fn(q.Code, q.Ask)
			fn(q.Code, q.Help)
			for _, o := range q.Options {
				fn(q.Code+"."+o.Code, o.Label)
			}
			questions(q.Columns)
		}
	}
	questions(k.Questions)
	for _, p := range k.Proof {
		fn("proof."+p.Code, p.Label)
	}
	for _, r := range k.Reasons {
		fn("reason."+r.Code, r.Text)
		for _, f := range r.Facts {
			fn("fact."+f.Code, f.Text)
		}
	}
}

func shipped(t *testing.T) []kinds.Kind {
	t.Helper()
	list, err := kinds.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What people read of a kind is in every language, in plain short sentences
// (RULES R3): the same gates as for messages.
func TestTextsOfShippedKinds(t *testing.T) {
	t.Parallel()
	end := regexp.MustCompile(`[.?!:؟]\s+`)
	for _, k := range shipped(t) {
		every(k, func(where string, text i18n.Text) {
			if len(text) == 0 {
				return
			}
			for _, lang := range []string{"en", "ar"} {
				if text[lang] == "" {
					t.Errorf("%s, %s: nothing in %s", k.Code, where, lang)
				}
				for _, sentence := range end.Split(text[lang], -1) {
					if n := len(strings.Fields(sentence)); n > 20 {
						t.Errorf("%s, %s: a sentence of %d words in %s", k.Code, where, n, lang)
					}
				}
			}
			if arabic := strings.ContainsFunc(text["ar"], func(r rune) bool { return r >= 0x600 && r <= 0x6ff }); !arabic {
				t.Errorf("%s, %s: no Arabic", k.Code, where)
			}
		})
		for _, q := range k.Questions {
			if q.Field == "" && q.Page != "values" && len(q.Ask) == 0 {
				t.Errorf("%s: %s is not asked", k.Code, q.Code)
			}
		}
		if k.Group != "" && len(k.Lead) == 0 {
			t.Errorf("%s: nobody is told what happens", k.Code)
		}
	}
	if len(kinds.Core()) != 5 {
		t.Errorf("%d values without a definition", len(kinds.Core()))
	}
}

// The life events of the design, and every other family, are there.
func TestShippedKinds(t *testing.T) {
	t.Parallel()
	have := map[string]kinds.Kind{}
	used := map[string]bool{}
	for _, k := range shipped(t) {
		have[k.Code] = k
		used[k.Effect] = true
	}
	for _, code := range []string{"registration", "programme", "birth", "death", "moved", "separated", "job", "disability", "married", "correct", "payee", "leave",
		"service", "payment", "conduct", "data", "exclusion", "safeguarding", "appeal", "duplicate", "confirm"} {
		if _, ok := have[code]; !ok {
			t.Errorf("%s is missing", code)
		}
	}
	for _, name := range effect.Names() {
		if !used[name] {
			t.Errorf("no kind has the effect %s", name)
		}
	}
	for code, want := range map[string]string{"safeguarding": "sealed", "conduct": "restricted", "service": "open"} {
		if have[code].Access != want {
			t.Errorf("%s is %q", code, have[code].Access)
		}
	}
	for code, k := range have {
		if k.Family == "grievance" && code != "alone" && !k.Starts.By("anonymous") { // which nobody but the program opens
			t.Errorf("%s needs a name", code)
		}
		if k.Group != "" && !k.Starts.By("counter") { // RULES R2
			t.Errorf("%s is not at the counter", code)
		}
	}
}

// A definition that nobody could work with is refused, whatever is wrong with it.
func TestWrongKinds(t *testing.T) {
	t.Parallel()
	const good = `
code: x
family: event
desk: office
hands: 2
title: {en: X}
reasons: [{code: a, text: {en: A}}]
questions:
  - {code: who, page: person, who: mine, label: {en: Who}}
  - {code: kind, page: choice, label: {en: Kind}, options: [{code: a, label: {en: A}}]}
  - {code: then, page: text, label: {en: Then}, when: {kind: [a]}}
`
	if _, err := kinds.Read([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{
		"family: event":   "family: wish",
		"desk: office":    "desk: attic",
		"hands: 2":        "hands: 4",
		"title: {en: X}":  "title: {}",
		"page: person":    "page: crowd",
		"who: mine":       "who: anybody",
		"code: then":      "code: kind",
		"{kind: [a]}":     "{later: [a]}",
		"[a]}}\n":         "[z]}}\n",
		"reasons: [{code": "reasons: []\nneeds: [{code",
		"code: x":         "code: x\neffect: explode",
		"page: text":      "page: roster",
		"label: {en: Who": "of: kind, label: {en: Who",
		"label: {en: T":   "except: kind, label: {en: T",
	} {
		if bad := strings.Replace(good, was, is, 1); bad == good {
			t.Errorf("%q is not there", was)
		} else if _, err := kinds.Read([]byte(bad)); err == nil {
			t.Errorf("%q was taken", is)
		}
	}
}

// The other parent is somebody else, and a birth without a child is told in words
// that fit.
func TestBirthIsOfTwo(t *testing.T) {
	t.Parallel()
	var birth kinds.Kind
	for _, k := range shipped(t) {
		if k.Code == "birth" {
			birth = k
		}
	}
	both := registry.Options{{Code: "P-1"}, {Code: "P-2"}}
	f := kinds.Form{Kind: birth, Offers: map[string]registry.Options{"parent": both, "other_parent": both}}
	other, _ := f.Page(registry.Values{"parent": "P-1"}, "other_parent")
	if !reflect.DeepEqual(other.Field.Options, both[1:]) || other.Fits("P-1") || !other.Fits("P-2") || len(both) != 2 {
		t.Error(other.Field.Options)
	}
	babies, _ := f.Page(nil, "babies")
	var check fault.Check
	babies.Check(nil, "another", f.Today, &check)
	if err := check.Err(); err == nil || !strings.Contains(err.Error(), "[another: question.error.needed_row]") {
		t.Error(err)
	}
}

func kind(t *testing.T, code string) kinds.Kind {
	t.Helper()
	list := shipped(t)
	return list[slices.IndexFunc(list, func(k kinds.Kind) bool { return k.Code == code })]
}

// One page follows another; what an earlier answer took away is neither asked nor
// sent, and nothing that is optional holds anybody up.
func TestForm(t *testing.T) {
	t.Parallel()
	var moved kinds.Kind
	for _, k := range shipped(t) {
		if k.Code == "moved" {
			moved = k
		}
	}
	f := kinds.Form{Kind: moved, Today: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Offers: map[string]registry.Options{"who": {{Code: "P-1"}, {Code: "P-2"}}, "payee": nil, "carer": nil}}
	codes := func(answers registry.Values) (list []string) {
		for _, p := range f.Pages(answers) {
			list = append(list, p.Code)
		}
		return list
	}
	for _, c := range []struct {
		answers registry.Values
		want    []string
	}{
		{registry.Values{"whole": "all"}, []string{"whole", "area", "directions", "since"}},
		{registry.Values{"whole": "some", "to": "known"}, []string{"whole", "who", "to", "to_ref", "since"}},
		{registry.Values{"whole": "some", "to": "own"}, []string{"whole", "who", "to", "area", "directions", "since"}},
		{registry.Values{"whole": "all", "to": "known"}, []string{"whole", "area", "directions", "since"}}, // changed her mind
	} {
		if got := codes(c.answers); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v", c.answers, got)
		}
	}
	f.Offers["payee"] = registry.Options{{Code: "P-3"}}
	if got := codes(registry.Values{"whole": "some", "to": "known"}); !slices.Contains(got, "payee") || slices.Contains(got, "carer") {
		t.Error("who follows is asked where there is somebody: ", got)
	}
	for _, p := range (kinds.Form{Kind: kind(t, "married"), Offers: map[string]registry.Options{"partner_here": nil}}).Pages(nil) {
		if p.Code == "partner" && (p.Field.Options.Has("lives_here") || !p.Field.Options.Has("registered")) {
			t.Error("an answer leads to a choice among nobody: ", p.Field.Options)
		}
	}
	alone := kinds.Form{Kind: kind(t, "separated")}
	if got := alone.Pages(registry.Values{"safe": "yes"}); slices.ContainsFunc(got, func(p kinds.Page) bool { return p.Code == "custody" }) {
		t.Error("the care for no child is asked about")
	}
	answers := registry.Values{"whole": "all", "area": "MJ01", "to": "known", "to_ref": "H-1"}
	if sent := f.Asked(answers); sent["to_ref"] != nil || sent["area"] != "MJ01" {
		t.Errorf("%v", sent)
	}
	done := map[string]bool{"whole": true, "area": true}
	if next := f.First(answers, done); next != "directions" {
		t.Error(next)
	}
	if err := f.Complete(answers, done); err == nil {
		t.Error("complete with pages that nobody saw")
	}
	done["directions"], done["since"] = true, true
	if err := f.Complete(answers, done); err != nil {
		t.Error("without directions: ", err)
	}
	delete(answers, "area")
	if err := f.Complete(answers, done); err == nil || !strings.Contains(err.Error(), "page-area") {
		t.Error("without a place: ", err)
	}
}

// People may say that any of their values is wrong, but those that a definition
// keeps to the office.
func TestValuesThatPeopleMayCorrect(t *testing.T) {
	t.Parallel()
	var correct kinds.Kind
	for _, k := range shipped(t) {
		if k.Code == "correct" {
			correct = k
		}
	}
	f := kinds.Form{Kind: correct, Offers: map[string]registry.Options{"who": {{Code: "P-1"}}}, Defs: registry.Fields{
		{Subject: "person", Code: "work", Type: registry.TypeText, Asked: true}, {Subject: "person", Code: "score", Type: registry.TypeCalculated, Asked: true},
		{Subject: "person", Code: "fifth", Type: registry.TypeText}, // of a survey: never put to anybody
		{Subject: "person", Code: "risk", Type: registry.TypeText, Asked: true, Roles: registry.FieldRoles{"edit": {"protection"}}},
		{Subject: "person", Code: "wish", Type: registry.TypeText, Question: i18n.Text{"en": "What do you wish?"}, Roles: registry.FieldRoles{"edit": {"protection", "citizen"}}},
		{Subject: "household", Code: "rooms", Type: registry.TypeNumber},
		{Subject: "household", Code: "plots", Type: registry.TypeRoster, Asked: true}, {Subject: "household", Roster: "plots", Code: "ha", Type: registry.TypeNumber},
		{Subject: "household", Roster: "plots", Code: "deed", Type: registry.TypeText, Roles: registry.FieldRoles{"edit": {"dataquality"}}},
		{Subject: "household", Roster: "plots", Code: "debt", Type: registry.TypeNumber, Sensitivity: "sensitive"},
		{Subject: "household", Roster: "plots", Code: "dispute", Type: registry.TypeText, Roles: registry.FieldRoles{"see": {"protection"}}},
	}}
	home := registry.Values{"about": "home", "home": []any{"plots"}}
	page, ok := f.Page(home, "home.plots")
	if !ok || page.Value.Name != "plots" || len(page.Columns) != 1 || page.Columns[0].Roster != "home.plots" {
		t.Errorf("a roster is asked as %+v", page)
	}
	if !page.Fits([]any{}) || !page.Fits([]any{map[string]any{"id": "a", "ha": 2.0}}) || page.Fits([]any{map[string]any{"id": "a", "ha": "much"}}) {
		t.Error("rows that fit")
	}
	answers := registry.Values{"about": "person", "who": "P-1", "what": []any{"work", "birth", "risk", "score"}}
	var pages []string
	for _, p := range f.Pages(answers) {
		pages = append(pages, p.Code)
		if p.Code == "what" {
			for _, o := range p.Field.Options {
				if o.Code == "risk" || o.Code == "fifth" || o.Code == "score" || o.Code == "rooms" {
					t.Errorf("%s is offered", o.Code)
				}
			}
			if !p.Field.Options.Has("wish") {
				t.Error("what the citizen may edit is not offered")
			}
		}
	}
	if want := []string{"about", "who", "what", "what.work", "what.birth"}; !slices.Equal(pages, want) {
		t.Errorf("%v", pages)
	}
}

// What a country asks about applications comes after the kind's own questions, of
// the programme that was chosen alone: photos, and what backs an answer, as
// documents; the rows of a roster with their columns.
func TestQuestionsAboutAnApplication(t *testing.T) {
	t.Parallel()
	list := shipped(t)
	programme := list[slices.IndexFunc(list, func(k kinds.Kind) bool { return k.Code == "programme" })]
	ask := func(form, roster, code string, kind registry.FieldType) registry.Field {
		return registry.Field{Subject: "application", Form: form, Roster: roster, Code: code, Type: kind, Asked: roster == "", Label: i18n.Text{"en": code}}
	}
	backed := ask("child-grant", "", "school", registry.TypeText)
	backed.Evidence = "asked"
	seen := ask("child-grant", "", "nets", registry.TypeNumber)
	seen.VisibleWhen = `school == "A"`
	defs := registry.Fields{backed, seen, ask("old-age-pension", "", "pension", registry.TypeText), ask("", "", "boats", registry.TypeRoster),
		ask("", "boats", "length", registry.TypeNumber), ask("", "", "house", registry.TypeFile)}
	formulas, err := formula.New(defs)
	if err != nil {
		t.Fatal(err)
	}
	f := kinds.Form{Kind: programme, Defs: defs, Formulas: formulas}
	own := func(answers registry.Values) (list []string) {
		for _, p := range f.Pages(answers) {
			if strings.HasPrefix(p.Code, "own_") {
				list = append(list, p.Code)
			}
		}
		return list
	}
	for _, c := range []struct {
		answers      registry.Values
		want, papers []string
	}{
		{registry.Values{}, []string{"own_boats"}, []string{"own_house"}},
		{registry.Values{"programme": "old-age-pension"}, []string{"own_pension", "own_boats"}, []string{"own_house"}},
		{registry.Values{"programme": "child-grant", "own_school": "B"}, []string{"own_school", "own_boats"}, []string{"own_school", "own_house"}},
		{registry.Values{"programme": "child-grant", "own_school": "A"}, []string{"own_school", "own_nets", "own_boats"}, []string{"own_school", "own_house"}},
	} {
		if got := own(c.answers); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v", c.answers, got)
		}
		var papers []string
		for _, p := range f.Papers(c.answers) {
			papers = append(papers, p.Code)
		}
		if !slices.Equal(papers, c.papers) {
			t.Errorf("%v: the documents %v", c.answers, papers)
		}
	}
	boats, ok := f.Page(registry.Values{}, "own_boats")
	if !ok || len(boats.Columns.Columns(boats.Field)) != 1 {
		t.Error("the columns of a roster are lost: ", boats.Columns)
	}
}
