package seal_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"daftar/seal"
)

// softHSM is a token of its own, with a key pair in it, and the commands that use
// it: the private key never leaves the module.
func softHSM(t *testing.T) *seal.Outside {
	t.Helper()
	module := ""
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			module = path
		}
	}
	for _, tool := range []string{"softhsm2-util", "pkcs11-tool", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil || module == "" {
			t.Skip("SoftHSM, OpenSC or OpenSSL is not installed")
		}
	}
	dir := t.TempDir()
	conf, public := filepath.Join(dir, "softhsm2.conf"), filepath.Join(dir, "public.der")
	if err := os.Mkdir(filepath.Join(dir, "tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+filepath.Join(dir, "tokens")+"\nobjectstore.backend = file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := []string{"env", "SOFTHSM2_CONF=" + conf, "PIN=1234"}
	tool := append(with, "pkcs11-tool", "--module", module, "--token-label", "daftar", "--id", "01")
	for _, command := range [][]string{
		append(with, "softhsm2-util", "--init-token", "--free", "--label", "daftar", "--pin", "1234", "--so-pin", "5678"),
		append(tool, "--login", "--pin", "env:PIN", "--keypairgen", "--key-type", "rsa:2048"),
		append(tool, "--read-object", "--type", "pubkey", "--output-file", public),
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	o, err := seal.NewOutside(
		"openssl pkeyutl -encrypt -pubin -keyform DER -inkey "+public+" -pkeyopt rsa_padding_mode:oaep",
		strings.Join(append(tool, "--login", "--pin", "env:PIN", "--decrypt", "--mechanism", "RSA-PKCS-OAEP", "--hash-algorithm", "SHA-1"), " "))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The class keys are of no use to whoever has their file and not the module; what
// was sealed before it came is read with it, and after a rotation.
func TestClassKeysInAHardwareModule(t *testing.T) {
	t.Parallel()
	hsm := softHSM(t)
	path := filepath.Join(t.TempDir(), "seal.json")
	if err := seal.MakeRing(path, nil); err != nil {
		t.Fatal(err)
	}
	before, err := seal.OpenRing(path, hsm)
	if err != nil {
		t.Fatal(err)
	}
	if !before.InClear() {
		t.Error("nobody says that the file is in the clear")
	}
	about := []byte("case 1")
	wrapped, _, err := before.Wrap(seal.Case, []byte("a key of a case, of 32 bytes ...."), about)
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Add(); err != nil {
		t.Fatal(err)
	}
	if before.InClear() {
		t.Error("it is in the clear after the rotation")
	}
	if raw, err := os.ReadFile(path); err != nil || !bytes.Contains(raw, []byte("encryptedKeyset")) {
		t.Errorf("the file: %v %s", err, raw)
	}
	after, err := seal.OpenRing(path, hsm)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := after.Unwrap(seal.Case, wrapped, about); err != nil || string(key) != "a key of a case, of 32 bytes ...." {
		t.Error("what was wrapped before: ", err)
	}

	if _, err := seal.OpenRing(path, nil); err == nil || !strings.Contains(err.Error(), "kept outside") {
		t.Error("without the module: ", err)
	}
	if _, err := seal.OpenRing(path, softHSM(t)); err == nil {
		t.Error("another module opens it")
	}
	// A module that does not answer changes nothing.
	gone := &seal.Outside{Wrap: hsm.Wrap, Unwrap: []string{"false"}}
	if err := seal.MakeRing(filepath.Join(filepath.Dir(path), "new.json"), gone); err == nil {
		t.Error("keys were made that nobody could open")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "new.json")); err == nil {
		t.Error("and written")
	}
}

// A pair of commands that does not give back what it got is found out before a key
// is used.
func TestCommandsThatDoNotWrap(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*seal.Outside{
		"nothing wrapped": {Wrap: []string{"cat"}, Unwrap: []string{"cat"}},
		"not given back":  {Wrap: []string{"base64"}, Unwrap: []string{"cat"}},
		"no such command": {Wrap: []string{"/nonexistent"}, Unwrap: []string{"cat"}},
	} {
		if err := seal.MakeRing(filepath.Join(t.TempDir(), "seal.json"), o); err == nil {
			t.Error(name)
		}
	}
	if _, err := seal.NewOutside("base64", ""); err == nil {
		t.Error("one command of two")
	}
	if o, err := seal.NewOutside("", ""); o != nil || err != nil {
		t.Error("none: ", err)
	}
}
