package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"daftar/db"
	"daftar/i18n"
)

// Settings are what a country decides about its registry. Each group is a row
// of table setting; package settings changes them. A value of this type is
// shared: nobody writes to it.
type Settings struct {
	Country     Country
	Languages   Languages
	Currency    i18n.Money
	WorkingDays WorkingDays
	Clocks      Clocks
	Retention   Retention
	Branding    Branding
	Logo        Logo
	Contact     ServiceContact
	Tags        Tags

	Roles map[string]i18n.Text // what the roles are called that it composed, by code

	version int64
	zone    *time.Location // of Country.TimeZone, read once
}

// Country is the country itself.
type Country struct {
	Name     i18n.Text `json:"name" yaml:"name,flow"`
	Code     string    `json:"code" yaml:"code"`           // P-code of the country's area
	TimeZone string    `json:"time_zone" yaml:"time_zone"` // IANA name
}

// Languages are those that people can choose, and how each writes.
type Languages struct {
	Offered []string                `json:"offered,omitempty" yaml:"offered,flow,omitempty"` // the default one first; all that are shipped when empty
	Writing map[string]i18n.Writing `json:"writing,omitempty" yaml:"writing,omitempty"`
}

// WorkingDays say when the offices work (RULES R12).
type WorkingDays struct {
	Weekend  []string  `json:"weekend" yaml:"weekend,flow"` // of Weekdays
	Holidays []Holiday `json:"holidays,omitempty" yaml:"holidays,omitempty"`
}

// Holiday is one day on which no office works, or none in some areas. Movable
// feasts are days like any other, year by year.
type Holiday struct {
	Day   string    `json:"day" yaml:"day"` // 2006-01-02
	Name  i18n.Text `json:"name" yaml:"name,flow"`
	Areas []string  `json:"areas,omitempty" yaml:"areas,flow,omitempty"` // P-codes; the whole country when empty
}

// Clocks are how long the law gives the office.
type Clocks struct {
	AnswerDays int `json:"answer_days" yaml:"answer_days"` // working days until an application is answered
}

// Retention is for how many months each kind of data is kept; 0 keeps it.
type Retention map[string]int

// RetentionKinds lists the kinds of data. Each has the message
// "retention.<kind>".
func RetentionKinds() []string {
	return []string{"drafts", "refused_cases", "decided_cases", "evidence", "ended_records", "credentials", "sign_ins", "audit"}
}

// Branding is what the service is called, and how it looks.
type Branding struct {
	Service i18n.Text `json:"service" yaml:"service,flow"`
	Owner   i18n.Text `json:"owner,omitempty" yaml:"owner,flow,omitempty"`
	Colour  string    `json:"colour,omitempty" yaml:"colour,omitempty"` // of Palette
}

// Logo is the owner's mark: made anew from what was uploaded.
type Logo struct {
	Type   string `json:"type,omitempty" yaml:"type,omitempty"` // "image/png" or "image/svg+xml"
	Width  int    `json:"width,omitempty" yaml:"width,omitempty"`
	Height int    `json:"height,omitempty" yaml:"height,omitempty"`
	Data   string `json:"data,omitempty" yaml:"data,omitempty"` // base64; LoadSettings leaves it out
	Hash   string `json:"hash,omitempty" yaml:"hash,omitempty"` // of the bytes, for its address
}

// ServiceContact is how people reach the service: lines of text and links at the
// foot of every page of the portal.
type ServiceContact struct {
	Lines []i18n.Text `json:"lines,omitempty" yaml:"lines,omitempty"`
	Links []Link      `json:"links,omitempty" yaml:"links,omitempty"`
}

// Link leads elsewhere.
type Link struct {
	Label i18n.Text `json:"label" yaml:"label,flow"`
	URL   string    `json:"url" yaml:"url"`
}

// Weekdays lists the days of the week, Sunday first. Each has the message
// "weekday.<day>".
func Weekdays() []string {
	return []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
}

// SettingGroups lists the groups, in the order of a country's file. Each has
// the message "setting.<group>".
func SettingGroups() []string {
	return []string{"country", "languages", "currency", "working_days", "clocks", "retention", "branding", "logo", "contact", "tags"}
}

// Group points to one group.
func (s *Settings) Group(name string) any {
	return map[string]any{
		"country": &s.Country, "languages": &s.Languages, "currency": &s.Currency, "working_days": &s.WorkingDays, "clocks": &s.Clocks,
		"retention": &s.Retention, "branding": &s.Branding, "logo": &s.Logo, "contact": &s.Contact, "tags": &s.Tags,
	}[name]
}

// DefaultSettings are those of a country that has said nothing yet.
func DefaultSettings() *Settings {
	return &Settings{
		Country:     Country{TimeZone: "UTC"},
		WorkingDays: WorkingDays{Weekend: []string{"saturday", "sunday"}},
		Clocks:      Clocks{AnswerDays: 15},
	}
}

// LoadSettings reads the settings, or returns the process's own copy of them
// when it is of the version that the database has.
func LoadSettings(tx db.Tx) (*Settings, error) {
	var version int64
	if err := tx.Get(&version, `select version from setting_state`); err != nil {
		return nil, err
	}
	kept, err := tx.Memo("settings", version, func() (any, error) { return readSettings(tx, version) })
	if err != nil {
		return nil, err
	}
	return kept.(*Settings), nil
}

func readSettings(tx db.Tx, version int64) (*Settings, error) {
	var rows []struct {
		Key   string `db:"key"`
		Value []byte `db:"value"`
	}
	if err := tx.Select(&rows, `
		select key, case key when 'logo' then value - 'data' else value end as value from setting where key = any($1)`, SettingGroups()); err != nil {
		return nil, err
	}
	s := DefaultSettings()
	s.version = version
	for _, r := range rows {
		if err := json.Unmarshal(r.Value, s.Group(r.Key)); err != nil {
			return nil, fmt.Errorf("setting %s: %w", r.Key, err)
		}
	}
	var composed []struct {
		Code string    `db:"code"`
		Name i18n.Text `db:"name"`
	}
	if err := tx.Select(&composed, `select code, name from role_definition`); err != nil {
		return nil, err
	}
	s.Roles = map[string]i18n.Text{}
	for _, r := range composed {
		s.Roles[r.Code] = r.Name
	}
	s.zone, _ = time.LoadLocation(s.Country.TimeZone) // whoever needs it hears why there is none
	return s, nil
}

// location is the country's time zone. Reading one is reading a file.
func (s *Settings) location() (*time.Location, error) {
	if s.zone != nil && s.zone.String() == s.Country.TimeZone {
		return s.zone, nil
	}
	return time.LoadLocation(s.Country.TimeZone)
}

// Version is the database's number of these settings.
func (s *Settings) Version() int64 { return s.version }

// LogoData reads the bytes of the logo, in base64; "" when there is none.
func LogoData(tx db.Tx) (string, error) {
	var data []string
	err := tx.Select(&data, `select coalesce(value->>'data', '') from setting where key = 'logo'`)
	if err != nil || len(data) == 0 {
		return "", err
	}
	return data[0], nil
}

// Setup is what of the settings concerns how people are spoken to.
func (s *Settings) Setup() (i18n.Setup, error) {
	zone, err := s.location()
	names := map[string]i18n.Text{}
	for code, name := range s.Roles {
		names["role."+code] = name
	}
	return i18n.Setup{
		Names: names,
		Zone:  zone, Offered: s.Languages.Offered, Writing: s.Languages.Writing, Money: s.Currency,
		Service: s.Branding.Service, Owner: s.Branding.Owner,
	}, err
}

// Calendar is the calendar of working days in an area, whose path is given; of
// the whole country without one.
func (s *Settings) Calendar(path ...Area) (Calendar, error) {
	zone, err := s.location()
	if err != nil {
		return Calendar{}, err
	}
	c := Calendar{Zone: zone, Weekend: map[time.Weekday]bool{}, Holidays: map[string]bool{}}
	for _, day := range s.WorkingDays.Weekend {
		if i := slices.Index(Weekdays(), day); i >= 0 {
			c.Weekend[time.Weekday(i)] = true
		}
	}
	for _, h := range s.WorkingDays.Holidays {
		if len(h.Areas) == 0 || slices.ContainsFunc(path, func(a Area) bool { return slices.Contains(h.Areas, a.Code) }) {
			c.Holidays[h.Day] = true
		}
	}
	if !c.works() {
		return Calendar{}, fmt.Errorf("the weekend leaves no day to work")
	}
	return c, nil
}

// CalendarOf is the calendar of working days where something is.
func CalendarOf(tx db.Tx, area db.ID) (Calendar, error) {
	s, err := LoadSettings(tx)
	if err != nil {
		return Calendar{}, err
	}
	path, err := AreaPath(tx, area)
	if err != nil {
		return Calendar{}, err
	}
	return s.Calendar(path...)
}
