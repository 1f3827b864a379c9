package credentials

import (
	"database/sql"
	"time"

	"daftar/db"
)

// StatusList is one list as it is to be published.
type StatusList struct {
	ID      int
	Size    int
	Version int
	Invalid []int // indices whose status is 1
}

// Token is a published list.
type Token struct {
	JWT     string       `db:"token"`
	URI     string       `db:"token_uri"` // where it says it is published
	Version int          `db:"token_version"`
	Current int          `db:"version"`
	Size    int          `db:"size"`
	Expires sql.NullTime `db:"token_expires"`
}

// PublishedList reads what was last published of a list.
func PublishedList(tx db.Tx, id int) (Token, error) {
	var t Token
	err := tx.Get(&t, `select token, token_uri, token_version, version, size, token_expires from status_list where id = $1`, id)
	return t, err
}

// ListState reads a list as it is now.
func ListState(tx db.Tx, id int) (StatusList, error) {
	l := StatusList{ID: id}
	if err := tx.Get(&l.Size, `select size from status_list where id = $1`, id); err != nil {
		return l, err
	}
	if err := tx.Get(&l.Version, `select version from status_list where id = $1`, id); err != nil {
		return l, err
	}
	err := tx.Select(&l.Invalid, `select idx from credential_copy where list_id = $1 and status <> 0`, id)
	return l, err
}

// SaveToken publishes a signed list, unless a newer one is there already.
func SaveToken(tx db.Tx, id int, jwt, uri string, version int, expires time.Time) error {
	return tx.Exec(`
		update status_list set token = $2, token_uri = $3, token_version = $4, token_expires = $5
		where id = $1 and token_version <= $4`, id, jwt, uri, version, expires)
}

// Lists returns the number of every list.
func Lists(tx db.Tx) ([]int, error) {
	var ids []int
	err := tx.Select(&ids, `select id from status_list order by id`)
	return ids, err
}
