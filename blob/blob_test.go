package blob_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"daftar/blob"
	"daftar/fault"
)

const key = "019cadc6-9a80-7ba3-8784-cf9349adf53a"

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "blobs")
	d, err := blob.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{[]byte("photo"), {}, bytes.Repeat([]byte("x"), 1<<20)} {
		if err := d.Put(key, content); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Get(key); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	// Nobody else on the machine reads it, and nothing half-written stays.
	files := 0
	if err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		info, _ := e.Info()
		if e.IsDir() && info.Mode().Perm() != 0o700 || !e.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if !e.IsDir() {
			files++
		}
		return err
	}); err != nil || files != 1 {
		t.Error(files, err)
	}
	again, err := blob.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Get(key); err != nil {
		t.Error("opened again: ", err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d, err := blob.OpenDir(filepath.Join(root, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "../secret", "x/../../secret", "/etc/passwd", key + "\n", key + "\x00", key[:35], key + "0", "019CADC6-9A80-7BA3-8784-CF9349ADF53A",
		"../../../../../../../../../../etc/pas"} {
		if _, err := d.Get(bad); !fault.Is(err, fault.NotFound) {
			t.Errorf("get %q: %v", bad, err)
		}
		if err := d.Put(bad, nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("put %q: %v", bad, err)
		}
	}
	if _, err := d.Get(key); !fault.Is(err, fault.NotFound) {
		t.Error("one that was never put: ", err)
	}
}
