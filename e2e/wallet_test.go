package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

type object = map[string]any

// wallet is a wallet that nobody here wrote: see node/wallet.mjs.
func wallet(t *testing.T, s *System, command object) (object, error) {
	t.Helper()
	in, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "wallet.mjs")
	cmd.Dir = "node"
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = os.Environ()
	if s.tls {
		cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+filepath.Join(s.dir, "tls", "ca.pem"))
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New(stderr.String())
	}
	var answer object
	return answer, json.Unmarshal(out, &answer)
}

func must(t *testing.T, s *System, command object) object {
	t.Helper()
	answer, err := wallet(t, s, command)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// offer makes an offer at the counter: its address and transaction code.
func (s *System) offer(t *testing.T, person, kind string) (string, string) {
	t.Helper()
	lines := strings.Split(s.run(t, "offer", "--person", person, "--type", kind), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("the offer is %q", lines)
	}
	return lines[0], lines[1]
}

// TestWallet takes offers into a foreign wallet, over http and over https with
// the private authority, with Bearer and with DPoP, one copy and ten, and
// verifies them with foreign libraries: signature, chain, disclosures, key
// binding, type metadata, status.
func TestWallet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, person, kind string
		args               []string
		dpop               bool
		copies             int
		claims             []string
	}{
		{"household", "amina", "household-registration", nil, false, 1, []string{"household_size", "district"}},
		{"eligibility with DPoP, ten copies", "amina", "programme-eligibility", nil, true, 10, []string{"programme", "decision_reference"}},
		{"over TLS", "amina", "household-registration", []string{"--tls=dev"}, true, 2, []string{"household_reference"}},
		{"protected household", "leila", "household-registration", nil, true, 1, []string{"household_size"}},
		{"person", "tomas", "person-registration", nil, true, 1, []string{"full_name", "birth_date"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s *System
			if c.args != nil {
				s = ownSystem(t, c.args...)
			} else {
				s = sharedSystem(t)
			}
			link, code := s.offer(t, c.person, c.kind)
			got := must(t, s, object{"do": "get", "offer": link, "txCode": code, "dpop": c.dpop, "copies": c.copies, "notify": "credential_accepted"})
			if want := map[bool]string{true: "DPoP", false: "Bearer"}[c.dpop]; got["tokenType"] != want {
				t.Errorf("the token is %v", got["tokenType"])
			}
			list := got["credentials"].([]any)
			if len(list) != c.copies {
				t.Fatalf("%d copies", len(list))
			}
			root := s.run(t, "keys", "root")
			seen := map[string]bool{}
			for _, item := range list {
				copied := item.(object)
				v := must(t, s, object{"do": "verify", "credential": copied["credential"], "key": copied["key"], "root": root, "disclose": c.claims})
				checkVerified(t, s, v, c.kind, c.claims)
				index := v["claims"].(object)["status"].(object)["status_list"].(object)["idx"]
				if mark := jsonOf(t, index); seen[mark] {
					t.Error("two copies share a status index")
				} else {
					seen[mark] = true
				}
				if c.person == "leila" && strings.Contains(v["type"].(object)["vct"].(string), "household") {
					if n := strings.Count(copied["credential"].(string), "~"); n != 4 { // three claims, not four
						t.Errorf("a protected household has %d disclosures", n-1)
					}
				}
			}
		})
	}
}

func checkVerified(t *testing.T, s *System, v object, kind string, claims []string) {
	t.Helper()
	if v["status"] != "valid" {
		t.Errorf("the status is %v", v["status"])
	}
	h, p := v["header"].(object), v["claims"].(object)
	if h["typ"] != "dc+sd-jwt" || h["alg"] != "ES256" {
		t.Errorf("the header is %v", h)
	}
	if p["iss"] != s.issuer() || p["vct"] != s.issuer()+"/vct/"+kind+"/1" {
		t.Errorf("iss %v, vct %v", p["iss"], p["vct"])
	}
	for _, name := range []string{"iat", "exp"} {
		if seconds := p[name].(float64); int64(seconds)%86400 != 0 {
			t.Errorf("%s tells the time of day", name)
		}
	}
	for _, name := range claims {
		if p[name] == nil {
			t.Errorf("%s was not disclosed", name)
		}
	}
	if jwk := p["cnf"].(object)["jwk"].(object); jwk["kid"] != nil || jwk["d"] != nil || len(jwk) != 4 {
		t.Errorf("the key is %v", jwk)
	}
	if v["type"] == nil {
		t.Error("the vct does not lead to type metadata")
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRevocation has the credential officer end a credential: a foreign verifier
// sees it at the first look, and so does its holder.
func TestRevocation(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	link, code := s.offer(t, "amina", "household-registration")
	got := must(t, s, object{"do": "get", "offer": link, "txCode": code, "dpop": true, "copies": 3})
	ref := s.sql(t, `select ref from credential`)

	officer := newBrowser(t, "revocation-officer", s.admin(), "en", true)
	officer.staffSignIn("credential")
	officer.at("/credentials")
	officer.fill("ref", ref)
	officer.next0()
	officer.look("found")
	officer.pressText("Revoke")
	officer.next()
	officer.says("Choose why")
	officer.look("revoke-error")
	officer.choose("reason", "lost_device")
	officer.next()
	officer.says("Revoked")

	root := s.run(t, "keys", "root")
	for _, item := range got["credentials"].([]any) {
		copied := item.(object)
		v := must(t, s, object{"do": "verify", "credential": copied["credential"], "key": copied["key"], "root": root})
		if v["status"] != "revoked" {
			t.Errorf("a copy is still %v", v["status"])
		}
	}

	amina := newBrowser(t, "revocation-amina", s.portal(), "en", true)
	amina.open("/sign-in?to=/credentials")
	amina.signIn("amina")
	amina.says("Revoked", "The phone was lost.")
	amina.look("revoked")
}
