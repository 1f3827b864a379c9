package settings

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

// part is a file that says one thing.
func part(say func(*settings.File)) *settings.File {
	f := &settings.File{Format: settings.Format}
	say(f)
	return f
}

// whole reads a whole number; what is none is noted.
func whole(form *web.Form, check *fault.Check, name string) int {
	text := i18n.LatinDigits(form.Text(check, name, 10))
	n, err := strconv.Atoi(text)
	if err != nil && !check.Failed(name) {
		check.Fail(name, "field.error.whole")
	}
	return n
}

var country = page{
	path: "country", title: "setting.country", careful: true,
	named: func(v *visit) []string {
		return append(v.texts("country.name"), "country.code", "country.time_zone")
	},
	fill: func(v *visit) map[string][]string {
		c := v.state.Settings.Country
		values := map[string][]string{"country.code": {c.Code}, "country.time_zone": {c.TimeZone}}
		v.fillText(values, "country.name", c.Name)
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			f.Country = &registry.Country{Name: v.readText(form, check, "country.name"),
				Code: strings.ToUpper(form.Text(check, "country.code", longest)), TimeZone: form.Text(check, "country.time_zone", longest)}
		})
	},
	view: func(v *visit, f *ui.Form) templ.Component { return countryInputs(v, f) },
}

var languages = page{
	path: "languages", title: "setting.languages",
	named: func(*visit) []string { return []string{"languages.offered", "default"} },
	fill: func(v *visit) map[string][]string {
		offered := settings.Offered(&v.state.Settings)
		return map[string][]string{"languages.offered": offered, "default": offered[:1]}
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			l := v.state.Settings.Languages
			l.Offered = slices.Clone(form.All("languages.offered"))
			first := form.Get("default")
			if !slices.Contains(l.Offered, first) {
				check.Fail("default", "setting.error.default")
				return
			}
			l.Offered = append([]string{first}, slices.DeleteFunc(l.Offered, func(tag string) bool { return tag == first })...)
			f.Languages = &l
		})
	},
	view:  func(v *visit, f *ui.Form) templ.Component { return languageInputs(v, f) },
	input: func(string) string { return "languages.offered" },
}

var writing = page{
	path: "writing", title: "setting.writing",
	named: func(v *visit) []string {
		var names []string
		for _, l := range v.languages {
			names = append(names, writes(l, "digits"), writes(l, "calendars"), writes(l, "second"))
		}
		return names
	},
	fill: func(v *visit) map[string][]string {
		values := map[string][]string{}
		for _, l := range v.languages {
			w := v.state.Settings.Languages.Writing[l.Tag]
			values[writes(l, "digits")] = []string{orElse(w.Digits, "latn")}
			first, second := i18n.Gregorian, ""
			if len(w.Calendars) > 0 {
				first = w.Calendars[0]
			}
			if len(w.Calendars) > 1 {
				second = w.Calendars[1]
			}
			values[writes(l, "calendars")], values[writes(l, "second")] = []string{first}, []string{second}
		}
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			l := v.state.Settings.Languages
			l.Writing = map[string]i18n.Writing{}
			for _, locale := range v.languages {
				w := i18n.Writing{Digits: form.Choice(check, writes(locale, "digits"), locale.Numberings(), "field.error.choice")}
				w.Calendars = []string{form.Choice(check, writes(locale, "calendars"), i18n.Calendars(), "field.error.choice")}
				if second := form.Get(writes(locale, "second")); second != "" {
					w.Calendars = append(w.Calendars, second)
				}
				if w.Digits == "latn" {
					w.Digits = ""
				}
				if len(w.Calendars) == 1 && w.Calendars[0] == i18n.Gregorian {
					w.Calendars = nil
				}
				if w.Digits != "" || w.Calendars != nil {
					l.Writing[locale.Tag] = w
				}
			}
			if len(l.Writing) == 0 {
				l.Writing = nil
			}
			f.Languages = &l
		})
	},
	view:    func(v *visit, f *ui.Form) templ.Component { return writingInputs(v, f) },
	preview: func(v *visit, next *settings.State) templ.Component { return writingPreview(v, next) },
}

func writes(l i18n.Locale, what string) string { return "languages.writing." + l.Tag + "." + what }

func orElse(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}

var currency = page{
	path: "currency", title: "setting.currency", careful: true,
	named: func(v *visit) []string {
		return slices.Concat([]string{"currency.code", "currency.decimals"}, v.texts("currency.name"), v.texts("currency.written"))
	},
	fill: func(v *visit) map[string][]string {
		m := v.state.Settings.Currency
		values := map[string][]string{"currency.code": {m.Code}, "currency.decimals": {strconv.Itoa(m.Decimals)}}
		v.fillText(values, "currency.name", m.Name)
		v.fillText(values, "currency.written", m.Written)
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			f.Currency = &i18n.Money{Code: strings.ToUpper(form.Text(check, "currency.code", longest)), Decimals: whole(form, check, "currency.decimals"),
				Name: v.readText(form, check, "currency.name"), Written: v.readText(form, check, "currency.written")}
		})
	},
	view:    func(v *visit, f *ui.Form) templ.Component { return currencyInputs(v, f) },
	preview: func(v *visit, next *settings.State) templ.Component { return moneyPreview(v, next) },
}

var weekend = page{
	path: "working-days", title: "setting.weekend", careful: true,
	named: func(*visit) []string { return []string{"working_days.weekend"} },
	fill: func(v *visit) map[string][]string {
		return map[string][]string{"working_days.weekend": v.state.Settings.WorkingDays.Weekend}
	},
	read: func(v *visit, form *web.Form, _ *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			w := v.state.Settings.WorkingDays
			w.Weekend = slices.Clone(form.All("working_days.weekend"))
			if w.Weekend == nil {
				w.Weekend = []string{}
			}
			f.WorkingDays = &w
		})
	},
	view:    func(v *visit, f *ui.Form) templ.Component { return weekendInputs(v, f) },
	preview: func(v *visit, next *settings.State) templ.Component { return duePreview(v, next) },
}

// holidays are written a line each: the day, its name in each language, and the
// areas when not all of the country has it.
var holidays = page{
	path: "holidays", title: "setting.holidays", careful: true,
	named: func(*visit) []string { return []string{"holidays", "year"} },
	fill: func(v *visit) map[string][]string {
		return map[string][]string{"holidays": {v.holidayLines(v.year())}, "year": {strconv.Itoa(v.year())}}
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		year, err := strconv.Atoi(form.Get("year"))
		if err != nil {
			year = v.year()
		}
		return part(func(f *settings.File) {
			w := v.state.Settings.WorkingDays
			w.Holidays = v.readHolidays(form.Text(check, "holidays", longest), year, check)
			for _, h := range v.state.Settings.WorkingDays.Holidays {
				if !strings.HasPrefix(h.Day, strconv.Itoa(year)+"-") {
					w.Holidays = append(w.Holidays, h)
				}
			}
			slices.SortStableFunc(w.Holidays, func(a, b registry.Holiday) int { return strings.Compare(a.Day, b.Day) })
			if len(w.Holidays) == 0 {
				w.Holidays = nil
			}
			f.WorkingDays = &w
		})
	},
	view:    func(v *visit, f *ui.Form) templ.Component { return holidayInputs(v, f) },
	preview: func(v *visit, next *settings.State) templ.Component { return duePreview(v, next) },
	input:   func(string) string { return "holidays" },
}

// year is the year whose holidays are shown.
func (v *visit) year() int {
	year := i18n.LatinDigits(v.Query("year"))
	if n, err := strconv.Atoi(year); err == nil && n >= 2000 && n <= 2100 {
		return n
	}
	return v.Now().In(v.Printer().Zone).Year()
}

// years lists those that can be chosen.
func (v *visit) years() []string {
	var list []string
	for n := v.Now().Year() - 1; n <= v.Now().Year()+3; n++ {
		list = append(list, strconv.Itoa(n))
	}
	return list
}

func (v *visit) holidayLines(year int) string {
	var lines []string
	for _, h := range v.state.Settings.WorkingDays.Holidays {
		if !strings.HasPrefix(h.Day, strconv.Itoa(year)+"-") {
			continue
		}
		parts := []string{h.Day}
		for _, l := range v.languages {
			parts = append(parts, h.Name[l.Tag])
		}
		if len(h.Areas) > 0 {
			parts = append(parts, strings.Join(h.Areas, " "))
		}
		lines = append(lines, strings.Join(parts, " | "))
	}
	return strings.Join(lines, "\n")
}

func (v *visit) readHolidays(text string, year int, check *fault.Check) []registry.Holiday {
	var list []registry.Holiday
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.Split(line, "|")
		for n := range parts {
			parts[n] = strings.TrimSpace(parts[n])
		}
		h := registry.Holiday{Day: i18n.LatinDigits(parts[0]), Name: i18n.Text{}}
		if day, err := time.Parse(time.DateOnly, h.Day); err != nil || day.Year() != year || len(parts) < 1+len(v.languages) || len(parts) > 2+len(v.languages) {
			check.Fail("holidays", "setting.error.holiday", "Line", i+1, "Year", fmt.Sprint(year))
			return nil
		}
		for n, l := range v.languages {
			if parts[n+1] != "" {
				h.Name[l.Tag] = parts[n+1]
			}
		}
		if len(parts) == 2+len(v.languages) {
			h.Areas = strings.Fields(strings.ToUpper(i18n.LatinDigits(parts[len(parts)-1])))
		}
		list = append(list, h)
	}
	return list
}

var clocks = page{
	path: "clocks", title: "setting.clocks", careful: true,
	named: func(*visit) []string { return []string{"clocks.answer_days"} },
	fill: func(v *visit) map[string][]string {
		return map[string][]string{"clocks.answer_days": {strconv.Itoa(v.state.Settings.Clocks.AnswerDays)}}
	},
	read: func(_ *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			f.Clocks = &registry.Clocks{AnswerDays: whole(form, check, "clocks.answer_days")}
		})
	},
	view:    func(v *visit, f *ui.Form) templ.Component { return clockInputs(v, f) },
	preview: func(v *visit, next *settings.State) templ.Component { return duePreview(v, next) },
}

var retention = page{
	path: "retention", title: "setting.retention", careful: true,
	named: func(*visit) []string {
		var names []string
		for _, kind := range registry.RetentionKinds() {
			names = append(names, "retention."+kind)
		}
		return names
	},
	fill: func(v *visit) map[string][]string {
		values := map[string][]string{}
		for kind, months := range v.state.Settings.Retention {
			values["retention."+kind] = []string{strconv.Itoa(months)}
		}
		return values
	},
	read: func(_ *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			r := registry.Retention{}
			for _, kind := range registry.RetentionKinds() {
				if form.Get("retention."+kind) != "" {
					r[kind] = whole(form, check, "retention."+kind)
				}
			}
			f.Retention = &r
		})
	},
	view: func(v *visit, f *ui.Form) templ.Component { return retentionInputs(v, f) },
}

var branding = page{
	path: "branding", title: "setting.branding",
	named: func(v *visit) []string {
		return slices.Concat(v.texts("branding.service"), v.texts("branding.owner"), []string{"branding.colour"})
	},
	fill: func(v *visit) map[string][]string {
		b := v.state.Settings.Branding
		values := map[string][]string{"branding.colour": {settings.ColourOf(b.Colour).Code}}
		v.fillText(values, "branding.service", b.Service)
		v.fillText(values, "branding.owner", b.Owner)
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			f.Branding = &registry.Branding{Service: v.readText(form, check, "branding.service"), Owner: v.readText(form, check, "branding.owner"),
				Colour: form.Get("branding.colour")}
			if len(f.Branding.Owner) == 0 {
				f.Branding.Owner = nil
			}
		})
	},
	view:    func(v *visit, f *ui.Form) templ.Component { return brandingInputs(v, f) },
	preview: func(v *visit, next *settings.State) templ.Component { return brandPreview(v, next) },
}

var logo = page{
	path: "logo", title: "setting.logo", upload: true,
	named: func(*visit) []string { return []string{"logo", "do"} },
	fill:  func(*visit) map[string][]string { return nil },
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			file, chosen := form.File("logo")
			switch {
			case form.Get("do") == "remove":
				f.Logo = &registry.Logo{}
			case !chosen:
				check.Fail("logo", "settings.logo.missing")
			default:
				l, err := settings.NewLogo("logo", file.Bytes)
				if err := check.Merge(err); err != nil {
					check.Fail("logo", "upload.error.broken")
				}
				f.Logo = &l
			}
		})
	},
	view: func(v *visit, f *ui.Form) templ.Component { return logoInputs(v, f) },
}

// contact lines are one line each per language; links are an address and its
// words in each language.
var contact = page{
	path: "contact", title: "setting.contact", careful: true,
	named: func(v *visit) []string { return append(v.texts("lines"), "links") },
	fill: func(v *visit) map[string][]string {
		c := v.state.Settings.Contact
		values := map[string][]string{}
		for _, l := range v.languages {
			var lines []string
			for _, line := range c.Lines {
				lines = append(lines, line[l.Tag])
			}
			values["lines."+l.Tag] = []string{strings.Join(lines, "\n")}
		}
		var links []string
		for _, link := range c.Links {
			parts := []string{link.URL}
			for _, l := range v.languages {
				parts = append(parts, link.Label[l.Tag])
			}
			links = append(links, strings.Join(parts, " | "))
		}
		values["links"] = []string{strings.Join(links, "\n")}
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		return part(func(f *settings.File) {
			c := &registry.ServiceContact{}
			for _, l := range v.languages {
				for i, line := range strings.Split(form.Text(check, "lines."+l.Tag, longest), "\n") {
					for len(c.Lines) <= i {
						c.Lines = append(c.Lines, i18n.Text{})
					}
					if line = strings.TrimSpace(line); line != "" {
						c.Lines[i][l.Tag] = line
					}
				}
			}
			c.Lines = slices.DeleteFunc(c.Lines, func(t i18n.Text) bool { return len(t) == 0 })
			for i, line := range strings.Split(form.Text(check, "links", longest), "\n") {
				if strings.TrimSpace(line) == "" {
					continue
				}
				parts := strings.Split(line, "|")
				if len(parts) != 1+len(v.languages) {
					check.Fail("links", "setting.error.link", "Line", i+1)
					break
				}
				link := registry.Link{URL: strings.TrimSpace(parts[0]), Label: i18n.Text{}}
				for n, l := range v.languages {
					if text := strings.TrimSpace(parts[n+1]); text != "" {
						link.Label[l.Tag] = text
					}
				}
				c.Links = append(c.Links, link)
			}
			if len(c.Lines) == 0 {
				c.Lines = nil
			}
			f.Contact = c
		})
	},
	view: func(v *visit, f *ui.Form) templ.Component { return contactInputs(v, f) },
	input: func(name string) string {
		parts := strings.Split(name, ".")
		if len(parts) >= 4 && parts[1] == "lines" {
			return "lines." + parts[3]
		}
		if len(parts) > 1 && parts[1] == "links" {
			return "links"
		}
		return ""
	},
}

// languageNames names the languages in the order of their parts in a line.
func (v *visit) languageNames(ctx context.Context) string {
	var names []string
	for _, l := range v.languages {
		names = append(names, l.Name)
	}
	return strings.Join(names, " | ")
}
