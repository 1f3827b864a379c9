package cases

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/effect"
)

// Draft is what an applicant has told so far.
type Draft struct {
	Members    []Member        `json:"members"`
	LastKey    int             `json:"last_key"`
	AreaCode   string          `json:"area,omitempty"`
	NoFixed    string          `json:"no_fixed,omitempty"` // they live nowhere for long: the office that they belong to (RULES R1)
	Directions string          `json:"directions,omitempty"`
	Fields     registry.Values `json:"fields,omitempty"` // of the household
	// Done names the pages that were answered, also those answered with
	// "I do not know".
	Done map[string]bool `json:"done,omitempty"`
	// Of every kind but registration: the answers by their pages, and the
	// identities of records that the case makes.
	Answers  registry.Values            `json:"answers,omitempty"`
	Allotted map[string]effect.Identity `json:"allotted,omitempty"`
	// Rows of children whom another case registers, as an official said, with its
	// reference.
	Elsewhere map[string]string `json:"elsewhere,omitempty"`
	// Given to the new household at the first submission.
	HouseholdID  db.ID  `json:"household_id,omitzero"`
	HouseholdRef string `json:"household_ref,omitempty"`
}

// Member is one person of the household. The first is the applicant.
type Member struct {
	Key           string          `json:"key"`
	FullName      string          `json:"full_name,omitempty"`
	FullNameLatin string          `json:"full_name_latin,omitempty"`
	Birth         Birth           `json:"birth,omitzero"`
	Sex           string          `json:"sex,omitempty"`
	Relationship  string          `json:"relationship,omitempty"`
	NationalID    string          `json:"national_id,omitempty"`
	IDVerified    bool            `json:"id_verified,omitempty"` // vouched for by the identity provider
	Fields        registry.Values `json:"fields,omitempty"`
	PersonID      db.ID           `json:"person_id,omitzero"`
	PersonRef     string          `json:"person_ref,omitempty"`
}

// Birth is a birth date as somebody knows it: parts that are zero are not
// known; Age is used when there is no year. On is the day it was said.
type Birth struct {
	Year  int    `json:"year,omitempty"`
	Month int    `json:"month,omitempty"`
	Day   int    `json:"day,omitempty"`
	Age   *int   `json:"age,omitempty"`
	On    string `json:"on,omitempty"` // 2006-01-02
}

// Date is the range of days that b allows.
func (b Birth) Date() registry.BirthDate {
	on, err := time.Parse(time.DateOnly, b.On)
	if err != nil {
		return registry.BirthDate{}
	}
	if b.Year == 0 && b.Age != nil {
		return registry.BornAtAge(*b.Age, -1, on)
	}
	date, _ := registry.NewBirthDate(b.Year, b.Month, b.Day, on)
	return date
}

// MaxMembers is the largest household that one application may hold.
const MaxMembers = 40

// Member returns the member with a key; nil when there is none.
func (d *Draft) Member(key string) *Member {
	for i := range d.Members {
		if d.Members[i].Key == key {
			return &d.Members[i]
		}
	}
	return nil
}

// WithID returns the first member with a national ID; nil when there is none.
func (d *Draft) WithID(id string) *Member {
	for i := range d.Members {
		if id != "" && d.Members[i].NationalID == id {
			return &d.Members[i]
		}
	}
	return nil
}

// NextKey is the key that the next member gets.
func (d *Draft) NextKey() string { return strconv.Itoa(d.LastKey + 1) }

// Room is fault.Conflict when the household has as many members as a form takes.
func (d *Draft) Room() error {
	if len(d.Members) >= MaxMembers {
		return fault.New(fault.Conflict, "people.error.too_many", "Max", MaxMembers)
	}
	return nil
}

// AddMember appends an empty member.
func (d *Draft) AddMember() (*Member, error) {
	if err := d.Room(); err != nil {
		return nil, err
	}
	d.LastKey++
	d.Members = append(d.Members, Member{Key: strconv.Itoa(d.LastKey), Fields: registry.Values{}})
	return &d.Members[len(d.Members)-1], nil
}

// RemoveMember takes a member out. The applicant stays.
func (d *Draft) RemoveMember(key string) error {
	if len(d.Members) > 0 && d.Members[0].Key == key || d.Member(key) == nil {
		return fault.Hidden()
	}
	d.Members = slices.DeleteFunc(d.Members, func(m Member) bool { return m.Key == key })
	for page := range d.Done {
		if strings.HasPrefix(page, "people/"+key+"/") {
			delete(d.Done, page)
		}
	}
	return nil
}

// Applicant is the first member.
func (d *Draft) Applicant() *Member {
	if len(d.Members) == 0 {
		return nil
	}
	return &d.Members[0]
}

// Mark notes that a page was answered.
func (d *Draft) Mark(page string) {
	if d.Done == nil {
		d.Done = map[string]bool{}
	}
	d.Done[page] = true
}

// Answer stores the answer of a page; nil means "asked, and no answer".
func (d *Draft) Answer(page string, value any) {
	if d.Answers == nil {
		d.Answers = registry.Values{}
	}
	set(d.Answers, page, value)
	d.Mark(page)
}

// Set stores a household answer; nil means "asked, and no answer".
func (d *Draft) Set(code string, value any) {
	if d.Fields == nil {
		d.Fields = registry.Values{}
	}
	set(d.Fields, code, value)
}

// Set stores a person's answer; nil means "asked, and no answer".
func (m *Member) Set(code string, value any) {
	if m.Fields == nil {
		m.Fields = registry.Values{}
	}
	set(m.Fields, code, value)
}

func set(values registry.Values, code string, value any) {
	if value == nil {
		delete(values, code)
	} else {
		values[code] = value
	}
}

// IsChild reports whether the member may be under age on a day. Somebody of
// unknown age may be, unless they head the household or are an elder of who
// does.
func (m *Member) IsChild(day time.Time) bool {
	birth := m.Birth.Date()
	if !birth.Known() {
		return !slices.Contains([]string{"head", "spouse", "parent", "parent_in_law", "grandparent"}, m.Relationship)
	}
	youngest, _ := birth.Age(day)
	return youngest < registry.Majority
}

// CheckFamily finds what cannot be true of who is who: two heads, a child
// older than the head, a parent younger. Input names are "people/<key>".
func (d *Draft) CheckFamily(day time.Time) error {
	var check fault.Check
	var head *Member
	for i := range d.Members {
		m := &d.Members[i]
		if m.Relationship != "head" {
			continue
		}
		if head != nil {
			check.Fail("people/"+m.Key, "people.error.two_heads", "First", head.FullName, "Second", m.FullName)
			continue
		}
		head = m
	}
	if head != nil {
		for i := range d.Members {
			m := &d.Members[i]
			if key := impossible(m, head, day); key != "" {
				check.Fail("people/"+m.Key, key, "Name", m.FullName, "Head", head.FullName)
			}
		}
	}
	return check.Err()
}

// younger and older list the relationships to the head that fix who was born
// first.
var (
	younger = []string{"child", "grandchild"}
	older   = []string{"parent", "grandparent"}
)

// impossible compares what is known about two birth dates; what is not known
// is possible.
func impossible(m, head *Member, day time.Time) string {
	mine, theirs := m.Birth.Date(), head.Birth.Date()
	if !mine.Known() || !theirs.Known() {
		return ""
	}
	switch {
	case slices.Contains(younger, m.Relationship) && !mine.To.After(theirs.From):
		return "people.error.child_older"
	case slices.Contains(older, m.Relationship) && !mine.From.Before(theirs.To):
		return "people.error.parent_younger"
	}
	return ""
}
