package cases

import (
	"encoding/json"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// Answers to the questions of a programme or of a life event belong to the case
// that asks them, not to a record.

// StoreAnswers keeps the answers to the definitions of a form ("child-grant", or
// a kind of event), in place of earlier ones, with the version of each definition
// that was asked. Whose case it is not gets fault.NotFound; once the answers are
// with the office they stay (fault.Conflict).
func StoreAnswers(tx db.Tx, actor Actor, ref, subject, form string, asked registry.Fields, values registry.Values) error {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return err
	}
	if !c.State.Editable() {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	versions := map[string]int{}
	kept := registry.Values{}
	for _, f := range asked {
		if f.Roster == "" {
			versions[f.Code] = f.Version
			if value, ok := values[f.Code]; ok {
				kept[f.Code] = value
			}
		}
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	of, err := json.Marshal(versions)
	if err != nil {
		return err
	}
	return tx.Exec(`
		insert into case_answers (case_id, subject, form, values, fields, changed_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (case_id, subject, form) do update set values = excluded.values, fields = excluded.fields, changed_at = excluded.changed_at`,
		c.ID, subject, form, string(raw), string(of), tx.Now())
}

// AnswersTo reads what was answered to a form; nothing before anything was.
func AnswersTo(tx db.Tx, actor Actor, ref, subject, form string) (registry.Values, error) {
	c, err := Load(tx, actor, ref)
	if err != nil {
		return nil, err
	}
	var rows []registry.Values
	err = tx.Select(&rows, `select values from case_answers where case_id = $1 and subject = $2 and form = $3`, c.ID, subject, form)
	if err != nil || len(rows) == 0 {
		return registry.Values{}, err
	}
	return rows[0], nil
}
