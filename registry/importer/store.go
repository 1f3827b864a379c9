package importer

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// store notes a batch that was staged at once, and sends it.
func (r *run) store(change db.ID) (string, error) {
	ref, id := registry.NewRef(registry.RefBatch, r.tx.Rand()), r.tx.NewID()
	mapping, err := r.m.YAML()
	if err != nil {
		return "", err
	}
	if err := r.tx.Exec(`
		insert into import_batch (id, ref, source, mapping, state, created_at) values ($1, $2, $3, $4, 'checking', $5)`,
		id, ref, r.label(), string(mapping), r.tx.Now()); err != nil {
		return "", err
	}
	if err := r.keep(id, change); err != nil {
		return "", err
	}
	if r.counts.Added+r.counts.Changed == 0 {
		return ref, nil
	}
	return ref, r.tx.Exec(`select send_import($1, $2)`, id, r.tx.Now())
}

// keep notes what was found in a batch, and its change.
func (r *run) keep(id, change db.ID) error {
	digest, err := r.digest()
	if err != nil {
		return err
	}
	if err := r.again(digest); err != nil {
		return err
	}
	state := Checked
	if r.counts.Added+r.counts.Changed == 0 {
		state = Same
	}
	counts, err := json.Marshal(r.counts)
	if err != nil {
		return err
	}
	areas, err := json.Marshal(append([]areaRow{}, r.places.list...))
	if err != nil {
		return err
	}
	n, err := r.tx.Count(`
		update import_batch set state = $2, digest = $3, change_id = $4, counts = $5, areas = $6, problems = $7, notices = $8, homeless = $9, staged_at = $10, progress = '{}'
		where id = $1 and state = 'checking'`,
		id, state, digest, change, string(counts), string(areas), r.problems, r.notices, r.homeless, r.tx.Now())
	if err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	touched := make([]db.ID, 0, len(r.touched))
	for area := range r.touched {
		touched = append(touched, area)
	}
	if err := r.tx.Exec(`insert into import_area (batch_id, area_id) select $1, a from unnest($2::uuid[]) a`, id, registry.Texts(touched)); err != nil {
		return err
	}
	if state == Checked {
		if err := r.tx.Enqueue(jobs.KindCompareImport, id, 1); err != nil {
			return err
		}
	}
	return audit.Write(r.tx, audit.Event{Action: "import.staged", SubjectKind: "batch", Subject: id, Change: change, Detail: map[string]any{"counts": r.counts}})
}

// again refuses files that were loaded before and would add records: whoever has
// no key in them would be there twice.
func (r *run) again(digest []byte) error {
	if r.counts.Added == 0 {
		return nil
	}
	var ref string
	err := r.tx.Get(&ref, `select ref from import_batch where digest = $1 and state = 'applied' and undoes is null limit 1`, digest)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "import.error.again", "Batch", ref)
}

// parseLoosely reads a mapping that was checked when it was stored.
func parseLoosely(text string) (*Mapping, error) {
	m := &Mapping{}
	return m, yaml.Unmarshal([]byte(text), m)
}
