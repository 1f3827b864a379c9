package importer

import (
	"context"
	"encoding/json"

	"daftar/db"
	"daftar/fault"
)

// Alike is who of a batch may be in the registry already, or in it twice: the
// strongest pairs, and how many there are. What a pair is, the caller knows.
type Alike struct {
	Pairs json.RawMessage `json:"pairs"`
	Total int             `json:"total"`
}

// Compare finds that out once a batch is checked. Nothing is refused for it:
// whoever sends and whoever decides the batch looks.
func Compare(ctx context.Context, d *db.DB, batch db.ID, compare func(tx db.Tx, change db.ID) (pairs any, total int, err error)) error {
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		var change db.ID
		err := tx.Get(&change, `
			select change_id from import_batch
			where id = $1 and state in ('checked', 'proposed') and undoes is null and alike is null and change_id is not null`, batch)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		pairs, total, err := compare(tx, change)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(pairs)
		if err != nil {
			return err
		}
		whole, err := json.Marshal(Alike{Pairs: raw, Total: total})
		if err != nil {
			return err
		}
		return tx.Exec(`update import_batch set alike = $3 where id = $1 and change_id = $2`, batch, change, string(whole))
	})
}

// AlikeOf reads what was found; false while it is not known.
func AlikeOf(tx db.Tx, b Batch) (Alike, bool, error) {
	var raw jsonOf[*Alike]
	if err := tx.Get(&raw, `select alike from import_batch where id = $1`, b.ID); err != nil || raw.V == nil {
		return Alike{}, false, err
	}
	return *raw.V, true, nil
}

// chunkOfHouseholds is how many households are decided in one transaction.
const chunkOfHouseholds = 50

// Assess decides what households of an applied batch get that were never
// decided for. It can be stopped at any time and goes on where it was.
func Assess(ctx context.Context, d *db.DB, batch db.ID, decide func(tx db.Tx, households []db.ID) error) error {
	var last db.ID
	for more := true; more; {
		if err := d.WithTx(ctx, worker, func(tx db.Tx) error {
			var list []db.ID
			if err := tx.Select(&list, `
				select i.subject_id from import_batch b join change_item i on i.change_id = b.change_id and i.kind = 'household'
				join household h on h.id = i.subject_id and h.status = 'active'
				where b.id = $1 and b.state = 'applied' and i.base_version = 0 and i.subject_id > $2
				  and not exists (select from decision d where d.household_id = i.subject_id)
				order by i.subject_id limit $3`, batch, last, chunkOfHouseholds); err != nil {
				return err
			}
			if more = len(list) == chunkOfHouseholds; len(list) == 0 {
				return nil
			}
			last = list[len(list)-1]
			return decide(tx, list)
		}); err != nil {
			return err
		}
	}
	return nil
}
