package importer

import (
	"context"
	"encoding/json"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// Apply approves a staged batch and writes all of it, or nothing. Whoever
// staged it is refused by the database (fault.Forbidden).
func Apply(ctx context.Context, d *db.DB, approver db.Principal, ref string) error {
	canonical, ok := registry.ParseRef(registry.RefBatch, ref)
	if !ok {
		return fault.Hidden()
	}
	return d.WithTx(ctx, approver, func(tx db.Tx) error {
		var batch struct {
			ID     db.ID  `db:"id"`
			State  string `db:"state"`
			Change db.ID  `db:"change_id"`
			Areas  []byte `db:"areas"`
		}
		if err := tx.Get(&batch, `select id, state, change_id, areas from import_batch where ref = $1 for update`, canonical); err != nil {
			return err
		}
		if batch.State != "staged" {
			return fault.New(fault.Conflict, "error.out_of_order")
		}
		if err := checkStaged(tx, batch.Change); err != nil {
			return err
		}
		if err := addAreas(tx, batch.Areas); err != nil {
			return err
		}
		if err := registry.Approve(tx, batch.Change); err != nil {
			return err
		}
		if err := registry.Apply(tx, batch.Change); err != nil {
			return err
		}
		if err := tx.Exec(`update import_batch set state = 'applied' where id = $1`, batch.ID); err != nil {
			return err
		}
		if err := tx.Enqueue(jobs.KindRecomputeFields, batch.Change, 1); err != nil {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "import.applied", SubjectKind: "batch", Subject: batch.ID, Change: batch.Change})
	})
}

// checkStaged makes sure that what was new when the batch was staged is new
// still: another batch may have brought the same records or areas since. One
// batch is applied at a time.
func checkStaged(tx db.Tx, change db.ID) error {
	if err := tx.Exec(`select pg_advisory_xact_lock(4276215470)`); err != nil {
		return err
	}
	var late bool
	if err := tx.Get(&late, `
		select exists (
			select from change_item c
			cross join lateral jsonb_to_recordset(c.data->'identifiers') as n (type text, value text)
			join identifier i on i.type = n.type and i.value = n.value and i.status <> 'ended'
			where c.change_id = $1 and c.base_version = 0)
		or exists (
			select from import_batch b
			cross join lateral jsonb_to_recordset(b.areas) as n (code text)
			join area a on a.code = n.code
			where b.change_id = $1)`, change); err != nil {
		return err
	}
	if late {
		return fault.New(fault.Conflict, "error.stale")
	}
	return nil
}

func addAreas(tx db.Tx, raw []byte) error {
	var areas []areaRow
	if err := json.Unmarshal(raw, &areas); err != nil {
		return err
	}
	for _, a := range areas { // parents first
		name, err := json.Marshal(a.Name)
		if err != nil {
			return err
		}
		if err := tx.Exec(`
			insert into area (id, code, level, kind, parent_id, name)
			values ($1, $2, $3, $4, (select id from area where code = nullif($5, '')), $6)`,
			a.ID, a.Code, a.Level, a.Kind, a.Parent, string(name)); err != nil {
			return err
		}
	}
	return nil
}
