package importer

import (
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/registry"
)

// item is one record as it is proposed.
type item struct {
	kind   string
	id     db.ID
	base   int
	nature registry.Nature
	reason string
	on     string // since when it is so in the world; ""
	data   []byte
}

// items writes the items of a change, so many at once, while the next are being
// made. Until settle was called the transaction is busy with them.
type items struct {
	tx     db.Tx
	change db.ID
	seq    int
	list   []item
	spare  []item     // the list that was written before
	known  bool       // some are of records that were there before
	under  chan error // tells how the writing ended; nil while nothing is written
}

func (w *items) put(it item) error {
	w.known = w.known || it.base > 0
	if w.list = append(w.list, it); len(w.list) >= chunkRows {
		return w.send()
	}
	return nil
}

var itemColumns = []string{"change_id", "seq", "kind", "subject_id", "base_version", "nature", "reason", "effective_on", "data"}

// send begins to write what was put.
func (w *items) send() error {
	if err := w.settle(); err != nil || len(w.list) == 0 {
		return err
	}
	list, first, under := w.list, w.seq, make(chan error, 1)
	w.list, w.spare, w.under = w.spare[:0], list, under
	w.seq += len(list)
	go func() { under <- w.write(list, first) }()
	return nil
}

// settle waits until what was sent is written.
func (w *items) settle() error {
	if w.under == nil {
		return nil
	}
	err := <-w.under
	w.under = nil
	return err
}

func (w *items) flush() error {
	if err := w.send(); err != nil {
		return err
	}
	return w.settle()
}

func (w *items) write(list []item, seq int) error {
	n := 0
	row := make([]any, len(itemColumns))
	_, err := w.tx.CopyFrom("change_item", itemColumns, pgx.CopyFromFunc(func() ([]any, error) {
		if n == len(list) {
			return nil, nil
		}
		it := &list[n]
		n++
		seq++
		var on any
		if it.on != "" {
			day, err := time.Parse(time.DateOnly, it.on)
			if err != nil {
				return nil, err
			}
			on = day
		}
		row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8] =
			[16]byte(w.change), int32(seq), it.kind, [16]byte(it.id), int32(it.base), string(it.nature), it.reason, on, it.data
		return row, nil
	}))
	return err
}

// seal says that all items are there, with what follows from them.
func (w *items) seal() error {
	if err := w.flush(); err != nil {
		return err
	}
	if w.known {
		if err := registry.Follow(w.tx, w.change); err != nil {
			return err
		}
	}
	return w.tx.Exec(`select seal_change($1)`, w.change)
}
