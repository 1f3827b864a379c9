package intake

import (
	"strconv"
	"time"

	"github.com/a-h/templ"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

const (
	maxName   = 120 // characters
	maxID     = 30
	maxNumber = 100 // of a day, a year or an age: what is longer is no number
)

func memberKey(suffix string) func(*visit) string {
	return func(v *visit) string { return "people/" + v.member.Key + "/" + suffix }
}

// on edits the member of the path in a draft that was read again.
func (v *visit) on(edit func(*cases.Member)) func(*cases.Draft) error {
	return func(d *cases.Draft) error {
		m := d.Member(v.member.Key)
		if m == nil {
			return fault.Hidden()
		}
		edit(m)
		return nil
	}
}

var name = page{
	inputs: []string{"full_name", "full_name_latin"},
	adds:   true,
	key:    memberKey("name"),
	fill: func(v *visit) map[string][]string {
		return map[string][]string{"full_name": {v.member.FullName}, "full_name_latin": {v.member.FullNameLatin}}
	},
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		full := f.Required(&check, "full_name", maxName, "name.error.missing")
		latin := f.Text(&check, "full_name_latin", maxName)
		if !check.Failed("full_name_latin") && !i18n.LatinScript(latin) {
			check.Fail("full_name_latin", "name.error.latin")
		}
		return func(d *cases.Draft) error {
			if d.Member(v.member.Key) == nil && v.member.Key == d.NextKey() {
				if _, err := d.AddMember(); err != nil {
					return err
				}
			}
			return v.on(func(m *cases.Member) { m.FullName, m.FullNameLatin = full, latin })(d)
		}, check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return namePage(v, f) },
}

var birth = page{
	inputs: []string{"day", "month", "year", "age"},
	key:    memberKey("birth"),
	fill: func(v *visit) map[string][]string {
		b := v.member.Birth
		values := map[string][]string{"day": {number(b.Day)}, "month": {number(b.Month)}, "year": {number(b.Year)}}
		if b.Age != nil {
			values["age"] = []string{strconv.Itoa(*b.Age)}
		}
		return values
	},
	read: readBirth,
	view: func(v *visit, f *ui.Form) templ.Component { return birthPage(v, f) },
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// readBirth takes the parts of a date that are known, or else an age, or
// nothing at all.
func readBirth(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
	var check fault.Check
	part := func(name, wrong string) int {
		s := i18n.LatinDigits(f.Text(&check, name, maxNumber))
		if s == "" || check.Failed(name) {
			return 0
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 9999 {
			check.Fail(name, wrong)
			return 0
		}
		return n
	}
	b := cases.Birth{
		Day: part("day", "birth.error.day"), Month: part("month", "birth.error.month"), Year: part("year", "birth.error.year"),
		On: v.form.Today.Format(time.DateOnly),
	}
	if s := i18n.LatinDigits(f.Text(&check, "age", maxNumber)); s != "" && !check.Failed("age") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 125 {
			check.Fail("age", "birth.error.age")
		}
		b.Age = &n
	}
	if err := check.Err(); err != nil {
		return nil, err
	}
	if b.Year == 0 && b.Month == 0 && b.Day == 0 {
		return v.on(func(m *cases.Member) { m.Birth = b }), nil
	}
	if b.Age != nil {
		check.Fail("age", "birth.error.both")
		return nil, check.Err()
	}
	if _, err := registry.NewBirthDate(b.Year, b.Month, b.Day, v.form.Today); err != nil {
		return nil, err
	}
	return v.on(func(m *cases.Member) { m.Birth = b }), nil
}

var about = page{
	inputs: []string{"sex", "relationship"},
	key:    memberKey("about"),
	fill: func(v *visit) map[string][]string {
		return map[string][]string{"sex": {v.member.Sex}, "relationship": {v.member.Relationship}}
	},
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		sex := f.Choice(&check, "sex", registry.Sexes(), "about.error.sex")
		relationship := f.Choice(&check, "relationship", registry.Relationships(), "about.error.relationship")
		if err := check.Err(); err != nil {
			return nil, err
		}
		return func(d *cases.Draft) error {
			if err := v.on(func(m *cases.Member) { m.Sex, m.Relationship = sex, relationship })(d); err != nil {
				return err
			}
			return renamed(d.CheckFamily(v.form.Today), "people/"+v.member.Key, "relationship")
		}, nil
	},
	view: func(v *visit, f *ui.Form) templ.Component { return aboutPage(v, f) },
}

// renamed keeps the errors about one input and calls it by another name;
// errors about other members are for the last check.
func renamed(err error, from, to string) error {
	var all, mine fault.Check
	if err := all.Merge(err); err != nil || all.Err() == nil {
		return err
	}
	for _, f := range all.Err().(*fault.Error).Fields {
		if f.Name == from {
			f.Name = to
			mine.Add(f)
		}
	}
	return mine.Err()
}

var nationalID = page{
	inputs: []string{"national_id"},
	key:    memberKey("id"),
	fill:   func(v *visit) map[string][]string { return one("national_id", v.member.NationalID) },
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		typed := f.Text(&check, "national_id", maxID)
		id := registry.NormalIdentifier(typed)
		if typed != "" && len(id) < 4 && !check.Failed("national_id") {
			check.Fail("national_id", "id.error.short")
		}
		if v.member.IDVerified {
			return nil, fault.Hidden()
		}
		return func(d *cases.Draft) error {
			if other := d.WithID(id); other != nil && other.Key != v.member.Key {
				check.Fail("national_id", "id.error.twice", "Name", v.memberName(other))
				return check.Err()
			}
			return v.on(func(m *cases.Member) { m.NationalID = id })(d)
		}, check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return idPage(v, f) },
}
