package credentials

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Officer is who works on credentials, and where.
type Officer struct {
	ID    db.ID
	Areas []db.ID
}

func (o Officer) areas() []string {
	ids := make([]string, len(o.Areas))
	for i, id := range o.Areas {
		ids[i] = id.String()
	}
	return ids
}

// inAreas keeps an officer to the holders who live in their areas; $1 is those
// areas.
const inAreas = `exists (
	select from membership m join household h on h.id = m.household_id join area a on a.id = h.area_id
	where m.person_id = c.person_id and m.end_date is null and m.tie = 'usual'
	and (a.l0 = any($1) or a.l1 = any($1) or a.l2 = any($1) or a.l3 = any($1) or a.l4 = any($1) or a.l5 = any($1)))`

// Find lists the credentials of a holder, for an officer: by the reference of
// a credential, a person or a household. The reading is logged.
func Find(tx db.Tx, officer Officer, ref string) ([]Credential, error) {
	var list []Credential
	where := ""
	var canonical string
	for kind, condition := range map[rune]string{
		registry.RefCredential: `c.ref = $2`,
		registry.RefPerson:     `p.ref = $2`,
		registry.RefHousehold:  `c.household_id = (select id from household where ref = $2)`,
	} {
		if r, ok := registry.ParseRef(kind, ref); ok {
			canonical, where = r, condition
		}
	}
	if where == "" {
		return nil, nil
	}
	err := tx.Select(&list, `select `+credentialColumns+` from `+credentialTables+`
		where `+inAreas+` and `+where+` order by c.issued_at desc limit 100`, officer.areas(), canonical)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if err := audit.Write(tx, audit.Event{Action: "credential.read", SubjectKind: "person", Subject: c.Person,
			Purpose: "credential", Detail: map[string]any{"credential": c.ID}}); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// RevocationReasons lists the codes. Each has the message
// "credential.revoked.<code>".
func RevocationReasons() []string {
	return []string{"holder_request", "lost_device", "wrong_data", "no_longer_true", "issued_in_error", "duplicate"}
}

// Standing lists what of a holder's credentials still counts.
func Standing(tx db.Tx, holder db.ID) ([]Credential, error) {
	list, err := Of(tx, holder)
	return slices.DeleteFunc(list, func(c Credential) bool { return c.Status(tx.Now()) != "valid" }), err
}

// EndAll revokes all credentials of a holder whose record ends, cancels what was
// offered to them, and returns the credentials. It is part of the decision that
// ends the record, whoever took that.
func EndAll(tx db.Tx, holder db.ID, reason string) ([]db.ID, error) {
	if err := tx.Exec(`update credential_offer set state = 'cancelled' where person_id = $1 and state = 'open'`, holder); err != nil {
		return nil, err
	}
	var ended []db.ID
	if err := tx.Select(&ended, `
		update credential set state = 'revoked', revoked_at = $2, revoked_by = $3, reason = $4
		where person_id = $1 and state = 'valid' returning id`, holder, tx.Now(), tx.Who().Actor, reason); err != nil {
		return nil, err
	}
	for _, id := range ended {
		if err := invalidate(tx, id); err != nil {
			return nil, err
		}
		if err := audit.Write(tx, audit.Event{Action: "credential.revoked", SubjectKind: "person", Subject: holder,
			Detail: map[string]any{"credential": id, "reason": reason}}); err != nil {
			return nil, err
		}
	}
	return ended, nil
}

// invalidate sets the status bits of all copies; the status lists change with the
// same transaction.
func invalidate(tx db.Tx, credential db.ID) error {
	return tx.Exec(`
		with ended as (update credential_copy set status = 1 where credential_id = $1 returning list_id)
		update status_list set version = version + 1 where id in (select list_id from ended)`, credential)
}

// Revoke ends a credential and all its copies.
func Revoke(tx db.Tx, officer Officer, ref, reason, note string) error {
	canonical, ok := registry.ParseRef(registry.RefCredential, ref)
	if !ok {
		return fault.Hidden()
	}
	if !slices.Contains(RevocationReasons(), reason) {
		var check fault.Check
		check.Fail("reason", "revoke.error.reason")
		return check.Err()
	}
	var c Credential
	err := tx.Get(&c, `select `+credentialColumns+` from `+credentialTables+` where `+inAreas+` and c.ref = $2 for update of c`,
		officer.areas(), canonical)
	if err != nil {
		return err
	}
	n, err := tx.Count(`
		update credential set state = 'revoked', revoked_at = $2, revoked_by = $3, reason = $4, note = $5
		where id = $1 and state = 'valid'`, c.ID, tx.Now(), officer.ID, reason, note)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "credential.error.revoked")
	}
	if err := invalidate(tx, c.ID); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "credential.revoked", SubjectKind: "person", Subject: c.Person,
		Detail: map[string]any{"credential": c.ID, "reason": reason}})
}

// endCopies marks every copy of a credential in its status list.
func endCopies(tx db.Tx, credential db.ID) error {
	return tx.Exec(`
		with ended as (update credential_copy set status = 1 where credential_id = $1 returning list_id)
		update status_list set version = version + 1 where id in (select list_id from ended)`, credential)
}

// EndDecision revokes the credentials about a decision that no longer holds.
// Doing it again changes nothing.
func EndDecision(tx db.Tx, decision db.ID) error {
	var ended []struct {
		ID     db.ID `db:"id"`
		Person db.ID `db:"person_id"`
	}
	if err := tx.Select(&ended, `
		update credential set state = 'revoked', revoked_at = $2, reason = 'no_longer_true'
		where decision_id = $1 and state = 'valid' returning id, person_id`, decision, tx.Now()); err != nil {
		return err
	}
	for _, c := range ended {
		if err := endCopies(tx, c.ID); err != nil {
			return err
		}
		if err := audit.Write(tx, audit.Event{Action: "credential.revoked", SubjectKind: "person", Subject: c.Person,
			Detail: map[string]any{"credential": c.ID, "reason": "no_longer_true"}}); err != nil {
			return err
		}
	}
	return nil
}
