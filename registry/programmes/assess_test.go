package programmes_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/programmes"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	worker   = db.Principal{Role: db.Jobs, Kind: "job"}
	proposer = db.Principal{Role: db.Jobs, Kind: "staff", Actor: db.ID{1}}
	approver = db.Principal{Role: db.Jobs, Kind: "staff", Actor: db.ID{2}}
)

// country is one area with the fields of the rule's own tests and a programme.
type country struct {
	*dbtest.DB
	area, programme db.ID
}

func newCountry(t *testing.T) *country {
	t.Helper()
	c := &country{DB: dbtest.New(t)}
	c.do(t, worker, func(tx db.Tx) error {
		c.area, c.programme = tx.NewID(), tx.NewID()
		if err := tx.Exec(`insert into area (id, code, level, kind, name) values ($1, 'X', 0, 'country', '{"en": "X"}')`, c.area); err != nil {
			return err
		}
		for _, f := range fields {
			options, err := json.Marshal(f.Options)
			if err != nil {
				return err
			}
			if f.Options == nil {
				options = []byte("[]")
			}
			if err := tx.Exec(`
				insert into field_definition (id, subject, code, version, type, label, options, published_at)
				values ($1, $2, $3, 1, $4, '{"en": "x"}', $5, $6)`, tx.NewID(), f.Subject, f.Code, f.Type, string(options), tx.Now()); err != nil {
				return err
			}
		}
		return tx.Exec(`insert into programme (id, code, name) values ($1, 'child-grant', '{"en": "Child grant"}')`, c.programme)
	})
	c.publish(t, childGrant)
	return c
}

func (c *country) do(t *testing.T, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := c.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

func (c *country) publish(t *testing.T, rule programmes.Rule) {
	t.Helper()
	c.Clock.Add(1e9)
	c.do(t, worker, func(tx db.Tx) error {
		defined, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		return programmes.Publish(tx, c.programme, rule, defined)
	})
	c.measure(t)
}

// measure runs the job that a publication asks for, and returns the state of
// the latest version.
func (c *country) measure(t *testing.T) (state programmes.ReviewState) {
	t.Helper()
	var rule db.ID
	c.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&rule, `select id from programme_rule where programme_id = $1 order by version desc limit 1`, c.programme)
	})
	for range 2 { // the second time changes nothing
		if err := programmes.Measure(t.Context(), c.DB.DB, rule); err != nil {
			t.Fatal(err)
		}
	}
	c.do(t, worker, func(tx db.Tx) error { return tx.Get(&state, `select state from rule_review where rule_id = $1`, rule) })
	return state
}

// home is a household with a mother and a child born in birth (a year, "" for
// not known).
type home struct {
	id, mother, child  db.ID
	ref, ref1, ref2    string
	membership, sister db.ID
	version            int
}

// tell writes what is known of a household now, as anything is written.
func (c *country) tell(t *testing.T, h *home, birth string, values registry.Values) {
	t.Helper()
	var change db.ID
	c.do(t, proposer, func(tx db.Tx) error {
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		if h.version == 0 {
			h.id, h.mother, h.child, h.membership, h.sister = tx.NewID(), tx.NewID(), tx.NewID(), tx.NewID(), tx.NewID()
			h.ref, h.ref1, h.ref2 = registry.NewRef('H', tx.Rand()), registry.NewRef('P', tx.Rand()), registry.NewRef('P', tx.Rand())
		}
		from := registry.Provenance{"*": source}
		mother := registry.PersonData{Ref: h.ref1, BirthFrom: "1990-01-01", BirthTo: "1990-01-01", Provenance: from,
			Memberships: []registry.MembershipData{{ID: h.membership, HouseholdID: h.id, Relationship: "head"}}}
		child := registry.PersonData{Ref: h.ref2, Provenance: from,
			Memberships: []registry.MembershipData{{ID: h.sister, HouseholdID: h.id, Relationship: "child"}}}
		if birth != "" {
			child.BirthFrom, child.BirthTo = birth+"-01-01", birth+"-12-31"
		}
		change, err = registry.Propose(tx, registry.OriginBatch, []registry.Item{
			{Kind: registry.KindHousehold, Subject: h.id, BaseVersion: h.version, Data: registry.HouseholdData{
				Ref: h.ref, AreaID: c.area, Fields: values, Provenance: from}},
			{Kind: registry.KindPerson, Subject: h.mother, BaseVersion: h.version, Data: mother},
			{Kind: registry.KindPerson, Subject: h.child, BaseVersion: h.version, Data: child},
		})
		return err
	})
	c.do(t, approver, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
	h.version++
}

// assess decides, and returns the decision in force; "" for none.
func (c *country) assess(t *testing.T, h *home) (d programmes.Decision) {
	t.Helper()
	c.Clock.Add(1e9)
	c.do(t, worker, func(tx db.Tx) error {
		if err := programmes.Assess(tx, h.id); err != nil {
			return err
		}
		list, err := programmes.Decisions(tx, h.id)
		if len(list) == 1 {
			d = list[0]
		} else if len(list) > 1 {
			t.Errorf("%d decisions in force", len(list))
		}
		return err
	})
	return d
}

func (c *country) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	c.do(t, worker, func(tx db.Tx) error { return tx.Get(&n, query, args...) })
	return n
}

const noted = `select count(*) from audit_event where action = 'decision.review_needed' and subject = $1`

func outcomes(d programmes.Decision) string {
	each := []string{d.Outcome}
	for _, r := range d.Criteria {
		each = append(each, string(r.Outcome))
	}
	return strings.Join(each, " ")
}

var (
	poor = registry.Values{"roof": "7", "electricity": "no"}
	rich = registry.Values{"roof": "1", "electricity": "yes"}
)

func TestAssess(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	for name, k := range map[string]struct {
		birth  string
		values registry.Values
		want   string
	}{
		"poor, with a child":     {"2024", poor, "eligible met met"},
		"rich, with a child":     {"2024", rich, "not_eligible met not_met"},
		"poor, child grown up":   {"2010", poor, "not_eligible not_met met"},
		"perhaps still a child":  {"2020", poor, "unknown unknown met"},
		"age not known":          {"", poor, "unknown unknown met"},
		"roof not known":         {"2024", registry.Values{"electricity": "no"}, "unknown met unknown"},
		"said not to know":       {"2024", registry.Values{"roof": "1", "electricity": "unknown"}, "not_eligible met not_met"}, // 8 + 4 already
		"nothing known":          {"", nil, "unknown unknown unknown"},
		"surely not, one way":    {"2010", nil, "not_eligible not_met unknown"},
		"an option that is gone": {"2024", registry.Values{"roof": "99", "electricity": "no"}, "unknown met unknown"},
	} {
		var h home
		c.tell(t, &h, k.birth, k.values)
		d := c.assess(t, &h)
		if got := outcomes(d); got != k.want {
			t.Errorf("%s: %s, want %s", name, got, k.want)
		}
		if again := c.assess(t, &h); again.ID != d.ID {
			t.Errorf("%s: decided again without a reason", name)
		}
		// Decided as known on its day, and to be repeated from what is stored.
		rule, err := programmes.Compile(d.Rule, fields)
		if err != nil {
			t.Fatal(err)
		}
		replayed, err := rule.Decide(d.Inputs)
		if err != nil || !reflect.DeepEqual(replayed.Criteria, d.Criteria) {
			t.Errorf("%s: replayed %+v, was %+v, %v", name, replayed, d.Criteria, err)
		}
	}
}

// What becomes known decides; what is no longer so never takes away (RULES R9,
// R10).
func TestEligibilityIsNeverTakenBack(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	var h home
	c.tell(t, &h, "", nil)
	if d := c.assess(t, &h); d.Outcome != programmes.Undecided {
		t.Fatal(d.Outcome)
	}
	c.tell(t, &h, "2024", rich)
	if d := c.assess(t, &h); d.Outcome != programmes.NotEligible {
		t.Fatal(d.Outcome)
	}
	c.tell(t, &h, "2024", poor)
	granted := c.assess(t, &h)
	if granted.Outcome != programmes.Eligible || c.count(t, `select count(*) from decision where household_id = $1`, h.id) != 3 {
		t.Fatal(granted.Outcome)
	}
	stands := func(after string, notes, proposals int) {
		t.Helper()
		if d := c.assess(t, &h); d.ID != granted.ID || d.Outcome != programmes.Eligible || !reflect.DeepEqual(d.Criteria, granted.Criteria) {
			t.Errorf("%s: %+v", after, d)
		}
		if n := c.count(t, noted, h.id); n != notes {
			t.Errorf("%s: noted %d times, want %d", after, n, notes)
		}
		if n := c.count(t, `select count(*) from decision where household_id = $1 and state = 'proposed'`, h.id); n != proposals {
			t.Errorf("%s: %d proposals, want %d", after, n, proposals)
		}
	}
	c.tell(t, &h, "2024", rich)
	stands("grown rich", 0, 1)
	stands("the same again", 0, 1)
	c.tell(t, &h, "2024", nil)
	stands("no longer known", 1, 0)
	c.tell(t, &h, "2010", rich)
	stands("grown up and rich", 1, 1)
	c.tell(t, &h, "2024", poor)
	stands("as before", 1, 0)
	c.publish(t, programmes.Rule{Criteria: []programmes.Criterion{{Code: "nobody", When: `household.size > 10`}}})
	stands("a stricter rule, which waits", 1, 0)
	c.publish(t, childGrant)
	if d := c.assess(t, &h); d.Outcome != programmes.Eligible || d.RuleVersion != 3 || d.ID == granted.ID {
		t.Errorf("under the rule as before: %+v", d)
	}
	c.Clock.Add(10 * 365 * 24 * 3600e9)
	if d := c.assess(t, &h); d.Outcome != programmes.Eligible || d.RuleVersion != 3 {
		t.Errorf("the child grew up: %+v", d)
	}
	if n := c.count(t, `select count(*) from decision where household_id = $1 and state = 'withdrawn' and settled_by is null`, h.id); n != 2 {
		t.Errorf("%d proposals were withdrawn", n)
	}
}

func TestANewRuleVersion(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	var h home
	c.tell(t, &h, "2024", rich)
	first := c.assess(t, &h)
	c.publish(t, programmes.Rule{Criteria: []programmes.Criterion{{Code: "child", When: `members.exists(m, m.under(6))`}}})
	second := c.assess(t, &h)
	if outcomes(first) != "not_eligible met not_met" || first.RuleVersion != 1 || outcomes(second) != "eligible met" || second.RuleVersion != 2 {
		t.Errorf("%s by %d, then %s by %d", outcomes(first), first.RuleVersion, outcomes(second), second.RuleVersion)
	}
	// The first one stays to be read, with its own rule.
	c.do(t, worker, func(tx db.Tx) error {
		d, err := programmes.DecisionByRef(tx, h.id, first.Ref)
		if !d.SupersededAt.Valid || d.RuleVersion != 1 || outcomes(d) != outcomes(first) {
			t.Errorf("%+v", d)
		}
		return err
	})
	c.do(t, worker, func(tx db.Tx) error { return tx.Exec(`update programme set active = false`) })
	c.tell(t, &h, "2024", poor)
	if d := c.assess(t, &h); d.ID != second.ID {
		t.Error("a programme that is over was decided")
	}
	for name, rule := range map[string]programmes.Rule{"none": {}, "misspelt": {Criteria: []programmes.Criterion{{Code: "x", When: "household.rof == '1'"}}}} {
		if err := c.WithTx(t.Context(), worker, func(tx db.Tx) error { return programmes.Publish(tx, c.programme, rule, fields) }); err == nil {
			t.Errorf("published: %s", name)
		}
	}
	for _, statement := range []string{`update programme_rule set rule = '{}'`, `delete from programme_rule`, `delete from decision`, `update decision set outcome = 'eligible'`} {
		if err := c.WithTx(t.Context(), worker, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Error("the worker may ", statement)
		}
	}
}

func TestADecisionIsAboutOneHousehold(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	var h, other home
	c.tell(t, &h, "2024", poor)
	c.tell(t, &other, "2024", poor)
	d := c.assess(t, &h)
	for name, k := range map[string]struct {
		household db.ID
		ref       string
	}{"of another": {other.id, d.Ref}, "not there": {h.id, registry.NewRef('D', zeros{})}, "no reference": {h.id, "x"}, "empty": {h.id, ""}} {
		err := c.View(t.Context(), worker, func(tx db.Tx) error {
			_, err := programmes.DecisionByRef(tx, k.household, k.ref)
			return err
		})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Jobs may run twice and at the same time: one decision stands.
func TestAssessAtOnce(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	var h home
	c.tell(t, &h, "2024", poor)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_ = c.WithTx(t.Context(), worker, func(tx db.Tx) error { return programmes.Assess(tx, h.id) }) // a loser is run again by the queue
		})
	}
	all.Wait()
	c.assess(t, &h)
	if n := c.count(t, `select count(*) from decision where household_id = $1`, h.id); n != 1 {
		t.Errorf("%d decisions", n)
	}
}
