// Package statuslist writes Token Status Lists (draft-ietf-oauth-status-list)
// with one bit per token.
package statuslist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
)

// List is a status list of one bit per entry: 0 valid, 1 invalid.
type List struct{ bits []byte }

// New makes a list of size entries, all valid. size is a multiple of 8.
func New(size int) *List { return &List{bits: make([]byte, size/8)} }

// Invalidate sets an entry to 1. The first entry is the least significant bit
// of the first byte (section 4.1).
func (l *List) Invalidate(i int) error {
	if i < 0 || i >= 8*len(l.bits) {
		return fmt.Errorf("status index %d is outside the list", i)
	}
	l.bits[i/8] |= 1 << (i % 8)
	return nil
}

// Invalid reports whether an entry is 1.
func (l *List) Invalid(i int) bool { return l.bits[i/8]&(1<<(i%8)) != 0 }

// Encode is the lst member: the bits compressed with zlib at its best level,
// base64url (section 4.2).
func (l *List) Encode() string {
	var b bytes.Buffer
	w, _ := zlib.NewWriterLevel(&b, zlib.BestCompression) // the level is valid
	_, _ = w.Write(l.bits)                                // a buffer takes everything
	_ = w.Close()
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

// maxBytes bounds what Decode unpacks.
const maxBytes = 1 << 20

// Decode reads an lst member.
func Decode(lst string) (*List, error) {
	packed, err := base64.RawURLEncoding.DecodeString(lst)
	if err != nil {
		return nil, err
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	bits, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(bits) > maxBytes {
		return nil, fmt.Errorf("status list of more than %d bytes", maxBytes)
	}
	return &List{bits: bits}, nil
}
