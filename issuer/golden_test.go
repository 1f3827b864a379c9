package issuer_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"daftar/jose"
	"daftar/registry/credentials"
)

var update = flag.Bool("update", false, "write testdata anew")

// schemas are those of the OpenID Foundation's conformance suite. They are not
// part of this repository: where they are absent, the golden files alone speak.
const schemas = "../../shared/data/openid-schemas"

// golden compares a document with its file, member by member.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(got); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs (run with -update and review):\n%s", file, b.Bytes())
	}
}

func conforms(t *testing.T, schema string, document []byte) {
	t.Helper()
	file := filepath.Join(schemas, schema)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return
	}
	compiled, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("%s: %v", schema, err)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	documents := map[string]struct{ path, schema string }{
		"credential-issuer.json":    {"/.well-known/openid-credential-issuer", "oid4vci/credential_issuer_metadata-1_0.json"},
		"authorization-server.json": {"/.well-known/oauth-authorization-server", "rfc8414/oauth_authorization_server_metadata.json"},
		"jwt-vc-issuer.json":        {"/.well-known/jwt-vc-issuer", ""},
		"offer.json":                {"/offers/" + o.Ref, "oid4vci/credential_offer-1_0.json"},
	}
	for _, c := range credentials.Types() {
		documents["vct-"+c.ID+".json"] = struct{ path, schema string }{"/vct/" + c.ID + "/1", "sdjwtvc/type_metadata.json"}
	}
	for name, c := range documents {
		a := s.get(t, c.path)
		if a.status != 200 {
			t.Errorf("%s: %d", c.path, a.status)
		}
		golden(t, name, a.json)
		if c.schema != "" {
			conforms(t, c.schema, a.raw)
		}
	}
	same := s.get(t, "/.well-known/openid-configuration")
	if other := s.get(t, "/.well-known/oauth-authorization-server"); !bytes.Equal(same.raw, other.raw) {
		t.Error("the server describes itself in two ways")
	}
	if a := s.get(t, "/.well-known/openid-credential-issuer"); a.header.Get("Cache-Control") != "public, max-age=300" {
		t.Error("metadata: ", a.header)
	}
}

// decoded is a credential as a reader of the golden file sees it. The signature
// is random and is checked; the certificate's is too.
type decoded struct {
	Header      object `json:"header"`
	Payload     object `json:"payload"`
	Disclosures []any  `json:"disclosures"`
}

func (s *system) decode(t *testing.T, credential string) decoded {
	t.Helper()
	parts := strings.Split(credential, "~")
	if parts[len(parts)-1] != "" {
		t.Fatal("an issuer sends no key binding")
	}
	h, err := jose.ParseHeader(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(h.X5c[0])
	if err != nil || len(h.X5c) != 1 {
		t.Fatal(err, len(h.X5c))
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	block, _ := pem.Decode(s.root)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(root)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: s.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Fatal(err)
	}
	var d decoded
	if err := jose.Verify(parts[0], leaf.PublicKey, []string{"ES256"}, &d.Payload); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(parts[0], ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d.Header); err != nil {
		t.Fatal(err)
	}
	d.Header["x5c"] = []string{leaf.Subject.String() + " by " + leaf.Issuer.String()}
	for _, part := range parts[1 : len(parts)-1] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		var disclosure any
		if err := json.Unmarshal(raw, &disclosure); err != nil {
			t.Fatal(err)
		}
		d.Disclosures = append(d.Disclosures, disclosure)
	}
	return d
}

// issue is a credential of a type for somebody, in n copies.
func (s *system) issue(t *testing.T, key, typeID string, n int) (copies []string, notification, token string) {
	t.Helper()
	token = s.token(t, key, typeID)
	nonce := s.nonce(t)
	var proofs []string
	for i := range n {
		proofs = append(proofs, s.proof(t, byte(i+1), nonce))
	}
	a := s.send(t, "/credential", token, ask(typeID, proofs...))
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	list, _ := a.json["credentials"].([]any)
	for _, item := range list {
		copies = append(copies, item.(object)["credential"].(string))
	}
	if len(copies) != n {
		t.Fatalf("%d copies, asked for %d", len(copies), n)
	}
	return copies, a.str("notification_id"), token
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ who, typeID string }{
		{"amina", credentials.HouseholdRegistration},
		{"amina", credentials.ProgrammeEligibility},
		{"amina", credentials.PersonRegistration},
		{"leila", credentials.HouseholdRegistration}, // where she lives is told to nobody
	} {
		s := newSystem(t)
		copies, _, _ := s.issue(t, c.who, c.typeID, 1)
		golden(t, "credential-"+c.who+"-"+c.typeID+".json", s.decode(t, copies[0]))
	}
}

// Copies of one request share what they say and nothing that a verifier could
// recognise the holder by (RFC 9901 section 10.1).
func TestCopiesCannotBeLinked(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.clock.Add(3*3600e9 + 17e9)
	copies, _, _ := s.issue(t, "amina", credentials.HouseholdRegistration, 10)
	seen := map[string]string{}
	once := func(what string, value any) {
		t.Helper()
		raw, _ := json.Marshal(value)
		if other, twice := seen[string(raw)]; twice {
			t.Errorf("%s %s is also %s", what, raw, other)
		}
		seen[string(raw)] = what
	}
	for _, c := range copies {
		d := s.decode(t, c)
		once("key", d.Payload["cnf"])
		once("status", d.Payload["status"])
		for _, digest := range d.Payload["_sd"].([]any) {
			once("digest", digest)
		}
		for _, disclosure := range d.Disclosures {
			once("salt", disclosure.([]any)[0])
		}
		for _, name := range []string{"iat", "exp"} {
			if at := int64(d.Payload[name].(float64)); at%86400 != 0 {
				t.Errorf("%s is %d: not a whole day", name, at)
			}
		}
		for _, name := range []string{"sub", "jti", "household_reference", "full_name"} {
			if d.Payload[name] != nil {
				t.Errorf("%s is for everybody to see", name)
			}
		}
	}
}
