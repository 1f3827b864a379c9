package importer

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Bounds of what rows hold, in characters.
const (
	maxKey        = 100
	maxName       = 120
	maxDirections = 500
	maxTagText    = 40
	maxTags       = 20
	maxNumber     = 60
	maxContact    = 100
)

// fieldValue is what a row says of a field; nil for no answer.
type fieldValue struct {
	key   string
	value any
	held  *held // it is right only where the record holds it already
}

// held is an answer that nobody could give any more: one that is offered no longer,
// or beyond a limit that came later. Where the record holds it, it stays.
type held struct {
	field *registry.Field
	given []string
	why   Problem // where it does not
}

// homeRow is what a row says of a household.
type homeRow struct {
	key, ref   string
	size       int // -1: not said
	area       db.ID
	areaCode   string // of an area that the mapping makes
	directions string
	protected  string
	tags       []string
	numbers    []registry.IdentifierData
	fields     []fieldValue
}

// personRow is what a row says of a person.
type personRow struct {
	key, ref, household                   string
	relationship, tie, since, until       string
	roles, caresFor                       []string
	fullName, latin, given, family, other string
	sex                                   string
	birth                                 registry.BirthDate
	contacts                              []registry.ContactData
	tags                                  []string
	numbers                               []registry.IdentifierData
	fields                                []fieldValue
}

// rosterRow is what a row says of a roster's row.
type rosterRow struct {
	owner  string
	id     string
	fields []fieldValue
}

// parser makes rows of cells and collects what is wrong. It is used by one
// goroutine at a time.
type parser struct {
	*layout
	rows   *rows
	places *places
	areas  *AreaMapping
	dates  string
	today  time.Time
	ageOn  time.Time
	found  []Problem // with the row at hand
}

func (p *parser) bad(c *column, key string, args ...any) {
	p.found = append(p.found, p.rows.problem(c.index, key, args...))
}

func (p *parser) notice(c *column, key string, args ...any) {
	n := p.rows.problem(c.index, key, args...)
	n.Notice = true
	p.found = append(p.found, n)
}

// cell is the trimmed cell of a column that may not be there.
func (p *parser) cell(c *column) string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(p.rows.cells[c.index])
}

func (p *parser) text(s slot, limit int) string {
	c := p.slots[s]
	text := p.cell(c)
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		p.bad(c, "import.problem.text_long", "Max", limit)
	}
	return text
}

// code is the one answer of a column.
func (p *parser) code(c *column) string {
	if c == nil {
		return ""
	}
	codes, ok := c.answer(p.rows.cells[c.index])
	if !ok {
		p.bad(c, "import.problem.code")
	}
	if len(codes) == 0 {
		return ""
	}
	return codes[0]
}

func (p *parser) codeList(c *column) []string {
	if c == nil {
		return nil
	}
	codes, ok := c.answer(p.rows.cells[c.index])
	if !ok {
		p.bad(c, "import.problem.code")
	}
	return codes
}

// key is a key or reference; it must be there where must is set.
func (p *parser) key(s slot, must string) string {
	c := p.slots[s]
	key := p.cell(c)
	if c != nil && (len(key) > maxKey || key == "" && must != "") {
		if must == "" {
			must = "import.problem.key"
		}
		p.bad(c, must, "Max", maxKey)
	}
	return key
}

func (p *parser) household(h *homeRow, list bool) {
	*h = homeRow{size: -1, numbers: h.numbers[:0], fields: h.fields[:0]}
	must := ""
	if list {
		must = "import.problem.home_key"
	}
	h.key, h.ref = p.key(slotKey, must), p.reference(slotRef, registry.RefHousehold)
	if c := p.slots[slotSize]; c != nil {
		if n, err := strconv.Atoi(p.cell(c)); err == nil && n > 0 && n < 1000 {
			h.size = n
		} else {
			p.bad(c, "import.problem.size")
		}
	}
	p.area(h)
	h.directions = p.text(slotDirections, maxDirections)
	h.protected = p.code(p.slots[slotProtected])
	h.tags = p.tags()
	h.numbers = p.readNumbers(h.numbers)
	h.fields = p.values(h.fields)
}

// reference reads a registry's own reference.
func (p *parser) reference(s slot, kind rune) string {
	c := p.slots[s]
	text := p.cell(c)
	if text == "" {
		return ""
	}
	ref, ok := registry.ParseRef(kind, text)
	if !ok {
		p.bad(c, "import.problem.reference")
	}
	return ref
}

// area finds the area that a row names, by its code or by a name that only one
// has; or makes it of the mapping's columns.
func (p *parser) area(h *homeRow) {
	if len(p.levels) > 0 {
		p.made(h)
		return
	}
	c := p.slots[slotArea]
	text := p.cell(c)
	if text == "" {
		return
	}
	id, why := p.places.find(text)
	if why != "" {
		p.bad(c, why)
	}
	h.area = id
}

func (p *parser) made(h *homeRow) {
	parent := p.areas.Country.Code
	for i, level := range p.areas.Levels {
		index := p.levels[i]
		value := strings.TrimSpace(p.rows.cells[index])
		code := strings.ReplaceAll(level.Code, "%s", value)
		name, ok := level.Names[value]
		if !ok {
			p.found = append(p.found, p.rows.problem(index, "import.problem.area"))
			return
		}
		if in, ok := p.places.make(areaRow{Code: code, Level: i + 1, Kind: level.Kind, Parent: parent, Name: name}); !ok {
			p.found = append(p.found, p.rows.problem(index, "import.problem.area_elsewhere", "Code", code, "In", in, "NotIn", parent))
			return
		}
		parent = code
	}
	h.areaCode = parent
}

func (p *parser) tags() []string {
	c := p.slots[slotTags]
	if c == nil {
		return nil
	}
	tags, ok := c.read(p.rows.cells[c.index])
	if !ok {
		p.bad(c, "import.problem.tag")
		return nil
	}
	for _, t := range tags {
		if utf8.RuneCountInString(t) > maxTagText {
			p.bad(c, "import.problem.text_long", "Max", maxTagText)
			return nil
		}
	}
	if len(tags) > maxTags {
		p.bad(c, "import.problem.many", "Max", maxTags)
	}
	return tags
}

func (p *parser) person(r *personRow, list bool) {
	*r = personRow{contacts: r.contacts[:0], numbers: r.numbers[:0], fields: r.fields[:0]}
	must := ""
	if list {
		must = "import.problem.person_key"
	}
	r.household = p.key(slotHousehold, "")
	r.key, r.ref = p.key(slotKey, must), p.reference(slotRef, registry.RefPerson)
	p.names(r)
	r.sex = p.code(p.slots[slotSex])
	r.birth = p.birth()
	p.membership(r)
	p.contact(r, registry.ContactPhone, slotPhone, slotPhoneOwner, slotPhoneSafe, slotPhoneProtected)
	p.contact(r, registry.ContactEmail, slotEmail, slotEmailOwner, slotEmailSafe, slotEmailProtected)
	r.tags = p.tags()
	r.numbers = p.readNumbers(r.numbers)
	r.fields = p.values(r.fields)
}

// names takes a name as it is written.
func (p *parser) names(r *personRow) {
	r.fullName, r.latin = p.text(slotFullName, maxName), p.text(slotLatin, maxName)
	r.given, r.family, r.other = p.text(slotGiven, maxName), p.text(slotFamily, maxName), p.text(slotOther, maxName)
}

// newName is the full name of somebody new. One that is given in parts only is
// put together; one in Latin letters only is the name.
func (r *personRow) newName() string {
	switch {
	case r.fullName != "":
		return r.fullName
	case r.given != "" || r.family != "":
		return strings.Join(strings.Fields(r.given+" "+r.other+" "+r.family), " ")
	}
	return r.latin
}

func (p *parser) membership(r *personRow) {
	r.relationship = p.code(p.slots[slotRelationship])
	r.tie = p.code(p.slots[slotTie])
	if r.tie == registry.TieUsual {
		r.tie = ""
	}
	r.since, r.until = p.day(p.slots[slotSince]), p.day(p.slots[slotUntil])
	for _, s := range []slot{slotSince, slotUntil} {
		switch day := map[slot]string{slotSince: r.since, slotUntil: r.until}[s]; {
		case day > p.today.Format(time.DateOnly):
			p.bad(p.slots[s], "import.problem.future")
		case day != "" && r.birth.Known() && day < r.birth.From.Format(time.DateOnly):
			p.bad(p.slots[s], "import.problem.before_birth")
		}
	}
	if r.since != "" && r.until != "" && r.until < r.since {
		p.bad(p.slots[slotUntil], "import.problem.until")
	}
	r.roles = p.codeList(p.slots[slotRoles])
	if c := p.slots[slotCaresFor]; c != nil && p.cell(c) != "" {
		r.caresFor, _ = c.read(p.rows.cells[c.index])
		if len(r.caresFor) > maxTags {
			p.bad(c, "import.problem.many", "Max", maxTags)
		}
	}
	if r.household == "" && (r.relationship != "" || len(r.roles) > 0 || len(r.caresFor) > 0) {
		for _, s := range []slot{slotHousehold, slotRelationship, slotRoles, slotCaresFor} {
			if c := p.slots[s]; c != nil {
				p.bad(c, "import.problem.no_home")
				return
			}
		}
	}
}

// day reads a day; "" for none.
func (p *parser) day(c *column) string {
	text := p.cell(c)
	if text == "" {
		return ""
	}
	y, m, d, ok := p.date(text)
	if !ok || d == 0 || !realDay(y, m, d) || y < 1850 || y > 2200 {
		p.bad(c, "import.problem.day")
		return ""
	}
	return registry.Date(y, time.Month(m), d).Format(time.DateOnly)
}

func realDay(y, m, d int) bool {
	return m >= 1 && m <= 12 && d >= 1 && d <= registry.Date(y, time.Month(m)+1, 0).Day()
}

// date reads a date or a part of one: "1987-03-02", "1987-03", "1987", in the
// order that the mapping says; or a spreadsheet's count of days.
func (p *parser) date(text string) (year, month, day int, ok bool) {
	text = i18n.LatinDigits(text)
	if i := strings.IndexAny(text, "T "); i >= len("2006-01-02") {
		text = text[:i] // midnight
	}
	var parts [3]int
	n, digits := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= '0' && text[i] <= '9' {
			if digits++; digits > 5 {
				return 0, 0, 0, false
			}
			parts[n] = parts[n]*10 + int(text[i]-'0')
			continue
		}
		if digits == 0 || i < len(text) && (strings.IndexByte("-/.", text[i]) < 0 || n == 2) {
			return 0, 0, 0, false
		}
		if i < len(text) {
			n, digits = n+1, 0
		}
	}
	switch {
	case n == 0 && parts[0] > 9999: // days since 30 December 1899
		t := registry.Date(1899, time.December, 30).AddDate(0, 0, parts[0])
		return t.Year(), int(t.Month()), t.Day(), true
	case n == 0:
		return parts[0], 0, 0, true
	case n == 1 && parts[0] > 31:
		return parts[0], parts[1], 0, true
	case n == 1:
		return parts[1], parts[0], 0, parts[1] > 31
	case p.dates == "dmy" && parts[0] <= 31:
		return parts[2], parts[1], parts[0], true
	case p.dates == "mdy" && parts[0] <= 31:
		return parts[2], parts[0], parts[1], true
	}
	return parts[0], parts[1], parts[2], parts[0] > 31
}

const oldest = 125

// birth reads a day of birth, a part of it, or an age.
func (p *parser) birth() registry.BirthDate {
	c := p.slots[slotBirth]
	var y, m, d int
	ok := true
	switch text := p.cell(c); {
	case text != "":
		y, m, d, ok = p.date(text)
	case p.cell(p.slots[slotYear]) != "" || p.cell(p.slots[slotMonth]) != "" || p.cell(p.slots[slotDay]) != "":
		for _, part := range []struct {
			s    slot
			into *int
		}{{slotYear, &y}, {slotMonth, &m}, {slotDay, &d}} {
			if text := i18n.LatinDigits(p.cell(p.slots[part.s])); text != "" {
				var err error
				c = p.slots[part.s]
				if *part.into, err = strconv.Atoi(text); err != nil || *part.into <= 0 {
					ok = false
					break
				}
			}
		}
	default:
		return p.age()
	}
	if !ok || y == 0 {
		p.bad(c, "import.problem.birth")
		return registry.BirthDate{}
	}
	b, err := registry.NewBirthDate(y, m, d, p.today)
	if f := fault.CodeOf(err); f != "" {
		key := "import.problem.birth"
		if e, is := err.(*fault.Error); is && len(e.Fields) > 0 {
			key = e.Fields[0].Key
		}
		p.bad(c, key)
	}
	p.agree(b)
	return b
}

// agree tells of an age that cannot be that of somebody born then. Where the mapping
// does not say on which day ages were true, they may be a year old.
func (p *parser) agree(b registry.BirthDate) {
	c := p.slots[slotAge]
	age, err := strconv.Atoi(i18n.LatinDigits(p.cell(c)))
	if c == nil || err != nil || !b.Known() {
		return
	}
	youngest, oldest := b.Age(p.ageOn)
	if p.ageOn.Equal(p.today) {
		youngest--
	}
	if age < youngest || age > oldest {
		p.bad(c, "import.problem.age_birth")
	}
}

func (p *parser) age() registry.BirthDate {
	c := p.slots[slotAge]
	text := i18n.LatinDigits(p.cell(c))
	if text == "" {
		return registry.BirthDate{}
	}
	years, err := strconv.Atoi(text)
	if err != nil || years < 0 || years > oldest {
		p.bad(c, "import.problem.age", "Max", oldest)
		return registry.BirthDate{}
	}
	months := -1
	if c := p.slots[slotAgeMonths]; p.cell(c) != "" {
		months, err = strconv.Atoi(i18n.LatinDigits(p.cell(c)))
		if err != nil || months < 0 || months/12 != years {
			p.bad(c, "import.problem.age_months")
			return registry.BirthDate{}
		}
	}
	return registry.BornAtAge(years, months, p.ageOn)
}

// contact takes a phone or an address with whose it is and what is safe on it.
// Nothing is safe unless it is said (RULES R6).
func (p *parser) contact(r *personRow, kind string, value, owner, safe, protected slot) {
	c := p.slots[value]
	text := p.cell(c)
	whose, uses, hidden := p.code(p.slots[owner]), p.codeList(p.slots[safe]), p.code(p.slots[protected])
	if text == "" {
		return
	}
	normal := registry.NormalContact(kind, text)
	local, domain, at := strings.Cut(normal, "@")
	switch {
	case len(text) > maxContact,
		kind == registry.ContactPhone && (len(normal) < 3 || len(normal) > 20),
		kind == registry.ContactEmail && (!at || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(normal, " \t\n,;")):
		p.bad(c, "import.problem."+kind)
		return
	}
	if whose == "" {
		whose = "own"
	}
	r.contacts = append(r.contacts, registry.ContactData{Kind: kind, Value: normal, Owner: whose, Safe: uses, Protected: hidden == "yes"})
}

// readNumbers takes the numbers that issuers gave. One that cannot be of its
// kind is taken as it is, and never as verified: a mistyped number keeps nobody
// out.
func (p *parser) readNumbers(list []registry.IdentifierData) []registry.IdentifierData {
	for _, n := range p.numbers {
		text := p.cell(n.value)
		if text == "" {
			continue
		}
		value := registry.NormalIdentifier(text)
		if value == "" || len(value) > maxNumber {
			p.bad(n.value, "import.problem.number", "Max", maxNumber)
			continue
		}
		d := registry.IdentifierData{Type: n.kind, Value: value, Status: "unverified"}
		if d.Issuer = p.cell(n.issuer); len(d.Issuer) > maxKey {
			p.bad(n.issuer, "import.problem.text_long", "Max", maxKey)
		}
		d.ExpiresOn = p.day(n.expires)
		d.Assurance, d.Method = p.code(n.assurance), p.code(n.method)
		fits := n.fits(value)
		if p.code(n.verified) == "yes" {
			if d.Status = "verified"; !fits {
				p.bad(n.value, "import.problem.number_unfit")
			}
		} else if !fits {
			p.notice(n.value, "import.notice.number_unfit")
		}
		list = append(list, d)
	}
	return list
}

// values reads the fields of a row. An empty cell is no answer.
func (p *parser) values(list []fieldValue) []fieldValue {
	for i := range p.fields {
		f := &p.fields[i]
		v := fieldValue{key: f.key}
		var ok bool
		if v.value, v.held, ok = p.value(f); ok {
			list = append(list, v)
		}
	}
	return list
}

func (p *parser) value(f *fieldColumns) (any, *held, bool) {
	if f.one == nil {
		v, ok := p.list(f)
		return v, nil, ok
	}
	cell := p.rows.cells[f.one.index]
	if f.one.Codes != nil || f.one.codes != nil {
		if v, ok := f.seen[cell]; ok {
			return v, nil, true
		}
		codes, ok := f.one.answer(cell)
		if !ok {
			p.bad(f.one, "import.problem.code")
			return nil, nil, false
		}
		v, err := f.field.Parse(codes)
		if err != nil {
			return p.hold(f, codes, p.invalid(f.one, err))
		}
		if len(f.seen) < maxSeen {
			f.seen[cell] = v
		}
		return v, nil, true
	}
	if f.field.Type == registry.TypeDate {
		day := p.day(f.one)
		if day == "" {
			return nil, nil, p.cell(f.one) == ""
		}
		return day, nil, true
	}
	if f.field.Type == registry.TypeArea {
		return p.place(f)
	}
	if n, ok := wholeNumber(f.field, cell); ok {
		return n, nil, true
	}
	v, err := f.field.Parse([]string{cell})
	if err != nil {
		return p.hold(f, []string{cell}, p.invalid(f.one, err))
	}
	return v, nil, true
}

// hold leaves it to the record whether an answer may stay. The rows of rosters are
// not looked up.
func (p *parser) hold(f *fieldColumns, given []string, why Problem) (any, *held, bool) {
	if p.table.Roster != nil {
		p.found = append(p.found, why)
		return nil, nil, false
	}
	return nil, &held{field: &f.field, given: given, why: why}, true
}

// place is the code of the area that an answer names.
func (p *parser) place(f *fieldColumns) (any, *held, bool) {
	text := p.cell(f.one)
	if text == "" {
		return nil, nil, true
	}
	code, why, args := p.places.answer(text)
	if why != "" {
		return p.hold(f, []string{text}, p.rows.problem(f.one.index, why, args...))
	}
	return code, nil, true
}

// wholeNumber reads the commonest numbers without more ado.
func wholeNumber(f registry.Field, cell string) (float64, bool) {
	if f.Type != registry.TypeNumber && f.Type != registry.TypeMoney || len(cell) == 0 || len(cell) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(cell) {
		if cell[i] < '0' || cell[i] > '9' {
			return 0, false
		}
		n = n*10 + int(cell[i]-'0')
	}
	v := float64(n)
	return v, (f.Rules.Min == nil || v >= *f.Rules.Min) && (f.Rules.Max == nil || v <= *f.Rules.Max)
}

// invalid words what the field's own check says.
func (p *parser) invalid(c *column, err error) Problem {
	if f, ok := err.(*fault.Error); ok && len(f.Fields) > 0 {
		b := p.rows.problem(c.index, f.Fields[0].Key)
		b.Args = f.Fields[0].Args
		return b
	}
	return p.rows.problem(c.index, "import.problem.code")
}

func (p *parser) list(f *fieldColumns) (any, bool) {
	var list []string
	for _, c := range f.list {
		switch cell := p.rows.cells[c.index]; cell {
		case c.when:
			list = append(list, c.answer)
		case c.other, "":
		default:
			p.found = append(p.found, p.rows.problem(c.index, "import.problem.code"))
			return nil, false
		}
	}
	v, err := f.field.Parse(list)
	return v, err == nil
}

func (p *parser) roster(r *rosterRow) {
	*r = rosterRow{fields: r.fields[:0]}
	owner := slotHousehold
	if p.table.Subject == registry.KindPerson {
		owner = slotPerson
	}
	r.owner = p.key(owner, "import.problem.owner")
	r.id = p.cell(p.slots[slotRow])
	if len(r.id) > 40 {
		p.bad(p.slots[slotRow], "import.problem.key", "Max", 40)
	}
	r.fields = p.values(r.fields)
}
