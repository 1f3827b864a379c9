package seal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"daftar/db"
)

// Dir is a directory that somebody else keeps: every checkpoint goes there, a
// file per day, each added to its end.
type Dir string

const dirSuffix = ".checkpoints"

// Append writes a checkpoint of an instant to the disk.
func (d Dir) Append(note string, at time.Time) error {
	f, err := os.OpenFile(filepath.Join(string(d), at.UTC().Format(time.DateOnly)+dirSuffix), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n\n" + note)
	return errors.Join(err, f.Sync(), f.Close())
}

// Notes reads all checkpoints in the order of their files.
func (d Dir) Notes() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(string(d), "*"+dirSuffix))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var notes []string
	for _, file := range files {
		list, err := ReadNotes(file)
		if err != nil {
			return nil, err
		}
		notes = append(notes, list...)
	}
	return notes, nil
}

// ReadNotes reads a file of checkpoints, or a directory of such files.
func ReadNotes(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return Dir(path).Notes()
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return SplitNotes(f)
}

// Last is the checkpoint that was written last; nil for none yet. The very last
// may have been cut off by a crash: then it is the one before.
func (d Dir) Last(keys Keys) (*Checkpoint, error) {
	notes, err := d.Notes()
	if err != nil || len(notes) == 0 {
		return nil, err
	}
	trust, err := keys.Trust(notes...)
	if err != nil {
		return nil, err
	}
	for _, signed := range slices.Backward(notes[max(0, len(notes)-2):]) {
		var c Checkpoint
		if c, err = trust.Open(signed); err == nil {
			return &c, nil
		}
	}
	return nil, err
}

// Checkpoints lists those beyond a size, the smallest first.
func Checkpoints(tx db.Tx, size int64, limit int) ([]string, error) {
	var notes []string
	err := tx.Select(&notes, `select note from audit_checkpoint where size > $1 order by size limit $2`, size, limit)
	return notes, err
}
