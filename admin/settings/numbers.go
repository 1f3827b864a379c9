package settings

import (
	"regexp"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

// newOne is the code of a thing that is not there yet.
const newOne = "new"

func numberList(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	return c.Render(numbersPage(v, may(c)))
}

func (v *visit) number() (settings.Identifier, bool) {
	i := slices.IndexFunc(v.state.Identifiers, func(t settings.Identifier) bool { return t.Code == v.Param("code") })
	if i < 0 {
		return settings.Identifier{}, v.Param("code") == newOne
	}
	return v.state.Identifiers[i], true
}

// number is one kind of number: what it is called, what its numbers look like,
// who gives them. A number can be tried on it.
var number = page{
	path: "numbers/:code", title: "setting.number", careful: true,
	load: func(v *visit) error {
		if _, there := v.number(); !there {
			return fault.Hidden()
		}
		return nil
	},
	named: func(v *visit) []string {
		return slices.Concat([]string{"code"}, v.texts("identifiers.0.name"),
			[]string{"identifiers.0.subject", "identifiers.0.pattern", "identifiers.0.check_digit", "identifiers.0.issuers", "identifiers.0.retired"})
	},
	fill: func(v *visit) map[string][]string {
		t, _ := v.number()
		values := map[string][]string{"code": {t.Code}, "identifiers.0.pattern": {t.Pattern},
			"identifiers.0.subject": {orElse(t.Subject, registry.KindPerson)}, "identifiers.0.check_digit": {orElse(t.CheckDigit, "none")}}
		v.fillText(values, "identifiers.0.name", t.Name)
		var issuers []string
		for _, issuer := range t.Issuers {
			parts := []string{issuer.Code}
			for _, l := range v.languages {
				parts = append(parts, issuer.Name[l.Tag])
			}
			issuers = append(issuers, strings.Join(parts, " | "))
		}
		values["identifiers.0.issuers"] = []string{strings.Join(issuers, "\n")}
		if t.Retired {
			values["identifiers.0.retired"] = []string{"yes"}
		}
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		t, _ := v.number()
		if t.Code == "" {
			t.Code = form.Text(check, "code", longest)
			taken := slices.ContainsFunc(v.state.Identifiers, func(o settings.Identifier) bool { return o.Code == t.Code })
			if !numberCode.MatchString(t.Code) || t.Code == newOne {
				check.Fail("code", "field.error.code")
			} else if taken {
				check.Fail("code", "field.error.taken")
			}
		}
		t.Name = v.readText(form, check, "identifiers.0.name")
		t.Subject = form.Choice(check, "identifiers.0.subject", subjects(), "field.error.choice")
		t.Pattern = form.Text(check, "identifiers.0.pattern", longest)
		t.CheckDigit = form.Choice(check, "identifiers.0.check_digit", registry.CheckDigits(), "field.error.choice")
		t.Retired = form.Get("identifiers.0.retired") == "yes"
		t.Issuers = v.readIssuers(form.Text(check, "identifiers.0.issuers", longest), check)
		return part(func(f *settings.File) { f.Identifiers = []settings.Identifier{t} })
	},
	view:  func(v *visit, f *ui.Form) templ.Component { return numberInputs(v, f) },
	extra: func(v *visit) templ.Component { return trialForm(v, "", nil) },
}

var numberCode = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

func subjects() []string {
	return []string{registry.KindPerson, registry.KindHousehold, registry.KindGroup}
}

func (v *visit) readIssuers(text string, check *fault.Check) []registry.Issuer {
	var list []registry.Issuer
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 1+len(v.languages) {
			check.Fail("identifiers.0.issuers", "field.error.option_line", "Line", i+1)
			return nil
		}
		issuer := registry.Issuer{Code: strings.TrimSpace(parts[0]), Name: i18n.Text{}}
		for n, l := range v.languages {
			if name := strings.TrimSpace(parts[n+1]); name != "" {
				issuer.Name[l.Tag] = name
			}
		}
		list = append(list, issuer)
	}
	return list
}

// tryNumber tries a number on the kind as it is. It is not kept.
func tryNumber(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	t, there := v.number()
	if !there || t.Code == "" {
		return fault.Hidden()
	}
	form, err := c.Form("number")
	if err != nil {
		return err
	}
	var check fault.Check
	value := form.Text(&check, "number", 60)
	if err := check.Err(); err != nil {
		return err
	}
	var trial settings.Trial
	if err := c.View(func(tx db.Tx) (err error) { trial, err = settings.Fits(tx, t, value); return err }); err != nil {
		return err
	}
	return c.Render(trialPage(v, t, value, trial))
}
