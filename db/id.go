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
