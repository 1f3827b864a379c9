package formula

import (
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"

	"daftar/fault"
	"daftar/registry"
)

// Wrong says what is wrong with an expression, as a message for whoever wrote it.
type Wrong struct{ fault.Nested }

func (w *Wrong) Error() string {
	text := w.Key
	for _, name := range []string{"Name", "At", "Said"} {
		if value, ok := w.Args[name].(string); ok {
			text += " " + value
		}
	}
	return text
}

func wrong(key string, args ...any) *Wrong {
	return &Wrong{fault.Nested{Key: key, Args: fault.Pairs(args...)}}
}

// gives says that an expression gives something else than is wanted.
func gives(want *cel.Type) *Wrong {
	switch {
	case want.IsExactType(cel.DoubleType):
		return wrong("formula.error.gives.number")
	case want.IsExactType(cel.BoolType):
		return wrong("formula.error.gives.yes_no")
	}
	return wrong("formula.error.gives.text")
}

var undeclared = regexp.MustCompile(`undeclared reference to '([^']*)'`)

// plain is the first of CEL's complaints in other words.
func plain(issues *cel.Issues, f registry.Field, fields registry.Fields) *Wrong {
	list := issues.Errors()
	if len(list) == 0 {
		return wrong("formula.error.syntax", "At", "1")
	}
	said, at := list[0].Message, list[0].Location.Column()+1
	if name := undeclared.FindStringSubmatch(said); name != nil {
		switch o, ok := fields.Of(registry.KindPerson).Get(name[1]); {
		case name[1] == members:
			return wrong("formula.error.members", "Name", members)
		case ok && f.Subject == registry.KindHousehold && f.Roster == "" && f.Type == registry.TypeCalculated:
			return wrong("formula.error.of_person", "Field", o.Label, "Example", "members.exists(m, m."+o.Code+" == …)")
		}
		return wrong("formula.error.name", "Name", name[1])
	}
	switch {
	case strings.Contains(said, noColumn):
		return wrong("formula.error.sum", "Example", "plots.sum(p.ha)")
	case strings.Contains(said, noRow):
		return wrong("formula.error.row", "Example", `plots.count(p, p.irrigated == "yes")`)
	case strings.Contains(said, "no matching overload"):
		return wrong("formula.error.mixed", "At", at)
	case strings.Contains(said, "Syntax error"):
		return wrong("formula.error.syntax", "At", at)
	}
	return wrong("formula.error.other", "At", at)
}
