package filters

import (
	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// Subject is what a filter lists.
type Subject string

// The subjects. Each has the message "filter.subject.<code>".
const (
	People     Subject = "person"
	Households Subject = "household"
	Groups     Subject = "group"
)

// Subjects lists them.
func Subjects() []Subject { return []Subject{People, Households, Groups} }

// Field is something that records can be filtered by, and exported with.
type Field struct {
	ID      string
	Group   string    // message key "filter.group.<code>"
	Message string    // message key of the label; "" for a custom field
	Label   i18n.Text // of a custom field
	Args    bool      // the message says Label as {{.Field}}: aggregates
	Kind    Kind
	Options []Option
	Export  bool                    // a value to write into a file
	sql     func(b *builder) string // the value, typed by Kind; parameters through b
	in      *groups                 // of a membership: who is in which groups
	words   string                  // the comparisons have words of their own: "number"
	Of      i18n.Text               // the list that an entry is in
	roster  string                  // and its field; conditions that hold together hold for one entry
	entries func(b *builder) string // all of them
}

// OfEntry reports whether the field is of one entry in a list.
func (f Field) OfEntry() bool { return f.roster != "" }

// Option is a value of a choice.
type Option struct {
	Code    string
	Message string
	Label   i18n.Text
	Ended   bool // an area that is no more
}

// Name is the field's label.
func (f Field) Name(p *i18n.Printer) string {
	switch {
	case f.Args:
		return p.T(f.Message, "Field", f.Label.In(p), "Of", f.Of.In(p))
	case f.Message != "":
		return p.T(f.Message)
	}
	return f.Label.In(p)
}

// Name is the option's label.
func (o Option) Name(p *i18n.Printer) string {
	if o.Message != "" {
		return p.T(o.Message)
	}
	if o.Ended {
		return p.T("field.place_ended", "Place", o.Label.In(p))
	}
	return o.Label.In(p)
}

// Catalogue is the fields that somebody may filter on, in order.
type Catalogue struct {
	Subject Subject
	Fields  []Field
	roles   []string
}

// Get finds a field.
func (c Catalogue) Get(key string) (Field, bool) {
	for _, f := range c.Fields {
		if f.ID == key {
			return f, true
		}
	}
	return Field{}, false
}

// LoadCatalogue reads what is defined, for NewCatalogue.
func LoadCatalogue(tx db.Tx, subject Subject, roles []string) (Catalogue, error) {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return Catalogue{}, err
	}
	numbers, err := registry.IdentifierTypes(tx)
	if err != nil {
		return Catalogue{}, err
	}
	tags, err := registry.LoadTags(tx)
	return NewCatalogue(subject, all, numbers, tags, roles), err
}

// NewCatalogue lists the fields for a subject that somebody with these roles may
// filter on.
func NewCatalogue(subject Subject, all registry.Fields, numbers []registry.IdentifierType, tags registry.Tags, roles []string) Catalogue {
	c := Catalogue{Subject: subject, roles: roles}
	if subject == Groups {
		c.Fields = append(groupRecord(), held("group", "g", numbers)...)
		c.Fields = append(c.Fields, tagged("group", "g", tags))
		return c
	}
	var defs registry.Fields
	for _, d := range all {
		if d.May("filter", roles) {
			defs = append(defs, d)
		}
	}
	if subject == People {
		c.Fields = append(append(c.Fields, person()...), memberships("person", groups{key: "s.person_id", of: people, direct: "m.person_id = p.id"})...)
		c.Fields = append(c.Fields, held("person", "p", numbers)...)
		c.Fields = append(c.Fields, tagged("person", "p", tags))
		for _, d := range defs.Of("person") {
			c.Fields = append(c.Fields, c.custom("person", "p", d, defs)...)
		}
	}
	c.Fields = append(append(c.Fields, home()...), memberships("household", groups{key: "h.id", of: households, direct: "m.household_id = h.id"})...)
	c.Fields = append(c.Fields, held("household", "h", numbers)...)
	c.Fields = append(c.Fields, tagged("household", "h", tags))
	for _, d := range defs.Of("household") {
		c.Fields = append(c.Fields, c.custom("household", "h", d, defs)...)
	}
	c.Fields = append(c.Fields, members()...)
	for _, d := range defs.Of("person") {
		c.Fields = append(c.Fields, aggregates(d)...)
	}
	return c
}

// Name gives the areas that conditions name their names: they become the options
// of the fields that are compared with them.
func (c *Catalogue) Name(tx db.Tx, conds []Cond) error {
	var codes []string
	for _, cond := range conds {
		if f, ok := c.Get(cond.Field); ok && f.Kind == Place {
			codes = append(codes, cond.Values...)
		}
	}
	if len(codes) == 0 {
		return nil
	}
	named, err := placeOptions(tx, codes)
	for i := range c.Fields {
		if c.Fields[i].Kind == Place {
			c.Fields[i].Options = named
		}
	}
	return err
}

// placeOptions are areas by their names; one that ended is told as such.
func placeOptions(tx db.Tx, codes []string) ([]Option, error) {
	named, err := registry.PlaceNames(tx, codes)
	var list []Option
	for _, o := range named {
		list = append(list, Option{Code: o.Code, Label: o.Label, Ended: o.Retired})
	}
	return list, err
}

func plain(text string) func(*builder) string { return func(*builder) string { return text } }

func person() []Field {
	return []Field{
		{ID: "person.sex", Group: "person", Message: "about.sex", Kind: Choice, Options: messages("sex.", []string{"female", "male", "other"}), sql: plain("nullif(p.sex, 'unknown')"), Export: true},
		{ID: "person.age", Group: "person", Message: "filter.field.age", Kind: Age, sql: plain("p")},
		{ID: "person.status", Group: "person", Message: "filter.field.status", Kind: Choice, Options: messages("filter.status.", Statuses()), sql: plain("p.status"), Export: true},
		{ID: "person.relationship", Group: "person", Message: "filter.field.relationship", Kind: Choice, Options: messages("relationship.", registry.Relationships()),
			sql: plain("(select m.relationship from residence m where m.person_id = p.id)"), Export: true},
		{ID: "person.role", Group: "person", Message: "filter.field.role", Kind: Choices, Options: duties(), Export: true, sql: roles("p.id")},
		registered("person", "p"),
		{ID: "person.identified", Group: "person", Message: "filter.field.identified", Kind: Choice, Options: messages("answer.", []string{"yes", "no"}),
			sql: plain("case when exists (select from identifier i where i.subject_id = p.id and i.status = 'verified') then 'yes' else 'no' end")},
	}
}

// Statuses lists the outcomes of a person's record. Each has the message
// "filter.status.<code>".
func Statuses() []string {
	return []string{"active", "deceased", "emigrated", "duplicate", "error", "left"}
}

func home() []Field {
	return []Field{
		{ID: "household.status", Group: "household", Message: "filter.field.household_status", Kind: Choice, Options: messages("filter.home_status.", []string{"active", "ended"}), sql: plain("h.status")},
		{ID: "household.role", Group: "household", Message: "filter.field.has_role", Kind: Choices, Options: duties(), Export: true, sql: roles("q.person_id", "q.household_id = h.id")},
		registered("household", "h"),
	}
}

// registered is the day on which a record came into the registry, in the country.
func registered(of, table string) Field {
	return Field{ID: of + ".registered", Group: of, Message: "filter.field.registered", Kind: Day, Export: true, sql: func(b *builder) string {
		return "(select to_char(v.recorded_at at time zone " + b.arg(b.today.Location().String()) + ", 'YYYY-MM-DD') from record_version v where v.subject_id = " + table + ".id and v.version = 1)"
	}}
}

// duties are what somebody is or does in a household.
func duties() []Option {
	return append(messages("relationship.", []string{registry.RelationshipHead}), messages("role.", registry.Roles())...)
}

// roles are those that somebody has now: a person; or anybody in a household,
// where the tie q is.
func roles(person string, in ...string) func(*builder) string {
	from, where := "membership_role r", "r.person_id = "+person
	head := "residence q where q.person_id = " + person
	if len(in) > 0 {
		from, where = "membership q join membership_role r on r.person_id = q.person_id and r.membership_id = q.id", in[0]
		head = "residence q where " + in[0]
	}
	return func(b *builder) string {
		return "(select jsonb_agg(distinct x.role) from (select r.role from " + from + " where " + where + " and daterange(r.start_date, r.end_date) @> " + b.day() +
			" union all select 'head' from " + head + " and q.relationship = 'head') x)"
	}
}

// tagged are the tags of a record: those of the country's vocabulary, and ours.
func tagged(of, table string, tags registry.Tags) Field {
	f := Field{ID: of + ".tags", Group: of, Message: "record.tags", Kind: Choices, Export: true, sql: plain("to_jsonb(" + table + ".tags)")}
	for _, tag := range tags.For(of) {
		f.Options = append(f.Options, Option{Code: tag.Code, Label: tag.Name})
	}
	if of == registry.KindHousehold {
		f.Options = append(f.Options, messages("tag.", []string{registry.TagNoFixedPlace})...)
	}
	return f
}

// States lists what a number that somebody holds can be. Each has the message
// "filter.number.<code>".
func States() []string { return []string{"verified", "unverified", "contested", "expired"} }

// held is whether somebody holds a number of a kind, and what holds of it.
func held(of, table string, types []registry.IdentifierType) []Field {
	var list []Field
	for _, t := range types {
		if t.Subject != of {
			continue
		}
		list = append(list, Field{ID: of + ".number." + t.Code, Group: of, Label: t.Name, Kind: Choices, Options: messages("filter.number.", States()), Export: true, words: "number",
			sql: func(b *builder) string {
				return "(select jsonb_agg(distinct x.state) from identifier i cross join lateral (select i.status union all select " + b.arg("expired") + "::text where i.expires_on < " + b.day() +
					") x (state) where i.subject_id = " + table + ".id and i.type = " + b.arg(t.Code) + " and i.status <> 'ended')"
			}})
	}
	return list
}

// members are counted in the household that somebody usually lives in.
func members() []Field {
	return []Field{
		{ID: "members.count", Group: "members", Message: "filter.field.members", Kind: Number, sql: ofMembers("count(*)", plain("true")), Export: true},
		{ID: "members.children", Group: "members", Message: "filter.field.children", Kind: Number, Export: true,
			sql: ofMembers("count(*)", func(b *builder) string { return "q.birth_from > " + b.yearsAgo(registry.Majority) })},
		{ID: "members.elders", Group: "members", Message: "filter.field.elders", Kind: Number, Export: true,
			sql: ofMembers("count(*)", func(b *builder) string { return "q.birth_to <= " + b.yearsAgo(65) })},
	}
}

// aggregates are what the members' values of a field come to.
func aggregates(d registry.Field) []Field {
	switch d.Type {
	case registry.TypeNumber, registry.TypeMoney:
		return []Field{{ID: "members.sum." + d.Code, Group: "members", Message: "filter.field.sum", Label: d.Label, Args: true, Kind: Number,
			sql: func(b *builder) string {
				code := b.arg(d.Code)
				return ofMembers("sum(case jsonb_typeof(q.fields->"+code+") when 'number' then (q.fields->>"+code+")::numeric end)", plain("true"))(b)
			}}}
	case registry.TypeYesNo:
		return []Field{{ID: "members.yes." + d.Code, Group: "members", Message: "filter.field.yes", Label: d.Label, Args: true, Kind: Number,
			sql: func(b *builder) string {
				code := b.arg(d.Code)
				return ofMembers("count(*)", plain("q.fields->>"+code+" = 'yes'"))(b)
			}}}
	}
	return nil
}

func ofMembers(what string, which func(*builder) string) func(*builder) string {
	return func(b *builder) string {
		return "(select " + what + " from residence m join person q on q.id = m.person_id where m.household_id = h.id and q.status = 'active' and " + which(b) + ")"
	}
}

// custom is a defined field of a person (table p) or household (table h).
func (c Catalogue) custom(group, table string, d registry.Field, all registry.Fields) []Field {
	stored := func(b *builder) string { return table + ".fields->" + b.arg(d.Code) }
	if d.Type == registry.TypeCalculated {
		stored = func(b *builder) string {
			return "(select c.values->" + b.arg(d.Code) + " from calculated c where c.subject_id = " + table + ".id)"
		}
	}
	f := Field{ID: group + ".field." + d.Code, Group: group, Label: d.Label, Export: d.May("export", c.roles)}
	if d.Shape() == registry.TypeRoster {
		return c.roster(f, d, stored, all)
	}
	f.read(d, stored)
	return []Field{f}
}

// read makes it a field of stored values, as they are defined. The value's own
// type is looked at: a definition may have had another before.
func (f *Field) read(d registry.Field, stored func(*builder) string) {
	typed := func(kind, cast string) func(*builder) string {
		return func(b *builder) string {
			value := stored(b)
			return "case jsonb_typeof(" + value + ") when '" + kind + "' then (" + value + " #>> '{}')" + cast + " end"
		}
	}
	switch d.Shape() {
	case registry.TypeNumber, registry.TypeMoney:
		f.Kind, f.sql = Number, typed("number", "::numeric")
	case registry.TypeDate: // ISO 8601: the text sorts as the days do
		f.Kind, f.sql = Day, typed("string", "")
	case registry.TypeYesNo: // "unknown" was an answer and is none
		f.Kind, f.Options = Choice, messages("answer.", []string{"yes", "no"})
		text := typed("string", "")
		f.sql = func(b *builder) string { return "nullif(" + text(b) + ", 'unknown')" }
	case registry.TypeChoice:
		f.Kind, f.Options, f.sql = Choice, options(d.Options), typed("string", "")
	case registry.TypeChoices:
		f.Kind, f.Options, f.sql = Choices, options(d.Options), stored
	case registry.TypeArea:
		f.Kind = Place
		code := typed("string", "")
		f.sql = func(b *builder) string { return "array_remove(array[" + code(b) + "], null)" }
	default:
		f.Kind, f.sql = Text, typed("string", "")
	}
}

// roster is what its entries come to, how many there are and the sums of their
// numbers, and what one of them says.
func (c Catalogue) roster(f Field, d registry.Field, stored func(*builder) string, all registry.Fields) []Field {
	rows := func(b *builder) string {
		value := stored(b)
		return "case jsonb_typeof(" + value + ") when 'array' then " + value + " end"
	}
	f.Kind, f.Message, f.Args = Number, "filter.field.rows", true
	f.sql = func(b *builder) string { return "jsonb_array_length(" + rows(b) + ")" }
	list := []Field{f}
	for _, column := range all.Columns(d) {
		one := Field{ID: f.ID + ".entry." + column.Code, Group: f.Group, Label: column.Label, Of: d.Label, Args: true, Message: "filter.field.entry",
			roster: f.ID, entries: rows}
		one.read(column, func(b *builder) string { return "e->" + b.arg(column.Code) })
		list = append(list, one)
		if column.Type == registry.TypeArea {
			list = append(list, Field{
				ID: f.ID + "." + column.Code, Group: f.Group, Label: column.Label, Args: true, Message: "filter.field.place_rows", Kind: Place,
				Export: f.Export && column.May("export", c.roles),
				sql: func(b *builder) string {
					code := b.arg(column.Code)
					return "array(select distinct e->>" + code + " from jsonb_array_elements(" + rows(b) + ") e where e->>" + code + " is not null order by 1)"
				},
			})
		}
		if column.Shape() != registry.TypeNumber && column.Shape() != registry.TypeMoney {
			continue
		}
		list = append(list, Field{
			ID: f.ID + "." + column.Code, Group: f.Group, Label: column.Label, Args: true, Message: "filter.field.sum_rows", Kind: Number,
			Export: f.Export && column.May("export", c.roles),
			sql: func(b *builder) string {
				code := b.arg(column.Code)
				return "(select sum(case jsonb_typeof(e->" + code + ") when 'number' then (e->>" + code + ")::numeric end) from jsonb_array_elements(" + rows(b) + ") e)"
			},
		})
	}
	return list
}

func messages(prefix string, codes []string) []Option {
	var list []Option
	for _, code := range codes {
		list = append(list, Option{Code: code, Message: prefix + code})
	}
	return list
}

func options(defined registry.Options) []Option {
	var list []Option
	for _, o := range defined {
		list = append(list, Option{Code: o.Code, Label: o.Label})
	}
	return list
}
