package areas

import (
	"bytes"
	"crypto/sha256"

	"daftar/db"
)

// reading bounds how many files are unpacked at once: each may take 200 MB.
var reading = make(chan struct{}, 2)

// Upload is a file that was read: a workbook with a list of areas, or GeoJSON
// with their outlines.
type Upload struct {
	list     *File
	outlines []byte
}

// ReadUpload reads a file. It is done before a transaction begins: unpacking a
// large workbook takes seconds, in which nothing should be held.
func ReadUpload(b []byte) (Upload, error) {
	if text := bytes.TrimLeft(b[:min(len(b), 1024)], " \t\r\n\ufeff"); len(text) > 0 && text[0] == '{' {
		return Upload{outlines: b}, nil
	}
	reading <- struct{}{}
	defer func() { <-reading }()
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	return Upload{list: f}, err
}

// Kind is the kind of change that the file makes.
func (u Upload) Kind() string {
	if u.list == nil {
		return KindBoundaries
	}
	return KindImport
}

// Plan says what the file would do. Nothing is stored.
func (u Upload) Plan(tx db.Tx, who Actor, o Options) (*Plan, error) {
	if u.list == nil {
		return ReadBoundaries(tx, who, bytes.NewReader(u.outlines))
	}
	return Diff(tx, who, u.list, o)
}

// Digest identifies a file's content.
func Digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
