package credentials

import (
	"encoding/binary"
	"io"
	"slices"

	"daftar/db"
)

// ListSize is the number of entries of a status list: enough that a list says
// nothing about one holder.
const ListSize = 1 << 17

// takeSlots draws a random free place of the newest list for each key. When eight
// draws in a row hit taken places, the list is nearly full and a new one is opened.
func takeSlots(tx db.Tx, credential db.ID, keys []string) ([]Slot, error) {
	slots, waiting := map[string]Slot{}, keys
	list, err := newestList(tx)
	for round := 0; err == nil && len(waiting) > 0; round++ {
		if round == 8 {
			if list, err = openList(tx, list+1); err != nil {
				break
			}
			round = 0
		}
		draws := make([]int, len(waiting))
		for i := range draws {
			if draws[i], err = draw(tx.Rand()); err != nil {
				return nil, err
			}
		}
		var got []place
		err = tx.Select(&got, `
			insert into credential_copy (list_id, idx, credential_id, holder_key)
			select $1, d.idx, $2, d.key from unnest($3::int[], $4::text[]) as d (idx, key)
			on conflict do nothing returning list_id, idx, holder_key`, list, credential, draws, waiting)
		for _, p := range got {
			slots[p.Key] = p.Slot
		}
		waiting = slices.DeleteFunc(slices.Clone(waiting), func(k string) bool { _, there := slots[k]; return there })
	}
	taken := make([]Slot, len(keys))
	for i, k := range keys {
		taken[i] = slots[k]
	}
	return taken, err
}

func draw(random io.Reader) (int, error) {
	var b [4]byte
	_, err := io.ReadFull(random, b[:])
	return int(binary.BigEndian.Uint32(b[:]) % ListSize), err // ListSize is a power of two: even
}

func newestList(tx db.Tx) (int, error) {
	var ids []int
	if err := tx.Select(&ids, `select id from status_list order by id desc limit 1`); err != nil {
		return 0, err
	}
	if len(ids) == 1 {
		return ids[0], nil
	}
	return openList(tx, 1)
}

func openList(tx db.Tx, id int) (int, error) {
	return id, tx.Exec(`insert into status_list (id, size, created_at) values ($1, $2, $3) on conflict do nothing`, id, ListSize, tx.Now())
}
