package settings_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases/kinds"
	"daftar/registry/settings"
)

// A kind of request that people could not make, or that nobody could decide, is
// refused, each for what is wrong with it.
func TestKindsThatCannotBe(t *testing.T) {
	t.Parallel()
	d := open(t)
	worker := db.Principal{Role: db.Jobs, Kind: "job"}
	as(t, d, worker, kinds.PublishMissing)
	as(t, d, worker, func(tx db.Tx) error { // somebody checks and somebody decides, at the office alone
		return tx.Exec(`insert into staff_role (staff_id, role, area_id, valid_from)
			select x.id, x.role, a.id, $1::timestamptz - interval '1 day' from area a, (values
			('00000000-0000-0000-0000-000000000002'::uuid, 'verifier'), ('00000000-0000-0000-0000-000000000003'::uuid, 'approver')) x (id, role) where a.code = 'MJ'`, tx.Now())
	})
	for name, c := range map[string]struct {
		code string
		edit func(*kinds.Kind)
		want string // input: message
	}{
		"a clock is changed":                   {"job", func(k *kinds.Kind) { k.Days = 5 }, ""},
		"a clock runs backwards":               {"job", func(k *kinds.Kind) { k.Days = -1 }, "case_kinds.0.days: settings.error.between"},
		"a year to answer":                     {"job", func(k *kinds.Kind) { k.Days = 366 }, "case_kinds.0.days: settings.error.between"},
		"the ministry before the office above": {"job", func(k *kinds.Kind) { k.Regional = 20 }, "case_kinds.0.national: settings.error.later"},
		"those above are told sooner":          {"job", func(k *kinds.Kind) { k.Regional, k.National = 2, 4 }, ""},
		"told the day before":                  {"job", func(k *kinds.Kind) { k.Regional = -1 }, "case_kinds.0.regional: settings.error.between"},
		"nothing to refuse it for":             {"job", func(k *kinds.Kind) { k.Reasons = nil }, "case_kinds.0.reasons: settings.error.no_reason"},
		"a reason in one language": {"job", func(k *kinds.Kind) {
			k.Reasons = []kinds.Reason{{Code: "late", Text: map[string]string{"en": "It is late."}}}
		}, "case_kinds.0.reasons.0.text.ar: settings.error.text"},
		"a reason without a code": {"job", func(k *kinds.Kind) {
			k.Reasons = append(slices.Clone(k.Reasons), kinds.Reason{Code: "of its own!", Text: k.Title})
		}, "case_kinds.0.reasons.5.code: field.error.code"},
		"a reason twice": {"job", func(k *kinds.Kind) { k.Reasons = append(slices.Clone(k.Reasons), k.Reasons[0]) }, "case_kinds.0.reasons.5.code: settings.error.twice"},
		"a reason of its own": {"job", func(k *kinds.Kind) {
			k.Reasons = append(slices.Clone(k.Reasons), kinds.Reason{Code: "elsewhere", Text: k.Title})
		}, ""},
		"no paper, no registration": {"registration", func(k *kinds.Kind) {
			k.Reasons = append(slices.Clone(k.Reasons), kinds.Reason{Code: "no_paper", Text: k.Title})
		}, "case_kinds.0.reasons.4.facts.0.code: settings.error.reason_of_law"},
		"help that never ends": {"job", func(k *kinds.Kind) {
			k.Questions = slices.Clone(k.Questions)
			k.Questions[0].Help = map[string]string{"en": strings.Repeat("x", 201)}
		}, "case_kinds.0.questions.0.help.en: field.error.too_long"},
		"nobody works there":       {"job", func(k *kinds.Kind) { k.Desk = "appeals" }, "case_kinds.0.desk: settings.error.nobody_decides"},
		"too few work there":       {"job", func(k *kinds.Kind) { k.Hands = 3 }, "case_kinds.0.desk: settings.error.nobody_decides"},
		"one hand changes records": {"job", func(k *kinds.Kind) { k.Hands = 1 }, "case_kinds.0.code: settings.error.kind"},
		"a field that nobody has": {"job", func(k *kinds.Kind) {
			k.Questions = append(slices.Clone(k.Questions), kinds.Question{Code: "x", Field: "person.wings"})
		}, "case_kinds.0.questions.5.field: settings.error.unknown_field"},
		"without who":                 {"job", func(k *kinds.Kind) { k.Questions = k.Questions[1:] }, "case_kinds.0.questions: settings.error.needed_question"},
		"no name in Arabic":           {"job", func(k *kinds.Kind) { k.Title = map[string]string{"en": "Work"} }, "case_kinds.0.title.ar: settings.error.text"},
		"a day that is none":          {"job", func(k *kinds.Kind) { k.From = "soon" }, "case_kinds.0.from: settings.error.day"},
		"no appeals":                  {"appeal", func(k *kinds.Kind) { k.Off = true }, "case_kinds.0.off: settings.error.never_off"},
		"what is sealed is opened":    {"safeguarding", func(k *kinds.Kind) { k.Access = "open" }, "case_kinds.0.code: settings.error.kind_stays"},
		"it does something else":      {"job", func(k *kinds.Kind) { k.Effect = "leave" }, "case_kinds.0.code: settings.error.kind_stays"},
		"proof of no known certainty": {"job", func(k *kinds.Kind) { k.Proof = []kinds.Proof{{Code: "x", Label: k.Title, Level: "certain"}} }, "case_kinds.0.proof.0.level: field.error.choice"},
	} {
		as(t, d, officer(1), func(tx db.Tx) error {
			state, err := settings.Read(tx)
			if err != nil {
				return err
			}
			k, ok := state.CaseKind(c.code)
			if !ok {
				t.Fatalf("no kind %s", c.code)
			}
			c.edit(&k)
			f := &settings.File{Format: settings.Format, CaseKinds: []kinds.Kind{k}}
			next := state.With(f)
			err = settings.Check(tx, f, state, next)
			var wrong *fault.Error
			var got []string
			if errors.As(err, &wrong) {
				for _, one := range wrong.Fields {
					got = append(got, one.Name+": "+one.Key)
				}
			} else if err != nil {
				return err
			}
			if c.want == "" && len(got) > 0 || c.want != "" && !slices.Contains(got, c.want) {
				t.Errorf("%s: %q instead of %q", name, got, c.want)
			}
			return nil
		})
	}
}

// A clock of nought in a file is no clock that was left out: it is refused, with its
// line.
func TestClocksOfNought(t *testing.T) {
	t.Parallel()
	for _, clock := range []string{"days", "hours", "object", "regional", "national"} {
		text := "daftar_settings: 1\ncase_kinds:\n  - code: job\n    " + clock + ": "
		_, err := settings.ReadFile(strings.NewReader(text + "0\n"))
		var wrong *fault.Error
		if !errors.As(err, &wrong) || len(wrong.Fields) != 1 || wrong.Fields[0].Args["Line"] != 4 || wrong.Fields[0].Args["Key"] != "case_kinds.0."+clock {
			t.Errorf("%s: %v", clock, err)
		}
		if _, err := settings.ReadFile(strings.NewReader(text + "3\n")); err != nil {
			t.Error(err)
		}
	}
}
