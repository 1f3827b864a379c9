package cases_test

import (
	"reflect"
	"testing"

	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/formula"
)

// An answer to a question that another answer took away is neither asked for
// nor sent.
func TestAnswers(t *testing.T) {
	t.Parallel()
	fields := registry.Fields{
		{Subject: "household", Code: "farms", Type: registry.TypeYesNo, Section: "farming"},
		{Subject: "household", Code: "goats", Type: registry.TypeNumber, Section: "farming", VisibleWhen: `farms == "yes"`},
		{Subject: "person", Code: "literate", Type: registry.TypeYesNo},
	}
	set, err := formula.New(fields)
	if err != nil {
		t.Fatal(err)
	}
	form := cases.Form{Fields: fields, Formulas: set}
	for _, tt := range []struct {
		given, sent registry.Values
		pages       []string
	}{
		{registry.Values{"farms": "yes", "goats": 3.0}, registry.Values{"farms": "yes", "goats": 3.0}, []string{"q/farms", "q/goats"}},
		{registry.Values{"farms": "no", "goats": 3.0}, registry.Values{"farms": "no"}, []string{"q/farms"}},
		{registry.Values{"goats": 3.0}, registry.Values{"goats": 3.0}, []string{"q/farms", "q/goats"}}, // not known yet
		{registry.Values{"literate": "yes"}, registry.Values{}, []string{"q/farms", "q/goats"}},
	} {
		if got := cases.AnswersTo(form.Asks("household", tt.given), tt.given); !reflect.DeepEqual(got, tt.sent) {
			t.Errorf("%v is sent as %v", tt.given, got)
		}
		if got := form.Pages(&cases.Draft{Fields: tt.given}, cases.SectionFarming); !reflect.DeepEqual(got, tt.pages) {
			t.Errorf("%v asks %v", tt.given, got)
		}
	}
}
