package seal

import (
	"bufio"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a head of the tree as it was signed (C2SP tlog-checkpoint in a
// C2SP signed-note).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
	Note   string // the whole of it, signatures included
}

// text is what is signed: origin, size and root, a line each.
func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// Keys are the log's Ed25519 keys: those that sign, and the public halves of
// those that did before.
type Keys struct {
	Signing []crypto.Signer
	Retired []ed25519.PublicKey
}

// sign makes a checkpoint signed by every signing key: while there are two,
// whoever trusts the older learns of the newer.
func (k Keys) sign(origin string, size int64, root Hash) (Checkpoint, error) {
	c := Checkpoint{Origin: origin, Size: size, Root: root}
	var signers []note.Signer
	for _, s := range k.Signing {
		signers = append(signers, signer{origin, s})
	}
	if len(signers) == 0 {
		return c, errors.New("no key signs the audit log")
	}
	signed, err := note.Sign(&note.Note{Text: c.text()}, signers...)
	c.Note = string(signed)
	return c, err
}

// Lines are the public keys as C2SP signed-note writes them ("vkey"), the
// newest last: what a second party keeps.
func (k Keys) Lines(origin string) ([]string, error) {
	var lines []string
	add := func(public crypto.PublicKey) error {
		key, ok := public.(ed25519.PublicKey)
		if !ok {
			return fmt.Errorf("an audit key is %T and not Ed25519", public)
		}
		line, err := note.NewEd25519VerifierKey(origin, key)
		lines = append(lines, line)
		return err
	}
	for _, public := range k.Retired {
		if err := add(public); err != nil {
			return nil, err
		}
	}
	for _, s := range k.Signing {
		if err := add(s.Public()); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// Trust are the keys of the logs whose names notes begin with. A log gets another
// name when entries were lost for good, and keeps its keys.
func (k Keys) Trust(notes ...string) (Trust, error) {
	var lines, origins []string
	for _, n := range notes {
		if origin := originOf(n); origin != "" && !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	for _, origin := range origins {
		more, err := k.Lines(origin)
		if err != nil {
			return Trust{}, err
		}
		lines = append(lines, more...)
	}
	return NewTrust(lines)
}

func originOf(signed string) string {
	origin, _, _ := strings.Cut(signed, "\n")
	return origin
}

// signer signs with a key that may live elsewhere. The note's key hash is that
// of C2SP signed-note for Ed25519.
type signer struct {
	origin string
	key    crypto.Signer
}

// Name is the key's name in the signature's line, which is the origin.
func (s signer) Name() string { return s.origin }

// KeyHash tells keys of one name apart.
func (s signer) KeyHash() uint32 {
	public, ok := s.key.Public().(ed25519.PublicKey)
	if !ok {
		return 0
	}
	line, err := note.NewEd25519VerifierKey(s.origin, public)
	if err != nil {
		return 0
	}
	b, err := hex.DecodeString(strings.Split(line, "+")[1])
	if err != nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// Sign signs a note's text.
func (s signer) Sign(text []byte) ([]byte, error) { return s.key.Sign(nil, text, crypto.Hash(0)) }

// Trust are the public keys whose checkpoints are believed.
type Trust struct{ keys note.Verifiers }

// NewTrust reads public keys, a line each.
func NewTrust(lines []string) (Trust, error) {
	var list []note.Verifier
	for _, line := range lines {
		v, err := note.NewVerifier(strings.TrimSpace(line))
		if err != nil {
			return Trust{}, fmt.Errorf("%q is no key of a log", line)
		}
		list = append(list, v)
	}
	return Trust{note.VerifierList(list...)}, nil
}

// ErrCheckpoint says that a checkpoint cannot be believed.
var ErrCheckpoint = errors.New("checkpoint")

// Open reads a checkpoint and checks that a trusted key signed it.
func (t Trust) Open(signed string) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), t.keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: no trusted key signed it", ErrCheckpoint)
	}
	c := Checkpoint{Note: signed}
	lines := strings.SplitN(n.Text, "\n", 4)
	if len(lines) < 4 {
		return c, fmt.Errorf("%w: not three lines", ErrCheckpoint)
	}
	c.Origin = lines[0]
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return c, fmt.Errorf("%w: the size is no number", ErrCheckpoint)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return c, fmt.Errorf("%w: the root is no hash", ErrCheckpoint)
	}
	c.Size, c.Root = size, root
	return c, nil
}

// SplitNotes reads signed notes that were written one after the other. What was
// cut off in the middle, and ends with an empty line, is left out.
func SplitNotes(r io.Reader) ([]string, error) {
	const signature = "— " // C2SP signed-note: the line of a signature begins so
	var notes []string
	var b strings.Builder
	signed, empty := false, false // there was a signature; the last line was empty
	end := func() {
		if signed {
			notes = append(notes, b.String())
		}
		b.Reset()
		signed = false
	}
	in := bufio.NewScanner(r)
	for in.Scan() {
		line := in.Text()
		isSignature := strings.HasPrefix(line, signature)
		if (signed || empty) && !isSignature {
			end()
		}
		empty = line == ""
		if b.Len() == 0 && line == "" {
			continue
		}
		signed = signed || isSignature
		b.WriteString(line + "\n")
	}
	end()
	return notes, in.Err()
}
