package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key signs. Anything with a crypto.Signer can be one; the ones here are kept
// in files.
type Key struct {
	ID     string // thumbprint of the public key
	Alg    string // ES256 or RS256
	signer crypto.Signer
}

// Public is the public half.
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// NewKey makes a Key of a signer.
func NewKey(signer crypto.Signer) (*Key, error) {
	k := &Key{signer: signer}
	switch p := signer.Public().(type) {
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return nil, errors.New("EC keys must be on P-256")
		}
		k.Alg = "ES256"
	case *rsa.PublicKey:
		k.Alg = "RS256"
	default:
		return nil, fmt.Errorf("cannot sign with %T", p)
	}
	k.ID = PublicJWK(signer.Public()).Thumbprint()
	return k, nil
}

// GenerateKey makes a P-256 key that lives in memory only.
func GenerateKey() (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return NewKey(private)
}

// Store keeps keys and secrets as files in a directory that only its owner can
// enter.
type Store struct{ dir string }

// OpenStore opens or makes the directory, mode 0700.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Store{dir: dir}, os.Chmod(dir, 0o700)
}

// Key returns the P-256 key of a name, made on first use.
func (s *Store) Key(name string) (*Key, error) {
	return s.key(name, func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
}

// RSAKey returns the 2048-bit RSA key of a name, made on first use.
func (s *Store) RSAKey(name string) (*Key, error) {
	return s.key(name, func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })
}

// Ed25519 returns the Ed25519 key of a name, made on first use. It signs no
// tokens: the audit log's heads are not JOSE.
func (s *Store) Ed25519(name string) (crypto.Signer, error) {
	return s.signer(name, func() (crypto.Signer, error) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	})
}

func (s *Store) key(name string, generate func() (crypto.Signer, error)) (*Key, error) {
	signer, err := s.signer(name, generate)
	if err != nil {
		return nil, err
	}
	return NewKey(signer)
}

func (s *Store) signer(name string, generate func() (crypto.Signer, error)) (crypto.Signer, error) {
	raw, err := s.once(name+".key.pem", func() ([]byte, error) {
		private, err := generate()
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
	})
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("key %s: %w", name, errNoKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key %s cannot sign", name)
	}
	return signer, nil
}

// Retire replaces a key by its public half, which still verifies what it signed.
func (s *Store) Retire(name string) error {
	signer, err := s.signer(name, func() (crypto.Signer, error) { return nil, fmt.Errorf("key %s: %w", name, fs.ErrNotExist) })
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return err
	}
	if _, err := s.once(name+".pub.pem", func() ([]byte, error) {
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
	}); err != nil {
		return err
	}
	return os.Remove(filepath.Join(s.dir, name+".key.pem"))
}

// Retired returns the public half of a key that Retire took away.
func (s *Store) Retired(name string) (crypto.PublicKey, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, name+".pub.pem"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("key %s: %w", name, errNoKey)
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// Secret returns the 32 random bytes of a name, made on first use.
func (s *Store) Secret(name string) ([]byte, error) {
	return s.once(name+".secret", func() ([]byte, error) {
		b := make([]byte, 32)
		_, err := rand.Read(b)
		return b, err
	})
}

// Names lists the files of the store.
func (s *Store) Names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// once reads a file, or makes it. Two processes that make it at the same time
// end with the same content: the first link wins.
func (s *Store) once(name string, make func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(s.dir, name)
	b, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	content, err := make()
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(s.dir, "."+name+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(content); err != nil {
		return nil, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
