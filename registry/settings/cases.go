package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/registry/deadline"
)

// Bounds of what people can ask for.
const (
	maxKindDays  = 180
	maxKindHours = 24 * 30
	maxLead      = 1000
)

// steady are the families that people always need a way to: those are never off.
var steady = []string{"registration", "appeal", "silence", "duplicate", "recertification", "undo"}

// caseKinds checks what people can ask for: that it can be asked, answered in
// time, and decided by somebody.
func (c *checker) caseKinds(tx db.Tx, old *State) error {
	for i, k := range c.file.CaseKinds {
		path := fmt.Sprintf("case_kinds.%d", i)
		if slices.IndexFunc(c.file.CaseKinds, func(x kinds.Kind) bool { return x.Code == k.Code }) < i {
			c.Fail(path+".code", "settings.error.twice", "Code", k.Code)
		}
		if c.same(KindCase, k.Code) {
			continue
		}
		was := kinds.Kind{}
		if n := slices.IndexFunc(old.CaseKinds, func(x kinds.Kind) bool { return x.Code == k.Code }); n >= 0 {
			was = old.CaseKinds[n]
		}
		if !caseCodeFits(k.Code) {
			c.Fail(path+".code", "field.error.code")
		}
		c.text(path+".title", k.Title, maxText, true)
		c.text(path+".hint", k.Hint, maxText, false)
		c.text(path+".lead", k.Lead, maxLead, false)
		for n, need := range k.Needs {
			c.text(fmt.Sprintf("%s.needs.%d", path, n), need, maxText, false)
		}
		c.between(path+".days", k.Days, 0, maxKindDays)
		c.between(path+".hours", k.Hours, 0, maxKindHours)
		c.between(path+".object", k.Object, 0, maxKindDays)
		c.between(path+".regional", k.Regional, 0, maxKindDays)
		c.between(path+".national", k.National, 0, maxKindDays)
		if cmp.Or(k.National, deadline.NationalDays) <= cmp.Or(k.Regional, deadline.RegionalDays) {
			c.Fail(path+".national", "settings.error.later")
		}
		if _, err := time.Parse(time.DateOnly, k.From); k.From != "" && err != nil {
			c.Fail(path+".from", "settings.error.day")
		}
		if k.Off && (slices.Contains(steady, k.Family) || k.Access == "sealed") {
			c.Fail(path+".off", "settings.error.never_off")
		}
		if was.Access == "sealed" && k.Access != "sealed" || was.Code != "" && (was.Effect != k.Effect || was.Family != k.Family) {
			c.Fail(path+".code", "settings.error.kind_stays")
		}
		for n, p := range k.Proof {
			at := fmt.Sprintf("%s.proof.%d", path, n)
			if !identifierCode.MatchString(p.Code) || slices.IndexFunc(k.Proof, func(x kinds.Proof) bool { return x.Code == p.Code }) < n {
				c.Fail(at+".code", "field.error.code")
			}
			c.text(at+".label", p.Label, maxText, true)
			if !slices.Contains(registry.Assurances(), p.Level) {
				c.Fail(at+".level", "field.error.choice")
			}
		}
		c.questions(path, k, was)
		c.reasons(path, k)
		if err := c.deciders(tx, path, k); err != nil {
			return err
		}
		if err := k.Check(effect.Names()); err != nil && !c.under(path) {
			c.Fail(path+".code", "settings.error.kind", "Why", strings.TrimPrefix(err.Error(), "kind "+k.Code+": "))
		}
	}
	return nil
}

func caseCodeFits(code string) bool {
	return code != "" && len(code) <= 31 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == "" && code[0] != '_'
}

func (c *checker) between(path string, n, low, high int) {
	if n < low || n > high {
		c.Fail(path, "settings.error.between", "Min", max(low, 1), "Max", high)
	}
}

// under reports whether anything is wrong below a path.
func (c *checker) under(path string) bool {
	wrong := c.Fault()
	return wrong != nil && slices.ContainsFunc(wrong.Fields, func(f fault.Field) bool { return strings.HasPrefix(f.Name, path+".") })
}

// questions checks that each question asks for something that the country has,
// and that none is gone that the effect cannot do without.
func (c *checker) questions(path string, k, was kinds.Kind) {
	for n, q := range k.Questions {
		c.text(fmt.Sprintf("%s.questions.%d.help", path, n), q.Help, maxText, false)
		if q.Field == "" || q.Page == "values" {
			continue
		}
		if _, before := was.Question(q.Code); before {
			continue // what ships asks for some values only where the country has them
		}
		at := fmt.Sprintf("%s.questions.%d", path, n)
		subject, code, _ := strings.Cut(q.Field, ".")
		if !slices.ContainsFunc(Askable(c.next), func(f registry.Field) bool { return f.Subject == subject && f.Code == code }) {
			c.Fail(at+".field", "settings.error.unknown_field", "Code", q.Field)
		} else if k.Effect != "set" {
			c.Fail(at+".field", "settings.error.writes_nothing")
		}
	}
	for _, q := range was.Questions {
		if _, still := k.Question(q.Code); !still && q.Needed {
			c.Fail(path+".questions", "settings.error.needed_question", "Code", q.Label)
		}
	}
}

// reasons checks for what a kind may be refused: for something, each in every
// language, and a registration for nothing but what the law knows (RULES R1).
func (c *checker) reasons(path string, k kinds.Kind) {
	if len(k.Reasons) == 0 && k.Family != "undo" {
		c.Fail(path+".reasons", "settings.error.no_reason")
	}
	for n, r := range k.Reasons {
		at := fmt.Sprintf("%s.reasons.%d", path, n)
		if !identifierCode.MatchString(r.Code) {
			c.Fail(at+".code", "field.error.code")
		}
		if slices.IndexFunc(k.Reasons, func(x kinds.Reason) bool { return x.Code == r.Code }) < n {
			c.Fail(at+".code", "settings.error.twice", "Code", r.Code)
		}
		c.text(at+".text", r.Text, maxText, true)
		facts := r.Facts
		if len(facts) == 0 {
			facts = []kinds.Fact{{}} // none is one of a registration's
		}
		for m, f := range facts {
			in := fmt.Sprintf("%s.facts.%d", at, m)
			if slices.IndexFunc(facts, func(x kinds.Fact) bool { return x.Code == f.Code }) < m {
				c.Fail(in+".code", "settings.error.twice", "Code", f.Code)
			}
			if k.Family == "registration" && !cases.PermittedReason(r.Code, f.Code) {
				c.Fail(in+".code", "settings.error.reason_of_law", "Code", r.Code)
			}
			if len(r.Facts) == 0 {
				continue
			}
			if !identifierCode.MatchString(f.Code) {
				c.Fail(in+".code", "field.error.code")
			}
			c.text(in+".text", f.Text, maxText, true)
		}
	}
}

// Askable are the definitions that a question of a kind can ask for.
func Askable(s *State) registry.Fields {
	var list registry.Fields
	for i, e := range s.Fields {
		f := e.Field(i)
		if f.Roster == "" && f.Type != registry.TypeCalculated && f.Type != registry.TypeRoster && f.Type != registry.TypeFile &&
			(f.Subject == registry.KindPerson || f.Subject == registry.KindHousehold) {
			list = append(list, f)
		}
	}
	return list
}

// deciders refuses a kind that nobody could decide: too few people work at its
// desk for as many hands. Where nobody works yet, nothing is known of it.
func (c *checker) deciders(tx db.Tx, path string, k kinds.Kind) error {
	var at struct {
		Staff   int `db:"staff"`
		Check   int `db:"checking"`
		Decide  int `db:"deciding"`
		Anybody int `db:"anybody"`
	}
	if err := tx.Get(&at, `
		select (select count(*) from staff where active) as staff,
		  count(distinct s.id) filter (where d.step = 'recommend') as checking,
		  count(distinct s.id) filter (where d.step = 'decide') as deciding,
		  count(distinct s.id) as anybody
		from staff s join staff_scope r on r.staff_id = s.id and r.valid_from <= $2 and (r.valid_to is null or r.valid_to > $2)
		join desk_role d on d.role = r.role and d.desk = $1 and d.step in ('recommend', 'decide')
		where s.active`, k.Desk, tx.Now()); err != nil {
		return err
	}
	enough := at.Decide >= 1
	switch k.Hands {
	case 2:
		enough = at.Check >= 1 && at.Decide >= 1 && at.Anybody >= 2
	case 3:
		enough = at.Check >= 1 && at.Decide >= 2 && at.Anybody >= 3
	}
	if at.Staff > 0 && !enough {
		c.Fail(path+".desk", "settings.error.nobody_decides")
	}
	return nil
}

// CaseKind is the newest version of a kind, if there is one.
func (s *State) CaseKind(code string) (kinds.Kind, bool) {
	i := slices.IndexFunc(s.CaseKinds, func(k kinds.Kind) bool { return k.Code == code })
	if i < 0 {
		return kinds.Kind{}, false
	}
	return s.CaseKinds[i], true
}
