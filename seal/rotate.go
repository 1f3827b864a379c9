package seal

import (
	"fmt"
	"slices"

	"daftar/db"
)

// Use is how many data keys are wrapped under a class key.
type Use struct {
	Class string `db:"class"`
	Key   int64  `db:"kek"`
	N     int    `db:"n"`
}

// Used lists the class keys that data keys are wrapped under, without counting.
func Used(tx db.Tx) ([]Use, error) {
	var list []Use
	// one step of the index for each: there are millions of data keys and a few class keys
	err := tx.Select(&list, `
		with recursive k as (
			(select d.class, d.kek from seal.data_key d order by d.class, d.kek limit 1)
			union all
			select n.class, n.kek from k cross join lateral (
				select d.class, d.kek from seal.data_key d where (d.class, d.kek) > (k.class, k.kek) order by d.class, d.kek limit 1) n)
		select class, kek, 0 as n from k`)
	return list, err
}

// Counted is Used with how many.
func Counted(tx db.Tx) ([]Use, error) {
	var list []Use
	err := tx.Select(&list, `select class, kek, count(*) as n from seal.data_key group by class, kek order by class, kek`)
	return list, err
}

// Check refuses a ring that lacks a key which something is sealed under.
func Check(tx db.Tx, r *Ring) error {
	used, err := Used(tx)
	if err != nil {
		return err
	}
	for _, u := range used {
		if !slices.Contains(r.Keys(u.Class), uint32(u.Key)) { //nolint:gosec // it came from a uint32
			return fmt.Errorf("data of the class %q is %w: %d. Put the file with the class keys back from its backup (docs/deployment.md)", u.Class, ErrNoKey, u.Key)
		}
	}
	return nil
}

// batch is how many data keys are wrapped again in one transaction.
const batch = 1000

// Rewrap wraps data keys that are under an old class key under the newest one, at
// most batch of them, and reports how many. What is sealed stays as it is, and
// opens meanwhile.
func Rewrap(tx db.Tx, r *Ring) (int, error) {
	used, err := Used(tx)
	if err != nil {
		return 0, err
	}
	for _, u := range used {
		newest, err := r.Newest(u.Class)
		if err != nil {
			return 0, err
		}
		if u.Key == int64(newest) {
			continue
		}
		if n, err := rewrap(tx, r, u); err != nil || n > 0 {
			return n, err
		}
	}
	return 0, nil
}

func rewrap(tx db.Tx, r *Ring, u Use) (int, error) {
	var rows []struct {
		Owner   db.ID  `db:"owner"`
		Wrapped []byte `db:"wrapped"`
	}
	if err := tx.Select(&rows, `select owner, wrapped from seal.data_key where class = $1 and kek = $2 order by owner limit $3 for update`,
		u.Class, u.Key, batch); err != nil {
		return 0, err
	}
	owners, wrapped, keks := make([]db.ID, len(rows)), make([][]byte, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		raw, err := r.Unwrap(u.Class, row.Wrapped, place(u.Class, row.Owner))
		if err != nil {
			return 0, err
		}
		again, kek, err := r.Wrap(u.Class, raw, place(u.Class, row.Owner))
		if err != nil {
			return 0, err
		}
		owners[i], wrapped[i], keks[i] = row.Owner, again, int64(kek)
	}
	return len(rows), tx.Exec(`
		update seal.data_key d set kek = n.kek, wrapped = n.wrapped
		from unnest($2::uuid[], $3::bytea[], $4::bigint[]) n (owner, wrapped, kek) where d.class = $1 and d.owner = n.owner`,
		u.Class, owners, wrapped, keks)
}
