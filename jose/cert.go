package jose

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"time"
)

// Authority is a private certificate authority: the root that verifiers trust
// is published apart and is never part of a chain (HAIP 1.0 section 6.1.1).
type Authority struct {
	store *Store
	key   *Key
	cert  *x509.Certificate
}

// Authority returns the authority of a name, made on first use. now dates its
// certificate.
func (s *Store) Authority(name, commonName string, now time.Time) (*Authority, error) {
	key, err := s.Key(name)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(key.Public(), commonName),
		Subject:               pkix.Name{CommonName: commonName, Organization: []string{"Daftar"}},
		NotBefore:             now.Add(-time.Hour).Truncate(24 * time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := s.cert(name, func() ([]byte, error) {
		return x509.CreateCertificate(rand.Reader, template, template, key.Public(), key.signer)
	})
	return &Authority{store: s, key: key, cert: cert}, err
}

// PEM is the root certificate, the trust anchor to hand out.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Leaf returns the key of a name with a certificate of the authority for
// signing documents, made on first use and made again when fewer than 30 days
// are left.
//
// The certificate names the issuer, an https or http origin, as URI and as host:
// verifiers compare iss with either (SD-JWT VC section 3.5).
func (a *Authority) Leaf(name, commonName, issuer string, now time.Time) (*Key, *x509.Certificate, error) {
	key, err := a.store.Key(name)
	if err != nil {
		return nil, nil, err
	}
	origin, err := url.Parse(issuer)
	if err != nil {
		return nil, nil, err
	}
	file := name + "-" + strings.NewReplacer("://", "-", ":", "-").Replace(issuer) // an issuer that moves gets a new one
	cert, err := a.issue(file, key, &x509.Certificate{
		Subject:  pkix.Name{CommonName: commonName, Organization: []string{"Daftar"}},
		URIs:     []*url.URL{origin},
		DNSNames: []string{origin.Hostname()},
		KeyUsage: x509.KeyUsageDigitalSignature,
		NotAfter: now.AddDate(3, 0, 0), // outlives the credentials it signs
	}, now)
	return key, cert, err
}

// Server returns a TLS certificate for hosts.
func (a *Authority) Server(name string, hosts []string, now time.Time) (tls.Certificate, error) {
	key, err := a.store.Key(name)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: hosts[0]},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotAfter:    now.AddDate(1, 0, 0),
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	cert, err := a.issue(name, key, template, now)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key.signer, Leaf: cert}, nil
}

func (a *Authority) issue(name string, key *Key, template *x509.Certificate, now time.Time) (*x509.Certificate, error) {
	template.NotBefore = now.Add(-time.Hour).Truncate(24 * time.Hour)
	create := func() ([]byte, error) {
		template.SerialNumber = serial(key.Public(), template.NotBefore.String())
		return x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key.signer)
	}
	// One file per year: copies of the server agree without talking.
	file := fmt.Sprintf("%s-%d", name, now.Year())
	cert, err := a.store.cert(file, create)
	if err != nil {
		return nil, err
	}
	if now.After(cert.NotAfter.AddDate(0, 0, -30)) || now.Before(cert.NotBefore) {
		return a.store.cert(fmt.Sprintf("%s-%s", name, now.Format("2006-01")), create)
	}
	return cert, nil
}

func (s *Store) cert(name string, create func() ([]byte, error)) (*x509.Certificate, error) {
	raw, err := s.once(name+".cert.pem", func() ([]byte, error) {
		der, err := create()
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
	})
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("certificate %s: %w", name, errNoKey)
	}
	return x509.ParseCertificate(block.Bytes)
}

// X5C is a certificate as a header's x5c member takes it.
func X5C(certs ...*x509.Certificate) []string {
	var out []string
	for _, c := range certs {
		out = append(out, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return out
}

// serial derives a positive 120-bit number, so that making the same
// certificate twice at once does no harm.
func serial(public crypto.PublicKey, salt string) *big.Int {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(errors.Join(err, errNoKey)) // our own keys
	}
	sum := sha256.Sum256(append(der, salt...))
	return new(big.Int).SetBytes(sum[:15])
}
