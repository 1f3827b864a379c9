package registry

import (
	"daftar/db"
	"daftar/fault"
)

// File is a photo that is the answer to a question. A record or a draft holds
// its reference; whoever may see that answer may see the photo.
type File struct {
	Ref       string `db:"ref"`
	MediaType string `db:"media_type"`
	Size      int    `db:"size"`
	Width     int    `db:"width"`
	Height    int    `db:"height"`
	SHA256    []byte `db:"sha256"`
	Blob      string `db:"blob"` // the bytes, in the blob store
}

// AddFile notes a photo that was stored and returns its reference.
func AddFile(tx db.Tx, f File) (string, error) {
	ref := NewRef(RefFile, tx.Rand())
	return ref, tx.Exec(`
		insert into file (id, ref, media_type, size, width, height, sha256, blob, uploaded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		tx.NewID(), ref, f.MediaType, f.Size, f.Width, f.Height, f.SHA256, f.Blob, tx.Now())
}

// FileIn finds a photo that values hold; any other is not there, whoever asks.
func FileIn(tx db.Tx, fields Fields, ref string, values ...Values) (File, Field, error) {
	for _, f := range fields {
		if f.Type != TypeFile || f.Roster != "" {
			continue
		}
		for _, v := range values {
			if held, ok := v[f.Code].(string); ok && held == ref && ref != "" {
				var file File
				err := tx.Get(&file, `select ref, media_type, size, width, height, sha256, blob from file where ref = $1`, ref)
				return file, f, err
			}
		}
	}
	return File{}, Field{}, fault.Hidden()
}
