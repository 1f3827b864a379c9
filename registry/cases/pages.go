package cases

import (
	"maps"
	"slices"
	"strings"
	"time"

	"daftar/registry"
	"daftar/registry/formula"
)

// The application is a list of pages, one thing on each. A page is a path
// below the application's own address; the sites that show it share this list.

// Section groups pages on the task list. Each has the message
// "task.<section>".
type Section string

// The sections, in order.
const (
	SectionPeople      Section = "people"
	SectionPlace       Section = "place"
	SectionDwelling    Section = "dwelling"
	SectionLivelihood  Section = "livelihood"
	SectionExpenditure Section = "expenditure"
	SectionFarming     Section = "farming"
	SectionClimate     Section = "climate"
	SectionOther       Section = "other"
	SectionDocuments   Section = "documents"
)

// HouseholdSections lists the sections that field definitions of households
// belong to, in order.
func HouseholdSections() []Section {
	return []Section{SectionDwelling, SectionLivelihood, SectionExpenditure, SectionFarming, SectionClimate, SectionOther}
}

// Sections lists the sections in order.
func Sections() []Section {
	return slices.Concat([]Section{SectionPeople, SectionPlace}, HouseholdSections(), []Section{SectionDocuments})
}

// Form says which pages an application has.
type Form struct {
	Fields   registry.Fields // those that are asked
	Formulas *formula.Set    // when each is asked
	Counter  bool            // taken by an officer: nobody signed in vouches for an identifier
	Today    time.Time
}

// Asks lists the definitions asked of a household or a person with these
// answers.
func (f Form) Asks(subject string, answers registry.Values) registry.Fields {
	return slices.DeleteFunc(f.Fields.Of(subject), func(field registry.Field) bool { return !f.Formulas.Asked(field, answers) })
}

// AsksOf lists those asked of one of the people: what is asked may depend on their
// sex and age, too.
func (f Form) AsksOf(m Member) registry.Fields {
	about := registry.Values{"sex": m.Sex}
	maps.Copy(about, m.Fields)
	if birth := m.Birth.Date(); birth.Known() {
		if youngest, oldest := birth.Age(f.Today); youngest == oldest {
			about["age"] = float64(youngest)
		}
	}
	return f.Asks(registry.KindPerson, about)
}

// AnswersTo are the answers to questions that are asked: what was answered before
// another answer took the question away is not sent.
func AnswersTo(asked registry.Fields, given registry.Values) registry.Values {
	out := registry.Values{}
	for _, field := range asked {
		if value, ok := given[field.Code]; ok {
			out[field.Code] = value
		}
	}
	return out
}

// questions are the pages of definitions: each answer, and what backs it.
func (f Form) questions(fields registry.Fields, answers registry.Values) []string {
	var pages []string
	for _, field := range fields {
		pages = append(pages, "q/"+field.Code)
		if Backs(field, answers[field.Code]) {
			pages = append(pages, "q/"+field.Code+"/evidence")
		}
	}
	return pages
}

// Backs reports whether a photo is asked for that backs an answer: of what is
// said to be so. Having none stops nobody (RULES R1).
func Backs(f registry.Field, answer any) bool {
	if f.Evidence != "asked" || f.Type == registry.TypeFile {
		return false
	}
	given := f.Input(answer)
	return len(given) > 0 && !slices.Contains([]string{"", "0", "no", "none", "never", registry.Unknown, registry.NoneOf}, given[0])
}

// MemberPages lists the pages about one member, after "people/<key>/".
func (f Form) MemberPages(d *Draft, m *Member) []string {
	pages := []string{"name", "birth", "about"}
	if !m.IDVerified {
		pages = append(pages, "id")
	}
	return append(pages, f.questions(f.AsksOf(*m), m.Fields)...)
}

// Pages lists every page of a section.
func (f Form) Pages(d *Draft, s Section) []string {
	var pages []string
	switch s {
	case SectionPeople:
		for i := range d.Members {
			m := &d.Members[i]
			for _, p := range f.MemberPages(d, m) {
				pages = append(pages, "people/"+m.Key+"/"+p)
			}
		}
		pages = append(pages, "people")
	case SectionPlace:
		pages = []string{"area", "directions"}
	case SectionDocuments:
		for i := range d.Members {
			if m := &d.Members[i]; m.IsChild(f.Today) {
				pages = append(pages, "documents/"+m.Key)
			}
		}
	default:
		pages = f.questions(slices.DeleteFunc(f.Asks(registry.KindHousehold, d.Fields), func(field registry.Field) bool {
			return field.Section != string(s)
		}), d.Fields)
	}
	return pages
}

// Progress counts the answered pages of a section and all of them.
func (f Form) Progress(d *Draft, s Section) (done, all int) {
	for _, page := range f.Pages(d, s) {
		all++
		if d.Done[page] {
			done++
		}
	}
	return done, all
}

// Complete reports whether every section is answered.
func (f Form) Complete(d *Draft) bool {
	for _, s := range Sections() {
		if done, all := f.Progress(d, s); done < all {
			return false
		}
	}
	return true
}

// After is the page to go to when one was answered: the next one of the same
// member or section that was not answered yet; "" for the task list. After a
// member's last page comes the list of people.
func (f Form) After(d *Draft, page string) string {
	if rest, ok := strings.CutPrefix(page, "people/"); ok {
		key, _, _ := strings.Cut(rest, "/")
		if m := d.Member(key); m != nil {
			for _, p := range f.MemberPages(d, m) {
				if full := "people/" + key + "/" + p; !d.Done[full] {
					return full
				}
			}
		}
		return "people"
	}
	for _, s := range Sections() {
		pages := f.Pages(d, s)
		for i, p := range pages {
			if p != page {
				continue
			}
			for _, next := range pages[i+1:] {
				if !d.Done[next] {
					return next
				}
			}
		}
	}
	return ""
}

// First is the page where a section begins or goes on.
func (f Form) First(d *Draft, s Section) string {
	pages := f.Pages(d, s)
	for _, p := range pages {
		if !d.Done[p] {
			return p
		}
	}
	if s == SectionPeople {
		return "people"
	}
	if len(pages) > 0 {
		return pages[0]
	}
	return ""
}
