package importer

import (
	"errors"
	"fmt"
	"strings"

	"daftar/fault"
	"daftar/i18n"
)

// Problem is one thing that is wrong with a file: where it is, and the rule as a
// message key with its values.
type Problem struct {
	File   string
	Sheet  string // of a workbook
	Line   int    // 1 is the first; 0 for the file as a whole
	Column string
	Value  string
	Key    string
	Args   map[string]any
	Notice bool // worth knowing; the row is loaded
}

// Rule says what the value should have been.
func (p Problem) Rule(print *i18n.Printer) string {
	var pairs []any
	for name, value := range p.Args {
		switch v := value.(type) {
		case i18n.Text:
			value = v.In(print)
		case string:
			if strings.HasPrefix(v, "@") { // a message of its own
				value = print.T(v[1:])
			}
		}
		pairs = append(pairs, name, value)
	}
	return print.T(p.Key, pairs...)
}

// Place names the file, sheet and line.
func (p Problem) Place() string {
	place := p.File
	if p.Sheet != "" {
		place += ":" + p.Sheet
	}
	if p.Line > 0 {
		place += fmt.Sprintf(":%d", p.Line)
	}
	return place
}

// Say is the problem as one line.
func (p Problem) Say(print *i18n.Printer) string {
	if p.Column == "" {
		return p.Place() + ": " + p.Rule(print)
	}
	return fmt.Sprintf("%s: %s = %q: %s", p.Place(), p.Column, p.Value, p.Rule(print))
}

// maxValue is how much of a wrong value is kept, in characters.
const maxValue = 200

// clip keeps a wrong value short enough to be shown.
func clip(s string) string {
	if len(s) <= maxValue {
		return s
	}
	if r := []rune(s); len(r) > maxValue {
		return string(r[:maxValue]) + "…"
	}
	return s
}

// readable is an error about a file as a whole, for whoever chose it.
func readable(file, key string, args ...any) error {
	return fault.New(fault.Invalid, key, append([]any{"File", file}, args...)...)
}

// AboutFile is an error about a file as a whole, as a problem; false for any
// other error.
func AboutFile(err error) (Problem, bool) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid || f.Args["File"] == nil {
		return Problem{}, false
	}
	return Problem{File: fmt.Sprint(f.Args["File"]), Key: f.Key, Args: f.Args}, true
}
