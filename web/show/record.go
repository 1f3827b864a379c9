package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/registry/formula"
	"daftar/registry/history"
	"daftar/web/ui"
)

// Record tells what a record holds, value by value, with where each comes from,
// who said it last and since when it is so.
type Record struct {
	P       *i18n.Printer
	Fields  registry.Fields
	Tags    registry.Tags
	Sources map[db.ID]registry.Source
	Facts   map[string]history.Fact
	// Calculated are the values that formulas give, as the record is now.
	Calculated registry.Values
	// Staff reads it: it is told also since when each value is so in the world,
	// and what their roles may see.
	Staff bool
	on    time.Time // the day on which it is told
	about time.Time // the day that is told of, when it is another
	Roles []string
	// Photos is the address of the page: photos that are answers are below it.
	Photos string
}

// Sees reports whether the reader may know a field's value. Whose record it is
// knows all of it.
func (r Record) Sees(f registry.Field) bool { return !r.Staff || f.May("see", r.Roles) }

// LoadRecord reads what is needed to tell of a record as it was known at a
// moment, and of values that are proposed for it.
func LoadRecord(tx db.Tx, p *i18n.Printer, subject db.ID, known time.Time, proposed ...registry.Values) (Record, error) {
	r := Record{P: p, on: registry.Today(known, p.Zone)}
	versions, err := history.Versions(tx, subject, known)
	if err != nil {
		return r, err
	}
	if r.Facts, err = history.Facts(versions); err != nil {
		return r, err
	}
	if r.Fields, err = registry.LoadFields(tx); err != nil {
		return r, err
	}
	if r.Tags, err = registry.LoadTags(tx); err != nil {
		return r, err
	}
	values := proposed
	for _, v := range versions {
		var of struct {
			Fields registry.Values `json:"fields"`
		}
		if err := v.Data.Into(&of); err != nil {
			return r, err
		}
		values = append(values, of.Fields)
	}
	if r.Fields, err = registry.WithPlaces(tx, r.Fields, values...); err != nil {
		return r, err
	}
	named := []registry.Provenance{}
	for _, f := range r.Facts {
		named = append(named, registry.Provenance{"source": f.Source, "confirmed": f.Confirmed})
	}
	for _, v := range versions {
		var from registry.PersonData // identifiers have sources of their own
		if err := v.Data.Into(&from); err != nil {
			return r, err
		}
		named = append(named, from.Provenance)
		for _, i := range from.Identifiers {
			named = append(named, i.Provenance)
		}
	}
	r.Sources, err = registry.Sources(tx, named...)
	return r, err
}

// About makes it tell of a day: ages are those that people had then.
func (r Record) About(day time.Time) Record {
	r.about = day
	return r
}

// For hides the cases of other people from somebody who reads in the portal:
// which values came with which case is each applicant's own business (RULES R4).
func (r Record) For(account db.ID) Record {
	for id, s := range r.Sources {
		if s.Applicant == nil || *s.Applicant != account {
			s.CaseRef = ""
			r.Sources[id] = s
		}
	}
	return r
}

// Calculate reads what formulas give for the record as it is now.
func (r *Record) Calculate(tx db.Tx, subject db.ID) (err error) {
	r.Calculated, err = fields.Calculated(tx, subject)
	return err
}

// Mine leaves out of a household's values what formulas make of its people: whoever
// lives there is not told of the others (RULES R4).
func (r *Record) Mine() {
	for _, f := range r.Fields.Of(registry.KindHousehold) {
		if formula.OfPeople(f, r.Fields) {
			delete(r.Calculated, f.Code)
		}
	}
}

// CalculateThen gives what the formulas of today make of the values of another day,
// and of a household's people: those who lived there then, as old as they were.
func (r *Record) CalculateThen(tx db.Tx, kind string, values registry.Values, day string, lived []history.Member) error {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	set, err := formula.New(all)
	if err != nil {
		return err
	}
	on, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return err
	}
	var counted []formula.Member
	if kind == registry.KindHousehold {
		counted = []formula.Member{}
	}
	for _, m := range lived {
		if m.Tie.Usual() {
			youngest, oldest := m.Person.Birth().Age(on)
			counted = append(counted, formula.Member{Relationship: m.Tie.Relationship, Sex: m.Person.Sex, Youngest: youngest, Oldest: oldest, Fields: m.Person.Fields})
		}
	}
	r.Calculated = set.Calculate(kind, values, counted)
	return nil
}

// Row is one value by its name in the provenance.
func (r Record) Row(key, value, name string) ui.Row {
	f := r.Facts[name]
	row := ui.Row{Key: key, Value: value, Source: Source(r.P, r.Sources[f.Source])}
	if s, ok := r.Sources[f.Confirmed]; ok && f.Confirmed != f.Source {
		row.Source = r.P.List([]string{row.Source, r.P.T("record.confirmed", "Date", r.P.Date(s.At))})
	}
	if r.stale(name, f) {
		row.Lines = []string{r.P.T(map[bool]string{true: "record.stale", false: "record.stale_mine"}[r.Staff])}
	}
	if r.Staff && f.Since != "" {
		row.Source = r.P.List([]string{row.Source, r.P.T("span.since", "From", Day(r.P, f.Since))})
	}
	return row
}

// stale reports whether nobody has said for long that a value is still so. What
// lasts for life, such as a name, does not grow old.
func (r Record) stale(name string, f history.Fact) bool {
	said := r.Sources[f.Source].At
	if confirmed := r.Sources[f.Confirmed].At; confirmed.After(said) {
		said = confirmed
	}
	return !said.IsZero() && !history.Lasts(name) && said.AddDate(0, history.StaleMonths, 0).Before(r.on)
}

// Person tells a person's own values.
func (r Record) Person(d registry.PersonData) []ui.Row {
	p := r.P
	reference := "record.reference"
	if r.Staff {
		reference = "record.person_reference"
	}
	rows := []ui.Row{
		{Key: p.T(reference), Value: d.Ref, LTR: true},
		r.Row(p.T("name.full"), d.FullName, "full_name"),
	}
	for _, part := range []struct{ key, value, name string }{
		{"name.latin", d.FullNameLatin, "full_name_latin"}, {"name.family", d.FamilyName, "family_name"},
		{"name.given", d.GivenName, "given_name"}, {"name.other", d.OtherNames, "other_names"},
	} {
		if part.value != "" {
			rows = append(rows, r.Row(p.T(part.key), part.value, part.name))
		}
	}
	rows = append(rows,
		r.birth(d),
		r.Row(p.T("about.sex"), Code(p, "sex.", d.Sex), "sex"))
	if d.Status != "" && d.Status != registry.Active {
		rows = append(rows, r.Row(p.T("record.status"), Outcome(p, d.Status, d.StatusReason, d.StatusDate), "status"))
	}
	return append(append(rows, r.tags(d.Tags)...), r.values(registry.KindPerson, d.Fields)...)
}

// birth is the birth date with the age, of somebody who lives.
func (r Record) birth(d registry.PersonData) ui.Row {
	row := r.Row(r.P.T("birth.label"), born(r.P, d.BirthFrom, d.BirthTo), "birth")
	day, said := r.on, "age.now"
	if !r.about.IsZero() {
		day, said = r.about, "age.then"
	}
	if age := Age(r.P, d.Birth(), day); age != "" && (d.Status == "" || d.Status == registry.Active) {
		row.Lines = append(row.Lines, r.P.T(said, "Age", age))
	}
	return row
}

// Household tells a household's values; place is where it is, or nothing when
// that must not be told.
func (r Record) Household(d registry.HouseholdData, place string) []ui.Row {
	p := r.P
	var rows []ui.Row
	if place != "" {
		rows = append(rows, r.Row(p.T("area.label"), place, "area"))
		if d.Directions != "" {
			rows = append(rows, r.Row(p.T("directions.label"), d.Directions, "directions"))
		}
	}
	if d.Status != "" && d.Status != registry.Active {
		rows = append(rows, r.Row(p.T("record.status"), householdOutcome(p, d.StatusReason, d.StatusDate), "status"))
	}
	return append(append(rows, r.tags(d.Tags)...), r.values(registry.KindHousehold, d.Fields)...)
}

// Group tells a group's values.
func (r Record) Group(d registry.GroupData, place string) []ui.Row {
	p := r.P
	rows := []ui.Row{
		{Key: p.T("record.group_reference"), Value: d.Ref, LTR: true},
		r.Row(p.T("group.name"), d.Name, "name"),
	}
	if d.NameLatin != "" {
		rows = append(rows, r.Row(p.T("name.latin"), d.NameLatin, "name_latin"))
	}
	rows = append(rows, r.Row(p.T("group.type"), Code(p, "group.type.", d.Type), "type"))
	if place != "" {
		rows = append(rows, r.Row(p.T("area.label"), place, "area"))
	}
	if d.FormedOn != "" {
		rows = append(rows, r.Row(p.T("group.formed"), Day(p, d.FormedOn), "formed_on"))
	}
	if d.Beneficiary {
		rows = append(rows, r.Row(p.T("group.served"), p.T("answer.yes"), "beneficiary"))
	}
	if d.Status != "" && d.Status != registry.Active {
		rows = append(rows, r.Row(p.T("record.status"), householdOutcome(p, d.StatusReason, d.StatusDate), "status"))
	}
	return append(append(rows, r.tags(d.Tags)...), r.values(registry.KindGroup, d.Fields)...)
}

func (r Record) tags(tags []string) []ui.Row {
	if len(tags) == 0 {
		return nil
	}
	return []ui.Row{r.Row(r.P.T("record.tags"), r.P.List(r.tagNames(tags)), "tags")}
}

// tagNames are tags in words.
func (r Record) tagNames(tags []string) []string {
	names := slices.Clone(tags)
	for i, tag := range names {
		names[i] = r.Tags.Name(r.P, tag)
	}
	return names
}

func (r Record) values(kind string, values registry.Values) []ui.Row {
	var rows []ui.Row
	for _, f := range r.Fields.Of(kind) {
		value, ok := values[f.Code]
		switch {
		case !r.Sees(f):
		case ok:
			row := r.Row(f.Label.In(r.P), f.Show(r.P, value), f.Code)
			row.Lines = append(r.rows(f, value), row.Lines...)
			if f.Type == registry.TypeFile && r.Photos != "" {
				row.Link = PhotoPath(r.Photos, value)
			}
			rows = append(rows, row)
		case f.Type == registry.TypeCalculated && r.Calculated[f.Code] != nil:
			rows = append(rows, ui.Row{Key: f.Label.In(r.P), Value: f.Show(r.P, r.Calculated[f.Code]), Source: r.P.T("record.calculated")})
		}
	}
	return rows
}

// rows are a roster's rows, without the columns that the reader may not know.
func (r Record) rows(f registry.Field, value any) []string {
	seen := slices.DeleteFunc(slices.Clone(r.Fields), func(c registry.Field) bool { return !r.Sees(c) })
	return Rows(r.P, seen, f, value)
}

// PhotoPath is the address of a photo that is an answer, below a page.
func PhotoPath(page string, value any) string {
	page, _, _ = strings.Cut(page, "?")
	return page + "/photos/" + fmt.Sprint(value)
}

// Identifiers tells numbers, masked, with what is known about each.
func (r Record) Identifiers(list []registry.Identifier, types []registry.IdentifierType) []ui.Row {
	p := r.P
	var rows []ui.Row
	for _, i := range list {
		row := ui.Row{Key: IdentifierName(p, types, i.Type), Value: i.Masked(), LTR: true, Lines: []string{p.T("identifier.status." + i.Status)}}
		if i.Method.String != "" {
			row.Lines = append(row.Lines, p.T("verification."+i.Method.String))
		}
		if i.Assurance.String != "" {
			row.Lines = append(row.Lines, p.T("assurance."+i.Assurance.String))
		}
		if i.ExpiresOn.Valid {
			key := "identifier.expires"
			if i.ExpiresOn.Time.Before(r.on) {
				key = "identifier.expired"
			}
			row.Lines = append(row.Lines, p.T(key, "Date", p.Day(i.ExpiresOn.Time)))
		}
		row.Source = Sourced(p, r.Sources, i.Provenance, "*")
		rows = append(rows, row)
	}
	return rows
}

// Masked is the end of a number within a line of text, which may run the other way
// (Unicode's LRI and PDI).
func Masked(value string) string {
	return "\u2066" + registry.Identifier{Value: value}.Masked() + "\u2069"
}

// IdentifierName is what a kind of number is called.
func IdentifierName(p *i18n.Printer, types []registry.IdentifierType, code string) string {
	for _, t := range types {
		if t.Code == code {
			return t.Name.In(p)
		}
	}
	if p.Has("identifier." + code) {
		return p.T("identifier." + code)
	}
	return code
}

// Contacts tells ways to reach somebody; those that are told to nobody only to
// who may see them.
func Contacts(p *i18n.Printer, list []registry.Contact, sees bool) []ui.Row {
	var rows []ui.Row
	for _, c := range list {
		row := ui.Row{Key: p.T("contact." + c.Kind), Value: c.Value, LTR: true, Lines: []string{p.T("contact.owner." + c.Owner)}}
		if c.Protected && !sees {
			row.Value, row.LTR = p.T("record.hidden"), false
		}
		uses := 0
		for _, use := range registry.ContactUses() {
			if c.SafeFor(use) {
				row.Lines = append(row.Lines, p.T("contact.safe."+use))
				uses++
			}
		}
		if uses == 0 {
			row.Lines = append(row.Lines, p.T("contact.safe_for_nothing"))
		}
		rows = append(rows, row)
	}
	return rows
}

// Outcome says how a person's record ended.
func Outcome(p *i18n.Printer, status, reason, date string) string {
	return p.T("record.outcome", "Outcome", p.T("outcome."+status), "Reason", p.T("outcome."+status+"."+reason), "Date", Day(p, date))
}

func householdOutcome(p *i18n.Printer, reason, date string) string {
	return p.T("record.ended", "Reason", p.T("outcome.household."+reason), "Date", Day(p, date))
}

// Span says from when to when something is so, as far as it is known.
func Span(p *i18n.Printer, from, to string) string {
	switch {
	case from == "" && to == "":
		return p.T("span.unknown")
	case to == "":
		return p.T("span.since", "From", Day(p, from))
	case from == "":
		return p.T("span.until", "To", Day(p, to))
	}
	return p.T("span.between", "From", Day(p, from), "To", Day(p, to))
}

// Day is a day of a record in words; what is no day is left as it is.
func Day(p *i18n.Printer, s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return p.Day(t)
}

func born(p *i18n.Printer, from, to string) string {
	return Birth(p, registry.PersonData{BirthFrom: from, BirthTo: to}.Birth())
}
