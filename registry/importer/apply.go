package importer

import (
	"context"
	"encoding/json"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// applied is what applying has to know of a batch.
type applied struct {
	ID        db.ID  `db:"id"`
	Ref       string `db:"ref"`
	State     string `db:"state"`
	Change    *db.ID `db:"change_id"`
	Mapping   string `db:"mapping"`
	Areas     []byte `db:"areas"`
	DecidedBy *db.ID `db:"decided_by"`
	Undoes    *db.ID `db:"undoes"`
	Problems  int    `db:"problems"`
}

func (b *applied) load(tx db.Tx, id db.ID) error {
	return tx.Get(b, `select id, ref, state, change_id, mapping, areas, decided_by, undoes, problems from import_batch where id = $1`, id)
}

// Apply approves a batch and applies it at once, as a command does. Whoever
// proposed it is refused by the database (fault.Forbidden).
func Apply(ctx context.Context, d *db.DB, approver db.Principal, ref string) error {
	canonical, ok := registry.ParseRef(registry.RefBatch, ref)
	if !ok {
		return fault.Hidden()
	}
	return d.WithTx(ctx, approver, func(tx db.Tx) error {
		var b applied
		if err := tx.Get(&b.ID, `select id from import_batch where ref = $1 for update`, canonical); err != nil {
			return err
		}
		if err := tx.Exec(`select decide_import($1, true, '', '', $2)`, b.ID, tx.Now()); err != nil {
			return err
		}
		if err := b.load(tx, b.ID); err != nil {
			return err
		}
		return b.apply(tx, func() error { return nil })
	})
}

// steps of apply_change, as its notices name them.
var steps = []string{"households", "people", "memberships", "contacts", "identifiers", "search"}

// applying is the progress that a notice of apply_change tells.
func applying(message string) Progress {
	step := strings.TrimPrefix(message, "applying ")
	p := Progress{Step: "apply", Total: int64(len(steps) + 1)}
	for i, s := range steps {
		if s == step {
			p.Done = int64(i + 1)
		}
	}
	return p
}

// apply writes an approved batch. Before it touches the batch's row it calls
// ready.
func (b applied) apply(tx db.Tx, ready func() error) error {
	if b.Change == nil {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := b.stillNew(tx); err != nil {
		return err
	}
	if err := addAreas(tx, b.Areas); err != nil {
		return err
	}
	if err := registry.Apply(tx, *b.Change); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	if err := tx.Exec(`update import_batch set state = 'applied', applied_at = $2, progress = '{}', failure = null where id = $1`, b.ID, tx.Now()); err != nil {
		return err
	}
	if b.Undoes != nil && b.Problems == 0 {
		if err := tx.Exec(`update import_batch set state = 'undone' where id = $1`, *b.Undoes); err != nil {
			return err
		}
	}
	if err := reassess(tx, *b.Change); err != nil {
		return err
	}
	if err := tx.Enqueue(jobs.KindRecomputeFields, *b.Change, 1); err != nil {
		return err
	}
	if err := tx.Enqueue(jobs.KindAssessImport, b.ID, 1); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "import.applied", SubjectKind: "batch", Subject: b.ID, Change: *b.Change})
}

// stillNew makes sure that what was new when the batch was checked is new still:
// another batch may have brought the same records, areas or files since. One
// batch is applied at a time.
func (b applied) stillNew(tx db.Tx) error {
	if err := tx.Exec(`select pg_advisory_xact_lock(4276215470)`); err != nil {
		return err
	}
	var since, late bool
	if err := tx.Get(&since, `
		select exists (select from import_batch o join import_batch b on b.id = $1 where o.id <> b.id and o.applied_at >= b.staged_at)`, b.ID); err != nil {
		return err
	}
	if since {
		var types []string
		if m, err := parseLoosely(b.Mapping); err == nil && m.List != "" {
			types = []string{m.numberType(registry.KindHousehold), m.numberType(registry.KindPerson), m.numberType(registry.KindGroup)}
		}
		if err := tx.Get(&late, `
			select exists (
				select from change_item c
				cross join lateral jsonb_to_recordset(c.data->'identifiers') as n (type text, value text)
				join identifier i on i.type = n.type and i.value = n.value and i.status <> 'ended'
				left join household h on h.id = i.subject_id left join person p on p.id = i.subject_id left join group_record g on g.id = i.subject_id
				where c.change_id = $1 and c.base_version = 0 and n.type = any($2)
				  and (h.status = 'active' or g.status = 'active' or p.status not in ('error', 'duplicate')))
			or exists (
				select from import_batch o join import_batch b on b.id = $3
				where o.id <> b.id and o.digest = b.digest and o.state = 'applied' and b.undoes is null and (b.counts->>'added')::int > 0)`,
			*b.Change, types, b.ID); err != nil {
			return err
		}
	}
	if !late {
		if err := tx.Get(&late, `
			select exists (select from jsonb_to_recordset($1::jsonb) as n (code text) join area a on a.code = n.code)`, string(b.Areas)); err != nil {
			return err
		}
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

// reassess asks for the programmes of households that were known before and of
// which something changed.
func reassess(tx db.Tx, change db.ID) error {
	// Set apart, what changed is found once, also while the database does not know
	// yet how much came in.
	return tx.Exec(`
		with changed as materialized (
			select kind, subject_id from change_item where change_id = $1 and base_version > 0
		), homes as materialized (
			select subject_id as id from changed where kind = 'household'
			union
			select m.household_id from changed i join membership m on m.person_id = i.subject_id and m.end_date is null and m.tie = 'usual'
			where i.kind = 'person'
		)
		select enqueue($2, h.id, h.version, $3) from homes join household h on h.id = homes.id`, change, jobs.KindAssessHousehold, tx.Now())
}
