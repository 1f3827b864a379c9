package intake

import (
	"github.com/a-h/templ"

	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// people lists who lives in the household and asks for one more, or ends the
// list.
var people = page{
	inputs: []string{"another"},
	fill:   func(*visit) map[string][]string { return nil },
	read: func(_ *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		another := f.Choice(&check, "another", []string{"yes", "no"}, "people.error.another")
		return func(d *cases.Draft) error {
			if another == "yes" {
				delete(d.Done, "people")
				return d.Room()
			}
			d.Mark("people")
			return nil
		}, check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return peoplePage(v, f) },
	next: func(v *visit, d *cases.Draft, f *web.Form) string {
		if f.Get("another") == "yes" {
			return v.at("people/" + d.NextKey() + "/name") // who is added once there is a name
		}
		return v.after("people")
	},
}

// remove asks before taking a person out.
var remove = page{
	inputs: []string{"remove"},
	fill:   func(*visit) map[string][]string { return nil },
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		answer := f.Choice(&check, "remove", []string{"yes", "no"}, "people.error.remove")
		return func(d *cases.Draft) error {
			if answer == "no" {
				return nil
			}
			return d.RemoveMember(v.member.Key)
		}, check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return removePage(v, f) },
	next: func(v *visit, _ *cases.Draft, _ *web.Form) string { return v.at("people") },
}

// rows lists the members with what is known of them and where to change it.
func (v *visit) memberRows() []memberRow {
	var rows []memberRow
	p := v.Printer()
	for i := range v.c.Draft.Members {
		m := &v.c.Draft.Members[i]
		row := memberRow{Key: m.Key, Name: v.memberName(m), First: i == 0}
		if m.Relationship != "" {
			row.Detail = p.T("relationship." + m.Relationship)
		}
		for _, page := range v.form.MemberPages(&v.c.Draft, m) {
			full := "people/" + m.Key + "/" + page
			if !v.c.Draft.Done[full] && row.Next == "" {
				row.Next = v.at(full)
			}
		}
		row.Edit = v.at("people/" + m.Key + "/name")
		row.Remove = v.at("people/" + m.Key + "/remove")
		rows = append(rows, row)
	}
	return rows
}

type memberRow struct {
	Key, Name, Detail  string
	Next, Edit, Remove string // addresses after the language
	First              bool
}
