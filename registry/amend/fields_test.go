package amend_test

import (
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
)

// Who may not see or change a value does not propose to, whatever a form let
// them send; nor does anybody what formulas give. Once approved, a job calculates.
func TestFieldsOneMayNotChange(t *testing.T) {
	t.Parallel()
	w := place(t)
	w.must(t, db.Principal{Role: db.Jobs}, func(tx db.Tx) error {
		for code, rest := range map[string]string{
			"open":    `'text', 'personal', '{}', '', ''`,
			"secret":  `'text', 'sensitive', '{}', '', ''`,
			"seen":    `'text', 'personal', '{"edit": ["protection"]}', '', ''`,
			"unseen":  `'text', 'personal', '{"see": ["protection"]}', '', ''`,
			"boats":   `'roster', 'personal', '{}', '', ''`,
			"doubled": `'calculated', 'personal', '{}', '2.0', 'number'`,
		} {
			if err := tx.Exec(`insert into field_definition (id, subject, code, version, label, type, sensitivity, roles, formula, result, published_at)
				select gen_random_uuid(), 'person', $1, 1, $2, x.* , $3 from (values (`+rest+`)) v (a, b, c, d, e)
				cross join lateral (select v.a, v.b, v.c::jsonb, v.d, v.e) x`, code, i18n.Text{"en": code}, tx.Now()); err != nil {
				return err
			}
		}
		return tx.Exec(`
			insert into field_definition (id, subject, roster, code, version, label, type, sensitivity, roles, published_at)
			select gen_random_uuid(), 'person', 'boats', code, 1, '{"en": "C"}', 'text', 'personal', roles::jsonb, $1
			from (values ('name', '{}'), ('debt', '{"see": ["protection"]}')) c (code, roles)`, tx.Now())
	})
	propose := func(value any, code string, roles ...string) (ref string, err error) {
		err = w.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
			data, base, err := registry.CurrentPerson(tx, w.who)
			if err != nil {
				return err
			}
			data.Fields = registry.Values{code: value}
			reader := w.here
			reader.Roles = roles
			ref, err = amend.Propose(tx, reader, w.ref, amend.Draft{Note: "n", Lang: "en",
				Item: registry.Item{Kind: registry.KindPerson, BaseVersion: base, Nature: registry.Correction, Reason: "mistake", Data: data}})
			return err
		})
		return ref, err
	}
	for _, c := range []struct {
		code string
		role string
		want fault.Code
	}{
		{"open", "dataquality", ""}, {"secret", "dataquality", ""}, {"secret", "programme", fault.Forbidden}, {"seen", "dataquality", fault.Forbidden},
		{"seen", "protection", ""}, {"unseen", "dataquality", fault.Forbidden}, {"unseen", "protection", ""}, {"doubled", "dataquality", fault.Forbidden},
		{"nothing_defined", "dataquality", ""},
	} {
		if _, err := propose("x", c.code, c.role); fault.CodeOf(err) != c.want {
			t.Errorf("%s by %s: %v", c.code, c.role, err)
		}
	}
	// nor in a row of a list
	for _, c := range []struct {
		row  map[string]any
		role string
		want fault.Code
	}{
		{map[string]any{"id": "a", "name": "Amal"}, "dataquality", ""},
		{map[string]any{"id": "a", "name": "Amal", "debt": "9"}, "dataquality", fault.Forbidden},
		{map[string]any{"id": "a", "name": "Amal", "debt": "9"}, "protection", ""},
	} {
		if _, err := propose([]any{c.row}, "boats", c.role); fault.CodeOf(err) != c.want {
			t.Errorf("%v by %s: %v", c.row, c.role, err)
		}
	}
	ref, err := propose("x", "open", "dataquality")
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.here, ref) })
	w.must(t, officer(3), func(tx db.Tx) error { return amend.Approve(tx, w.here, ref) })
	var jobs int
	w.must(t, db.Principal{Role: db.Jobs}, func(tx db.Tx) error {
		return tx.Get(&jobs, `select count(*) from outbox where kind = 'recompute_fields' and ref = $1`, w.who)
	})
	if jobs != 1 {
		t.Errorf("%d jobs calculate what follows", jobs)
	}
}
