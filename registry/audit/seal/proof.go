package seal

import (
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"daftar/db"
	"daftar/fault"
)

// Proof shows that an entry is in the log: from its leaf hash, with the hashes
// beside the way up, to a signed head (RFC 6962 section 2.1.1). It says nothing
// about anybody.
type Proof struct {
	Log        string   `json:"log"`
	Leaf       string   `json:"leaf"` // hex
	Index      int64    `json:"index"`
	Size       int64    `json:"size"`
	Path       []string `json:"path"` // hex, from the leaf up
	Checkpoint string   `json:"checkpoint"`
}

// ErrPending says that an entry is written and not sealed yet.
var ErrPending = errors.New("not sealed yet")

// Prove proves the entry of a receipt by its leaf hash, under the newest head or
// that of a size. fault.NotFound: nobody was given such a receipt, or there is
// no such head.
func Prove(tx db.Tx, leaf []byte, size int64) (Proof, error) {
	var at struct {
		Idx *int64 `db:"idx"`
	}
	if err := tx.Get(&at, `
		select l.idx from audit_receipt r left join audit_leaf l on l.event_id = r.event_id and l.at = r.at and l.hash = r.hash
		where r.hash = $1`, leaf); err != nil {
		return Proof{}, err
	}
	var head struct {
		Size int64  `db:"size"`
		Root []byte `db:"root"`
		Note string `db:"note"`
	}
	err := tx.Get(&head, `select size, root, note from audit_checkpoint where size = $1 or $1 = 0 order by size desc limit 1`, size)
	if fault.Is(err, fault.NotFound) && size == 0 || err == nil && at.Idx == nil {
		return Proof{}, ErrPending
	}
	if err != nil {
		return Proof{}, err
	}
	if *at.Idx >= head.Size {
		return Proof{}, fault.Hidden()
	}
	path, err := tlog.ProveRecord(head.Size, *at.Idx, hashes(tx, head.Size, toHash(head.Root)))
	if err != nil {
		return Proof{}, fmt.Errorf("%w: entry %d cannot be proven: %w", ErrBroken, *at.Idx, err)
	}
	p := Proof{Leaf: hex.EncodeToString(leaf), Index: *at.Idx, Size: head.Size, Path: []string{}, Checkpoint: head.Note}
	for _, h := range path {
		p.Path = append(p.Path, hex.EncodeToString(h[:]))
	}
	p.Log = originOf(head.Note)
	return p, nil
}

// Check checks a proof against the checkpoint in it, which a trusted key must
// have signed, and returns that.
func (p Proof) Check(trust Trust) (Checkpoint, error) {
	c, err := trust.Open(p.Checkpoint)
	if err != nil {
		return c, err
	}
	leaf, err := hex.DecodeString(p.Leaf)
	if err != nil || len(leaf) != len(Hash{}) {
		return c, errors.New("the leaf is no hash")
	}
	var path tlog.RecordProof
	for _, s := range p.Path {
		h, err := hex.DecodeString(s)
		if err != nil || len(h) != len(Hash{}) {
			return c, errors.New("the path is not made of hashes")
		}
		path = append(path, toHash(h))
	}
	if p.Size != c.Size || p.Index < 0 || p.Index >= c.Size {
		return c, errors.New("the proof is for another checkpoint")
	}
	if err := tlog.CheckRecord(path, c.Size, c.Root, p.Index, toHash(leaf)); err != nil {
		return c, fmt.Errorf("entry %d is not in the log as it was signed", p.Index)
	}
	return c, nil
}

// Tile reads a tile of hashes (C2SP tlog-tiles): level, number and width, which
// is 256 unless it is the last. fault.NotFound when the log has none such.
func Tile(tx db.Tx, level int, n int64, w int) ([]byte, error) {
	if level < 0 || level > 7 || n < 0 || n > 1<<40 || w < 1 || w > width {
		return nil, fault.Hidden()
	}
	nodes, err := read(tx, level, n*width, w)
	if errors.Is(err, ErrBroken) {
		return nil, fault.Hidden()
	}
	var b []byte
	for _, h := range nodes {
		b = append(b, h[:]...)
	}
	return b, err
}
