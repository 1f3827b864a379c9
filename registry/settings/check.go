package settings

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
)

// Longest texts, in characters.
const (
	maxText    = 200
	maxAddress = 500
	maxPattern = 200
)

// Bounds of numbers.
const (
	maxAnswerDays = 180
	maxMonths     = 1200
	maxDecimals   = 4
	maxHolidays   = 400
	maxLines      = 6
)

// checker collects what is wrong, by the paths of the file.
type checker struct {
	fault.Check
	file  *File
	next  *State
	moves map[thing]bool
	areas map[string]bool // P-codes in use
}

func (c *checker) same(kind, key string) bool { return !c.moves[thing{kind, key}] }

// Check says what is wrong with what a file or a page would change: fault.Invalid,
// with paths of the file as names. What stays as it is may be as it is.
func Check(tx db.Tx, f *File, old, next *State) error {
	c := &checker{file: f, next: next, moves: map[thing]bool{}}
	for _, it := range Diff(old, next) {
		c.moves[thing{it.Kind, it.Key}] = true
	}
	if err := c.loadAreas(tx); err != nil {
		return err
	}
	c.country()
	c.languages()
	c.currency()
	c.workingDays()
	c.clocks()
	c.branding()
	c.contact()
	c.tags()
	c.areaKinds()
	c.offices()
	c.fields(old)
	if err := c.identifiers(tx); err != nil {
		return err
	}
	if err := c.caseKinds(tx, old); err != nil {
		return err
	}
	if err := c.roles(tx); err != nil {
		return err
	}
	return c.Err()
}

// loadAreas looks up the areas that the file names.
func (c *checker) loadAreas(tx db.Tx) error {
	var codes []string
	if c.file.Country != nil {
		codes = append(codes, c.file.Country.Code)
	}
	if c.file.WorkingDays != nil {
		for _, h := range c.file.WorkingDays.Holidays {
			codes = append(codes, h.Areas...)
		}
	}
	for _, o := range c.file.Offices {
		codes = append(append(codes, o.Areas...), o.Seat)
	}
	var there []string
	if err := tx.Select(&there, `select code from area where code = any($1) and valid_to is null`, codes); err != nil {
		return err
	}
	c.areas = map[string]bool{}
	for _, code := range there {
		c.areas[code] = true
	}
	return nil
}

func (c *checker) area(path, code string) {
	if !c.areas[code] {
		c.Fail(path, "settings.error.area", "Code", code)
	}
}

// text checks a text in every language: not too long, in known languages; and
// there at all in those on offer, where it is needed.
func (c *checker) text(path string, t i18n.Text, limit int, needed bool) {
	for tag, s := range t {
		switch {
		case !slices.ContainsFunc(i18n.Shipped(), func(l i18n.Locale) bool { return l.Tag == tag }):
			c.Fail(path+"."+tag, "settings.error.language", "Tag", tag)
		case utf8.RuneCountInString(s) > limit:
			c.Fail(path+"."+tag, "field.error.too_long", "Max", limit)
		case strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' }):
			c.Fail(path+"."+tag, "field.error.characters")
		}
	}
	if !needed {
		return
	}
	for _, tag := range c.next.Offered() {
		if strings.TrimSpace(t[tag]) == "" {
			c.Fail(path+"."+tag, "settings.error.text")
		}
	}
}

// Offered lists the tags of the languages on offer.
func (s *State) Offered() []string { return Offered(&s.Settings) }

// Offered lists the tags of the languages on offer, the default one first.
func Offered(s *registry.Settings) []string {
	if len(s.Languages.Offered) > 0 {
		return s.Languages.Offered
	}
	var tags []string
	for _, l := range i18n.Shipped() {
		tags = append(tags, l.Tag)
	}
	return tags
}

var areaCode = regexp.MustCompile(`^[A-Z0-9]{2,20}$`)

func (c *checker) country() {
	f := c.file.Country
	if f == nil || c.same(KindSetting, "country") {
		return
	}
	c.text("country.name", f.Name, maxText, true)
	// A country's settings may come before its areas.
	if !areaCode.MatchString(f.Code) {
		c.Fail("country.code", "settings.error.area", "Code", f.Code)
	}
	if _, err := time.LoadLocation(f.TimeZone); err != nil || f.TimeZone == "" || f.TimeZone == "Local" {
		c.Fail("country.time_zone", "settings.error.time_zone", "Example", "Africa/Nairobi")
	}
}

func (c *checker) languages() {
	f := c.file.Languages
	if f == nil || c.same(KindSetting, "languages") {
		return
	}
	shipped := func(tag string) *i18n.Locale {
		for _, l := range i18n.Shipped() {
			if l.Tag == tag {
				return &l
			}
		}
		return nil
	}
	for i, tag := range f.Offered {
		if shipped(tag) == nil {
			c.Fail(fmt.Sprintf("languages.offered.%d", i), "settings.error.language", "Tag", tag)
		} else if slices.Index(f.Offered, tag) < i {
			c.Fail(fmt.Sprintf("languages.offered.%d", i), "settings.error.twice", "Code", tag)
		}
	}
	for tag, w := range f.Writing {
		path := "languages.writing." + tag
		l := shipped(tag)
		if l == nil {
			c.Fail(path, "settings.error.language", "Tag", tag)
			continue
		}
		if w.Digits != "" && !slices.Contains(l.Numberings(), w.Digits) {
			c.Fail(path+".digits", "field.error.choice")
		}
		for i, calendar := range w.Calendars {
			if !slices.Contains(i18n.Calendars(), calendar) || i > 1 || slices.Index(w.Calendars, calendar) < i {
				c.Fail(path+".calendars", "settings.error.calendars")
				break
			}
		}
	}
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func (c *checker) currency() {
	f := c.file.Currency
	if f == nil || c.same(KindSetting, "currency") {
		return
	}
	if !currencyCode.MatchString(f.Code) {
		c.Fail("currency.code", "settings.error.currency_code")
	}
	if f.Decimals < 0 || f.Decimals > maxDecimals {
		c.Fail("currency.decimals", "settings.error.between", "Min", 0, "Max", maxDecimals)
	}
	c.text("currency.name", f.Name, maxText, true)
	c.text("currency.written", f.Written, 40, false)
	for tag, s := range f.Written {
		if strings.Count(s, i18n.Amount) != 1 {
			c.Fail("currency.written."+tag, "settings.error.written", "Amount", i18n.Amount)
		}
	}
}

func (c *checker) workingDays() {
	f := c.file.WorkingDays
	if f == nil || c.same(KindSetting, "working_days") {
		return
	}
	for i, day := range f.Weekend {
		if !slices.Contains(registry.Weekdays(), day) || slices.Index(f.Weekend, day) < i {
			c.Fail(fmt.Sprintf("working_days.weekend.%d", i), "field.error.choice")
		}
	}
	if len(f.Weekend) > 6 {
		c.Fail("working_days.weekend", "settings.error.weekend")
	}
	if len(f.Holidays) > maxHolidays {
		c.Fail("working_days.holidays", "settings.error.many", "Max", maxHolidays)
	}
	seen := map[string]bool{}
	for i, h := range f.Holidays {
		path := fmt.Sprintf("working_days.holidays.%d", i)
		if t, err := time.Parse(time.DateOnly, h.Day); err != nil || t.Year() < 2000 || t.Year() > 2100 {
			c.Fail(path+".day", "field.error.date")
		}
		c.text(path+".name", h.Name, maxText, true)
		for n, code := range h.Areas {
			c.area(fmt.Sprintf("%s.areas.%d", path, n), code)
		}
		if seen[h.Day+strings.Join(h.Areas, " ")] {
			c.Fail(path+".day", "settings.error.twice", "Code", h.Day)
		}
		seen[h.Day+strings.Join(h.Areas, " ")] = true
	}
}

func (c *checker) clocks() {
	if f := c.file.Clocks; f != nil && !c.same(KindSetting, "clocks") && (f.AnswerDays < 1 || f.AnswerDays > maxAnswerDays) {
		c.Fail("clocks.answer_days", "settings.error.between", "Min", 1, "Max", maxAnswerDays)
	}
	if f := c.file.Retention; f != nil {
		for kind, months := range *f {
			if !slices.Contains(registry.RetentionKinds(), kind) {
				c.Fail("retention."+kind, "settings.file.unknown", "Key", kind)
			} else if months < 0 || months > maxMonths {
				c.Fail("retention."+kind, "settings.error.between", "Min", 0, "Max", maxMonths)
			}
		}
	}
}

func (c *checker) branding() {
	if f := c.file.Branding; f != nil && !c.same(KindSetting, "branding") {
		c.text("branding.service", f.Service, 60, true)
		c.text("branding.owner", f.Owner, maxText, false)
		if f.Colour != "" && ColourOf(f.Colour).Code != f.Colour {
			c.Fail("branding.colour", "field.error.choice")
		}
	}
	if f := c.file.Logo; f != nil && f.Data != "" && !c.same(KindSetting, "logo") {
		if err := checkLogo(*f); err != nil {
			c.Fail("logo.data", "settings.logo.type")
		}
	}
}

// maxTags is how many words a vocabulary has: they are boxes on one page.
const maxTags = 60

func (c *checker) tags() {
	f := c.file.Tags
	if f == nil || c.same(KindSetting, "tags") {
		return
	}
	if len(*f) > maxTags {
		c.Fail("tags", "settings.error.many", "Max", maxTags)
	}
	for i, tag := range *f {
		path := fmt.Sprintf("tags.%d", i)
		switch {
		case !identifierCode.MatchString(tag.Code) || tag.Code == registry.TagNoFixedPlace:
			c.Fail(path+".code", "field.error.code")
		case slices.Index(f.Codes(), tag.Code) < i:
			c.Fail(path+".code", "settings.error.twice", "Code", tag.Code)
		}
		c.text(path+".name", tag.Name, 80, true)
		for n, kind := range tag.Of {
			if !slices.Contains([]string{registry.KindPerson, registry.KindHousehold, registry.KindGroup}, kind) || slices.Index(tag.Of, kind) < n {
				c.Fail(fmt.Sprintf("%s.of.%d", path, n), "field.error.choice")
			}
		}
	}
}

func (c *checker) contact() {
	f := c.file.Contact
	if f == nil || c.same(KindSetting, "contact") {
		return
	}
	if len(f.Lines) > maxLines {
		c.Fail("contact.lines", "settings.error.many", "Max", maxLines)
	}
	if len(f.Links) > maxLines {
		c.Fail("contact.links", "settings.error.many", "Max", maxLines)
	}
	for i, line := range f.Lines {
		c.text(fmt.Sprintf("contact.lines.%d", i), line, maxText, true)
	}
	for i, link := range f.Links {
		path := fmt.Sprintf("contact.links.%d", i)
		c.text(path+".label", link.Label, 80, true)
		u, err := url.Parse(link.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(link.URL) > 300 {
			c.Fail(path+".url", "settings.error.url", "Begin", "https://")
		}
	}
}

var (
	kindCode   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	officeCode = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)
	phone      = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{2,30}$`)
	hours      = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$`)
)

func (c *checker) areaKinds() {
	for i, k := range c.file.AreaKinds {
		if c.same(KindAreaKind, k.key()) {
			continue
		}
		path := fmt.Sprintf("area_kinds.%d", i)
		if k.Level < 0 || k.Level > 5 {
			c.Fail(path+".level", "settings.error.between", "Min", 0, "Max", 5)
		}
		if !kindCode.MatchString(k.Code) {
			c.Fail(path+".code", "field.error.code")
		}
		c.text(path+".name", k.Name, maxText, true)
	}
}

func (c *checker) offices() {
	parent := map[string]string{}
	for _, o := range c.next.Offices {
		parent[o.Code] = o.Parent
	}
	for i, o := range c.file.Offices {
		path := fmt.Sprintf("offices.%d", i)
		if !officeCode.MatchString(o.Code) {
			c.Fail(path+".code", "settings.error.office_code", "Example", "old-town")
		}
		if slices.IndexFunc(c.file.Offices, func(x Office) bool { return x.Code == o.Code }) < i {
			c.Fail(path+".code", "settings.error.twice", "Code", o.Code)
		}
		if c.same(KindOffice, o.Code) {
			continue
		}
		if !slices.Contains(registry.OfficeKinds(), o.Kind) {
			c.Fail(path+".kind", "field.error.choice")
		}
		c.text(path+".name", o.Name, maxText, true)
		c.text(path+".address", o.Address, maxAddress, false)
		if _, there := parent[o.Parent]; o.Parent != "" && !there {
			c.Fail(path+".parent", "settings.error.office", "Code", o.Parent)
		}
		for above, n := o.Parent, 0; above != ""; above, n = parent[above], n+1 {
			if above == o.Code || n > len(parent) {
				c.Fail(path+".parent", "rule.office_circle")
				break
			}
		}
		if o.Seat != "" {
			c.area(path+".seat", o.Seat)
		}
		for n, code := range o.Areas {
			c.area(fmt.Sprintf("%s.areas.%d", path, n), code)
		}
		if o.Phone != "" && !phone.MatchString(o.Phone) {
			c.Fail(path+".phone", "settings.error.phone")
		}
		for day, open := range o.Opening {
			if m := hours.FindStringSubmatch(open); !slices.Contains(registry.Weekdays(), day) || m == nil || open[:5] >= open[6:] {
				c.Fail(path+".opening."+day, "settings.error.hours")
			}
		}
	}
}

// fields checks definitions as the editor does, within those that there would
// be.
func (c *checker) fields(old *State) {
	var all registry.Fields
	for i, e := range c.next.Fields {
		all = append(all, e.Field(i))
	}
	published := map[registry.FieldKey]int{}
	for i, e := range c.file.Fields {
		path := fmt.Sprintf("fields.%d", i)
		f := e.Field(0)
		if _, twice := published[f.Key()]; twice {
			c.Fail(path+".code", "settings.error.twice", "Code", e.Code)
		}
		published[f.Key()] = i
		if c.same(KindField, fieldKey(e)) {
			continue
		}
		if !slices.Contains([]string{"ordinary", "personal", "sensitive"}, f.Sensitivity) {
			c.Fail(path+".sensitivity", "field.error.choice")
		}
		if !slices.Contains(fields.Sections(f.Subject), f.Section) && f.Roster == "" {
			c.Fail(path+".section", "field.error.choice")
		}
		if i := slices.IndexFunc(old.Fields, func(o fields.Entry) bool { return fieldKey(o) == fieldKey(e) }); i >= 0 && (old.Fields[i].Type != e.Type || old.Fields[i].Result != e.Result) {
			c.Fail(path+".type", "field.error.other_type")
		}
		var wrong *fault.Error
		if errors.As(fields.Check(f, all, c.next.Offered()), &wrong) {
			for _, one := range wrong.Fields {
				// "label-en" is label.en in the file
				one.Name = path + "." + strings.Replace(one.Name, "-", ".", 1)
				c.Add(one)
			}
		}
		if f.Type == registry.TypeRoster && len(all.Columns(f)) == 0 {
			c.Fail(path+".code", "field.error.no_columns")
		}
	}
}

var identifierCode = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// identifiers checks patterns in both of the engines that use them.
func (c *checker) identifiers(tx db.Tx) error {
	for i, t := range c.file.Identifiers {
		path := fmt.Sprintf("identifiers.%d", i)
		if !identifierCode.MatchString(t.Code) {
			c.Fail(path+".code", "field.error.code")
		}
		if slices.IndexFunc(c.file.Identifiers, func(x Identifier) bool { return x.Code == t.Code }) < i {
			c.Fail(path+".code", "settings.error.twice", "Code", t.Code)
		}
		if c.same(KindIdentifier, t.Code) {
			continue
		}
		if t.Code == registry.NationalID && t.Retired {
			c.Fail(path+".retired", "settings.error.national_id")
		}
		c.text(path+".name", t.Name, maxText, true)
		if t.Subject != "" && !slices.Contains([]string{registry.KindPerson, registry.KindHousehold, registry.KindGroup}, t.Subject) {
			c.Fail(path+".subject", "field.error.choice")
		}
		if t.CheckDigit != "" && !slices.Contains(registry.CheckDigits(), t.CheckDigit) {
			c.Fail(path+".check_digit", "field.error.choice")
		}
		for n, issuer := range t.Issuers {
			at := fmt.Sprintf("%s.issuers.%d", path, n)
			if !identifierCode.MatchString(issuer.Code) || slices.IndexFunc(t.Issuers, func(x registry.Issuer) bool { return x.Code == issuer.Code }) < n {
				c.Fail(at+".code", "field.error.code")
			}
			c.text(at+".name", issuer.Name, maxText, true)
		}
		fits, err := Fits(tx, t, "1")
		if err != nil {
			return err
		}
		if !fits.Sound {
			c.Fail(path+".pattern", "settings.error.pattern")
		}
	}
	return nil
}

// Trial is what becomes of a number that is tried on a kind.
type Trial struct {
	Value  string // as it is stored
	Sound  bool   // the pattern can be read
	Fits   bool   // the pattern
	Digits bool   // the check digit is right
}

// costly patterns are refused: a group that repeats without end could take the
// database for ever, and what looks back or ahead only one engine knows.
var costly = regexp.MustCompile(`\)([*+]|\{\d*,\})|\\[0-9]|\(\?[^:]`)

// Fits tries a number on a kind, in the program's engine and in the database's,
// which must agree.
func Fits(tx db.Tx, t Identifier, value string) (Trial, error) {
	trial := Trial{Value: registry.NormalIdentifier(value), Sound: true, Digits: registry.CheckDigit(t.CheckDigit, registry.NormalIdentifier(value))}
	if t.Pattern == "" {
		trial.Fits = true
		return trial, nil
	}
	pattern, err := regexp.Compile(`^(?:` + t.Pattern + `)$`)
	if err != nil || len(t.Pattern) > maxPattern || costly.MatchString(t.Pattern) {
		trial.Sound = false
		return trial, nil
	}
	trial.Fits = pattern.MatchString(trial.Value)
	var theirs *bool
	err = tx.Get(&theirs, `select try_pattern($1, $2)`, t.Pattern, trial.Value)
	if err != nil {
		return trial, err
	}
	if theirs == nil || *theirs != trial.Fits {
		trial.Sound, trial.Fits = false, false
	}
	return trial, nil
}
