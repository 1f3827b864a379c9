package db

import (
	"encoding/binary"
	"io"
	"time"

	"github.com/google/uuid"
)

// ID is a row's primary key: a UUID of version 7 (RFC 9562 section 5.7), so
// that new rows land together in the index and no sequence is shared. It is
// never shown: people see references (registry.Ref).
type ID = uuid.UUID

// NewID makes an identifier for the instant now from random.
func NewID(now time.Time, random io.Reader) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	mustRead(random, id[6:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

func mustRead(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic("no random bytes: " + err.Error()) // the operating system's source does not fail
	}
}

// IDs makes identifiers for many rows of one transaction, each greater than the
// one before: they are appended to an index, not scattered over it (RFC 9562
// section 6.2, method 1: 26 bits count).
func (t Tx) IDs() func() ID {
	count := uint32(0)
	var b [8]byte
	return func() ID {
		mustRead(t.db.rand, b[:])
		var id ID
		binary.BigEndian.PutUint64(id[:8], uint64(t.now.UnixMilli())<<16|uint64(count>>14&0xfff))
		copy(id[8:], b[:])
		id[6] |= 0x70
		id[8], id[9] = 0x80|byte(count>>8)&0x3f, byte(count)
		count++
		return id
	}
}
