package fields

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/formula"
)

// batch is how many records are calculated in one transaction.
const batch = 500

// Recompute brings every calculated value up to date: of records that changed
// since, and of all when a formula did. It may be stopped and run again at any
// time.
func Recompute(ctx context.Context, d *db.DB, who db.Principal) error {
	for _, kind := range []string{registry.KindHousehold, registry.KindPerson} {
		for {
			n := 0
			err := d.WithTx(ctx, who, func(tx db.Tx) (err error) {
				n, err = recompute(tx, kind)
				return err
			})
			if err != nil {
				return err
			}
			if n < batch {
				break
			}
		}
	}
	return nil
}

func recompute(tx db.Tx, kind string) (int, error) {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return 0, err
	}
	set, err := formula.New(all)
	if err != nil {
		return 0, err
	}
	if !set.Calculates(kind) {
		return 0, tx.Exec(`delete from calculated where kind = $1`, kind)
	}
	stamp := stampOf(all, kind)
	var stale []struct {
		ID      db.ID           `db:"id"`
		Version int             `db:"version"`
		Fields  registry.Values `db:"fields"`
	}
	table := map[string]string{registry.KindHousehold: "household", registry.KindPerson: "person"}[kind]
	if err := tx.Select(&stale, fmt.Sprintf(`
		select r.id, r.version, r.fields from %s r left join calculated c on c.subject_id = r.id
		where c.subject_id is null or c.version <> r.version or c.stamp <> $1
		order by r.id limit %d`, table, batch), stamp); err != nil {
		return 0, err
	}
	for _, r := range stale {
		values, err := json.Marshal(set.Calculate(kind, r.Fields))
		if err != nil {
			return 0, err
		}
		if err := tx.Exec(`
			insert into calculated (subject_id, kind, version, stamp, values) values ($1, $2, $3, $4, $5)
			on conflict (subject_id) do update set version = excluded.version, stamp = excluded.stamp, values = excluded.values`,
			r.ID, kind, r.Version, stamp, string(values)); err != nil {
			return 0, err
		}
	}
	return len(stale), nil
}

// stampOf changes when any formula of the subject does.
func stampOf(all registry.Fields, subject string) string {
	h := sha256.New()
	for _, f := range all {
		if f.Subject == subject && f.Formula != "" {
			_, _ = fmt.Fprintf(h, "%s %d %s\n", f.Code, f.Version, f.Formula)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Calculated returns the calculated values of a record as last computed.
func Calculated(tx db.Tx, subject db.ID) (registry.Values, error) {
	var rows []registry.Values
	err := tx.Select(&rows, `select values from calculated where subject_id = $1`, subject)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}
