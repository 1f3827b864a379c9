package areas

import (
	"bytes"
	"crypto/sha256"

	"daftar/db"
)

// reading bounds how many files are unpacked at once: each may take 200 MB.
var reading = make(chan struct{}, 2)

// FromFile reads a file and says what it would do: a workbook with a list of
// areas, or GeoJSON with their outlines. Nothing is stored.
func FromFile(tx db.Tx, who Actor, b []byte, o Options) (string, *Plan, error) {
	reading <- struct{}{}
	defer func() { <-reading }()
	if text := bytes.TrimLeft(b[:min(len(b), 1024)], " \t\r\n\ufeff"); len(text) > 0 && text[0] == '{' {
		p, err := ReadBoundaries(tx, who, bytes.NewReader(b))
		return KindBoundaries, p, err
	}
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return KindImport, nil, err
	}
	p, err := Diff(tx, who, f, o)
	return KindImport, p, err
}

// Digest identifies a file's content.
func Digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
