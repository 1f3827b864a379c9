package importer

import (
	"encoding/json"
	"io"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

func stringReader(s string) io.Reader { return strings.NewReader(s) }

// Create starts a batch with files that were uploaded. Only its author sees it.
func Create(tx db.Tx, who Officer, files []Upload) (string, error) {
	raw, err := json.Marshal(files)
	if err != nil {
		return "", err
	}
	ref, id := registry.NewRef(registry.RefBatch, tx.Rand()), tx.NewID()
	if err := tx.Exec(`
		insert into import_batch (id, ref, source, files, scope, roles, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		id, ref, fileNames(files), string(raw), registry.Texts(who.Areas), who.Roles, tx.Now()); err != nil {
		return "", err
	}
	return ref, write(tx, "import.uploaded", id, nil)
}

func fileNames(files []Upload) string {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

func write(tx db.Tx, action string, id db.ID, detail map[string]any) error {
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "batch", Subject: id, Detail: detail})
}

// Choose keeps what an officer says about the files of a draft.
func Choose(tx db.Tx, b Batch, files []Upload) error {
	raw, err := json.Marshal(files)
	if err != nil {
		return err
	}
	if err := changed(tx.Count(`update import_batch set files = $2 where id = $1 and state = 'draft'`, b.ID, string(raw))); err != nil {
		return err
	}
	return write(tx, "import.prepared", b.ID, nil)
}

// Map keeps the mapping of a draft; nil where the columns name themselves.
func Map(tx db.Tx, b Batch, m *Mapping) error {
	text := ""
	if m != nil {
		raw, err := m.YAML()
		if err != nil {
			return err
		}
		text = string(raw)
	}
	if err := changed(tx.Count(`update import_batch set mapping = $2 where id = $1 and state = 'draft'`, b.ID, text)); err != nil {
		return err
	}
	return write(tx, "import.prepared", b.ID, nil)
}

func changed(n int64, err error) error {
	if err == nil && n != 1 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	return err
}

// Start hands a batch to a job that checks it.
func Start(tx db.Tx, b Batch) error {
	if err := tx.Exec(`select start_import($1, $2)`, b.ID, tx.Now()); err != nil {
		return err
	}
	if err := write(tx, "import.started", b.ID, nil); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindCheckImport, b.ID, 1)
}

// Reopen goes back to the mapping.
func Reopen(tx db.Tx, b Batch) error {
	if err := tx.Exec(`select reopen_import($1)`, b.ID); err != nil {
		return err
	}
	return write(tx, "import.reopened", b.ID, nil)
}

// Send hands a checked batch to whoever approves: all of it, or what was right
// in it.
func Send(tx db.Tx, b Batch) error {
	if err := tx.Exec(`select send_import($1, $2)`, b.ID, tx.Now()); err != nil {
		return err
	}
	return write(tx, "import.proposed", b.ID, nil)
}

// Withdraw gives a batch up; a job that is at it stops.
func Withdraw(tx db.Tx, b Batch) error {
	if err := tx.Exec(`select withdraw_import($1)`, b.ID); err != nil {
		return err
	}
	return write(tx, "import.withdrawn", b.ID, nil)
}

// Decide approves a batch, which a job then applies, or refuses it; note says
// why. Whoever made it is refused by the database (fault.Forbidden); whoever
// does not answer for every area in it does not find it.
func Decide(tx db.Tx, who Officer, ref string, approve bool, note, lang string) error {
	var id db.ID
	canonical, ok := registry.ParseRef(registry.RefBatch, ref)
	if !ok {
		return fault.Hidden()
	}
	if err := tx.Get(&id, `select b.id from import_batch b where b.ref = $3 and $1::uuid is not null and `+answered, who.ID, registry.Texts(who.Areas), canonical); err != nil {
		return err
	}
	if err := tx.Exec(`select decide_import($1, $2, $3, $4, $5)`, id, approve, note, lang, tx.Now()); err != nil {
		return err
	}
	if !approve {
		return write(tx, "import.refused", id, nil)
	}
	if err := write(tx, "import.approved", id, nil); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindApplyImport, id, 1)
}

// Undo asks for a batch to be taken back: new records end as errors, changed
// ones get their former state. A job works out what that means.
func Undo(tx db.Tx, who Officer, b Batch, note, lang string) (string, error) {
	if b.State != Applied || b.Undoes != nil {
		return "", fault.New(fault.Conflict, "error.out_of_order")
	}
	ref, id := registry.NewRef(registry.RefBatch, tx.Rand()), tx.NewID()
	err := tx.Exec(`
		insert into import_batch (id, ref, undoes, source, scope, roles, note, note_lang, created_at)
		select $1, $2, b.id, b.source, $4, $5, $6, $7, $8 from import_batch b where b.id = $3`,
		id, ref, b.ID, registry.Texts(who.Areas), who.Roles, note, lang, tx.Now())
	if db.Violates(err, "import_batch_undoes") {
		return "", fault.New(fault.Conflict, "import.error.undo_under_way")
	}
	if err != nil {
		return "", err
	}
	if err := tx.Exec(`select start_import($1, $2)`, id, tx.Now()); err != nil {
		return "", err
	}
	if err := write(tx, "import.undo_asked", b.ID, nil); err != nil {
		return "", err
	}
	return ref, tx.Enqueue(jobs.KindCheckImport, id, 1)
}
