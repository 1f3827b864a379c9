package cases

import (
	"context"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/registry/jobs"
)

func cutFields(what string) (string, bool) { return strings.CutPrefix(what, "fields.") }

// Moved reports whether a record moved on since a case's proposal was made, or
// proof came on which the proposal rests: how a death is known.
func Moved(tx db.Tx, c Case) (bool, error) {
	if c.Change == nil || !c.State.Open() {
		return false, nil
	}
	var moved bool
	err := tx.Get(&moved, `
		select exists (select from change_item i where i.change_id = $1
			and i.base_version <> coalesce((select max(v.version) from record_version v where v.subject_id = i.subject_id), 0))`, *c.Change)
	if err != nil || moved {
		return moved, err
	}
	return proven(tx, c)
}

// proven reports whether proof came since the proposal was made that says how a
// death is known.
func proven(tx db.Tx, c Case) (bool, error) {
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil || kind.Effect != "death" {
		return false, err
	}
	var came bool
	err = tx.Get(&came, `
		select exists (select from evidence e join change c on c.id = $2
			where e.case_id = $1 and e.removed_at is null and e.uploaded_at > c.proposed_at and e.kind <> $3)`, c.ID, *c.Change, EvidenceMessage)
	return came, err
}

// renew asks for a new proposal where the old one is stale. A registration has
// none: its records are new.
func renew(tx db.Tx, c *Case) (bool, error) {
	moved, err := Moved(tx, *c)
	if err != nil || !moved {
		return false, err
	}
	c.Renewing = true
	return true, tx.Enqueue(jobs.KindRenewCase, c.ID, c.Version)
}

// Renew makes the proposal of a stale case anew: of the same answers, in the
// proposer's name, on the records as they are now. It is shown and checked again
// from the start. So is one that was taken back while the case went another
// one's way, and one for which proof came. A case that is not stale is left alone.
func Renew(ctx context.Context, d *db.DB, id db.ID) error {
	worker := db.Principal{Role: db.Jobs, Kind: "job"}
	if err := d.View(ctx, worker, func(tx db.Tx) error {
		return tx.Get(&worker.Actor, `
			select coalesce(c.proposed_by, f.account_id, f.opened_by) from case_file f left join change c on c.id = f.change_id where f.id = $1`, id)
	}); err != nil {
		return err
	}
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		c, err := byID(tx, id)
		if err != nil {
			return err
		}
		kind, err := kinds.ByID(tx, c.KindID)
		if err != nil || kind.Effect == "" || kind.Effect == effect.Register {
			return err
		}
		if c.Change == nil {
			if c.State != StateSubmitted || c.Blocked != "" {
				return nil
			}
			return repropose(tx, &c)
		}
		if moved, err := Moved(tx, c); err != nil || !moved || c.State == StateWaiting {
			return err
		}
		came, err := proven(tx, c)
		if err != nil {
			return err
		}
		if came && c.State == StateSubmitted { // nobody checked it yet
			if err := unlodge(tx, &c); err != nil {
				return err
			}
			return repropose(tx, &c)
		}
		if err := move(tx, &c, step{action: Staled}); err != nil {
			return err
		}
		if err := unlodge(tx, &c); err != nil {
			return err
		}
		if err := repropose(tx, &c); err != nil {
			return err
		}
		return move(tx, &c, step{action: Renewed})
	})
}

// repropose runs the effect once more, with the source of the last time.
func repropose(tx db.Tx, c *Case) error {
	f, err := filing(tx, *c)
	if err != nil {
		return err
	}
	var said db.ID
	if err := tx.Get(&said, `select id from source where case_id = $1 order by at desc, id desc limit 1`, c.ID); err != nil {
		return err
	}
	p, err := f.attempt(tx, said)
	if fault.Is(err, fault.Invalid) { // an answer that no longer fits: a person who is not there any more
		p, err = proposal{blocked: "blocked.answers"}, nil
	}
	if err != nil {
		return err
	}
	c.Draft = f.Draft
	if err := lodge(tx, c, p); err != nil {
		return err
	}
	return parties(tx, *c, p.out)
}
