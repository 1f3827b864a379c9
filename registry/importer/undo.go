package importer

import (
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// undo proposes to take a batch back: records that it made end as errors, those
// that it changed get the state they had, as a correction. A record that moved
// on since is left as it is, and named; so is a household in which somebody
// else lives now, and whoever lives in a household that stays.
func (j *checkJob) undo(tx db.Tx, o Options, w *watcher) error {
	if err := lease(tx, j.ID, Checking); err != nil {
		return err
	}
	var was applied
	if err := was.load(tx, *j.Undoes); err != nil {
		return err
	}
	if was.State != Applied || was.Change == nil {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if err := tx.Exec(`
		create temporary table undo on commit drop as
		select i.seq, i.kind, i.subject_id, i.base_version,
		       (select max(v.version) from record_version v where v.subject_id = i.subject_id) <> i.base_version + 1 as moved
		from change_item i where i.change_id = $1`, *was.Change); err != nil {
		return err
	}
	for _, statement := range []string{
		`create unique index on undo (subject_id)`, `create index on undo (seq)`, `analyze undo`,
		`alter table undo add used boolean not null default false`,
		`update undo u set used = true where u.kind = 'household' and u.base_version = 0 and not u.moved and exists (
			select from membership m where m.household_id = u.subject_id and m.end_date is null
			and not exists (select from undo p where p.subject_id = m.person_id and not p.moved))`,
		// and whoever lives in a household that stays: it would be left with nobody
		`update undo u set used = true where u.kind = 'person' and u.base_version = 0 and not u.moved and exists (
			select from membership m join undo h on h.subject_id = m.household_id and h.kind = 'household' and h.moved
			where m.person_id = u.subject_id and m.end_date is null and m.tie = 'usual')`,
	} {
		if err := tx.Exec(statement); err != nil {
			return err
		}
	}
	u := undoing{tx: tx, o: o, today: registry.Today(tx.Now(), zoneOf(o))}
	if err := u.stay(); err != nil {
		return err
	}
	change, err := registry.Propose(tx, registry.OriginBatch, nil)
	if err != nil {
		return err
	}
	if u.source, err = registry.AddSource(tx, registry.SourceOffice, nil, was.Ref); err != nil {
		return err
	}
	u.out = items{tx: tx, change: change}
	if err := u.stage(*was.Change); err != nil {
		return err
	}
	if err := u.out.seal(); err != nil {
		return err
	}
	if err := w.end(tx.Context()); err != nil {
		return err
	}
	return u.keep(j.ID, *j.Undoes, change)
}

func zoneOf(o Options) *time.Location {
	if len(o.Printers) > 0 && o.Printers[0].Zone != nil {
		return o.Printers[0].Zone
	}
	return time.UTC
}

type undoing struct {
	tx       db.Tx
	o        Options
	out      items
	source   db.ID
	today    time.Time
	counts   Counts
	problems int
}

// stay names the records that are not taken back.
func (u *undoing) stay() error {
	var list []struct {
		Ref  string `db:"ref"`
		Kind string `db:"kind"`
		Used bool   `db:"used"`
	}
	if err := u.tx.Select(&list, `
		select coalesce(p.ref, h.ref, g.ref, '') as ref, u.kind, u.used from undo u
		left join person p on p.id = u.subject_id left join household h on h.id = u.subject_id
		left join group_record g on g.id = u.subject_id
		where u.moved or u.used order by u.seq`); err != nil {
		return err
	}
	for _, r := range list {
		key := "import.undo.moved"
		if r.Used {
			key = map[string]string{registry.KindHousehold: "import.undo.used", registry.KindPerson: "import.undo.home"}[r.Kind]
		}
		u.problems++
		u.o.Bad(Problem{Column: r.Kind, Value: r.Ref, Key: key})
	}
	u.counts.Rejected = len(list)
	return nil
}

// stage goes through the items of the batch.
func (u *undoing) stage(change db.ID) error {
	total, after := 0, 0
	if err := u.tx.Get(&total, `select coalesce(max(seq), 0) from undo`); err != nil {
		return err
	}
	for {
		var rows []struct {
			Seq    int    `db:"seq"`
			Kind   string `db:"kind"`
			ID     db.ID  `db:"subject_id"`
			Base   int    `db:"base_version"`
			Data   []byte `db:"data"`
			Former []byte `db:"former"`
		}
		if err := u.tx.Select(&rows, `
			select u.seq, u.kind, u.subject_id, u.base_version, i.data, f.data as former
			from undo u join change_item i on i.change_id = $1 and i.seq = u.seq
			left join record_state f on f.subject_id = u.subject_id and f.version = u.base_version
			where u.seq > $2 and not u.moved and not u.used order by u.seq limit $3`, change, after, chunkRows); err != nil {
			return err
		}
		for _, row := range rows {
			after = row.Seq
			it := item{kind: row.Kind, id: row.ID, base: row.Base + 1, nature: registry.Correction, reason: "mistake", data: row.Former}
			if row.Base > 0 {
				u.counts.Changed++
			} else {
				u.counts.Ended++
				it.reason = "outcome"
				var err error
				if it.data, err = u.end(row.Kind, row.Data); err != nil {
					return err
				}
			}
			if err := u.out.put(it); err != nil {
				return err
			}
		}
		if err := u.out.flush(); err != nil {
			return err
		}
		if u.o.Progress != nil {
			u.o.Progress(Progress{Step: "stage", Done: int64(after), Total: int64(total), Rows: after})
		}
		if err := u.o.Stop(); err != nil {
			return err
		}
		if len(rows) < chunkRows {
			return nil
		}
	}
}

// end is the last state of a record that there should not have been.
func (u *undoing) end(kind string, data []byte) ([]byte, error) {
	day := u.today.Format(time.DateOnly)
	if kind == registry.KindHousehold {
		var h registry.HouseholdData
		if err := json.Unmarshal(data, &h); err != nil {
			return nil, err
		}
		h.Status, h.StatusReason, h.StatusDate = "ended", "error", day
		h.Provenance = h.Provenance.With(u.source, "status")
		return json.Marshal(h)
	}
	if kind == registry.KindGroup {
		var g registry.GroupData
		if err := json.Unmarshal(data, &g); err != nil {
			return nil, err
		}
		g.Status, g.StatusReason, g.StatusDate = "ended", "error", day
		g.Provenance = g.Provenance.With(u.source, "status")
		return json.Marshal(g)
	}
	var p registry.PersonData
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	p, err := p.Conclude(registry.Mistaken, registry.TakenBack, day, nil, u.today)
	if err != nil {
		return nil, err
	}
	p.Provenance = p.Provenance.With(u.source, "status")
	return json.Marshal(p)
}

func (u *undoing) keep(id, undoes, change db.ID) error {
	state := Checked
	if u.counts.Changed+u.counts.Ended == 0 {
		state = Same
	}
	counts, err := json.Marshal(u.counts)
	if err != nil {
		return err
	}
	n, err := u.tx.Count(`
		update import_batch b set state = $2, change_id = $3, counts = $4, problems = $5, staged_at = $6, progress = '{}', homeless = o.homeless
		from import_batch o where b.id = $1 and b.state = 'checking' and o.id = $7`,
		id, state, change, string(counts), u.problems, u.tx.Now(), undoes)
	if err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	if err := u.tx.Exec(`insert into import_area (batch_id, area_id) select $1, area_id from import_area where batch_id = $2`, id, undoes); err != nil {
		return err
	}
	return audit.Write(u.tx, audit.Event{Action: "import.staged", SubjectKind: "batch", Subject: id, Change: change, Detail: map[string]any{"counts": u.counts}})
}
