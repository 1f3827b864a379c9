package seal

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func leafOf(i int64) Hash { return tlog.RecordHash([]byte(fmt.Sprint("entry ", i))) }

// The tree is that of RFC 6962: the same heads as golang.org/x/mod's, at every
// size around the tiles' edges.
func TestEdgeIsTheTreeOfRFC6962(t *testing.T) {
	t.Parallel()
	var e edge
	if e.root() != sha256.Sum256(nil) {
		t.Error("an empty tree has another head")
	}
	var stored []Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		list := make([]Hash, len(indexes))
		for i, x := range indexes {
			list[i] = stored[x]
		}
		return list, nil
	})
	var nodes []node
	for n := int64(0); n < 70_000; n++ {
		more, err := tlog.StoredHashesForRecordHash(n, leafOf(n), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		nodes = append(nodes, e.add(leafOf(n))...)
		if size := n + 1; size < 600 || size%997 == 0 || size > 65_530 && size < 65_545 {
			want, err := tlog.TreeHash(size, reader)
			if err != nil || e.root() != want {
				t.Fatalf("the head of %d leaves is %v instead of %v (%v)", size, e.root(), want, err)
			}
		}
	}
	if len(nodes) != 70_000/256+1 {
		t.Errorf("%d tiles were completed", len(nodes))
	}
	for _, n := range nodes {
		if want := stored[tlog.StoredHashIndex(n.level*tileHeight, n.idx)]; n.hash != want {
			t.Errorf("node %d of level %d is %v instead of %v", n.idx, n.level, n.hash, want)
		}
	}
}
