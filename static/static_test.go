package static_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"daftar/static"
)

func TestAssets(t *testing.T) {
	t.Parallel()
	assets := static.Load()
	for name, a := range assets {
		r, err := gzip.NewReader(bytes.NewReader(a.Gzip))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, a.Plain) || len(b) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if found, ok := assets.Find(assets.URL(name)); !ok || found.Type == "" {
			t.Errorf("%s is not found at its own address", name)
		}
		if strings.HasSuffix(name, ".css") && bytes.Contains(a.Plain, []byte("url(http")) {
			t.Errorf("%s fetches from elsewhere", name)
		}
		if base, ok := strings.CutSuffix(name, ".rtl.css"); ok && assets[base+".css"].Plain == nil {
			t.Errorf("%s mirrors nothing", name)
		}
	}
	for _, address := range []string{"", "/assets/", "/assets/portal.css", "/assets/x/portal.css", "/assets//portal.css", assets.URL("portal.css") + "x", assets.URL("nothing.css"), assets.URL("../static.go")} {
		if _, ok := assets.Find(address); ok {
			t.Errorf("%q is found", address)
		}
	}
}
