package seal

import (
	"context"
	"time"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
)

// Files seals what goes into the blob store, each file under a key of its own.
// A key is there before its file is: it has a transaction of its own.
type Files struct{ DB *db.DB }

var _ blob.Sealer = Files{}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// fileColumn is where a file stands.
const fileColumn = "blob.content"

// patience is how long a file waits for its key.
const patience = 10 * time.Second

func parse(name string) (db.ID, error) {
	var id db.ID
	if id.UnmarshalText([]byte(name)) != nil {
		return id, fault.Hidden()
	}
	return id, nil
}

// Seal seals a file.
func (f Files) Seal(name string, content []byte) (sealed []byte, err error) {
	id, err := parse(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = f.DB.WithTx(ctx, worker, func(tx db.Tx) error {
		k, err := For(tx, File, id)
		if err == nil {
			sealed, err = k.Seal(fileColumn, id, content)
		}
		return err
	})
	return sealed, err
}

// Open opens a file; fault.NotFound when its key was destroyed.
func (f Files) Open(name string, sealed []byte) (content []byte, err error) {
	id, err := parse(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var k *Key
	if err := f.DB.View(ctx, worker, func(tx db.Tx) error {
		keys, err := Of(tx, File, id)
		k = keys[id]
		return err
	}); err != nil {
		return nil, err
	}
	if k == nil {
		return nil, fault.Hidden()
	}
	return k.Open(fileColumn, id, sealed)
}

// Forget destroys the key of a file.
func (f Files) Forget(name string) error {
	id, err := parse(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return f.DB.WithTx(ctx, worker, func(tx db.Tx) error {
		_, err := Destroy(tx, File, id)
		return err
	})
}
