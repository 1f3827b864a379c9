package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"daftar/db"
)

// kept is a data key in a backup.
type kept struct {
	Class   string    `json:"class"`
	Owner   db.ID     `json:"owner"`
	Kek     int64     `json:"kek"`
	Wrapped []byte    `json:"wrapped"`
	MadeAt  time.Time `json:"made_at"`
}

// Dump writes all data keys, wrapped as they are.
func Dump(tx db.Tx, to *json.Encoder) error {
	return tx.Each(func(row db.Row) error {
		var k kept
		if err := row.Scan(&k.Class, &k.Owner, &k.Kek, &k.Wrapped, &k.MadeAt); err != nil {
			return err
		}
		return to.Encode(k)
	}, `select class, owner, kek, wrapped, made_at from seal.data_key order by owner, class`)
}

// Restore reads what Dump wrote, and says how many keys were not there. What the
// database has stays as it is.
func Restore(tx db.Tx, from *json.Decoder) (int, error) {
	n := 0
	for {
		var k kept
		err := from.Decode(&k)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if !slices.Contains(Classes(), k.Class) {
			return n, fmt.Errorf("there are no data keys of a class %q", k.Class)
		}
		added, err := tx.Count(`insert into seal.data_key (class, owner, kek, wrapped, made_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			k.Class, k.Owner, k.Kek, k.Wrapped, k.MadeAt)
		if err != nil {
			return n, err
		}
		n += int(added)
	}
}
