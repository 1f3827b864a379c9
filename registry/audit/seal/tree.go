// Package seal makes the audit log tamper-evident: every entry becomes a leaf of
// a Merkle tree (RFC 6962), whose heads are signed and given to others. What was
// changed afterwards, by whomever, no longer fits a head that somebody else has.
package seal

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"daftar/db"
)

// Hash is a node of the tree.
type Hash = tlog.Hash

// width is how many nodes a tile is wide (C2SP tlog-tiles); tileHeight its
// height in levels of the tree.
const (
	width      = 256
	tileHeight = 8
)

// edge is the right edge of a growing tree: of each level of tiles, the nodes of
// the tile that is not complete yet.
type edge struct {
	size   int64
	levels [][]Hash
}

// node is the root of a complete tile: what is stored of it, a level up.
type node struct {
	level int
	idx   int64
	hash  Hash
}

// add appends a leaf and returns the tiles that it completes.
func (e *edge) add(leaf Hash) []node {
	e.size++
	var done []node
	for level := 0; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, make([]Hash, 0, width))
		}
		e.levels[level] = append(e.levels[level], leaf)
		if len(e.levels[level]) < width {
			return done
		}
		leaf = perfect(e.levels[level])
		e.levels[level] = e.levels[level][:0]
		span := int64(1) << (tileHeight * (level + 1))
		done = append(done, node{level: level + 1, idx: e.size/span - 1, hash: leaf})
	}
}

// perfect is the root over nodes whose number is a power of two.
func perfect(nodes []Hash) Hash {
	for len(nodes) > 1 {
		next := make([]Hash, len(nodes)/2)
		for i := range next {
			next[i] = tlog.NodeHash(nodes[2*i], nodes[2*i+1])
		}
		nodes = next
	}
	return nodes[0]
}

// root is the tree's head: the complete subtrees, the largest first, joined from
// the right (RFC 6962 section 2.1). That of an empty tree is the hash of nothing.
func (e *edge) root() Hash {
	var root Hash
	empty := true
	for _, nodes := range e.levels {
		for at := len(nodes); at > 0; {
			size := at & -at // the smallest subtree that ends here
			sub := perfect(nodes[at-size : at])
			at -= size
			if empty {
				root, empty = sub, false
			} else {
				root = tlog.NodeHash(sub, root)
			}
		}
	}
	if empty {
		return sha256.Sum256(nil)
	}
	return root
}

// loadEdge reads the edge of the stored tree.
func loadEdge(tx db.Tx, size int64) (edge, error) {
	e := edge{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		count := size >> (tileHeight * level)
		nodes, err := read(tx, level, count/width*width, int(count%width))
		if err != nil {
			return e, err
		}
		e.levels = append(e.levels, append(make([]Hash, 0, width), nodes...))
	}
	return e, nil
}

// read reads n neighbouring nodes of a level of tiles from the first on; it is
// an error when one is missing.
func read(tx db.Tx, level int, first int64, n int) ([]Hash, error) {
	query := `select hash from audit_leaf where $1 = 0 and idx >= $2 and idx < $3 order by idx`
	if level > 0 {
		query = `select hash from audit_node where level = $1 and idx >= $2 and idx < $3 order by idx`
	}
	var rows [][]byte
	if err := tx.Select(&rows, query, level, first, first+int64(n)); err != nil {
		return nil, err
	}
	nodes := make([]Hash, len(rows))
	for i, r := range rows {
		nodes[i] = toHash(r)
	}
	if len(nodes) != n {
		return nil, fmt.Errorf("%w: nodes are missing at level %d between %d and %d", ErrBroken, level, first, first+int64(n))
	}
	return nodes, nil
}

// toHash is a stored hash; what has another length is none.
func toHash(b []byte) (h Hash) {
	if len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}

// tiles reads the stored tree for tlog, which checks what it gets against the
// tree's head.
type tiles struct{ tx db.Tx }

// Height is the height of the stored tiles.
func (t tiles) Height() int { return tileHeight }

// ReadTiles reads tiles of hashes.
func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, tile := range list {
		nodes, err := read(t.tx, tile.L, tile.N*width, tile.W)
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			out[i] = append(out[i], n[:]...)
		}
	}
	return out, nil
}

// SaveTiles does nothing: the database has them.
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// hashes are the nodes of the stored tree under a head.
func hashes(tx db.Tx, size int64, root Hash) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{tx})
}
