package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"daftar/db"
)

// Key is the data key of one owner.
type Key struct {
	aead *subtle.AESGCM
	raw  []byte
}

// keySize is AES-256.
const keySize = 32

// place is the additional data of what stands in a row of a column
// ("table.column"): sealed text opens there and nowhere else.
func place(column string, row db.ID) []byte { return []byte(column + "|" + row.String()) }

// Seal seals what is to stand in a row of a column.
func (k *Key) Seal(column string, row db.ID, plain []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, place(column, row))
}

// Open opens it again.
func (k *Key) Open(column string, row db.ID, sealed []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed, place(column, row))
}

func newKey(raw []byte) (*Key, error) {
	a, err := subtle.NewAESGCM(raw)
	return &Key{aead: a, raw: raw}, err
}

// Mark is what a value of a kind is compared by where it must not stand: a blind
// index (HMAC-SHA256). Without the key nobody can try values until one fits, as with
// a plain hash of a telephone number. It tells that two values are the same: only
// for what has very many.
func Mark(tx db.Tx, kind, value string) ([]byte, error) {
	k, err := For(tx, Index, db.ID{})
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, k.raw)
	_, _ = mac.Write([]byte(kind + "|" + value))
	return mac.Sum(nil), nil
}

var errNoWrapper = errors.New("nothing was set up to keep keys with")

// For returns the key of an owner and makes it where there is none.
func For(tx db.Tx, class string, owner db.ID) (*Key, error) {
	for range 2 { // another transaction may make it at this moment
		keys, err := Of(tx, class, owner)
		if err != nil || keys[owner] != nil {
			return keys[owner], err
		}
		raw := make([]byte, keySize)
		if _, err := io.ReadFull(tx.Rand(), raw); err != nil {
			return nil, err
		}
		wrapped, kek, err := tx.Wrapper().Wrap(class, raw, place(class, owner))
		if err != nil {
			return nil, err
		}
		n, err := tx.Count(`insert into seal.data_key (class, owner, kek, wrapped, made_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			class, owner, int64(kek), wrapped, tx.Now())
		if err != nil {
			return nil, err
		}
		if n == 1 {
			return newKey(raw)
		}
	}
	return nil, errors.New("the key of an owner comes and goes")
}

// Of returns the keys of owners, in one statement. One that has none, or whose
// key was destroyed, is missing.
func Of(tx db.Tx, class string, owners ...db.ID) (map[db.ID]*Key, error) {
	if tx.Wrapper() == nil {
		return nil, errNoWrapper
	}
	if len(owners) == 0 {
		return nil, nil
	}
	var rows []struct {
		Owner   db.ID  `db:"owner"`
		Wrapped []byte `db:"wrapped"`
	}
	if err := tx.Select(&rows, `select owner, wrapped from seal.data_key where class = $1 and owner = any($2)`, class, owners); err != nil {
		return nil, err
	}
	keys := map[db.ID]*Key{}
	for _, r := range rows {
		raw, err := tx.Wrapper().Unwrap(class, r.Wrapped, place(class, r.Owner))
		if err != nil {
			return nil, err
		}
		if keys[r.Owner], err = newKey(raw); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Destroy destroys the keys of owners, and says how many there were.
func Destroy(tx db.Tx, class string, owners ...db.ID) (int64, error) {
	return tx.Count(`delete from seal.data_key where class = $1 and owner = any($2)`, class, owners)
}
