package settings

import (
	"daftar/db"
)

// Key is a passkey of a member of staff, as a thing that changes: only its end
// does.
type Key struct {
	ID      db.ID  `json:"-" db:"id"`
	Ref     string `json:"passkey" db:"ref"`
	Staff   string `json:"name" db:"staff"`
	Name    string `json:"called" db:"name"`
	Removed bool   `json:"removed,omitempty" db:"-"`
}

// Keys lists the passkeys of a member of staff.
func Keys(tx db.Tx, staff db.ID) ([]Key, error) {
	var list []Key
	err := tx.Select(&list, `
		select k.id, k.ref, s.name as staff, k.name from passkey k join staff s on s.id = k.staff_id
		where k.staff_id = $1 and k.removed_at is null order by k.added_at, k.id`, staff)
	return list, err
}

// ProposeKeyRemoval proposes to end a passkey of somebody: who lost it cannot do so
// themselves where nothing else proves who they are.
func ProposeKeyRemoval(tx db.Tx, k Key, p Proposal) (string, error) {
	gone := k
	gone.Removed = true
	p.Items = []Item{{Kind: KindPasskey, Key: k.ID.String(), Base: 1, Before: encode(k), Value: encode(gone)}}
	return storeAndSend(tx, p)
}
